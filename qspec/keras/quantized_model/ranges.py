"""The range of one group of activations: started by calibration, followed in training, kept in the saved model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from qspec.keras.kernels.fake_quantize import (
    Rounding,
    fake_quantize,
    range_parameters,
    round_half_away,
    round_steps,
    shifted_parameters,
)
from qspec.keras.quantized_model.least_scales import Limit
from qspec.plan.plan import RangeGroup

# One training step moves a range by a hundredth of the way to the batch's, where the spec names no decay of its own.
_DECAY = 0.99


class KnownParameters(dict[int, tuple[Any, Any]]):
    """Scale and zero point of range groups by index, each computed once: most are read by several ops. *limits* keep
    scales above what the kernels need, beside those of other groups."""

    def __init__(self, ranges: Sequence[ActivationRange], limits: Mapping[int, Sequence[Limit]]) -> None:
        super().__init__()
        self.ranges, self.limits = ranges, limits

    def __missing__(self, index: int) -> tuple[Any, Any]:
        own = self[index] = self.ranges[index].parameters()  # also where a limit leads back to this group
        if index in self.limits and self.ranges[index].fixed is None:
            own = self[index] = self._limited(index, *own)
        return own

    def _limited(self, index: int, scale: Any, zero_point: Any) -> tuple[Any, Any]:
        range_ = self.ranges[index]
        raised = scale
        for limit in self.limits[index]:
            raised = ops.maximum(raised, ops.stop_gradient(limit.least(self[limit.source][0])))
        if range_.symmetric:
            return raised, zero_point
        lowest, highest = range_.codes
        moved = ops.clip(round_half_away(lowest - (lowest - zero_point) * (scale / raised)), lowest, highest)
        return raised, ops.where(raised > scale, ops.stop_gradient(moved), zero_point)


@dataclass(frozen=True, eq=False)
class Seen:
    """The smallest and largest value (float32 scalars) of a group's tensors in one training step over all replicas, and
    the largest decay that a moving average of them may have."""

    smallest: Any
    largest: Any
    most_decay: Any = 1.0


def extremes(values: Mapping[int, Sequence[Any]], most_decay: Any = 1.0) -> dict[int, Seen]:
    """What a training step saw, by range group: the extremes of each group's tensors *values*. Under a distribution
    strategy they are those of the whole batch, so that all replicas come to the same ranges."""
    if not values:
        return {}
    smallest = ops.stack([ops.min(ops.stack([_real(ops.min(value)) for value in group])) for group in values.values()])
    largest = ops.stack([ops.max(ops.stack([_real(ops.max(value)) for value in group])) for group in values.values()])
    highest = _largest_over_replicas(ops.stop_gradient(ops.concatenate([-smallest, largest])))
    count = len(values)
    return {
        index: Seen(-highest[position], highest[count + position], most_decay) for position, index in enumerate(values)
    }


def _real(value: Any) -> Any:
    return ops.cast(value, "float32")


def _largest_over_replicas(values: Any) -> Any:
    """The elementwise maximum of the replicas' *values*, [n]; sums are the one reduction that all strategies have."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    own = tf.one_hot(context.replica_id_in_sync_group, context.num_replicas_in_sync)
    return ops.max(context.all_reduce(tf.distribute.ReduceOp.SUM, own[:, None] * values[None]), 0)


class ActivationRange(keras.layers.Layer):  # type: ignore[misc]
    """Holds the minimum and maximum (float32 scalars) of a group of tensors that share one scale and zero point.

    `observed` is 0 until calibration or training has seen a value. In training both ends follow the batch's extremes as
    an exponential moving average, scaled by what calibration clipped (`share`: 1, 1 for the whole range). A group with
    fixed parameters has no variables.
    """

    def __init__(self, group: RangeGroup, **kwargs: Any) -> None:
        super().__init__(dtype="float32", autocast=False, trainable=False, **kwargs)
        # An op that fixes its output's parameters knows no narrow codes: sigmoid and softmax have the zero point -128.
        quantizer = group.quantizer if group.fixed is None else replace(group.quantizer, narrow=False)
        self.codes = quantizer.code_range
        self.type = group.quantizer.type
        self.symmetric = group.quantizer.scheme == "symmetric"
        self.fixed, self.shifted = group.fixed, group.shifted
        method = group.quantizer.range
        self.decay = method.arguments[0] if method.method == "ema" else _DECAY
        if self.fixed is None:
            # Every replica assigns the same: what is followed are the extremes of the whole batch.
            given: dict[str, Any] = {"trainable": False, "aggregation": "only_first_replica"}
            self.minimum = self.add_weight(name="minimum", initializer="zeros", **given)
            self.maximum = self.add_weight(name="maximum", initializer="zeros", **given)
            self.observed = self.add_weight(name="observed", initializer="zeros", **given)
            self.share = self.add_weight(name="share", shape=(2,), initializer="ones", **given)
        self.built = True

    def parameters(self) -> tuple[Any, Any]:
        """Scale and zero point, float32 scalars."""
        if self.fixed is not None:
            return ops.convert_to_tensor(np.float32(self.fixed[0])), ops.convert_to_tensor(np.float32(self.fixed[1]))
        if self.shifted:
            return shifted_parameters(self.minimum, self.maximum)
        return range_parameters(self.minimum, self.maximum, self.codes, symmetric=self.symmetric)

    def on_grid(self, value: Any, parameters: tuple[Any, Any], rounding: Rounding = round_steps) -> Any:
        """*value* on the grid of the group's *parameters*, in the type it came in."""
        quantized = fake_quantize(ops.cast(value, "float32"), *parameters, self.codes, rounding)
        return ops.cast(quantized, value.dtype)

    def ends(self, parameters: tuple[Any, Any]) -> tuple[Any, Any]:
        """The smallest and the largest number that the group's *parameters* have a code for."""
        scale, zero_point = parameters
        return (self.codes[0] - zero_point) * scale, (self.codes[1] - zero_point) * scale

    def start(self, minimum: float, maximum: float, extremes: tuple[float, float]) -> None:
        """Begin with a calibrated range. *extremes* are the smallest and largest value that calibration saw."""
        self.minimum.assign(minimum)
        self.maximum.assign(maximum)
        self.observed.assign(1.0)
        shares = [low / high if high else 1.0 for low, high in zip((minimum, maximum), extremes, strict=True)]
        self.share.assign(shares)

    def follow(self, seen: Seen, frozen: Any) -> None:
        """Move towards the extremes *seen* in this step; not at all where *frozen* (a boolean tensor) is true."""
        decay = ops.minimum(self.decay, seen.most_decay)
        step = ops.where(self.observed > 0, 1.0 - decay, 1.0)
        step = ops.where(frozen, 0.0, step)
        self.minimum.assign(self.minimum + step * (seen.smallest * self.share[0] - self.minimum))
        self.maximum.assign(self.maximum + step * (seen.largest * self.share[1] - self.maximum))
        self.observed.assign(ops.maximum(self.observed, ops.where(step > 0, 1.0, 0.0)))
