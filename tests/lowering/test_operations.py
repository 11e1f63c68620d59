"""Every raw operation of the zoo: what qspec lowers is what it predicts, and computes what the model does."""

import pytest

pytest.importorskip("tensorflow")

import keras

from qspec.graph.keras_config import layer_graph
from qspec.lowering import lower
from tests.lowering import zoo_operations as zoo
from tests.lowering.own_lowering import disagreements
from tests.versions import KERAS_OF_THE_ZOOS

pytestmark = KERAS_OF_THE_ZOOS

MODELS = zoo.models()
SAMPLE = frozenset(list(MODELS)[::6])

KNOWN_BATCH = {
    "broadcast_to": "its shape names the batch",
    "slice": "its shape names the batch",
    "take_along_constant": "its indices are those of one sample",
    "concatenate_constant": "its constant has a batch of one",
}
"""Models that are made for a batch of one."""


def _marked(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", _marked(list(MODELS)))
def test_a_model_of_operations(name: str):
    model = MODELS[name]()

    assert () == lower(layer_graph(keras.saving.serialize_keras_object(model), name))[1]
    assert [] == disagreements(model)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MODELS if name not in KNOWN_BATCH])
def test_a_model_of_operations_with_a_dynamic_batch(name: str):
    model = MODELS[name]()

    assert () == lower(layer_graph(keras.saving.serialize_keras_object(model), name), batch=None)[1]
    assert [] == disagreements(model, "dynamic")
