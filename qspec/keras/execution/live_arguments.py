"""The arguments of a call as Keras takes them: a model's config writes arrays and slices as objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from qspec.lowering.literals import PARAMETER

_CONSTANTS = ("__numpy__", "__tensor__", "__slice__", "__ellipsis__")


def live_arguments(structure: Any, layer: Any = None) -> Any:
    """The same structure with arrays, tensors, slices and ellipses in place of what the config has for them, and the
    values of the *layer*'s parameters."""
    if isinstance(structure, Mapping):
        if structure.get("class_name") == PARAMETER:
            return layer.parameters[structure["config"]["index"]].value
        if structure.get("class_name") in _CONSTANTS:
            return keras.saving.deserialize_keras_object(dict(structure))
        return {key: live_arguments(value, layer) for key, value in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(live_arguments(item, layer) for item in structure)
    return structure
