"""The order in which Keras runs a model's calls, read from its config, is the one in which it does."""

from typing import Any

import pytest

pytest.importorskip("tensorflow")

import keras

from qspec.graph.document import Node
from qspec.graph.keras_format import read_functional
from tests.lowering.random_models import random_model


def _run_by_keras(model: Any) -> list[str]:
    nodes = [node for depth in sorted(model._nodes_by_depth, reverse=True) for node in model._nodes_by_depth[depth]]
    return [node.operation.name for node in nodes if not node.is_input]


@pytest.mark.parametrize("seed", range(40))
def test_places_are_those_in_which_keras_runs(seed: int):
    print("seed of the model", seed)
    model = random_model(seed)
    config = keras.saving.serialize_keras_object(model)["config"]

    places = read_functional(Node(config, "config")).places

    layers = {entry["name"]: entry["class_name"] for entry in config["layers"]}
    assert _run_by_keras(model) == [name for name, _ in places if layers[name] != "InputLayer"]


def test_the_order_of_the_outputs_decides():
    def model(first: int, second: int) -> keras.Model:
        given = keras.Input((4,))
        results = [keras.layers.Dense(2, name=name)(given) for name in ("left", "right")]
        return keras.Model(given, [results[first], results[second]])

    def order(made: keras.Model) -> list[str]:
        places = read_functional(Node(keras.saving.serialize_keras_object(made)["config"], "config")).places
        return [name for name, _ in places if name in ("left", "right")]

    assert ["right", "left"] == order(model(0, 1)) == _run_by_keras(model(0, 1))
    assert ["left", "right"] == order(model(1, 0)) == _run_by_keras(model(1, 0))
