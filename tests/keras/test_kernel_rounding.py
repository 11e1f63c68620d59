"""Kernels that do not round once, ties away from zero: what is simulated is what LiteRT computes, in every element."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np
from keras import layers as L
from keras import ops

import qspec
from tests.versions import KERAS_OF_THE_ZOOS

SPEC = """qspec 1
import "std/int8.qspec"
input { type = int8 }
output { type = int8 }
default { weights = w8, output = a8 }
"""


def halves(value: Any) -> Any:
    """A sum of two tensors of one scale, whose scale is twice as large: every odd sum lies between two steps."""
    return ops.abs(value) + ops.abs(value)


MAKERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "leaky": ("LEAKY_RELU", lambda value: L.LeakyReLU(0.3)(value)),
    "leaky, steep": ("LEAKY_RELU", lambda value: L.LeakyReLU(1.7)(value)),
    "slopes": ("PRELU", lambda value: L.PReLU("random_uniform", shared_axes=[1, 2])(value)),
    "root": ("SQRT", lambda value: ops.sqrt(ops.square(value) + 0.25)),
    "ties": ("ADD", halves),
    "a clamp between two steps": ("ADD", lambda value: ops.clip(value, -1.0, 1.0)),
    "a clamp inside a convolution": ("CONV_2D", lambda value: L.Conv2D(8, 3, activation="hard_tanh")(value)),
    "compared": ("SELECT_V2", lambda value: L.Activation("hard_shrink")(value)),
    "enlarged by three": ("RESIZE_BILINEAR", lambda value: L.UpSampling2D(3, interpolation="bilinear")(value)),
    "enlarged twice": ("RESIZE_BILINEAR", lambda value: L.UpSampling2D(2, interpolation="bilinear")(value)),
}

# Products with more bits than float32 has, and sums of 36 of them.
LEAST = {"enlarged by three": 0.999, "a clamp inside a convolution": 0.999}


@pytest.mark.parametrize("name", MAKERS)
def test_simulated_is_computed(name: str, tmp_path: Path):
    kind, make = MAKERS[name]
    keras.utils.set_random_seed(11)
    image = keras.Input((6, 5, 4))
    model = keras.Model(image, make(image))
    data = np.random.default_rng(11).uniform(-3, 2.5, (48, 6, 5, 4)).astype("float32")

    result = qspec.quantize(qspec.loads(SPEC), model, data, tmp_path / "m.tflite", samples=data)

    found = [tensor for tensor in result.parity.tensors if tensor.op == kind]
    assert found
    assert max(tensor.largest for tensor in found) <= 1
    assert min(tensor.equal for tensor in found) >= LEAST.get(name, 1.0)


def test_a_result_that_the_layer_itself_reads_is_integers_there(tmp_path: Path):
    query, key = keras.Input((6, 8)), keras.Input((5, 8))
    results = L.Attention()([query, key], return_attention_scores=True)
    data = [np.random.default_rng(seed).normal(size=(64, size, 8)).astype("float32") for seed, size in ((1, 6), (2, 5))]

    model = keras.Model([query, key], results)
    result = qspec.quantize(qspec.loads(SPEC), model, data, tmp_path / "m.tflite", samples=data)

    shares = [tensor.equal for tensor in result.parity.tensors if tensor.op == "BATCH_MATMUL"]
    assert [1.0, 1.0] == shares


def test_a_variance_that_is_quantized_to_zero_spoils_no_gradient():
    vector = keras.Input((12,))
    value = L.RMSNormalization(epsilon=1e-6)(L.Reshape((12, 1))(L.Dense(12)(vector)))
    model = keras.Model(vector, L.Flatten()(value))
    data = np.random.default_rng(5).normal(size=(32, 12)).astype("float32")
    trained = qspec.apply(qspec.loads(SPEC), model, calibration=data)
    trained.compile("sgd", "mse")

    loss = trained.fit(data, np.zeros((32, 12)), epochs=2, verbose=0).history["loss"]

    assert np.isfinite(loss).all()
    assert all(np.isfinite(np.asarray(variable)).all() for variable in trained.trainable_variables)


@KERAS_OF_THE_ZOOS  # older ones do not write the threshold
def test_comparisons_round_twice_before_they_compare(tmp_path: Path):
    """Of code 100 the kernel makes 128.497: rounded to 1/128 that is 128.5, then 129, above the threshold's 128."""
    values = keras.Input((8,), name="values")
    model = keras.Model(values, ops.threshold(values, 0.5, 0.0))
    scale = 128.497 / 256 / 100
    samples = (np.arange(96, 104)[None] * scale).astype("float32")
    spec = SPEC + f'input["values"] {{ type = int8, range = exact({scale}, 0) }}\n'

    result = qspec.quantize(qspec.loads(spec), model, samples, tmp_path / "m.tflite", samples=samples)

    assert result.ok
    assert {1.0} == {tensor.equal for tensor in result.parity.tensors}
