"""The arithmetic in the graph against the arithmetic in numpy, eagerly and compiled."""

import numpy as np
import pytest
import tensorflow as tf

from qspec.keras.kernels.fake_quantize import fake_quantize, range_parameters, round_codes, round_half_away
from qspec.numerics import fake_quantize as numpy_fake_quantize
from qspec.numerics import parameters_from_range

INT8 = (-128, 127)


MODES = [
    pytest.param(lambda function: function, id="eager"),
    pytest.param(tf.function, id="graph"),
    pytest.param(lambda function: tf.function(function, jit_compile=True), id="xla"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("symmetric", [False, True])
def test_scale_and_zero_point_are_those_of_numerics_bit_for_bit(mode, symmetric):
    generator = np.random.default_rng(7)
    low = -np.exp(generator.normal(0, 3, 2000)).astype(np.float32)
    high = np.exp(generator.normal(0, 3, 2000)).astype(np.float32)
    expected = parameters_from_range(low, high, lowest=-127, highest=127, symmetric=symmetric, axis=0)

    compute = mode(lambda low, high: range_parameters(low, high, (-127, 127), symmetric=symmetric))
    scale, zero_point = compute(tf.constant(low), tf.constant(high))

    assert np.array_equal(expected.scale, scale)
    assert np.array_equal(expected.zero_point, np.asarray(zero_point))


def test_values_are_those_of_numerics_ties_included():
    parameters = parameters_from_range(-2.0, 6.0, lowest=-128, highest=127, symmetric=False)
    ties = (np.arange(-140, 140, 0.5) * parameters.scale).astype(np.float32)
    values = np.concatenate([ties, np.random.default_rng(3).normal(0, 4, 10_000).astype(np.float32)])

    result = fake_quantize(tf.constant(values), parameters.scale, np.float32(parameters.zero_point), INT8)

    assert np.allclose(numpy_fake_quantize(values, parameters), result, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("value", "expected"), [(0.5, 1), (-0.5, -1), (1.5, 2), (2.5, 3), (0.49999997, 0), (-2.5, -3)])
def test_ties_go_away_from_zero(value, expected):
    assert expected == float(round_half_away(tf.constant(value, tf.float32)))


def test_the_gradient_passes_inside_the_range_and_stops_outside():
    values = tf.constant([-10.0, -1.0, 0.0, 1.0, 10.0])

    with tf.GradientTape() as tape:
        tape.watch(values)
        result = fake_quantize(values, tf.constant(2 / 127), tf.constant(0.0), (-127, 127))

    assert [0, 1, 1, 1, 0] == tape.gradient(result, values).numpy().tolist()


def test_codes_are_rounded_with_their_zero_point_where_the_kernel_does():
    # Code -128 stands for 0: the real 2.5 steps are the code -125.5, which goes to -126, or 2 steps.
    value, scale, zero_point = tf.constant([2.5]), tf.constant(1.0), tf.constant(-128.0)

    assert [3.0] == fake_quantize(value, scale, zero_point, INT8).numpy().tolist()
    assert [2.0] == fake_quantize(value, scale, zero_point, INT8, round_codes).numpy().tolist()
