import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from qspec.numerics import ESTIMATORS, estimator, fake_quantize, parameters_from_range
from qspec.numerics.histogram import BINS, Histogram

ARGUMENTS = {"minmax": (), "ema": (0.9,), "percentile": (99.0,), "mse": (), "kl": ()}
INT8 = {"lowest": -128, "highest": 127, "symmetric": False}
INT4 = {"lowest": -8, "highest": 7}
SEED = 7
batches = st.lists(
    arrays.arrays(np.float32, st.integers(1, 30), elements=st.floats(-1e6, 1e6, width=32)), min_size=1, max_size=4
)


def normal(*shape):
    return np.random.default_rng(SEED).normal(size=shape).astype(np.float32)


def ends(estimate):
    low, high = estimate.range()
    return float(low), float(high)


def observed(method, values, codes=INT8, **options):
    estimate = estimator(method, ARGUMENTS[method], **codes, **options)
    estimate.update(values)
    return estimate


def squared_error(values, low, high, codes, symmetric):
    parameters = parameters_from_range(low, high, **codes, symmetric=symmetric)
    return float(np.square(fake_quantize(values, parameters) - values).sum())


def test_minmax_keeps_the_ends_of_all_batches():
    estimate = estimator("minmax", **INT8)
    for batch in ([[1.0, 2.0]], [[-3.0]], [[0.5, 7.0]]):
        estimate.update(batch)

    assert (-3.0, 7.0) == ends(estimate)


def test_ema_starts_at_the_first_batch_and_moves_by_the_rest_of_its_decay():
    estimate = estimator("ema", (0.75,), **INT8)
    for batch in ([0.0, 8.0], [-4.0, 0.0], [0.0, 4.0]):
        estimate.update(batch)

    assert (0.75 * (0.25 * -4), 0.75 * (0.75 * 8) + 0.25 * 4) == ends(estimate)


@given(batches, st.floats(51, 99.99))
def test_a_percentile_is_within_a_bin_of_the_exact_one(values, p):
    """The exact quantile lies between the two values around its rank; a bin is at most 4 / BINS of the reach."""
    estimate = estimator("percentile", (p,), **INT8)
    for batch in values:
        estimate.update(batch)
    everything = np.concatenate(values).astype(np.float64)
    slack = 4 / BINS * np.abs(everything).max() * 1.001
    low, high = ends(estimate)

    def between(value, fraction):
        rank = fraction * len(everything)
        below, above = max(int(np.floor(rank)) - 1, 0), min(int(np.ceil(rank)), len(everything) - 1)
        ordered = np.sort(everything)
        return ordered[below] - slack <= value <= ordered[above] + slack

    assert between(low, 1 - p / 100)
    assert between(high, p / 100)
    assert everything.min() <= low <= high <= everything.max()


def test_a_percentile_forgets_outliers():
    values = np.concatenate([np.linspace(-1, 1, 100_001), [1e3, -1e3]]).astype(np.float32)
    low, high = ends(observed("percentile", values))

    assert (-0.98, 0.98) == (pytest.approx(low, abs=1e3 * 4 / BINS), pytest.approx(high, abs=1e3 * 4 / BINS))


def test_percentile_100_is_minmax():
    estimate = estimator("percentile", (100.0,), **INT8)
    estimate.update([0.1, -0.3, 0.7])

    assert (float(np.float32(-0.3)), float(np.float32(0.7))) == ends(estimate)


@given(batches)
def test_a_histogram_does_not_depend_on_how_the_values_were_cut(values):
    apart, together = Histogram(), Histogram()
    for batch in values:
        apart.update(batch)
    together.update(np.concatenate(values))

    assert together.width == apart.width
    assert np.array_equal(together.centers, apart.centers)
    assert np.array_equal(together.counts, apart.counts)


def test_a_histogram_stays_small_and_counts_everything():
    histogram = Histogram()
    for size in (1e-38, 1.0, 1e37):
        histogram.update(np.float32(size) * normal(100_000))

    assert 300_000 == histogram.counts.sum()
    assert len(histogram.counts) <= BINS


@pytest.mark.parametrize("symmetric", [True, False])
def test_least_squares_finds_what_a_dense_search_finds(symmetric):
    """At 4 bits a normal distribution is clipped. A fine grid over both ends is the judge."""
    values = normal(4000)
    low, high = ends(observed("mse", values, {**INT4, "symmetric": symmetric}))
    found = squared_error(values, low, high, INT4, symmetric)
    grid = np.linspace(1.0, 4.0, 61)
    pairs = [(-end, end) for end in grid] if symmetric else [(-a, b) for a in grid for b in grid]
    best = min(squared_error(values, *pair, INT4, symmetric) for pair in pairs)

    assert found <= best * 1.02, f"seed {SEED}"
    assert found < 0.8 * squared_error(values, values.min(), values.max(), INT4, symmetric)


@given(batches.filter(lambda values: max(np.abs(batch).max() for batch in values) > 1e-3), st.booleans())
def test_least_squares_is_no_worse_than_the_ends(values, symmetric):
    """But for the place of a value in its bin: half a bin each way."""
    everything = np.concatenate(values)
    low, high = ends(observed("mse", everything, {**INT4, "symmetric": symmetric}))
    bin_ = 4 / BINS * float(np.abs(everything).max())

    def root(low, high):
        return np.sqrt(squared_error(everything.astype(np.float64), low, high, INT4, symmetric) / len(everything))

    assert root(low, high) <= root(everything.min(), everything.max()) * (1 + 1e-5) + 2 * bin_


@pytest.mark.parametrize("method", ESTIMATORS)
@pytest.mark.parametrize("axis", [0, 2, -1])
def test_a_channel_is_estimated_as_if_alone(method, axis):
    values = [normal(3, 4, 3), 2 * normal(3, 4, 3)]
    estimate = estimator(method, ARGUMENTS[method], **INT8, axis=axis)
    for batch in values:
        estimate.update(batch)
    lows, highs = estimate.range()

    for channel in range(3):
        alone = estimator(method, ARGUMENTS[method], **INT8)
        for batch in values:
            alone.update(np.take(batch, channel, axis))
        assert ends(alone) == (lows[channel], highs[channel])


@pytest.mark.parametrize("method", ESTIMATORS)
@pytest.mark.parametrize("axis", [None, 0])
def test_every_estimator_says_when_it_knows_nothing(method, axis):
    estimate = estimator(method, ARGUMENTS[method], **INT8, axis=axis)

    with pytest.raises(ValueError, match="no values were observed"):
        estimate.range()


@pytest.mark.parametrize("method", ESTIMATORS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_every_estimator_refuses_what_is_no_number(method, bad):
    with pytest.raises(ValueError, match="NaN or infinity"):
        observed(method, [0.0, bad])


@pytest.mark.parametrize("method", ESTIMATORS)
def test_every_estimator_takes_zeros_and_empty_batches(method):
    estimate = observed(method, np.zeros((2, 3)))
    estimate.update(np.zeros((0, 3)))

    assert (0.0, 0.0) == ends(estimate)


@pytest.mark.parametrize("method", ESTIMATORS)
def test_ranges_are_float32_arrays(method):
    low, high = observed(method, normal(5, 2)).range()

    assert [(np.float32, ())] * 2 == [(end.dtype, end.shape) for end in (low, high)]
    assert all(isinstance(end, np.ndarray) for end in (low, high))


@pytest.mark.parametrize(
    ("method", "argument"), [("ema", 1.0), ("ema", -0.1), ("percentile", 50.0), ("percentile", 101.0)]
)
def test_arguments_are_checked(method, argument):
    with pytest.raises(ValueError, match=f"found {argument:g}"):
        estimator(method, (argument,), **INT8)


def test_an_unknown_estimator_is_named():
    with pytest.raises(ValueError, match="`lk`"):
        estimator("lk", **INT8)


def divergence(values, reach, levels=128, bins=2048):
    """Of the codes 0 to *levels* - 1 over [0, *reach*] from *values*, which are not negative, written down from Migacz'
    pseudo-code bin by bin."""
    counts, edges = np.histogram(values, bins, (0, float(values.max())))
    kept = int(np.sum((edges[:-1] + edges[1:]) / 2 <= reach))
    wanted = counts[:kept].astype(float)
    wanted[-1] += counts[kept:].sum()
    groups = np.rint((edges[:kept] + edges[1 : kept + 1]) / 2 / (reach / (levels - 1))).astype(int)
    found = np.zeros(kept)
    for group in set(groups.tolist()):
        mine = (groups == group) & (counts[:kept] > 0)
        found[mine] = counts[:kept][groups == group].sum() / max(mine.sum(), 1)
    wanted, found = wanted / wanted.sum(), np.maximum(found, 1e-4) / found.sum()
    filled = wanted > 0
    return float((wanted[filled] * np.log(wanted[filled] / found[filled])).sum())


def test_the_least_divergence_is_about_that_of_the_written_search():
    """Values above zero alone, so that symmetric codes use half of themselves, as there."""
    values = np.abs(np.concatenate([normal(40_000), 20 * normal(40)]))
    low, high = ends(observed("kl", values, {"lowest": -128, "highest": 127, "symmetric": True}))
    least = min(divergence(values, share * float(values.max())) for share in np.arange(8, 129) / 128)

    assert low == 0.0
    assert high < float(values.max()) / 2
    assert divergence(values, high) <= least * 1.1


@given(arrays.arrays(np.float32, st.integers(1, 60), elements=st.floats(-1e6, 1e6, width=32)), st.booleans())
def test_the_least_divergence_lies_inside_the_values_seen(values, symmetric):
    low, high = ends(observed("kl", values, {"lowest": -128, "highest": 127, "symmetric": symmetric}))

    assert min(float(values.min()), 0.0) <= low <= 0.0 <= high <= max(float(values.max()), 0.0)


def test_the_zeros_behind_a_relu_do_not_narrow_the_range():
    values = np.abs(normal(20_000))
    zeros = np.concatenate([values, np.zeros(20_000, np.float32)])

    assert ends(observed("kl", values))[1] == pytest.approx(ends(observed("kl", zeros))[1], rel=0.1)
