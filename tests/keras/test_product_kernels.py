"""Sums of products as LiteRT's own kernels round them: simulated to the last bit, whatever the widths."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np

import qspec

SAMPLES = np.random.default_rng(3).normal(size=(32, 9, 9, 4)).astype("float32")
KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")


def network() -> keras.Model:
    """Results of both signs, and behind a ReLU."""
    keras.utils.set_random_seed(4)
    image = keras.Input((9, 9, 4))
    x = keras.layers.Conv2D(12, 3, activation="relu")(image)
    x = keras.layers.Conv2D(8, 3, groups=2)(keras.layers.DepthwiseConv2D(3)(x))
    x = keras.layers.Conv2DTranspose(6, 3, strides=2)(x)
    return keras.Model(image, keras.layers.Dense(7)(keras.layers.Flatten()(x)))


@pytest.mark.parametrize("granularity", ["per_channel", "per_tensor"])
@pytest.mark.parametrize(("activations", "least"), [("a8", 1.0), ("a16", 0.995)])
def test_every_kernel_rounds_as_simulated(tmp_path, activations: str, least: float, granularity: str):
    spec = qspec.loads(
        'qspec 1\nimport "std/int8.qspec"\nquantizer a16 extends a8 { type = int16, scheme = symmetric }\n'
        f"default {{ weights = w8(granularity = {granularity}), output = {activations} }}\n"
    )
    result = qspec.quantize(spec, network(), SAMPLES, tmp_path / "m.tflite", samples=SAMPLES)
    products = [tensor for tensor in result.parity.tensors if tensor.op in KINDS]

    assert result.ok
    assert set(KINDS) == {tensor.op for tensor in products}
    # At 16 bits float32 cannot tell all sums apart.
    assert all(tensor.equal >= least for tensor in products), products


@pytest.mark.parametrize("batch", [4, "dynamic"])
def test_inputs_are_quantized_sample_by_sample_in_any_batch(tmp_path, batch):
    spec = qspec.loads(f'qspec 1\nimport "std/int8.qspec"\ndefault {{ weights = w8 }}\ninput {{ batch = {batch} }}\n')
    samples = SAMPLES * np.geomspace(0.1, 10, len(SAMPLES), dtype=np.float32)[:, None, None, None]
    result = qspec.quantize(spec, network(), samples, tmp_path / "m.tflite", samples=samples)

    assert result.ok
    assert all(product.sqnr > 100 for product in result.parity.products)
    assert 5 == len(result.parity.products)


WITH_TIES = {
    "dense": lambda x: keras.layers.Dense(21, use_bias=False)(x),
    "convolution": lambda x: keras.layers.Conv2D(21, 2, use_bias=False)(x),
    "depthwise": lambda x: keras.layers.DepthwiseConv2D(3, use_bias=False)(x),
    "transposed": lambda x: keras.layers.Conv2DTranspose(21, 2, use_bias=False)(x),
    "matmul": lambda x: keras.ops.matmul(x, keras.ops.transpose(x, (0, 1, 3, 2))),
}


@pytest.mark.parametrize("name", WITH_TIES)
def test_sums_between_two_steps_go_where_the_kernel_lets_them_go(tmp_path, name: str):
    """Scales are powers of two, so that of 64 sums one lies between two steps, and float32 holds all of them."""
    generator = np.random.default_rng(6)
    image = keras.Input((5, 5, 21))
    model = keras.Model(image, WITH_TIES[name](image))
    for variable in model.weights:
        variable.assign(generator.integers(-127, 128, variable.shape).astype("float32") / 128)
    spec = qspec.loads(
        'qspec 1\nimport "std/int8.qspec"\ninput { type = int8, range = exact(1/128, 0) }\noutput { type = int8 }\n'
        "default { weights = w8_tensor(range = exact(1/128, 0)), output = a8(range = exact(1/64, 0)) }\n"
    )
    samples = generator.integers(-128, 128, (32, 5, 5, 21)).astype("float32") / 128
    result = qspec.quantize(spec, model, samples, tmp_path / "m.tflite", samples=samples)

    assert {1.0} == {tensor.equal for tensor in result.parity.tensors}
