"""Quantize and dequantize in the graph, with a gradient: the arithmetic of `qspec.numerics` in Keras operations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from qspec.numerics.parameters import SMALLEST_RANGE

Rounding = Callable[[Any, Any], Any]  # steps (a value over its scale) and zero point to whole steps

_VECTOR = 16  # channels
_BELOW_HALF = np.nextafter(np.float32(0.5), np.float32(0))


def round_half_away(value: Any) -> Any:
    """To the nearest integer, ties away from zero, as LiteRT rounds.

    The float32 below one half is added: one half itself would take 0.49999997 to 1, because the sum is rounded too.
    """
    return ops.sign(value) * ops.floor(ops.abs(value) + _BELOW_HALF)


def round_steps(steps: Any, zero_point: Any) -> Any:
    """*steps* (a value over its scale), ties away from zero: what most kernels do."""
    return round_half_away(steps)


def round_codes(steps: Any, zero_point: Any) -> Any:
    """*steps*, rounded with the zero point added: what kernels do that average codes, as AVERAGE_POOL_2D does
    (LiteRT, kernels/internal/reference/integer_ops/pooling.h)."""
    # An average of codes is a fraction of few parts: the grid takes away the float error that would decide a tie.
    codes = ops.round((steps + zero_point) * 1024.0) / 1024.0
    return round_half_away(codes) - zero_point


def round_twice(ratio: Any, count: int = 1) -> Rounding:
    """How QUANTIZE and MUL round small integers to another grid, *ratio* being the scale of the integers over the new
    one: once after the multiplication with a number below 1, once after the shift to the right (LiteRT,
    kernels/internal/common.h, `MultiplyByQuantizedMultiplier`). Other sums are large, and one rounding describes them.

    With *count*, how the built-in MEAN rounds the sum of so many integers: the division is part of the multiplication
    (run: equal to ai-edge-litert 2.3.0 in every element).
    """
    exponent = ops.floor(ops.log2(ratio)) + 1.0 - math.floor(math.log2(count))
    shift = ops.power(2.0, ops.minimum(exponent, 0.0))
    return lambda steps, _: round_half_away(round_half_away(steps / shift) * shift)


def round_mean_over_image(ratio: Any, zero_point: Any, count: int, threads: int) -> Rounding:
    """How the built-in MEAN over height and width that keeps its dimensions rounds, on so many *threads*.

    As `round_twice` the sum of *count* codes, whose *zero_point* it takes off afterwards, rounded in steps of the
    result; ties of the second rounding go up where a thread computes 16 channels at once, and away from zero in what is
    left (LiteRT, kernels/internal/optimized/integer_ops/mean.h; run: equal to ai-edge-litert 2.3.0 in every element).
    """
    share = ratio / count
    shift = ops.power(2.0, ops.minimum(ops.floor(ops.log2(share)) + 1.0, 0.0))
    offset = round_half_away(zero_point * ratio)

    def rounding(steps: Any, _: Any) -> Any:
        codes = ops.round(steps / share) + zero_point * count
        once = ops.floor(codes * (share / shift) + 0.5) * shift
        return ops.where(_in_vectors(steps.shape[-1], threads), ops.floor(once + 0.5), round_half_away(once)) - offset

    return rounding


def _in_vectors(channels: int, threads: int) -> np.ndarray:
    """Which channels, [channels], a MEAN computes 16 at once: each thread has its share, one thread 8 at least."""
    parts, found = max(1, min(threads, channels // 8)), np.zeros(channels, bool)
    start = 0
    for part in range(parts):
        share = (channels - start) // (parts - part)
        found[start : start + share // _VECTOR * _VECTOR] = True
        start += share
    return found


def fake_quantize(
    value: Any, scale: Any, zero_point: Any, codes: tuple[int, int], rounding: Rounding = round_steps
) -> Any:
    """*value* (float32) on the grid of *scale* and *zero_point*, which broadcast against it.

    The gradient passes where the value lies inside the range and stops outside (straight-through estimator, Jacob et
    al. 2018, https://arxiv.org/abs/1712.05877).
    """
    lowest, highest = codes

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def straight_through(value: Any, scale: Any, zero_point: Any) -> Any:
        rounded = rounding(value / scale, zero_point)
        low, high = lowest - zero_point, highest - zero_point
        result = ops.clip(rounded, low, high) * scale

        def gradient(upstream: Any) -> Any:
            inside = ops.logical_and(rounded >= low, rounded <= high)
            return ops.where(inside, upstream, ops.zeros_like(upstream)), None, None

        return result, gradient

    # A variable would be read inside, and its gradient would have to be handed on by name.
    return straight_through(tf.convert_to_tensor(value), scale, zero_point)


def range_parameters(minimum: Any, maximum: Any, codes: tuple[int, int], *, symmetric: bool) -> tuple[Any, Any]:
    """Scale and zero point (both float32) of a range, as `qspec.numerics.parameters_from_range` gives them."""
    lowest, highest = codes
    minimum, maximum = ops.minimum(minimum, 0.0), ops.maximum(maximum, 0.0)
    if symmetric:
        scale = _divide(ops.maximum(ops.maximum(-minimum, maximum), SMALLEST_RANGE), highest)
        return scale, ops.zeros_like(scale)
    scale = _divide(ops.maximum(maximum - minimum, SMALLEST_RANGE), highest - lowest)
    return scale, ops.clip(round_half_away(lowest - minimum / scale), lowest, highest)


def _divide(value: Any, steps: int) -> Any:
    # TensorFlow's optimizer and XLA make a product with the reciprocal of a division by a constant, which in float32 is
    # one unit in the last place off for most values; in float64 it rounds to the right float32.
    return ops.cast(ops.cast(value, "float64") / steps, "float32")
