"""A lowering that computes something else than the Keras model is found before anything is written."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np

import qspec
from qspec.lowering import table

SPEC = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\n'


def test_a_wrong_lowering_is_an_error(monkeypatch: pytest.MonkeyPatch):
    def wrong(site):
        tensor = site.single_input()
        return site.write("RELU6", [tensor], site.shape(tensor), site.output)

    monkeypatch.setitem(table.LOWERINGS, "ReLU", wrong)
    image = keras.Input((4,))
    model = keras.Model(image, keras.layers.Dense(2, name="scores")(keras.layers.ReLU()(image)))
    samples = np.full((8, 4), 20, "float32")

    with pytest.raises(qspec.SpecError) as raised:
        qspec.apply(qspec.loads(SPEC), model, samples)

    (error,) = raised.value.diagnostics
    assert "QS604" == error.code
    assert "`scores`" in error.message


def test_the_spec_comes_first():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])

    with pytest.raises(TypeError, match="the spec comes first"):
        qspec.quantize(model, qspec.loads(SPEC), np.zeros((8, 4)), "m.tflite")
