from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qspec.numerics import SMALLEST_RANGE, exact_parameters, parameters_from_range

INT8 = {"lowest": -128, "highest": 127}
NARROW_INT8 = {"lowest": -127, "highest": 127}
ends = st.floats(-1e6, 1e6, width=32)


def test_int8_activation_follows_the_litert_specification():
    """The specification's worked formula: scale = (max - min) / 255, zero point = -128 - min / scale."""
    parameters = parameters_from_range(0.0, 6.0, **INT8, symmetric=False)

    assert np.float32(6 / 255) == parameters.scale
    assert -128 == parameters.zero_point
    assert (np.dtype(np.float32), np.dtype(np.int32)) == (parameters.scale.dtype, parameters.zero_point.dtype)
    assert ((), ()) == (parameters.scale.shape, parameters.zero_point.shape)


def test_an_image_scaled_to_minus_one_and_one_has_the_zero_point_that_the_converter_gives():
    """TFLiteConverter 2.21 writes (0.00784314, -1) for an input that spans [-1, 1]."""
    parameters = parameters_from_range(-1.0, 1.0, **INT8, symmetric=False)

    assert np.float32(2 / 255) == parameters.scale
    assert -1 == parameters.zero_point


def test_narrow_weights_divide_by_127():
    parameters = parameters_from_range([-2.0, -0.5], [1.0, 3.0], **NARROW_INT8, symmetric=True, axis=3)

    assert [np.float32(2) / np.float32(127), np.float32(3) / np.float32(127)] == parameters.scale.tolist()
    assert [0, 0] == parameters.zero_point.tolist()
    assert 3 == parameters.axis


@pytest.mark.parametrize(("minimum", "maximum"), [(2.0, 6.0), (0.0, 6.0)])
def test_a_range_is_widened_to_contain_zero(minimum, maximum):
    parameters = parameters_from_range(minimum, maximum, lowest=0, highest=255, symmetric=False)

    assert np.float32(6 / 255) == parameters.scale
    assert 0 == parameters.zero_point


def test_a_negative_range_is_widened_to_contain_zero():
    parameters = parameters_from_range(-6.0, -2.0, lowest=0, highest=255, symmetric=False)

    assert 255 == parameters.zero_point


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("reach", [0.0, 1e-30, 1e-45])
def test_a_channel_without_values_has_a_usable_scale(symmetric, reach):
    parameters = parameters_from_range([0.0, -1.0], [reach, 1.0], **NARROW_INT8, symmetric=symmetric, axis=0)

    assert SMALLEST_RANGE / np.float32(127 if symmetric else 254) == parameters.scale[0]
    assert (np.float32(1) if symmetric else np.float32(2)) / np.float32(127 if symmetric else 254) == parameters.scale[
        1
    ]


@pytest.mark.parametrize(
    ("minimum", "maximum", "message"),
    [
        (float("nan"), 1.0, "two finite numbers"),
        (0.0, float("inf"), "two finite numbers"),
        (0.0, 1e39, "two finite numbers"),
        (-3e38, 3e38, "narrower than the largest float32"),
        (1.0, -1.0, "minimum must not be above"),
    ],
)
def test_a_range_that_is_none_is_refused(minimum, maximum, message):
    with pytest.raises(ValueError, match=message):
        parameters_from_range(minimum, maximum, **INT8, symmetric=False)


def test_symmetric_codes_need_both_signs():
    with pytest.raises(ValueError, match="both signs, found 0 to 255"):
        parameters_from_range(-1.0, 1.0, lowest=0, highest=255, symmetric=True)


def test_exact_parameters_hold_what_they_are_given():
    softmax = exact_parameters(1 / 256, -128, **INT8)

    assert (np.float32(1 / 256), -128) == (softmax.scale, softmax.zero_point)


def test_exact_parameters_share_a_zero_point_among_channels():
    assert [0, 0] == exact_parameters([0.1, 0.2], 0, **INT8, axis=0).zero_point.tolist()


@pytest.mark.parametrize(("scale", "zero_point"), [(0.0, 0), (-1.0, 0), (float("inf"), 0), (1e-50, 0), (1.0, 128)])
def test_exact_parameters_are_checked(scale, zero_point):
    with pytest.raises(ValueError, match="must"):
        exact_parameters(scale, zero_point, **INT8)


@given(st.tuples(ends, ends).map(sorted), st.integers(2, 16), st.booleans())
def test_scale_and_zero_point_are_the_exact_ones_within_float32(range_, bits, narrow):
    """Against rational arithmetic: one rounded difference and one rounded quotient, 2^-24 each."""
    lowest, highest = -(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1
    low, high = min(Fraction(range_[0]), Fraction(0)), max(Fraction(range_[1]), Fraction(0))
    parameters = parameters_from_range(*range_, lowest=lowest, highest=highest, symmetric=False)

    exact_scale = max(high - low, Fraction(float(SMALLEST_RANGE))) / (highest - lowest)
    assert abs(Fraction(float(parameters.scale)) - exact_scale) <= exact_scale * Fraction(2, 2**24)
    exact_zero_point = lowest - low / exact_scale
    noise = (highest - lowest) * Fraction(4, 2**24)
    assert abs(int(parameters.zero_point) - exact_zero_point) <= Fraction(1, 2) + noise
    assert lowest <= int(parameters.zero_point) <= highest


@given(st.lists(st.tuples(ends, ends).map(sorted), min_size=1, max_size=5), st.booleans())
def test_channels_are_independent(ranges, symmetric):
    lows, highs = zip(*ranges, strict=True)
    together = parameters_from_range(lows, highs, **INT8, symmetric=symmetric, axis=0)

    for channel, (low, high) in enumerate(ranges):
        alone = parameters_from_range(low, high, **INT8, symmetric=symmetric)
        assert (alone.scale, alone.zero_point) == (together.scale[channel], together.zero_point[channel])
