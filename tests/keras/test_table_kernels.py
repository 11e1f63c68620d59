"""The 16-bit kernels that look functions up: simulated as they interpolate."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np

import qspec

SPEC = (
    'qspec 1\nimport "std/int8.qspec"\nquantizer a16 extends a8 { type = int16, scheme = symmetric }\n'
    "default { weights = w8, output = a16 }\n"
)
FUNCTIONS = {
    "softmax": (keras.layers.Softmax(), "SOFTMAX", 8.0),
    "softmax of small numbers": (keras.layers.Softmax(), "SOFTMAX", 0.3),
    "gelu": (keras.layers.Activation("gelu"), "GELU", 4.0),
    "exponential": (keras.layers.Activation("exponential"), "EXP", 2.0),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_interpolation_is_simulated(tmp_path, name: str):
    layer, kind, reach = FUNCTIONS[name]
    inputs = keras.Input((40,))
    model = keras.Model(inputs, layer(inputs))
    samples = np.random.default_rng(1).uniform(-reach, reach, (64, 40)).astype("float32")
    result = qspec.quantize(qspec.loads(SPEC), model, samples, tmp_path / "m.tflite", samples=samples)
    (found,) = (tensor for tensor in result.parity.tensors if tensor.op == kind)

    assert result.ok
    assert found.largest <= 1
    assert found.equal > 0.999
