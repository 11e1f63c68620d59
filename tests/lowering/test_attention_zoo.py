"""Attention, products, embeddings, normalizations, activations, preprocessing: what qspec lowers is what it predicts
and computes what the model does. All models at both batches are slow; a quarter of them at one of both is not."""

from typing import Any

import pytest

pytest.importorskip("tensorflow")

import keras

from qspec.graph.keras_config import layer_graph
from qspec.lowering import lower, variables
from tests.lowering import zoo_activations, zoo_attention, zoo_masks, zoo_preprocessing
from tests.lowering.own_lowering import disagreements
from tests.versions import KERAS_OF_THE_ZOOS

# What Keras says of settings that it takes all the same.
pytestmark = [
    KERAS_OF_THE_ZOOS,
    pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`"),
    pytest.mark.filterwarnings("ignore:You are using a softmax over axis"),
]

MASKED = {f"masks_{name}": make for name, make in zoo_masks.models().items()}
MODELS = {**zoo_attention.models(), **MASKED, **zoo_activations.models(), **zoo_preprocessing.models()}

CASES = [
    pytest.param(name, batch, marks=() if (position + shift) % 8 == 0 else pytest.mark.slow)
    for position, name in enumerate(MODELS)
    for shift, batch in ((0, 1), (4, "dynamic"))
]


@pytest.mark.parametrize(("name", "batch"), CASES)
def test_a_model_is_lowered_as_predicted(name: str, batch: int | str):
    model = MODELS[name]()
    layers = layer_graph(keras.saving.serialize_keras_object(model), name)

    assert () == lower(layers, 1 if batch == 1 else None)[1]
    assert [] == disagreements(model, batch)


WITH_VARIABLES = [name for name in zoo_attention.models() if not name.startswith("spectral") and "masked" not in name]
WITH_VARIABLES += [name for name in zoo_preprocessing.models() if name.startswith(("known", "spectrogram"))]


@pytest.mark.parametrize("name", WITH_VARIABLES)
def test_variables_are_those_that_keras_makes(name: str):
    model = MODELS[name]()
    layers = layer_graph(keras.saving.serialize_keras_object(model), name)
    ops, _ = lower(layers)

    for call in layers.calls:
        layer: Any = model.get_layer(call.layer.path)
        shapes = [ops.shapes[value.call][value.output] for value in call.inputs]
        made = {
            weight.path.split("/", 1)[1]: tuple(weight.shape) for weight in layer.weights if "seed" not in weight.path
        }
        assert made == dict(variables(call.layer, shapes)), call.layer.path
