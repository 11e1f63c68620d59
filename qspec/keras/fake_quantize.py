"""Quantize and dequantize in the graph, with a gradient: the arithmetic of `qspec.numerics` in Keras operations."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from qspec.numerics.parameters import SMALLEST_RANGE

_BELOW_HALF = np.nextafter(np.float32(0.5), np.float32(0))


def round_half_away(value: Any) -> Any:
    """To the nearest integer, ties away from zero, as LiteRT rounds.

    The float32 below one half is added: one half itself would take 0.49999997 to 1, because the sum is rounded too.
    """
    return ops.sign(value) * ops.floor(ops.abs(value) + _BELOW_HALF)


def fake_quantize(value: Any, scale: Any, zero_point: Any, codes: tuple[int, int], *, round_codes: bool = False) -> Any:
    """*value* (float32) on the grid of *scale* and *zero_point*, which broadcast against it.

    The gradient passes where the value lies inside the range and stops outside (straight-through estimator, Jacob et
    al. 2018, https://arxiv.org/abs/1712.05877). `round_codes` rounds after the zero point is added, as kernels do that
    average codes.
    """
    lowest, highest = codes

    @tf.custom_gradient  # type: ignore[misc]
    def straight_through(value: Any, scale: Any, zero_point: Any) -> Any:
        scaled = value / scale
        if round_codes:
            rounded = round_half_away(_snap(scaled + zero_point)) - zero_point
        else:
            rounded = round_half_away(scaled)
        low, high = lowest - zero_point, highest - zero_point
        result = ops.clip(rounded, low, high) * scale

        def gradient(upstream: Any) -> Any:
            inside = ops.logical_and(rounded >= low, rounded <= high)
            return ops.where(inside, upstream, ops.zeros_like(upstream)), None, None

        return result, gradient

    # A variable would be read inside, and its gradient would have to be handed on by name.
    return straight_through(tf.convert_to_tensor(value), scale, zero_point)


def _snap(codes: Any) -> Any:
    """An average of codes, rid of the float error that would decide a tie."""
    return ops.round(codes * 1024.0) / 1024.0


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
