"""Doubts about data; `apply` has no result to tell of them: it warns."""

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


CALIBRATED = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\n'


@pytest.mark.parametrize(
    ("text", "data", "code", "what", "place"),
    [
        ("", np.zeros((32, 8)), "QS607", "`values` is 0 throughout", "data"),
        ("calibrate { samples = 33 }", SAMPLES, "QS607", "has 32 samples of the 33", ":4:23"),
        ("", {"values": SAMPLES, "noise": SAMPLES}, "QS608", "`noise` is neither an input", "data"),
    ],
)
def test_what_the_data_lack_is_told(dense, tmp_path, text, data, code, what, place):
    spec = qspec.loads(CALIBRATED + text)
    with pytest.warns(qspec.SpecWarning, match=what) as issued:
        qspec.apply(spec, dense, data)
    (warning,) = (each for each in issued if isinstance(each.message, qspec.SpecWarning))
    (told,) = qspec.quantize(spec, dense, data, tmp_path / "m.tflite").diagnostics

    assert code == told.code == warning.message.diagnostic.code
    assert what in told.message
    assert str(told.span).endswith(place)


@pytest.mark.parametrize("text", ["calibrate { samples = 32 }", "input { type = int8, range = fixed(0, 1) }"])
def test_as_many_as_asked_for_and_a_range_that_is_fixed_are_no_news(dense, tmp_path, text):
    samples = SAMPLES if "calibrate" in text else np.full_like(SAMPLES, 0.5)

    assert () == qspec.quantize(qspec.loads(CALIBRATED + text), dense, samples, tmp_path / "m.tflite").diagnostics


def test_names_of_those_that_judge_are_told_once(dense, tmp_path):
    spec = qspec.loads(CALIBRATED)
    data = {"values": SAMPLES, "noise": SAMPLES}

    (told,) = qspec.quantize(spec, dense, data, tmp_path / "m.tflite", samples=data).diagnostics

    assert "QS608" == told.code


def test_data_that_fit_are_no_news(dense):
    with warnings.catch_warnings():
        warnings.simplefilter("error", qspec.SpecWarning)
        qspec.apply(qspec.loads(SPEC.format(1)), dense, SAMPLES)
