"""Searched ranges of weights, against every range there is and against numpy's own percentiles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from qspec.numerics import fake_quantize, parameters_from_range, range_shares

CODES = {"int2": (-1, 1), "int4": (-7, 7), "int8": (-127, 127)}
rows = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(1, 12)), elements=st.floats(-1e3, 1e3, width=32)
)


def errors(values, shares, lowest, highest, symmetric):
    """The squared error of each row."""
    low, high = np.minimum(values.min(1), 0) * shares[0], np.maximum(values.max(1), 0) * shares[1]
    parameters = parameters_from_range(low, high, lowest=lowest, highest=highest, symmetric=symmetric, axis=0)
    return np.square(fake_quantize(values, parameters).astype(np.float64) - values).sum(1)


def shares_of(values, method, type_, symmetric=True, arguments=()):
    lowest, highest = CODES[type_]
    return range_shares(values, method, arguments, lowest=lowest, highest=highest, symmetric=symmetric)


@given(rows, st.sampled_from(sorted(CODES)), st.booleans())
def test_the_least_error_is_never_above_that_of_the_whole_range(values, type_, symmetric):
    found = errors(values, shares_of(values, "mse", type_, symmetric), *CODES[type_], symmetric)
    whole = errors(values, np.ones((2, len(values)), np.float32), *CODES[type_], symmetric)

    assert (found <= whole * (1 + 1e-5) + 1e-12).all()


@pytest.mark.parametrize("type_", sorted(CODES))
@pytest.mark.parametrize("draw", ["normal", "laplace", "uniform"])
def test_the_least_error_is_about_that_of_every_range(type_, draw):
    chance = np.random.default_rng(3)
    values = getattr(chance, draw)(size=(6, 400)).astype(np.float32)
    every = np.stack(
        [errors(values, np.full((2, 6), share), *CODES[type_], True) for share in np.arange(1, 1001) / 1000]
    )

    assert (errors(values, shares_of(values, "mse", type_), *CODES[type_], True) <= every.min(0) * 1.06).all()


@pytest.mark.parametrize("draw", ["normal", "exponential"])
def test_the_least_error_of_two_ends_is_about_that_of_every_pair(draw):
    values = getattr(np.random.default_rng(4), draw)(size=(1, 600)).astype(np.float32)
    grid = np.arange(2, 41) / 40
    every = [errors(values, np.asarray([[a], [b]]), -8, 7, False) for a in grid for b in grid]
    found = range_shares(values, "mse", (), lowest=-8, highest=7, symmetric=False)

    assert errors(values, found, -8, 7, False) <= np.min(every) * 1.05


@given(rows, st.floats(50.5, 100))
@settings(max_examples=50)
def test_a_percentile_is_that_of_numpy(values, p):
    low, high = range_shares(values, "percentile", (p,), lowest=-128, highest=127, symmetric=False)
    cut_low, cut_high = np.percentile(values, [100 - p, p], axis=1)

    for share, whole, cut in (
        (low, np.minimum(values.min(1), 0), cut_low),
        (high, np.maximum(values.max(1), 0), cut_high),
    ):
        for mine, end, wanted in zip(share, whole, cut, strict=True):
            reaches = wanted * end > 0
            assert (wanted if reaches else end) == pytest.approx(mine * end, rel=1e-4, abs=1e-30)


def test_a_symmetric_percentile_is_the_larger_of_both():
    values = np.linspace(-4, 1, 501, dtype=np.float32)[None]

    assert 3.95 / 4 == pytest.approx(shares_of(values, "percentile", "int8", arguments=(99.0,))[0, 0])


def test_nothing_is_cut_off_where_nothing_would_be_left():
    values = np.zeros((1, 1000), np.float32)
    values[0, 0] = 1.0

    assert [[1.0], [1.0]] == shares_of(values, "percentile", "int8", arguments=(99.0,)).tolist()


def test_channels_are_searched_each_on_its_own():
    values = np.random.default_rng(5).laplace(size=(300, 300)).astype(np.float32)
    together = shares_of(values, "mse", "int4")

    for channel in (0, 150, 299):
        assert np.array_equal(together[:, [channel]], shares_of(values[[channel]], "mse", "int4"))
