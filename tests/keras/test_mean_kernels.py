"""A mean over the image, as LiteRT's built-in kernels compute it: which one runs depends on whether dimensions are
kept, and where it rounds up depends on how its channels fall to threads and vectors."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np

import qspec

SPEC = """qspec 1
import "std/int8.qspec"
input { type = int8 }
output { type = int8 }
default { weights = w8, output = a8 }
"""


@pytest.mark.parametrize("keepdims", [True, False])
@pytest.mark.parametrize(("channels", "size", "activation"), [(64, 7, "relu6"), (24, 5, None), (7, 3, "tanh")])
def test_simulated_is_computed(tmp_path, keepdims: bool, channels: int, size: int, activation: str | None):
    keras.utils.set_random_seed(channels)
    image = keras.Input((size, size, 4))
    value = keras.layers.Conv2D(channels, 3, padding="same", activation=activation)(image)
    value = keras.layers.GlobalAveragePooling2D(keepdims=keepdims)(value)
    model = keras.Model(image, keras.layers.Flatten()(value))
    samples = np.random.default_rng(channels).normal(size=(64, size, size, 4)).astype("float32")

    result = qspec.quantize(qspec.loads(SPEC), model, samples, tmp_path / "m.tflite")

    (mean,) = [tensor for tensor in result.parity.tensors if tensor.op == "MEAN"]
    assert 0 == mean.largest
