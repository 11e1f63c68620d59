"""Reading `.keras` files into models, quantized ones among them."""

from __future__ import annotations

import os

import keras

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNREADABLE_MODEL
from qspec.keras.model import QuantizedModel


def load_model(path: str | os.PathLike[str]) -> keras.Model:
    """Load a `.keras` file, as `keras.models.load_model` does once qspec.keras is imported.

    Raises:
        SpecError: there is no such file, it is damaged, or a class in it is not registered with Keras.
    """
    place = Place(str(path))
    if not os.path.exists(path):
        raise SpecError([UNREADABLE_MODEL.at(place, "there is no such file")])
    try:
        return keras.models.load_model(path, custom_objects={"qspec>QuantizedModel": QuantizedModel})
    except SpecError:
        raise
    except Exception as error:  # Keras raises many kinds, each with a long text of its own
        message = f"Keras cannot load this file: {str(error).strip().splitlines()[0][:160]}"
        advice = "register custom classes with `keras.saving.register_keras_serializable` before loading"
        raise SpecError([UNREADABLE_MODEL.at(place, message, help=advice)]) from error
