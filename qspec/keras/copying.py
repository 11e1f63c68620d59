"""Copies of Keras models."""

from __future__ import annotations

import keras

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNREADABLE_MODEL
from qspec.keras.live_model import read_model


def copied(model: keras.Model) -> keras.Model:
    """A model of its own with the same names and values; `keras.models.clone_model` renames the inputs.

    Raises:
        SpecError: Keras cannot copy it.
    """
    own = {type(layer).__name__: type(layer) for layer in read_model(model).layers.values()}
    try:
        config = keras.saving.serialize_keras_object(model)
        copy = keras.saving.deserialize_keras_object(config, custom_objects=own)
    except Exception as error:  # Keras raises many kinds, each with a long text of its own; it stays the cause
        message = f"Keras cannot copy this model: it raised a {type(error).__name__}"
        advice = "register custom functions and classes with `keras.saving.register_keras_serializable`"
        raise SpecError([UNREADABLE_MODEL.at(Place(model.name), message, help=advice)]) from error
    for variable, original in zip(copy.variables, model.variables, strict=True):
        variable.assign(original)
    return copy
