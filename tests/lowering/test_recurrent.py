"""Recurrent layers and wrappers: what qspec lowers is what it predicts, and computes what the model does."""

import pytest

pytest.importorskip("tensorflow")

import keras

from qspec.graph.keras_config import layer_graph
from qspec.lowering import lower, variables
from tests.lowering import zoo_recurrent as zoo
from tests.lowering.own_lowering import disagreements

MODELS = zoo.models()
SAMPLE = frozenset(list(MODELS)[::5])


def _marked(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", _marked(list(MODELS)))
def test_a_recurrent_or_wrapped_layer(name: str):
    model = MODELS[name]()

    assert () == lower(layer_graph(keras.saving.serialize_keras_object(model), name))[1]
    assert [] == disagreements(model)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_recurrent_or_wrapped_layer_with_a_dynamic_batch(name: str):
    model = MODELS[name]()

    assert () == lower(layer_graph(keras.saving.serialize_keras_object(model), name), batch=None)[1]
    assert [] == disagreements(model, "dynamic")


@pytest.mark.parametrize("name", MODELS)
def test_variables_are_those_that_keras_makes(name: str):
    model = MODELS[name]()
    layers = layer_graph(keras.saving.serialize_keras_object(model), name)
    ops, _ = lower(layers)

    for call in layers.calls:
        live = None if call.layer.operation else model.get_layer(call.layer.path)
        if isinstance(live, keras.layers.RNN | keras.layers.Bidirectional):
            found = variables(call.layer, [ops.shapes[value.call][value.output] for value in call.inputs])
            made = [tuple(weight.shape) for weight in live.weights if "seed" not in weight.path]
            assert made == list(found.values()), call.layer.path
