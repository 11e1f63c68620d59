"""Constants on their integers' grid: weights by the range their quantizer asks for, biases by their accumulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from qspec.keras.fake_quantize import fake_quantize, range_parameters, round_half_away
from qspec.plan.plan import Decision
from qspec.schema.quantizer import Range


@dataclass(frozen=True, eq=False)
class QuantizedConstant:
    """A constant on its integers' grid. `scale` and `zero_point` broadcast against `value`, or are None for a float;
    `tensor` is its id in the plan, None for one that no op of the file holds."""

    tensor: int | None
    value: Any
    scale: Any
    zero_point: Any


def quantize_bias(tensor: int, value: Any, scale: Any) -> QuantizedConstant:
    """A bias on its accumulator's grid: *scale*, zero point 0."""
    rounded = round_half_away(ops.stop_gradient(value) / scale) * scale
    return QuantizedConstant(tensor, value + ops.stop_gradient(rounded - value), scale, ops.zeros_like(scale))


def quantize_constant(tensor: int, value: Any, decision: Decision, room: Any) -> QuantizedConstant:
    """A constant on the grid that its quantizer asks for.

    *room*: scales, [channels], below which the bias would overflow (`qspec.numerics.weight_scales_that_hold`).
    """
    quantizer = decision.quantizer
    assert quantizer is not None
    codes, symmetric = quantizer.code_range, quantizer.scheme == "symmetric"
    kept = {decision.axis} if decision.axis is not None else set()
    if quantizer.range.method == "exact":
        scale, zero_point = (ops.convert_to_tensor(np.float32(part)) for part in quantizer.range.arguments)
    else:
        low, high = _ends(value, quantizer.range, kept)
        scale, zero_point = range_parameters(low, high, codes, symmetric=symmetric)
    if room is not None:
        room = (
            ops.reshape(room, [size if axis in kept else 1 for axis, size in enumerate(value.shape)])
            if kept
            else ops.max(room)
        )
        scale = ops.maximum(scale, room)
    return QuantizedConstant(tensor, fake_quantize(value, scale, zero_point, codes), scale, zero_point)


def _ends(value: Any, range_: Range, kept: set[int]) -> tuple[Any, Any]:
    """The ends of a constant's range, one pair for each position along the *kept* axes."""
    if range_.method == "fixed":
        low, high = (ops.convert_to_tensor(np.float32(end)) for end in range_.arguments)
        return low, high
    value = ops.stop_gradient(value)
    reduced = [axis for axis in range(len(value.shape)) if axis not in kept]
    return ops.min(value, reduced, keepdims=True), ops.max(value, reduced, keepdims=True)
