"""Against TensorFlow: its fake quantization, and the claims of `parameters_from_range` about its optimizers."""

import numpy as np
import pytest
import tensorflow as tf

from qspec.numerics import dequantize, parameters_from_range, quantize

SEED = 5
WIDTHS = pytest.mark.parametrize(
    ("bits", "narrow"), [(bits, narrow) for bits in (2, 4, 8, 16) for narrow in (False, True)]
)


def with_args(values, low, high, **options):
    return tf.quantization.fake_quant_with_min_max_args(values, low, high, **options)


def with_vars(values, low, high, **options):
    return tf.quantization.fake_quant_with_min_max_vars(values, low, high, **options)


def ranges(count):
    """Ranges around zero, which TensorFlow, unlike us, does not widen."""
    random = np.random.default_rng(SEED)
    return np.stack([-random.uniform(0, 10, count), random.uniform(0, 10, count)]).astype(np.float32)


def compare(values, faked, parameters):
    """TensorFlow's floats are ours, bit for bit, except within float32 noise of a tie, where they are a neighbour's.

    It computes `floor((x - min) · (1 / scale) + 1/2)`: three roundings of numbers up to 2^bits steps.
    """
    codes = quantize(values, parameters).astype(np.int64)
    exact = values.astype(np.float64) / parameters.scale.astype(np.float64)
    noise = (parameters.highest - parameters.lowest + 1) * 2.0**-22
    near_tie = np.abs(exact - np.floor(exact) - 0.5) <= noise
    found = np.rint(faked.astype(np.float64) / parameters.scale) + parameters.zero_point

    assert near_tie.mean() < 3 * noise + 0.005
    assert np.array_equal(dequantize(codes, parameters)[~near_tie], faked[~near_tie])
    assert np.array_equal(dequantize(found.astype(np.int64), parameters), faked)
    assert np.abs(codes - found).max() <= 1


@WIDTHS
@pytest.mark.parametrize("fake", [with_args, with_vars])
def test_fake_quant_per_tensor(fake, bits, narrow):
    for low, high in ranges(25).T:
        parameters = parameters_from_range(low, high, lowest=int(narrow), highest=2**bits - 1, symmetric=False)
        values = np.random.default_rng(SEED).uniform(1.3 * low, 1.3 * high, 1000).astype(np.float32)

        compare(values, fake(values, low, high, num_bits=bits, narrow_range=narrow).numpy(), parameters)


@WIDTHS
def test_fake_quant_per_channel(bits, narrow):
    lows, highs = ranges(20)
    parameters = parameters_from_range(lows, highs, lowest=int(narrow), highest=2**bits - 1, symmetric=False, axis=1)
    values = np.random.default_rng(SEED).uniform(1.3 * lows, 1.3 * highs, (1000, 20)).astype(np.float32)
    faked = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        values, lows, highs, num_bits=bits, narrow_range=narrow
    )

    compare(values, faked.numpy(), parameters)


@pytest.mark.parametrize("reach", [0.3, 1.0, 2.5])
def test_narrow_symmetric_weights(reach):
    """TensorFlow's narrow codes 1 … 255 around a symmetric range are ours from -127 to 127."""
    parameters = parameters_from_range(-reach, reach, lowest=-127, highest=127, symmetric=True)
    values = np.random.default_rng(SEED).uniform(-reach, reach, 5000).astype(np.float32)

    compare(values, with_vars(values, -reach, reach, num_bits=8, narrow_range=True).numpy(), parameters)


@pytest.mark.parametrize("fake", [with_args, with_vars])
def test_fake_quant_takes_ties_up(fake):
    """At a scale of 1/4 nothing rounds but the rule: upwards, where LiteRT goes away from zero or to even."""
    steps = np.arange(-20, 20) + 0.5
    faked = fake((steps / 4).astype(np.float32), -128 / 4, 127 / 4).numpy()

    assert np.array_equal(np.floor(steps + 0.5) / 4, faked)


@pytest.mark.parametrize("compiled", [None, False, True], ids=["eager", "graph", "xla"])
@pytest.mark.parametrize("steps", [3, 15, 127, 254, 255, 32767, 65535])
def test_a_quotient_in_float64_gives_our_scale_everywhere(steps, compiled):
    widths = np.random.default_rng(SEED).uniform(1e-3, 100, 20_000).astype(np.float32)

    def scale(width):
        return tf.cast(tf.cast(width, tf.float64) / steps, tf.float32)

    run = scale if compiled is None else tf.function(scale, jit_compile=compiled)
    parameters = parameters_from_range(np.zeros_like(widths), widths, lowest=0, highest=steps, symmetric=False, axis=0)

    assert np.array_equal(parameters.scale, run(tf.constant(widths)).numpy())
