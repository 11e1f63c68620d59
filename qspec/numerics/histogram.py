"""A histogram that grows with its data and forgets nothing but the place of a value inside its bin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 1 << 14


class Histogram:
    """Counts of values in at most `BINS` bins of equal width around zero; only bins that hold something are kept.

    Bin *i* holds `i · width <= value < (i + 1) · width`. The width is a power of two and doubles when a value lies
    outside; pairs of bins then merge exactly. So the result depends on the values alone, never on how they were cut
    into batches, and a bin is at most `4 / BINS` of the largest magnitude wide.
    """

    def __init__(self) -> None:
        self._width = 0.0
        self._bins = np.zeros(0, np.int64)
        self._counts = np.zeros(0, np.int64)

    def update(self, values: NDArray[np.float32]) -> None:
        """Count *values*, finite and of any shape."""
        reals = np.asarray(values, np.float64).ravel()
        self._widen(float(np.abs(reals).max(initial=0.0)))
        bins = np.zeros(reals.shape, np.int64) if self._width == 0 else np.floor(reals / self._width).astype(np.int64)
        counts = np.bincount(bins + BINS // 2)
        (filled,) = np.nonzero(counts)
        self._merge(np.concatenate([self._bins, filled - BINS // 2]), np.concatenate([self._counts, counts[filled]]))

    @property
    def width(self) -> float:
        """The width of a bin; 0 as long as every value is 0."""
        return self._width

    @property
    def centers(self) -> NDArray[np.float64]:
        """The middle of each bin that holds something, ascending."""
        return np.asarray((self._bins + 0.5) * self._width, np.float64)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many values each of these bins holds."""
        return self._counts

    def coarser(self, most: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The middle of each bin, empty ones too, where whole bins are joined so that at most *most* are on each side
        of zero, and the counts; as many bins below zero as above."""
        joined = -(-int(max(self._bins.max() + 1, -self._bins.min())) // most)
        half = -(-BINS // 2 // joined)
        counts = np.zeros(2 * half, np.int64)
        np.add.at(counts, self._bins // joined + half, self._counts)
        centers = (np.arange(-half, half, dtype=np.float64) + 0.5) * (joined * self._width)
        return np.asarray(centers, np.float64), counts

    def quantile(self, fraction: float) -> float:
        """The value below which *fraction* of all values lie, as if each bin's values were spread evenly over it.

        At most one `width` away from the quantile of the values themselves.
        """
        rank = fraction * float(self._counts.sum())
        ends = np.cumsum(self._counts)
        index = min(int(np.searchsorted(ends, rank)), len(ends) - 1)
        inside = (rank - float(ends[index] - self._counts[index])) / float(self._counts[index])
        return (float(self._bins[index]) + inside) * self._width

    def _widen(self, magnitude: float) -> None:
        half = BINS // 2
        if magnitude < self._width * half or magnitude == 0.0:
            return
        # frexp: magnitude = mantissa · 2^exponent with mantissa < 1, so 2^exponent is above it.
        width = 2.0 ** float(np.frexp(magnitude)[1]) / half
        if self._width:
            # Past BINS every positive bin lands in 0 and every negative one in -1, however large the ratio.
            ratio = int(min(width / self._width, 2.0 * BINS))
            self._merge(self._bins // ratio, self._counts)
        self._width = width

    def _merge(self, bins: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        self._bins, owner = np.unique(bins, return_inverse=True)
        self._counts = np.zeros(len(self._bins), np.int64)
        np.add.at(self._counts, owner, counts)
