"""The arguments of a call as Keras takes them: a model's config writes arrays and slices as objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

_CONSTANTS = ("__numpy__", "__tensor__", "__slice__", "__ellipsis__")


def live_arguments(structure: Any) -> Any:
    """The same structure with arrays, tensors, slices and ellipses in place of what the config has for them."""
    if isinstance(structure, Mapping):
        if structure.get("class_name") in _CONSTANTS:
            return keras.saving.deserialize_keras_object(dict(structure))
        return {key: live_arguments(value) for key, value in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(live_arguments(item) for item in structure)
    return structure
