"""Ranges from a float file run on data, against numpy."""

import numpy as np
import pytest

from qspec import SpecError
from qspec.litert.calibration import calibrate, fixed_batches
from tests.litert.perceptron import EDGES, SAMPLES, float_file, hidden, perceptron_plan, reference
from tests.plan.plan_helpers import named


def observed(text, samples=SAMPLES):
    """What calibration finds for each layer's output."""
    plan = perceptron_plan(EDGES + text)
    ranges = calibrate(float_file(plan), plan, [samples])
    return [ranges[plan.decisions[named(plan, name)].range] for name in ("first", "last")]


@pytest.mark.parametrize("text", ["", "default { weights = w8, output = a8(range = percentile(90)) }\n"])
def test_extremes_are_those_of_the_model(text):
    for found, values in zip(observed(text), (hidden(SAMPLES), reference(SAMPLES)), strict=True):
        assert np.allclose([values.min(), values.max()], [found.smallest, found.largest], atol=1e-5)


def test_a_percentile_cuts_the_tails_and_remembers_them():
    _, found = observed("default { weights = w8, output = a8(range = percentile(90)) }\n")

    expected = np.percentile(reference(SAMPLES), [10, 90])
    assert np.allclose(expected, [found.minimum, found.maximum], atol=0.2)


@pytest.mark.parametrize("size", [1, 4, 32])
def test_a_moving_average_takes_batches_of_the_size_that_the_spec_says(size):
    text = f"calibrate {{ batch = {size} }}\ndefault {{ weights = w8, output = a8(range = ema(0.75)) }}\n"
    values = reference(SAMPLES).reshape(-1, size * 2)
    low, high = values[0].min(), values[0].max()
    for batch in values[1:]:
        low, high = 0.75 * low + 0.25 * batch.min(), 0.75 * high + 0.25 * batch.max()

    _, found = observed(text)

    assert np.allclose([low, high], [found.minimum, found.maximum], atol=1e-5)


def test_data_on_which_the_model_overflows_is_told():
    with pytest.raises(SpecError, match="QS504"):
        observed("", np.full((1, 4), 3e38, np.float32))


def test_a_last_batch_is_filled_up_with_samples_from_the_beginning():
    batches = [batch[0].tolist() for batch in fixed_batches([np.arange(5)], 3)]

    assert [[0, 1, 2], [3, 4, 0]] == batches


def test_a_last_batch_is_short_where_any_size_goes():
    assert [[0, 1, 2], [3, 4]] == [batch[0].tolist() for batch in fixed_batches([np.arange(5)], None, 3)]
