"""What is inside a quantized model: its float model, and the integers of its file."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np

import qspec
from qspec.graph.tflite_file import read_tflite_file
from tests.keras import models

SPEC = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\ninput { type = int8 }\n'


@pytest.fixture(scope="module", params=models.ALL, ids=lambda make: make.__name__)
def trained(request):
    keras.utils.set_random_seed(3)
    model = request.param()
    generator = np.random.default_rng(3)
    samples = [generator.normal(size=(16, *source.shape[1:])).astype("float32") for source in model.inputs]
    data = samples if len(samples) > 1 else samples[0]
    return model, qspec.apply(qspec.loads(SPEC), model, data), data


def test_the_float_model_comes_back(trained):
    model, quantized, data = trained
    stripped = qspec.strip(quantized)

    assert not isinstance(stripped, type(quantized))
    outputs = [keras.tree.flatten(each.predict(data, verbose=0)) for each in (model, stripped)]
    for before, after in zip(*outputs, strict=True):
        np.testing.assert_array_equal(before, after)


def test_what_training_changed_is_in_the_float_model(trained):
    _, quantized, _ = trained
    variable = quantized.trainable_variables[0]
    before = np.asarray(variable)
    variable.assign(before + 1)
    stripped = qspec.strip(quantized)
    variable.assign(before)

    assert any(
        np.array_equal(before + 1, np.asarray(other))
        for other in stripped.trainable_variables
        if other.shape == variable.shape
    )


def test_the_integers_are_those_of_the_file(trained, tmp_path):
    _, quantized, data = trained
    extracted = qspec.extract(quantized)
    path = tmp_path / "m.tflite"
    qspec.export(quantized, path, data)
    interpreter = _interpreter(path)
    stored = {detail["name"]: detail for detail in interpreter.get_tensor_details()}
    names = {tensor.name for tensor in read_tflite_file(path).main.graph.tensors}
    compared = 0
    for layer, tensors in extracted.items():
        for name, tensor in tensors.items():
            if tensor.codes is None or f"{layer}/{name}" not in names:
                continue
            detail = stored[f"{layer}/{name}"]
            np.testing.assert_array_equal(interpreter.get_tensor(detail["index"]), tensor.codes)
            parameters = detail["quantization_parameters"]
            np.testing.assert_array_equal(parameters["scales"], tensor.scale.reshape(-1))
            # LiteRT gives one zero point, or one for each scale, by its version.
            assert {*parameters["zero_points"]} == {*tensor.zero_point.reshape(-1)}
            compared += 1

    assert compared >= 2


def _interpreter(path):
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(str(path))


@pytest.mark.parametrize("function", [qspec.strip, qspec.extract])
def test_a_float_model_has_nothing_inside(function):
    with pytest.raises(qspec.SpecError, match="this model has no fake quantization"):
        function(models.perceptron())
