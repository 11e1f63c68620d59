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


def round_half_away_64(value: Any) -> Any:
    """The same of float64, in which one half can be added."""
    return ops.sign(value) * ops.floor(ops.abs(value) + 0.5)


def round_steps(steps: Any, zero_point: Any) -> Any:
    """*steps* (a value over its scale), ties away from zero: what most kernels do."""
    return round_half_away(steps)


def round_at_random(seed: Any) -> Rounding:
    """*steps* up or down by chance, so that the mean of many roundings is what was rounded; *seed*, [2] integers,
    decides (Gupta et al. 2015, https://arxiv.org/abs/1502.02551, section 3.1)."""
    return lambda steps, _: ops.floor(steps + tf.random.stateless_uniform(tf.shape(steps), seed))


def round_codes(steps: Any, zero_point: Any) -> Any:
    """*steps*, rounded with the zero point added: what kernels do that average codes, as AVERAGE_POOL_2D does
    (LiteRT, kernels/internal/reference/integer_ops/pooling.h)."""
    # An average of codes is a fraction of few parts: the grid takes away the float error that would decide a tie.
    codes = ops.round((steps + zero_point) * 1024.0) / 1024.0
    return round_half_away(codes) - zero_point


def power_of_two_below(value: Any) -> Any:
    """The largest power of two up to *value* (float32, positive): the bits of its exponent. A logarithm in float32
    misses powers of two themselves, and scales are often in such ratios."""
    bits = tf.bitcast(tf.cast(value, tf.float32), tf.int32)
    return tf.bitcast(tf.bitwise.bitwise_and(bits, 0x7F800000), tf.float32)


def round_twice(ratio: Any, count: int = 1) -> Rounding:
    """How QUANTIZE and MUL round small integers to another grid, *ratio* being the scale of the integers over the new
    one: once after the multiplication with a number below 1, ties up, and once after the shift to the right, ties away
    from zero (LiteRT, kernels/internal/common.h, `MultiplyByQuantizedMultiplier`). Other sums are large, and one
    rounding describes them.

    With *count*, how the built-in MEAN rounds the sum of so many integers: the division is part of the multiplication
    (run: equal to ai-edge-litert 2.3.0 in every element).
    """
    shift = ops.minimum(2.0 * power_of_two_below(ratio) / 2 ** math.floor(math.log2(count)), 1.0)
    return lambda steps, _: round_half_away(ops.floor(steps / shift + 0.5) * shift)


def round_product(ratio: Any, together: int | None) -> Rounding:
    """How the built-in products with 8-bit inputs round their sums, *ratio* being the scale of a sum over the result's.

    To a whole number after the multiplication, ties up, then in the shift to the right: ties up where a kernel computes
    so many channels *together* (None: always), and away from zero in those that are left over (run:
    equal to ai-edge-litert 2.3.0 on x86-64 in every element, with weights of 8, 4 and 2 bits). The fewer bits the
    weights have, the smaller are the sums, and the more often does this differ from one rounding.
    """
    shift = ops.minimum(2.0 * power_of_two_below(ratio), 1.0)

    def rounding(steps: Any, _: Any) -> Any:
        once = ops.floor(steps / shift + 0.5) * shift
        up = ops.floor(once + 0.5)
        if together is None:
            return up
        channels = steps.shape[-1]
        return ops.where(np.arange(channels) < channels // together * together, up, round_half_away(once))

    return rounding


def round_wide_product(ratio: Any) -> Rounding:
    """How convolutions of 16-bit inputs round their sums: once, ties up, with a multiplier of 15 bits, which moves
    large results by up to one (LiteRT, kernels/internal/common.cc, `MultiplyByQuantizedMultiplier` of an int64)."""
    unit = power_of_two_below(ratio) / 2**14
    multiplier = ops.minimum(ops.floor(ratio / unit + 0.5), 32767.0) * unit
    return lambda steps, _: ops.floor(steps * (multiplier / ratio) + 0.5)


def round_mean_over_image(ratio: Any, zero_point: Any, count: int, threads: int) -> Rounding:
    """How the built-in MEAN over height and width that keeps its dimensions rounds, on so many *threads*.

    As `round_twice` the sum of *count* codes, whose *zero_point* it takes off afterwards, rounded in steps of the
    result; ties of the second rounding go up where a thread computes 16 channels at once, and away from zero in what is
    left (LiteRT, kernels/internal/optimized/integer_ops/mean.h; run: equal to ai-edge-litert 2.3.0 in every element).
    """
    share = ratio / count
    shift = ops.minimum(2.0 * power_of_two_below(share), 1.0)
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


# Of a step. The largest weight of a channel lies on the edge of the range that training begins with: this much makes
# sure that it counts as inside however its quotient is rounded.
_EDGE = 2.0**-10


def learned_quantize(
    value: Any, scale: Any, zero_point: Any, codes: tuple[int, int], count: int, rounding: Rounding = round_steps
) -> Any:
    """`fake_quantize` with a gradient for *scale*, of which one value serves *count* elements (Learned Step Size
    Quantization, Esser et al. 2020, https://arxiv.org/abs/1902.08153, equations 1 to 5 and section 2.2).

    In the paper's words Q_N and Q_P are the steps below and above zero, zero point - lowest and highest - zero point,
    and the scale's gradient counts 1 / sqrt(count * Q_P).
    """
    lowest, highest = codes

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def quantize(value: Any, scale: Any, zero_point: Any) -> Any:
        steps = value / scale
        low, high = lowest - zero_point, highest - zero_point
        codes_of = ops.clip(rounding(steps, zero_point), low, high)

        def gradient(upstream: Any) -> Any:
            inside = ops.logical_and(steps > low - _EDGE, steps < high + _EDGE)
            slope = ops.where(inside, codes_of - steps, ops.clip(steps, low, high))
            weight = 1.0 / ops.sqrt(ops.maximum(high, 1.0) * count)
            # The scale broadcast: what was one value is the sum of what reaches its copies.
            along = [axis for axis, size in enumerate(scale.shape) if size == 1]
            reached = upstream * slope
            total = ops.sum(reached, along, keepdims=True) if len(scale.shape) else ops.sum(reached)
            return ops.where(inside, upstream, ops.zeros_like(upstream)), total * weight, None

        return codes_of * scale, gradient

    return quantize(tf.convert_to_tensor(value), scale, zero_point)


def clipped_quantize(
    value: Any,
    clip: Any,
    parameters: tuple[Any, Any],
    codes: tuple[int, int],
    *,
    symmetric: bool,
    rounding: Rounding = round_steps,
) -> Any:
    """`fake_quantize` at *parameters*, with a gradient for the upper end of the range, *clip*: what reaches the values
    at or above it (Parameterized Clipping Activation, Choi et al. 2018, https://arxiv.org/abs/1805.06085, equation 3),
    less what reaches those at or below its negative where the range is *symmetric*."""
    lowest, highest = codes

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def quantize(value: Any, clip: Any, scale: Any, zero_point: Any) -> Any:
        rounded = rounding(value / scale, zero_point)
        low, high = lowest - zero_point, highest - zero_point

        def gradient(upstream: Any) -> Any:
            above = value >= clip
            inside = ops.logical_and(rounded >= low, ops.logical_not(above))
            nothing = ops.zeros_like(upstream)
            reached = ops.sum(ops.where(above, upstream, nothing))
            if symmetric:
                reached = reached - ops.sum(ops.where(value <= -clip, upstream, nothing))
            return ops.where(inside, upstream, nothing), reached, None, None

        return ops.clip(rounded, low, high) * scale, gradient

    return quantize(tf.convert_to_tensor(value), clip, *parameters)


def range_parameters(minimum: Any, maximum: Any, codes: tuple[int, int], *, symmetric: bool) -> tuple[Any, Any]:
    """Scale and zero point (both float32) of a range, as `qspec.numerics.parameters_from_range` gives them."""
    lowest, highest = codes
    minimum, maximum = ops.minimum(minimum, 0.0), ops.maximum(maximum, 0.0)
    if symmetric:
        scale = _divide(ops.maximum(ops.maximum(-minimum, maximum), SMALLEST_RANGE), highest)
        return scale, ops.zeros_like(scale)
    scale = _divide(ops.maximum(maximum - minimum, SMALLEST_RANGE), highest - lowest)
    return scale, ops.clip(round_half_away(lowest - minimum / scale), lowest, highest)


def shifted_parameters(minimum: Any, maximum: Any) -> tuple[Any, Any]:
    """Scale and zero point (both float32) of 16 bits that an op shifts: the power of two that covers the range, from
    2^-15 to 2^-9."""
    bound = ops.maximum(-minimum, maximum)
    bits = ops.sum(ops.cast(bound > 2.0 ** np.arange(6, dtype="float32"), "float32"))
    return ops.power(2.0, bits - 15.0), ops.zeros_like(bound)


def _divide(value: Any, steps: int) -> Any:
    # TensorFlow's optimizer and XLA make a product with the reciprocal of a division by a constant, which in float32 is
    # one unit in the last place off for most values; in float64 it rounds to the right float32.
    return ops.cast(ops.cast(value, "float64") / steps, "float32")
