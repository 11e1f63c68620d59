"""A Keras model in memory: its layer graph, and the live layer behind each path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNREADABLE_MODEL
from qspec.graph.keras_config import layer_graph
from qspec.graph.layers import LayerGraph


@dataclass(frozen=True, eq=False)
class LiveModel:
    """A built Functional or Sequential model. `layers` finds a layer (or raw operation) by `Layer.path`."""

    model: keras.Model
    graph: LayerGraph
    layers: dict[str, Any]


def read_model(model: keras.Model) -> LiveModel:
    """Read a model in memory, through the same description that a `.keras` file holds.

    Raises:
        SpecError: it is no Keras 3 model, a subclassed one, or was never built.
    """
    place = Place(str(getattr(model, "name", "model")))
    if not isinstance(model, keras.Model):
        message = f"expected a Keras 3 model, found `{type(model).__module__}.{type(model).__name__}`"
        raise SpecError([UNREADABLE_MODEL.at(Place("model"), message)])
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        message = f"`{type(model).__name__}` is a subclassed model, whose layers qspec cannot list"
        advice = "build it from layers with `keras.Model(inputs, outputs)` or `keras.Sequential`"
        raise SpecError([UNREADABLE_MODEL.at(place, message, help=advice)])
    if not model.built:
        message = "the model is not built, so its shapes are not known"
        advice = "begin a Sequential model with `keras.Input(shape=…)`, or call the model once"
        raise SpecError([UNREADABLE_MODEL.at(place, message, help=advice)])
    config = keras.saving.serialize_keras_object(model)
    layers = dict(_by_path(model, ""))
    for layer in layers.values():
        _build_activation(layer, layer)
    return LiveModel(model, layer_graph(config, model.name), layers)


def _build_activation(layer: Any, outer: Any) -> None:
    """Build an activation layer inside a layer, which Keras leaves until the layer is called on real tensors."""
    inside = getattr(layer, "activation", None)
    if not isinstance(inside, keras.layers.Layer):
        return
    shapes = outer.get_build_config()
    if not inside.built and shapes and "input_shape" in shapes:
        inside.build(outer.compute_output_shape(tuple(shapes["input_shape"])))
    _build_activation(inside, outer)


def _by_path(model: keras.Model, prefix: str) -> list[tuple[str, Any]]:
    members = model.layers if isinstance(model, keras.Sequential) else model.operations
    found: list[tuple[str, Any]] = []
    for member in members:
        if isinstance(member, keras.Model):
            found += _by_path(member, f"{prefix}{member.name}/")
        else:
            found.append((prefix + member.name, member))
    return found
