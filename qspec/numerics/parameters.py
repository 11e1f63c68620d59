"""Scale and zero point: `real = scale · (code - zero_point)`, the LiteRT 8-bit quantization specification's formula."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qspec.numerics.rounding import Rounding, round_half_away

# A narrower range counts as this wide, so that a tensor of zeros has a scale. About what TFLiteConverter does, which
# takes ±5e-7 for the weights and ±1e-6 for the activations it finds to be narrower (TensorFlow 2.21, run).
SMALLEST_RANGE = np.float32(2.0**-20)
# The scale of a block is a float16, and XNNPACK reads it as a bfloat16: from here on, a number of 8 bits is both.
SMALLEST_BLOCK_SCALE = np.float32(2.0**-17)


@dataclass(frozen=True, eq=False)
class Parameters:
    """How reals become integer codes and back.

    `scale` (float32) and `zero_point` (int32) have shape () for a tensor, [channels] for one scale per slice along
    `axis`, [rows, blocks] for one scale for each `block` values along the last axis of a matrix. Codes run from
    `lowest` to `highest`, both included; reals are rounded to them by `rounding`.
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int32]
    lowest: int
    highest: int
    axis: int | None = None
    block: int | None = None
    rounding: Rounding = "half_away"

    def along(self, rank: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Scale and zero point in a shape that broadcasts against a tensor of *rank* dimensions."""
        if self.block is not None:
            return np.repeat(self.scale, self.block, -1), np.repeat(self.zero_point, self.block, -1)
        if self.axis is None:
            return self.scale, self.zero_point
        shape = [1] * rank
        shape[self.axis] = -1
        return self.scale.reshape(shape), self.zero_point.reshape(shape)


def exact_parameters(
    scale: ArrayLike,
    zero_point: ArrayLike,
    *,
    lowest: int,
    highest: int,
    axis: int | None = None,
    block: int | None = None,
    rounding: Rounding = "half_away",
) -> Parameters:
    """Parameters that somebody else fixed: an op (softmax: 1/256, -128), a spec's `exact(…)`, or a file."""
    scales = np.asarray(scale, np.float32)
    zero_points = np.broadcast_to(np.asarray(zero_point, np.int32), scales.shape)
    if not np.all(np.isfinite(scales) & (scales > 0)):
        raise ValueError("a scale must be a positive number that float32 can hold")
    if np.any((zero_points < lowest) | (zero_points > highest)):
        raise ValueError(f"a zero point must lie between {lowest} and {highest}")
    return Parameters(scales, zero_points, lowest, highest, axis, block, rounding)


def parameters_from_range(
    minimum: ArrayLike, maximum: ArrayLike, *, lowest: int, highest: int, symmetric: bool, axis: int | None = None
) -> Parameters:
    """The parameters that map [*minimum*, *maximum*] onto the codes *lowest* … *highest*.

    *minimum* and *maximum* are scalars, or [channels] together with *axis*. Every step is one float32 operation, so the
    same steps in any framework give the same bits:

    * the range is widened to contain 0: `low = min(minimum, 0)`, `high = max(maximum, 0)`;
    * symmetric: `scale = max(-low, high, SMALLEST_RANGE) / highest`, zero point 0, narrow or not;
    * asymmetric: `scale = max(high - low, SMALLEST_RANGE) / (highest - lowest)`,
      `zero_point = round_half_away(lowest - low / scale)`, kept within the codes.

    TensorFlow's graph optimizer and XLA turn a division by a constant into a product with its float32 reciprocal, which
    is one unit in the last place away for most ranges. There, divide in float64 and round the quotient to float32: a
    24-bit number over an odd divisor of at most 16 bits is never so close to the middle of two float32 that it matters.
    """
    low, high = _widened(minimum, maximum)
    if symmetric:
        if not lowest < 0 < highest:
            raise ValueError(f"symmetric codes need both signs, found {lowest} to {highest}")
        reach = np.maximum(np.maximum(-low, high), SMALLEST_RANGE)
        scale = np.asarray(reach / np.float32(highest), np.float32)
        return Parameters(scale, np.zeros(scale.shape, np.int32), lowest, highest, axis)
    width = np.maximum(_difference(high, low), SMALLEST_RANGE)
    scale = np.asarray(width / np.float32(highest - lowest), np.float32)
    zero_point = np.clip(round_half_away(np.float32(lowest) - low / scale), lowest, highest)
    return Parameters(scale, np.asarray(zero_point, np.int32), lowest, highest, axis)


def _widened(minimum: ArrayLike, maximum: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    with np.errstate(over="ignore"):
        low, high = np.asarray(minimum, np.float32), np.asarray(maximum, np.float32)
    if not (np.all(np.isfinite(low)) and np.all(np.isfinite(high))):
        raise ValueError("a range must be two finite numbers that float32 can hold")
    if np.any(low > high):
        raise ValueError("a range's minimum must not be above its maximum")
    zero = np.float32(0)
    return np.asarray(np.minimum(low, zero)), np.asarray(np.maximum(high, zero))


def _difference(high: NDArray[np.float32], low: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        width = np.asarray(high - low)
    if not np.all(np.isfinite(width)):
        raise ValueError("a range must be narrower than the largest float32, about 3.4e38")
    return width
