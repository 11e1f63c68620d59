"""Constants on their integers' grid: weights by the range their quantizer asks for, biases by their accumulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from qspec.keras.kernels.fake_quantize import (
    Rounding,
    fake_quantize,
    range_parameters,
    round_half_away_64,
    round_steps,
)
from qspec.numerics import SMALLEST_BLOCK_SCALE
from qspec.plan.plan import Decision
from qspec.schema.quantizer import Quantizer, Range


@dataclass(frozen=True, eq=False)
class QuantizedConstant:
    """A constant on its integers' grid. `scale` and `zero_point` broadcast against `value`, are [rows, blocks] for a
    matrix in blocks, or None for a float; `tensor` is its id in the plan, None for one that no op of the file holds."""

    tensor: int | None
    value: Any
    scale: Any
    zero_point: Any


def quantize_bias(tensor: int, value: Any, scale: Any) -> QuantizedConstant:
    """A bias on its accumulator's grid: *scale*, zero point 0."""
    # In float64, as the file's integers are computed: a recurrent op carries one that is off through all its steps.
    scale64 = ops.cast(scale, "float64")
    steps = ops.cast(ops.stop_gradient(value), "float64") / scale64
    rounded = ops.cast(round_half_away_64(steps) * scale64, value.dtype)
    return QuantizedConstant(tensor, value + ops.stop_gradient(rounded - value), scale, ops.zeros_like(scale))


def quantize_constant(
    tensor: int, value: Any, decision: Decision, room: Any, shares: Any = None, rounding: Rounding = round_steps
) -> QuantizedConstant:
    """A constant on the grid that its quantizer asks for.

    *room*: scales, [channels], below which the bias would overflow (`qspec.numerics.weight_scales_that_hold`).
    *shares*, [2, channels]: how much of its extremes a searched range covers (`qspec.numerics.range_shares`).
    """
    quantizer = decision.quantizer
    assert quantizer is not None
    if quantizer.rounding == "half_even":
        rounding = round_half_even
    if quantizer.block_size is not None:
        return _quantize_blocks(tensor, value, quantizer, shares, rounding)
    codes, symmetric = quantizer.code_range, quantizer.scheme == "symmetric"
    kept = {decision.axis} if decision.axis is not None else set()
    if quantizer.range.method == "exact":
        scale, zero_point = (ops.convert_to_tensor(np.float32(part)) for part in quantizer.range.arguments)
    else:
        low, high = _ends(value, quantizer.range, kept)
        if shares is not None:
            low, high = low * _along(shares[0], value, kept), high * _along(shares[1], value, kept)
        scale, zero_point = range_parameters(low, high, codes, symmetric=symmetric)
    if room is not None:
        scale = ops.maximum(scale, _along(room, value, kept) if kept else ops.max(room))
    return QuantizedConstant(tensor, fake_quantize(value, scale, zero_point, codes, rounding), scale, zero_point)


def round_to_float16(tensor: int | None, value: Any) -> QuantizedConstant:
    """A constant that the file holds as float16."""
    limit = float(np.finfo(np.float16).max)
    stored = ops.cast(ops.cast(ops.clip(value, -limit, limit), "float16"), "float32")
    return QuantizedConstant(tensor, value + ops.stop_gradient(stored - value), None, None)


def round_half_even(steps: Any, zero_point: Any) -> Any:
    """*steps*, ties to the even one."""
    return ops.round(steps)


def _quantize_blocks(
    tensor: int, value: Any, quantizer: Quantizer, shares: Any, rounding: Rounding
) -> QuantizedConstant:
    """A matrix, [rows, columns], with a scale for each so many columns of a row."""
    rows, columns = value.shape
    blocks = ops.reshape(value, (rows, columns // (quantizer.block_size or 1), -1))
    low, high = _ends(blocks, quantizer.range, {0, 1})
    if shares is not None:
        low, high = low * ops.reshape(shares[0], low.shape), high * ops.reshape(shares[1], high.shape)
    scale, zero_point = range_parameters(low, high, quantizer.code_range, symmetric=True)
    # The file holds these scales as float16, and XNNPACK computes with bfloat16.
    scale = ops.maximum(ops.cast(ops.cast(scale, "bfloat16"), "float32"), SMALLEST_BLOCK_SCALE)
    quantized = fake_quantize(blocks, scale, zero_point, quantizer.code_range, rounding)
    scale, zero_point = ops.squeeze(scale, -1), ops.squeeze(zero_point, -1)
    return QuantizedConstant(tensor, ops.reshape(quantized, value.shape), scale, zero_point)


def _along(channels: Any, value: Any, kept: set[int]) -> Any:
    """What there is for each channel in a shape that broadcasts against *value*."""
    return ops.reshape(channels, [size if axis in kept else 1 for axis, size in enumerate(value.shape)])


def _ends(value: Any, range_: Range, kept: set[int]) -> tuple[Any, Any]:
    """The ends of a constant's range, one pair for each position along the *kept* axes."""
    if range_.method == "fixed":
        low, high = (ops.convert_to_tensor(np.float32(end)) for end in range_.arguments)
        return low, high
    value = ops.stop_gradient(value)
    reduced = [axis for axis in range(len(value.shape)) if axis not in kept]
    return ops.min(value, reduced, keepdims=True), ops.max(value, reduced, keepdims=True)
