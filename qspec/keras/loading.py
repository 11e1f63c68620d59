"""Reading `.keras` files into models, quantized ones among them."""

from __future__ import annotations

import contextlib
import os
import zipfile

import keras

from qspec.diagnostics import Diagnostic, Place, SpecError
from qspec.diagnostics.catalogue import UNREADABLE_MODEL
from qspec.diagnostics.similar_file import similar_file
from qspec.keras.quantized_model.model import QuantizedModel


def load_model(path: str | os.PathLike[str]) -> keras.Model:
    """Load a `.keras` file, as `keras.models.load_model` does once qspec.keras is imported.

    Raises:
        SpecError: there is no such file, it is damaged, or a class in it is not registered with Keras.
    """
    place = Place(str(path))
    if not os.path.exists(path):
        raise SpecError([UNREADABLE_MODEL.at(place, "there is no such file", help=similar_file(os.fspath(path)))])
    try:
        return keras.models.load_model(path, custom_objects={"qspec>QuantizedModel": QuantizedModel})
    except SpecError:
        raise
    except Exception as error:  # Keras raises many kinds, each with a long text of its own; it stays the cause
        raise SpecError([_unloadable(place, error)]) from error


def _unloadable(place: Place, error: Exception) -> Diagnostic:
    if not zipfile.is_zipfile(place.path):
        return UNREADABLE_MODEL.at(place, "this is not a `.keras` file, or it is cut off")
    if isinstance(error, OSError) or not _has_weights(place.path):
        return UNREADABLE_MODEL.at(
            place, "the weights in this file are missing or damaged", help="save the model again"
        )
    message = f"Keras cannot load this file: it raised a {type(error).__name__}"
    if "ambda" in str(error):
        advice = (
            "a `Lambda` is code, which Keras loads behind `keras.config.enable_unsafe_deserialization()`; a registered "
            "function in its place needs none"
        )
        return UNREADABLE_MODEL.at(place, message, help=advice)
    advice = (
        "register custom classes with `keras.saving.register_keras_serializable` before loading; "
        "`keras.models.load_model` tells more"
    )
    return UNREADABLE_MODEL.at(place, message, help=advice)


def _has_weights(path: str) -> bool:
    with contextlib.suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        return any(name.startswith("model.weights") for name in archive.namelist())
    return False
