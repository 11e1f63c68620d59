"""Constants that are not variables of a layer, but computed from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def batch_norm_multiplier(layer: Any) -> Any:
    """What a `BatchNormalization` multiplies by at inference, gamma / sqrt(variance + epsilon), [channels]."""
    multiplier = 1.0 / ops.sqrt(layer.moving_variance + layer.epsilon)
    return multiplier * layer.gamma if layer.scale else multiplier


def batch_norm_addend(layer: Any) -> Any:
    """What a `BatchNormalization` adds then, beta - mean * multiplier, [channels]."""
    addend = -layer.moving_mean * batch_norm_multiplier(layer)
    return addend + layer.beta if layer.center else addend


def _deviation(layer: Any) -> Any:
    """The standard deviation that a `Normalization` multiplies by, or its reciprocal (`Normalization.call`)."""
    deviation = ops.maximum(ops.sqrt(layer.variance), keras.config.epsilon())
    return deviation if layer.invert else 1.0 / deviation


_COMPUTED: dict[tuple[type, str], Callable[[Any], Any]] = {
    (keras.layers.BatchNormalization, "multiplier"): batch_norm_multiplier,
    (keras.layers.BatchNormalization, "addend"): batch_norm_addend,
    (keras.layers.Normalization, "multiplier"): _deviation,
}


def constant_of(layer: Any, name: str) -> Any:
    """The constant of *layer* that lowering calls *name*: a variable, or what is computed from variables."""
    for (class_, key), function in _COMPUTED.items():
        if key == name and isinstance(layer, class_):
            return function(layer)
    return getattr(layer, name)
