"""Batch normalization in training, where it follows the batch: under `batch_norm = track` and `keep`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import UNSUPPORTED_SETTING
from qspec.keras.execution.computed_constants import batch_norm_addend, batch_norm_multiplier
from qspec.keras.execution.steps import Step, step_constants
from qspec.schema.spec import Spec

# A channel whose gamma is 0 has a folded kernel of zeros, of whose result nothing could be learned: in training none is
# taken to be smaller than this share of the largest gamma, and than the other number.
_LEAST_SHARE = 2.0**-6
_LEAST_GAMMA = 2.0**-10


def renormalizing(layers: Mapping[str, Any], spec: Spec) -> list[Diagnostic]:
    """An error for each trained normalization whose statistics of the batch are corrected towards the moving ones, if
    it is to follow the batch. *layers* are by path."""
    if spec.train.batch_norm == "fold":
        return []
    span = spec.train.spans.get("batch_norm", spec.span)
    return [
        UNSUPPORTED_SETTING.at(
            span,
            f"`{path}` renormalizes, and `{spec.train.batch_norm}` does not know how",
            help="write `batch_norm = fold`, which leaves its statistics as they are, or freeze the layer",
            layer=path,
        )
        for path, layer in layers.items()
        if isinstance(layer, keras.layers.BatchNormalization) and getattr(layer, "renorm", False) and layer.trainable
    ]


def training_multiplier(layer: Any) -> Any:
    """What a folded kernel is multiplied by while its normalization follows the batch, [channels]: as at inference, but
    never 0. No gradient passes: the product is divided by it again."""
    deviation = ops.sqrt(layer.moving_variance + layer.epsilon)
    if not layer.scale:
        return ops.stop_gradient(1.0 / deviation)
    size = ops.abs(layer.gamma)
    least = ops.maximum(_LEAST_SHARE * ops.max(size), _LEAST_GAMMA)
    return ops.stop_gradient(ops.where(layer.gamma < 0, -1.0, 1.0) * ops.maximum(size, least) / deviation)


def normalize_folded(layer: Any, product: Any, bias: Any) -> Any:
    """Normalize the *product* with a kernel that holds `training_multiplier`, [..., channels], by the batch's
    statistics, which the layer's moving ones then follow.

    As if product / multiplier + *bias* ([channels] or None) were what the layer is called on; but what is done to every
    element is one multiplication and one addition.
    """
    folded = training_multiplier(layer)
    axes = list(range(len(product.shape) - 1))
    mean, variance = ops.moments(product, axes=axes, synchronized=layer.synchronized)
    mean, variance = mean / folded, variance / ops.square(folded)
    multiplier = batch_norm_multiplier(layer, variance) / folded
    addend = batch_norm_addend(layer, mean, variance)
    if bias is not None:  # it moves the mean, which is taken off again: its gradient is zero, and not missing
        addend = addend + 0.0 * bias
        mean = mean + bias
    _follow(layer, mean, variance)
    return product * multiplier + addend


def batch_constants(step: Step, value: Any) -> dict[tuple[str, str], Any]:
    """The multiplier and addend of a normalization of its own for the batch *value*, whose statistics the layer's
    moving ones then follow."""
    layer = step.layer
    axis = layer.axis % len(value.shape)
    axes = [each for each in range(len(value.shape)) if each != axis]
    mean, variance = ops.moments(value, axes=axes, synchronized=layer.synchronized)
    found = {"multiplier": batch_norm_multiplier(layer, variance), "addend": batch_norm_addend(layer, mean, variance)}
    shapes = {key: constant.shape for (_, key), constant in step_constants(step).items()}
    _follow(layer, mean, variance)
    return {("inner", key): ops.reshape(constant, shapes[key]) for key, constant in found.items()}


def _follow(layer: Any, mean: Any, variance: Any) -> None:
    for moving, seen in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
        moving.assign(moving * layer.momentum + ops.stop_gradient(seen) * (1.0 - layer.momentum))
