"""Biases: integers on the grid of the accumulator, `scale = input scale · weight scale`, zero point 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qspec.numerics.quantize import Integers
from qspec.numerics.rounding import round_half_away

# Half of int32: the other half is left to the sum of the products. TFLiteConverter stops at the same value.
LARGEST_BIAS_CODE = 2**30


class BiasOverflowError(ValueError):
    """A bias does not fit its integer type. `channels` are the output channels where it does not."""

    def __init__(self, channels: Sequence[int], bits: int) -> None:
        self.channels = tuple(channels)
        names = ", ".join(map(str, self.channels[:5])) + (", …" if len(self.channels) > 5 else "")
        super().__init__(f"the bias of channel {names} does not fit int{bits} at the scale of input times weights")


def bias_scales(input_scale: ArrayLike, weight_scales: ArrayLike) -> NDArray[np.float32]:
    """The scale of a bias, as the file holds it: the float32 product of the two scales; shape of *weight_scales*."""
    return np.asarray(np.asarray(input_scale, np.float32) * np.asarray(weight_scales, np.float32))


def quantize_bias(
    bias: ArrayLike, input_scale: ArrayLike, weight_scales: ArrayLike, *, bits: Literal[32, 64] = 32
) -> Integers:
    """The integers of *bias* ([channels]): int32, or int64 under int16 activations. *weight_scales*: () or [channels].

    Computed in float64, ties away from zero. A bias that overflows raises `BiasOverflowError`; nothing is clipped.
    """
    reals = np.asarray(bias, np.float64)
    if not np.isfinite(reals).all():
        raise ValueError("a bias holds NaN or infinity")
    scales = bias_scales(input_scale, weight_scales).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        codes = round_half_away(np.where(reals == 0, 0.0, reals / scales))
    too_large = np.abs(codes) >= 2.0 ** (bits - 1)
    if too_large.any():
        raise BiasOverflowError([int(channel) for channel in np.flatnonzero(too_large)], bits)
    return codes.astype(np.int32 if bits == 32 else np.int64)


def weight_scales_that_hold(bias: ArrayLike, input_scale: ArrayLike, weight_scales: ArrayLike) -> NDArray[np.float32]:
    """*weight_scales*, raised where the bias would else need more than half of int32.

    A channel whose weights are all but zero has so small a scale that its bias overflows. Its weights can afford a
    coarser one, its bias cannot. TFLiteConverter does the same. Shape of *weight_scales*; one scale serves all biases.
    """
    scales = np.asarray(weight_scales, np.float32)
    magnitude = np.abs(np.asarray(bias, np.float64))
    if scales.ndim == 0:
        magnitude = magnitude.max(initial=0.0)
    needed = magnitude / (np.asarray(input_scale, np.float64) * LARGEST_BIAS_CODE)
    return np.maximum(scales, needed.astype(np.float32))
