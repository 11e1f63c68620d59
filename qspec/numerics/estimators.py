"""Where a range comes from: estimators that see the data batch by batch, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qspec.numerics.histogram import Histogram
from qspec.numerics.parameters import parameters_from_range
from qspec.numerics.quantize import fake_quantize, quantize

Ends = tuple[NDArray[np.float32], NDArray[np.float32]]


class Estimator(Protocol):
    """Sees batches, then knows a range."""

    def update(self, batch: ArrayLike) -> None:
        """Take a batch of any shape into account. NaN or infinity in it: ValueError."""

    def range(self) -> Ends:
        """Minimum and maximum, float32, of shape () or [channels]. Nothing seen so far: ValueError."""


class MinMax:
    """The smallest and the largest value ever seen. *axis*: for each slice along it."""

    def __init__(self, axis: int | None = None) -> None:
        self._axis = axis
        self._ends: Ends | None = None

    def update(self, batch: ArrayLike) -> None:
        """See `Estimator`."""
        new = _ends(batch, self._axis)
        if new is not None:
            self._ends = new if self._ends is None else self._merged(self._ends, new)

    def range(self) -> Ends:
        """See `Estimator`."""
        return _seen(self._ends)

    def _merged(self, old: Ends, new: Ends) -> Ends:
        return np.asarray(np.minimum(old[0], new[0])), np.asarray(np.maximum(old[1], new[1]))


class MovingAverage(MinMax):
    """The exponential moving average of each batch's own minimum and maximum; the first batch is taken as it is."""

    def __init__(self, decay: float, axis: int | None = None) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"a decay must be at least 0 and below 1, found {decay:g}")
        super().__init__(axis)
        self._decay = np.float32(decay)

    def _merged(self, old: Ends, new: Ends) -> Ends:
        keep, take = self._decay, np.float32(1) - self._decay
        return np.asarray(keep * old[0] + take * new[0]), np.asarray(keep * old[1] + take * new[1])


class _Distribution:
    """The ends that were seen, and how the values lie between them."""

    def __init__(self) -> None:
        self._histogram = Histogram()
        self._seen = MinMax()

    def update(self, batch: ArrayLike) -> None:
        """See `Estimator`."""
        self._seen.update(batch)
        self._histogram.update(np.asarray(batch, np.float32))


class Percentile(_Distribution):
    """Cuts the same share off both tails: from percentile `100 - p` to percentile *p*; 100 is `MinMax`.

    Quantiles come from a `Histogram`: each end is at most `4 / BINS` = 0.03 % of the largest magnitude off, and never
    outside the values seen.
    """

    def __init__(self, p: float) -> None:
        if not 50 < p <= 100:
            raise ValueError(f"a percentile must be above 50 and at most 100, found {p:g}")
        super().__init__()
        self._fraction = p / 100

    def range(self) -> Ends:
        """See `Estimator`."""
        minimum, maximum = self._seen.range()
        if self._fraction == 1:
            return minimum, maximum
        ends = [self._histogram.quantile(1 - self._fraction), self._histogram.quantile(self._fraction)]
        low, high = np.clip(np.asarray(ends, np.float32), minimum, maximum)
        return np.asarray(low), np.asarray(high)


class LeastSquares(_Distribution):
    """The range whose quantization has the least mean squared error, rounding and clipping together.

    Candidates are the seen ends, shrunk by up to 2^10 in steps of 2^(1/16); asymmetric ends in turn, twice.
    The error is that of a `Histogram`'s bin centers. The seen range itself is a candidate, so it is never beaten by it.
    """

    def __init__(self, *, lowest: int, highest: int, symmetric: bool) -> None:
        super().__init__()
        self._codes = {"lowest": lowest, "highest": highest}
        self._symmetric = symmetric

    def range(self) -> Ends:
        """See `Estimator`."""
        minimum, maximum = self._seen.range()
        low, high = min(float(minimum), 0.0), max(float(maximum), 0.0)
        shrunk = 2.0 ** (-np.arange(161) / 16)
        if self._symmetric:
            reach = self._best(-max(-low, high) * shrunk, max(-low, high) * shrunk)[1]
            return np.asarray(np.float32(max(low, -reach))), np.asarray(np.float32(min(high, reach)))
        widest = (low, high)
        for _ in range(2):
            low, high = self._best(np.full(161, low), widest[1] * shrunk)
            low, high = self._best(widest[0] * shrunk, np.full(161, high))
        return np.asarray(np.float32(low)), np.asarray(np.float32(high))

    def _best(self, lows: NDArray[np.float64], highs: NDArray[np.float64]) -> tuple[float, float]:
        parameters = parameters_from_range(lows, highs, **self._codes, symmetric=self._symmetric, axis=0)
        centers = np.broadcast_to(self._histogram.centers, (len(lows), len(self._histogram.centers)))
        errors = np.square(fake_quantize(centers, parameters) - centers) @ self._histogram.counts
        index = int(np.argmin(errors))
        return float(lows[index]), float(highs[index])


class LeastDivergence(_Distribution):
    """The range whose codes tell the most about the values: with the least divergence, by Kullback and Leibler, of the
    codes' distribution from that of the clipped values.

    As in S. Migacz, "8-bit Inference with TensorRT" (GTC 2017): what lies outside a range counts for the bins at its
    ends, the codes are counted without it, and each code's count is spread over those of its bins that hold something.
    Candidates are the seen ends, shrunk together in steps of 1 / `_STEPS` down to a sixteenth.
    """

    _STEPS = 128
    _LEAST = 1e-4  # values that a bin holds at least
    _BINS = 2048  # on each side of zero, as there; finer ones hold too few values to be a distribution

    def __init__(self, *, lowest: int, highest: int, symmetric: bool) -> None:
        super().__init__()
        self._codes: dict[str, Any] = {"lowest": lowest, "highest": highest, "symmetric": symmetric}

    def range(self) -> Ends:
        """See `Estimator`."""
        minimum, maximum = self._seen.range()
        if self._histogram.width == 0:
            return minimum, maximum
        low, high = min(float(minimum), 0.0), max(float(maximum), 0.0)
        centers, counts = self._coarse()
        shares = np.arange(self._STEPS, self._STEPS // 16 - 1, -1) / self._STEPS
        best = shares[np.argmin([self._divergence(centers, counts, share * low, share * high) for share in shares])]
        return np.asarray(np.float32(best * low)), np.asarray(np.float32(best * high))

    def _coarse(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The middle of up to `_BINS` bins on each side of zero, and how many values each holds.

        Zeros, of which a ReLU makes many, are exact in every range: their bin counts as the next one.
        """
        centers, counts = self._histogram.coarser(self._BINS)
        zero = len(counts) // 2
        counts[zero] = min(counts[zero : zero + 2])
        return centers, counts

    def _divergence(self, centers: NDArray[np.float64], counts: NDArray[np.int64], low: float, high: float) -> float:
        inside = np.flatnonzero((low <= centers) & (centers <= high))
        if not counts[inside].any():
            return math.inf
        first, last = inside[0], inside[-1] + 1
        within = counts[first:last].astype(np.float64)
        clipped = within.copy()
        clipped[0] += counts[:first].sum()
        clipped[-1] += counts[last:].sum()
        codes = quantize(centers[first:last], parameters_from_range(low, high, **self._codes)).astype(np.int64)
        codes -= codes[0]
        filled = within > 0
        totals, bins = np.bincount(codes, within), np.bincount(codes, filled)
        spread = np.where(filled, totals[codes] / np.maximum(bins[codes], 1), 0.0)
        seen = clipped > 0
        # An end may hold nothing but what was clipped; the divergence from no value at all would be infinite.
        wanted, found = clipped[seen] / clipped.sum(), np.maximum(spread[seen], self._LEAST) / spread.sum()
        return float((wanted * np.log(wanted / found)).sum())


class PerChannel:
    """One estimator for each slice along an axis."""

    def __init__(self, axis: int, make: Callable[[], Estimator]) -> None:
        self._axis = axis
        self._make = make
        self._channels: list[Estimator] = []

    def update(self, batch: ArrayLike) -> None:
        """See `Estimator`."""
        slices = np.moveaxis(np.asarray(batch, np.float32), self._axis, 0)
        if not self._channels:
            self._channels = [self._make() for _ in slices]
        for channel, values in zip(self._channels, slices, strict=True):
            channel.update(values)

    def range(self) -> Ends:
        """See `Estimator`."""
        if not self._channels:
            return _seen(None)
        lows, highs = zip(*(channel.range() for channel in self._channels), strict=True)
        return np.stack(lows), np.stack(highs)


ESTIMATORS = ("minmax", "ema", "percentile", "mse", "kl")


def estimator(
    method: str,
    arguments: Sequence[float] = (),
    *,
    lowest: int,
    highest: int,
    symmetric: bool,
    axis: int | None = None,
) -> Estimator:
    """The estimator that a spec calls *method* (one of `ESTIMATORS`), with the method's numbers.

    *axis* gives one range for each slice along it. The codes matter to `mse` and `kl` alone.
    """

    def make() -> Estimator:
        if method == "percentile":
            return Percentile(arguments[0])
        search = LeastSquares if method == "mse" else LeastDivergence
        return search(lowest=lowest, highest=highest, symmetric=symmetric)

    match method:
        case "minmax" | "learned" | "learned_clip":  # training begins with the extremes
            return MinMax(axis)
        case "ema":
            return MovingAverage(arguments[0], axis)
        case "percentile" | "mse" | "kl":
            return make() if axis is None else PerChannel(axis, make)
    raise ValueError(f"no range estimator is called `{method}`")


def _ends(batch: ArrayLike, axis: int | None) -> Ends | None:
    """The smallest and largest value of a batch, per slice along *axis*; None for an empty one."""
    values = np.asarray(batch, np.float32)
    if values.size == 0:
        return None
    others = None if axis is None else tuple(i for i in range(values.ndim) if i != axis % values.ndim)
    low, high = np.asarray(values.min(axis=others)), np.asarray(values.max(axis=others))
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("the values hold NaN or infinity")
    return low, high


def _seen(ends: Ends | None) -> Ends:
    if ends is None:
        raise ValueError("no values were observed")
    return ends
