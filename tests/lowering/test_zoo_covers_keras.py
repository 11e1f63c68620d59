"""The zoo has every layer class and every activation of Keras, several ways each; what cannot be lowered says so."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

pytest.importorskip("tensorflow")

import keras

from qspec.graph.keras_config import layer_graph
from qspec.lowering import lower
from tests.lowering.zoos import one_layer_models
from tests.versions import KERAS_OF_THE_ZOOS

pytestmark = [
    KERAS_OF_THE_ZOOS,
    pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`"),
    pytest.mark.filterwarnings("ignore:You are using a softmax over axis"),
]

FOREIGN = "it runs a program of another framework"
BASE = "a base class, which computes nothing"
HASH = "LiteRT has no hashes"

NOT_LOWERED: dict[str, str] = {
    "Lambda": "Python code, which is never run to be looked at",
    "FlaxLayer": FOREIGN,
    "JaxLayer": FOREIGN,
    "TFSMLayer": FOREIGN,
    "TorchModuleWrapper": FOREIGN,
    "Layer": BASE,
    "Wrapper": BASE,
    "Hashing": HASH,
    "HashedCrossing": HASH,
    "IntegerLookup": "its table is a resource beside the graph",
    "StringLookup": "it reads texts",
    "TextVectorization": "it reads texts",
    "ContrastLimitedAdaptiveHistogramEqualization": "it counts histograms of integers",
}
"""Why there are no ops for a class. All but base classes and those of other frameworks prepare data before a model."""

UNCALLABLE = {"threshold": "it takes two more arguments, so that Keras itself fails to call it by its name"}

ACTIVATED = {"Activation", "Conv2D", "Dense"}
"""The layers that the zoo has every activation in."""


def test_every_layer_class_is_in_the_zoo_in_several_ways():
    cases, _ = _cases()

    found = {min(names): sum(len(cases[name]) for name in names) for names in _layer_classes()}
    few = {name for name, count in found.items() if count < 2}
    assert set(NOT_LOWERED) == few
    assert not any(found[name] for name in NOT_LOWERED)


def test_every_activation_is_in_the_zoo_alone_and_in_layers():
    _, activated = _cases()

    missing = {}
    for name in _activations():
        function = keras.activations.get(name)
        layers = {layer for other, layer in activated if keras.activations.get(other) is function}
        if not layers >= ACTIVATED:
            missing[name] = sorted(ACTIVATED - layers)
    assert {name: sorted(ACTIVATED) for name in UNCALLABLE} == missing


@pytest.mark.parametrize("name", NOT_LOWERED)
def test_a_class_that_is_not_lowered_says_so(name: str):
    _, diagnostics = lower(layer_graph(_model_of(name, {}), "model"))

    assert [("QS502", "layer")] == [(item.code, item.layer) for item in diagnostics]


@pytest.mark.parametrize("name", UNCALLABLE)
def test_an_activation_that_cannot_be_called_says_so(name: str):
    _, diagnostics = lower(layer_graph(_model_of("Activation", {"activation": name}), "model"))

    assert [("QS502", "layer")] == [(item.code, item.layer) for item in diagnostics]


def _layer_classes() -> list[set[str]]:
    """The names that each layer class is exported by."""
    names: dict[type, set[str]] = defaultdict(set)
    for name in dir(keras.layers):
        exported = getattr(keras.layers, name)
        if isinstance(exported, type) and issubclass(exported, keras.layers.Layer):
            names[exported].add(name)
    return list(names.values())


def _activations() -> list[str]:
    return sorted({name for name in dir(keras.activations) if name[0] != "_"} - {"get", "serialize", "deserialize"})


@cache
def _cases() -> tuple[dict[str, set[str]], set[tuple[str, str]]]:
    """By layer class, its different configs and inputs in the zoo; and which activation is in which class."""
    cases: dict[str, set[str]] = defaultdict(set)
    activated: set[tuple[str, str]] = set()
    for make in one_layer_models().values():
        for layer in _layers(keras.saving.serialize_keras_object(make())):
            name, config = layer["class_name"], layer["config"]
            cases[name].add(json.dumps([_anonymous(config), _anonymous(layer.get("inbound_nodes"))], default=str))
            if isinstance(activation := config.get("activation"), str):
                activated.add((activation, name))
    return cases, activated


def _layers(value: Any) -> Iterator[dict[str, Any]]:
    """All layers of a model's description, inside others too."""
    if isinstance(value, dict):
        if value.get("module") == "keras.layers" and isinstance(value.get("config"), dict):
            yield value
        for item in value.values():
            yield from _layers(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _layers(item)


def _anonymous(value: Any) -> Any:
    """Without the names that count layers."""
    if isinstance(value, dict):
        return {key: _anonymous(item) for key, item in value.items() if key not in ("name", "keras_history")}
    return [_anonymous(item) for item in value] if isinstance(value, list | tuple) else value


def _model_of(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """A file's description of a model of one layer of that class, which may not be one that can be made here."""
    given = {"shape": [None, 6], "dtype": "float32", "keras_history": ["input", 0, 0]}
    call = {"args": [{"class_name": "__keras_tensor__", "config": given}], "kwargs": {}}
    layers = [
        ("InputLayer", {"name": "input", "batch_shape": [None, 6], "dtype": "float32"}, []),
        (name, {"name": "layer", **config}, [call]),
    ]
    described = [
        {
            "module": "keras.layers",
            "class_name": class_name,
            "config": each,
            "registered_name": None,
            "name": each["name"],
            "inbound_nodes": nodes,
        }
        for class_name, each, nodes in layers
    ]
    ends = {"input_layers": ["input", 0, 0], "output_layers": ["layer", 0, 0]}
    model = {"name": "model", "layers": described, **ends}
    return {"module": "keras", "class_name": "Functional", "config": model, "registered_name": "Functional"}
