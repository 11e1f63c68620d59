"""A Keras model in memory: its layer graph, and the live layer behind each path."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNREADABLE_MODEL
from qspec.graph.keras_config import layer_graph
from qspec.graph.layers import LayerGraph, with_input_shapes
from qspec.keras.reading.recorded_model import record
from qspec.keras.reading.recording import all_layers, is_graph, is_looked_into, is_plain_graph
from qspec.keras.reading.signatures import Signature, signature_of
from qspec.lowering.table import REGISTERED


@dataclass(frozen=True, eq=False)
class LiveModel:
    """A built model. `layers` finds a layer (or raw operation) by `Layer.path`. `inputs` and `outputs` are symbolic
    tensors in the structures that the model takes and gives."""

    model: keras.Model
    graph: LayerGraph
    layers: dict[str, Any]
    inputs: Any
    outputs: Any
    adding_losses: tuple[str, ...] = ()  # classes whose code adds losses, which the graph has not

    def given(self, values: Sequence[Any]) -> Any:
        """What the model is called with for these inputs."""
        return values[0] if len(values) == 1 else keras.tree.pack_sequence_as(self.inputs, list(values))

    def packed(self, values: Sequence[Any]) -> Any:
        """Outputs as the model gives them."""
        return keras.tree.pack_sequence_as(self.outputs, list(values))


def read_model(model: keras.Model, kept: Collection[str] = (), signature: Signature | None = None) -> LiveModel:
    """Read a model in memory.

    A Functional or Sequential one is read through the same description that a `.keras` file holds. A subclassed one,
    and one with layers of the user's own, is run on symbolic tensors: those of *signature*, or what it was called on
    before. Layers of the classes *kept* stay what they are.

    Raises:
        SpecError: it is no Keras 3 model, was never built, or its code cannot run on symbolic tensors.
    """
    place = Place(str(getattr(model, "name", "model")))
    if not isinstance(model, keras.Model):
        message = f"expected a Keras 3 model, found `{type(model).__module__}.{type(model).__name__}`"
        raise SpecError([UNREADABLE_MODEL.at(Place("model"), message)])
    if not is_graph(model):
        return _recorded(model, kept, signature, place)
    if not model.built:
        message = "the model is not built, so its shapes are not known"
        advice = "begin a Sequential model with `keras.Input(shape=…)`, or call the model once"
        raise SpecError([UNREADABLE_MODEL.at(place, message, help=advice)])
    kept = {*kept, *REGISTERED}
    inner = [layer for layer in all_layers(model) if not is_plain_graph(layer)]
    if any(is_looked_into(layer, kept) for layer in inner):
        return _recorded(model, kept, signature, place)
    graph = layer_graph(_serialized(model, place), model.name)
    if signature is not None:
        graph = with_input_shapes(graph, [each.shape for each in signature.inputs])
    layers = dict(_by_path(model, ""))
    for layer in layers.values():
        _build_activation(layer, layer)
    if isinstance(model, keras.Sequential):
        return LiveModel(model, graph, layers, model.inputs[0], model.outputs[0])
    return LiveModel(model, graph, layers, model.input, model.output)


def _serialized(model: keras.Model, place: Place) -> Any:
    try:
        return keras.saving.serialize_keras_object(model)
    except Exception as error:  # Keras raises many kinds, each with a long text of its own; it stays the cause
        message = f"Keras cannot describe this model: it raised a {type(error).__name__}"
        advice = "give its own layers a `get_config`, and its operations arguments that can be saved"
        raise SpecError([UNREADABLE_MODEL.at(place, message, help=advice)]) from error


def _recorded(model: keras.Model, kept: Collection[str], signature: Signature | None, place: Place) -> LiveModel:
    signature = signature or signature_of(model)
    if signature is None:
        message = f"`{type(model).__name__}` was never called, so what it takes is not known"
        advice = "call it once: `model(keras.Input(shape=…))`"
        raise SpecError([UNREADABLE_MODEL.at(place, message, help=advice)])
    found = record(model, signature, {*kept, *REGISTERED})
    for layer in found.layers.values():
        _build_activation(layer, layer)
    return LiveModel(model, found.graph, found.layers, found.inputs, found.outputs, found.adding_losses)


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
