"""The range of one group of activations: started by calibration, followed in training, kept in the saved model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from qspec.keras.fake_quantize import (
    Rounding,
    fake_quantize,
    range_parameters,
    round_steps,
)
from qspec.plan.plan import RangeGroup

# One training step moves a range by a hundredth of the way to the batch's, where the spec names no decay of its own.
_DECAY = 0.99


class KnownParameters(dict[int, tuple[Any, Any]]):
    """Scale and zero point of range groups by index, each computed once: most are read by several ops."""

    def __init__(self, ranges: Sequence[ActivationRange]) -> None:
        super().__init__()
        self.ranges = ranges

    def __missing__(self, index: int) -> tuple[Any, Any]:
        return self.setdefault(index, self.ranges[index].parameters())


@keras.saving.register_keras_serializable(package="qspec")
class ActivationRange(keras.layers.Layer):  # type: ignore[misc]
    """Holds the minimum and maximum (float32 scalars) of a group of tensors that share one scale and zero point.

    `observed` is 0 until calibration or training has seen a value. In training both ends follow the batch's extremes as
    an exponential moving average, scaled by what calibration clipped (`share`: 1, 1 for the whole range). A group with
    fixed parameters has no variables.
    """

    def __init__(self, group: RangeGroup, **kwargs: Any) -> None:
        super().__init__(dtype="float32", trainable=False, **kwargs)
        # An op that fixes its output's parameters knows no narrow codes: sigmoid and softmax have the zero point -128.
        quantizer = group.quantizer if group.fixed is None else replace(group.quantizer, narrow=False)
        self.codes = quantizer.code_range
        self.type = group.quantizer.type
        self.symmetric = group.quantizer.scheme == "symmetric"
        self.fixed = group.fixed
        method = group.quantizer.range
        self.decay = method.arguments[0] if method.method == "ema" else _DECAY
        if self.fixed is None:
            scalar: dict[str, Any] = {"shape": (), "trainable": False, "aggregation": "mean"}
            self.minimum = self.add_weight(name="minimum", initializer="zeros", **scalar)
            self.maximum = self.add_weight(name="maximum", initializer="zeros", **scalar)
            self.observed = self.add_weight(name="observed", initializer="zeros", **scalar)
            self.share = self.add_weight(name="share", shape=(2,), initializer="ones", trainable=False)
        self.built = True

    def parameters(self) -> tuple[Any, Any]:
        """Scale and zero point, float32 scalars."""
        if self.fixed is not None:
            return ops.convert_to_tensor(np.float32(self.fixed[0])), ops.convert_to_tensor(np.float32(self.fixed[1]))
        return range_parameters(self.minimum, self.maximum, self.codes, symmetric=self.symmetric)

    def on_grid(self, value: Any, parameters: tuple[Any, Any], rounding: Rounding = round_steps) -> Any:
        """*value* on the grid of the group's *parameters*, in the type it came in."""
        quantized = fake_quantize(ops.cast(value, "float32"), *parameters, self.codes, rounding)
        return ops.cast(quantized, value.dtype)

    def start(self, minimum: float, maximum: float, extremes: tuple[float, float]) -> None:
        """Begin with a calibrated range. *extremes* are the smallest and largest value that calibration saw."""
        self.minimum.assign(minimum)
        self.maximum.assign(maximum)
        self.observed.assign(1.0)
        shares = [low / high if high else 1.0 for low, high in zip((minimum, maximum), extremes, strict=True)]
        self.share.assign(shares)

    def follow(self, values: list[Any], frozen: Any) -> None:
        """Move towards the extremes of this step's *values*; not at all where *frozen* (a boolean tensor) is true."""
        low = ops.min(ops.stack([ops.cast(ops.min(value), "float32") for value in values])) * self.share[0]
        high = ops.max(ops.stack([ops.cast(ops.max(value), "float32") for value in values])) * self.share[1]
        step = ops.where(self.observed > 0, 1.0 - self.decay, 1.0)
        step = ops.where(frozen, 0.0, step)
        self.minimum.assign(self.minimum + step * (low - self.minimum))
        self.maximum.assign(self.maximum + step * (high - self.maximum))
        self.observed.assign(ops.maximum(self.observed, ops.where(step > 0, 1.0, 0.0)))
