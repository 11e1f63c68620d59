"""Ranges of weights, searched: which share of each channel's extremes the integers are to cover.

A search is too slow for every training step. A share is not: it is found once, and scales the extremes that the weights
have at each step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qspec.numerics.parameters import parameters_from_range
from qspec.numerics.quantize import fake_quantize

SEARCHED = ("percentile", "mse")

_Ratios = NDArray[np.float64]
_Errors = Callable[[_Ratios], NDArray[np.float64]]

_COARSE = 2.0 ** -np.concatenate([np.arange(0, 3, 1 / 8), np.arange(3, 11)])
_FINE = (2.0 ** (np.arange(-7, 8) / 64), 2.0 ** (np.arange(-7, 8) / 512))
_AT_ONCE = 1 << 16  # weights, so that they stay in the processor's cache


def range_shares(
    values: ArrayLike, method: str, arguments: Sequence[float] = (), *, lowest: int, highest: int, symmetric: bool
) -> NDArray[np.float32]:
    """The shares, [2, channels], of the smallest and of the largest value in each row of *values*, [channels, weights].

    The range of a channel is then (smallest · share, largest · share). *method* is one of `SEARCHED`; a `percentile` p
    cuts off what is below the percentile 100 - p and above p, and `mse` has the least squared error of all candidates,
    of which the whole range is one. Symmetric codes have one share for both ends.
    """
    reals = np.asarray(values, np.float32)
    rows = max(1, _AT_ONCE // max(reals.shape[1], 1))
    codes = {"lowest": lowest, "highest": highest}
    found = []
    for start in range(0, len(reals), rows):
        part = reals[start : start + rows]
        if method == "percentile":
            found.append(_percentile(part, arguments[0], symmetric))
        else:
            found.append(_least_squares(part, codes, symmetric))
    return np.concatenate(found, axis=1).astype(np.float32)


def _extremes(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return np.minimum(values.min(1), np.float32(0)), np.maximum(values.max(1), np.float32(0))


def _percentile(values: NDArray[np.float32], p: float, symmetric: bool) -> NDArray[np.float64]:
    low, high = _extremes(values)
    cut_low, cut_high = np.percentile(values, [100 - p, p], axis=1)
    cut_low, cut_high = np.minimum(cut_low, 0), np.maximum(cut_high, 0)
    if symmetric:
        share = _share(np.maximum(-cut_low, cut_high), np.maximum(-low, high))
        return np.stack([share, share])
    return np.stack([_share(cut_low, low), _share(cut_high, high)])


def _share(part: NDArray[np.floating], whole: NDArray[np.floating]) -> NDArray[np.float64]:
    """One over the other; all of it where nothing would be left, as of a channel whose weights are all but zeros."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(part == 0, 1.0, np.asarray(part, np.float64) / whole)


def _least_squares(values: NDArray[np.float32], codes: dict[str, int], symmetric: bool) -> NDArray[np.float64]:
    low, high = _extremes(values)

    def errors(low_share: _Ratios, high_share: _Ratios) -> NDArray[np.float64]:
        parameters = parameters_from_range(low * low_share, high * high_share, **codes, symmetric=symmetric, axis=0)
        difference = fake_quantize(values, parameters) - values
        return np.asarray(np.einsum("cw,cw->c", difference, difference, dtype=np.float64))

    ones = np.ones(len(values))
    if symmetric:
        share = _search(lambda ratio: errors(ratio, ratio), ones)
        return np.stack([share, share])
    low_share, high_share = ones, ones
    for _ in range(2):  # each end in turn
        low_share = _search(lambda ratio, other=high_share: errors(ratio, other), low_share)  # type: ignore[misc]
        high_share = _search(lambda ratio, other=low_share: errors(other, ratio), high_share)  # type: ignore[misc]
    return np.stack([low_share, high_share])


def _search(errors: _Errors, known: _Ratios) -> _Ratios:
    """The ratio with the least error for each channel, never one with more than that of the *known* one."""
    best, least = known, errors(known)
    for ratio in _COARSE:
        best, least = _better(errors, np.full_like(known, ratio), best, least)
    for factors in _FINE:
        center = best
        for factor in factors:
            best, least = _better(errors, np.minimum(center * factor, 1.0), best, least)
    return best


def _better(errors: _Errors, ratio: _Ratios, best: _Ratios, least: NDArray[np.float64]) -> tuple[_Ratios, _Ratios]:
    error = errors(ratio)
    better = error < least
    return np.where(better, ratio, best), np.where(better, error, least)
