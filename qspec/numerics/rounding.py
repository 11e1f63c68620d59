"""The two rules for a value that lies in the middle between two whole numbers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rounding = Literal["half_away", "half_even"]


def round_half_away(values: ArrayLike) -> NDArray[Any]:
    """To the nearest whole number, ties away from zero: `std::round`, as LiteRT's reference kernels do.

    `floor(|x| + 0.5)` is not the same: it takes 0.49999997 to 1, because the sum itself is rounded.
    """
    whole = np.trunc(values)
    return np.asarray(whole + np.copysign(np.abs(values - whole) >= 0.5, values), dtype=whole.dtype)


def round_half_even(values: ArrayLike) -> NDArray[Any]:
    """To the nearest whole number, ties to the even one: as LiteRT's built-in kernels, XNNPACK and `tf.round` do."""
    return np.asarray(np.rint(values))


ROUNDINGS = {"half_away": round_half_away, "half_even": round_half_even}
