"""Convolutions, pooling, resizing, reshaping and merging: what qspec lowers is what it predicts, and computes what the
model does. The whole zoo at both batches is slow; a half of them at one of both is not."""

from typing import Any

import pytest

pytest.importorskip("tensorflow")

import keras

from qspec.graph.keras_config import layer_graph
from qspec.lowering import lower, variables
from tests.lowering import zoo_convolutions, zoo_movement
from tests.lowering.own_lowering import disagreements
from tests.versions import KERAS_OF_THE_ZOOS

pytestmark = KERAS_OF_THE_ZOOS

MODELS = {**zoo_convolutions.models(), **zoo_movement.models()}

CASES = [
    pytest.param(name, batch, marks=() if (position + shift) % 4 == 0 else pytest.mark.slow)
    for position, name in enumerate(MODELS)
    for shift, batch in ((0, 1), (2, "dynamic"))
]


@pytest.mark.parametrize(("name", "batch"), CASES)
def test_a_model_is_lowered_as_predicted(name: str, batch: int | str):
    model = MODELS[name]()
    _, diagnostics = lower(layer_graph(keras.saving.serialize_keras_object(model), name))

    assert () == diagnostics
    assert [] == disagreements(model, batch)


@pytest.mark.parametrize("name", zoo_convolutions.models())
def test_variables_are_those_that_keras_makes(name: str):
    model = MODELS[name]()
    layers = layer_graph(keras.saving.serialize_keras_object(model), name)
    ops, _ = lower(layers)

    for call in layers.calls:
        layer: Any = model.get_layer(call.layer.path)
        shapes = [ops.shapes[value.call][value.output] for value in call.inputs]
        made = {weight.name: tuple(weight.shape) for weight in layer.weights}
        assert made == dict(variables(call.layer, shapes)), call.layer.path
