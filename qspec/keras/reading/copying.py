"""Copies of Keras models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNREADABLE_MODEL
from qspec.keras.reading.live_model import read_model
from qspec.keras.reading.recording import all_layers, is_graph
from qspec.keras.reading.signatures import Signature, signature_of


def copied(model: keras.Model, signature: Signature | None = None) -> keras.Model:
    """A model of its own with the same names and values; `keras.models.clone_model` renames the inputs.

    A subclassed model is built again from its config; *signature* tells what it takes, where it was not called before.

    Raises:
        SpecError: Keras cannot copy it.
    """
    if not is_graph(model):
        signature = signature or signature_of(model)
    read_model(model, signature=signature)  # builds what was not
    classes = {type(layer) for layer in all_layers(model)}
    own = {each.__name__: each for each in classes if each.__module__.split(".")[0] != "keras"}
    try:
        functions = _functions(model)
        config = _named(serialized(model), functions)
        by_name: dict[str, Any] = {f"function_{number}": each for number, (_, each) in enumerate(functions)}
        copy = keras.saving.deserialize_keras_object(config, custom_objects={**own, **by_name})
    except Exception as error:  # Keras raises many kinds, each with a long text of its own; it stays the cause
        message = f"Keras cannot copy this model: it raised a {type(error).__name__}"
        advice = (
            "register custom functions and classes with `keras.saving.register_keras_serializable`, and give a class "
            "whose arguments are not plain a `get_config`; `qspec.quantize` makes no copy"
        )
        raise SpecError([UNREADABLE_MODEL.at(Place(model.name), message, help=advice)]) from error
    if not is_graph(copy):
        read_model(copy, signature=signature)
    if [tuple(each.shape) for each in copy.variables] != [tuple(each.shape) for each in model.variables]:
        message = "Keras cannot copy this model: what its config describes has other variables"
        advice = "let its `get_config` tell every argument that it was made with; `qspec.quantize` makes no copy"
        raise SpecError([UNREADABLE_MODEL.at(Place(model.name), message, help=advice)])
    for variable, original in zip(copy.variables, model.variables, strict=True):
        variable.assign(original)
    freeze(copy, frozen_layers(model))
    return copy


def frozen_layers(model: keras.Model) -> list[int]:
    """The layers that are not trained, by their position among all; the config of a subclassed model does not tell."""
    return [number for number, layer in enumerate(all_layers(model)) if not layer.trainable]


def freeze(model: keras.Model, frozen: Sequence[int]) -> None:
    """Let the layers at these positions, and no others, not be trained."""
    for number, layer in enumerate(all_layers(model)):  # a layer comes before those inside, which take over its setting
        layer.trainable = number not in frozen


def serialized(model: keras.Model) -> Any:
    """The config of *model*, without what it was compiled with, which may be functions of the user's own."""
    return _uncompiled(keras.saving.serialize_keras_object(model))


def _uncompiled(config: Any) -> Any:
    if isinstance(config, Mapping):
        return {key: _uncompiled(value) for key, value in config.items() if key != "compile_config"}
    return [_uncompiled(value) for value in config] if isinstance(config, list) else config


def _functions(model: keras.Model) -> list[tuple[Any, Callable[..., Any]]]:
    """What the config has for the function of each `Lambda`, which is the code of it alone, and the function itself."""
    layers = [layer for layer in all_layers(model) if isinstance(layer, keras.layers.Lambda)]
    return [(layer.get_config()["function"], layer.function) for layer in layers]


def _named(config: Any, functions: Sequence[tuple[Any, Callable[..., Any]]]) -> Any:
    """The config with a name in place of each function's code."""
    for number, (code, _) in enumerate(functions):
        if isinstance(config, Mapping) and config == code:
            name = f"function_{number}"
            return {"module": None, "class_name": "function", "config": name, "registered_name": name}
    if isinstance(config, Mapping):
        return {key: _named(value, functions) for key, value in config.items()}
    return [_named(value, functions) for value in config] if isinstance(config, list) else config
