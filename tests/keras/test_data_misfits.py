"""`apply` has no result to tell of data that do not fit a fixed range: it warns."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest

import qspec

SPEC = """qspec 1
import "std/int8.qspec"
input {{ type = int8, range = fixed(0, {}) }}
default {{ weights = w8, output = a8 }}
"""


@pytest.fixture(scope="module")
def dense() -> keras.Model:
    return keras.Sequential([keras.Input((8,), name="values"), keras.layers.Dense(4)])


SAMPLES = np.random.default_rng(0).uniform(0, 1, (32, 8)).astype(np.float32)


@pytest.mark.parametrize(("high", "what"), [(255, "cover 0.39%"), (0.5, "of the data lie outside")])
def test_a_misfit_is_a_python_warning(dense, high, what):
    with pytest.warns(qspec.SpecWarning, match=what) as issued:
        qspec.apply(qspec.loads(SPEC.format(high)), dense, SAMPLES)

    (warning,) = (each for each in issued if isinstance(each.message, qspec.SpecWarning))
    assert __file__ == warning.filename
    assert ("QS607", "warning") == (warning.message.diagnostic.code, warning.message.diagnostic.severity.value)
    assert f"fixed(0, {high})" in str(warning.message)


def test_data_that_fit_are_no_news(dense):
    with warnings.catch_warnings():
        warnings.simplefilter("error", qspec.SpecWarning)
        qspec.apply(qspec.loads(SPEC.format(1)), dense, SAMPLES)
