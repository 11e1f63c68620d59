import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from qspec.numerics import (
    Parameters,
    code_type,
    dequantize,
    exact_parameters,
    fake_quantize,
    parameters_from_range,
    quantize,
    round_half_away,
    round_half_even,
)

QUARTERS = exact_parameters(0.25, 3, lowest=-128, highest=127)
reals = arrays.arrays(np.float32, st.integers(0, 40), elements=st.floats(-1e4, 1e4, width=32))


@st.composite
def parameters(draw, symmetric=None):
    """Parameters of 2 to 16 bits, of either scheme unless *symmetric* says which, narrow or not."""
    bits, narrow = draw(st.integers(2, 16)), draw(st.booleans())
    both = draw(st.booleans()) if symmetric is None else symmetric
    unsigned = not both and draw(st.booleans())
    lowest = narrow if unsigned else narrow - 2 ** (bits - 1)
    highest = 2**bits - 1 if unsigned else 2 ** (bits - 1) - 1
    low, high = sorted(draw(st.tuples(*[st.floats(-1e3, 1e3, width=32)] * 2)))
    return parameters_from_range(low, high, lowest=int(lowest), highest=highest, symmetric=both)


def representable(of: Parameters) -> tuple[float, float]:
    """The reals of the lowest and the highest code."""
    low, high = dequantize(np.array([of.lowest, of.highest]), of)
    return float(low), float(high)


@pytest.mark.parametrize(
    ("round_", "expected"), [(round_half_away, [-3, -2, -1, 1, 2, 3]), (round_half_even, [-2, -2, 0, 0, 2, 2])]
)
def test_ties(round_, expected):
    assert expected == round_(np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], np.float32)).tolist()


@given(st.floats(-(2.0**24), 2.0**24, width=32))
def test_half_away_rounds_what_is_below_a_tie_down(value):
    """Exact arithmetic on the value itself: 0.49999997 goes to 0, which `floor(x + 0.5)` in float32 does not give."""
    expected = math.copysign(math.floor(abs(value) + 0.5), value)  # exact in float64

    assert expected == round_half_away(np.float32(value))
    assert 0 == round_half_away(np.nextafter(np.float32(0.5), np.float32(0)))


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [
        (-127, 127, "int8"),
        (-2, 1, "int8"),
        (0, 255, "uint8"),
        (-32768, 32767, "int16"),
        (-(2**31), 2**31 - 1, "int32"),
        (-(2**63), 2**63 - 1, "int64"),
    ],
)
def test_codes_have_the_smallest_type(lowest, highest, expected):
    assert expected == code_type(lowest, highest).name


def test_codes_of_a_worked_example():
    """Scale 1/4, zero point 3: 0.1 is 0.4 steps, 0.375 the tie 1.5."""
    values = [-40.0, -0.375, -0.125, 0.0, 0.1, 0.125, 0.375, 1.0, 40.0]

    assert [-128, 1, 2, 3, 3, 4, 5, 7, 127] == quantize(values, QUARTERS).tolist()
    assert [-128, 1, 3, 3, 3, 3, 5, 7, 127] == quantize(values, QUARTERS, "half_even").tolist()
    assert np.int8 == quantize(values, QUARTERS).dtype


def test_codes_come_back_as_reals():
    assert [-32.75, -0.25, 0.0, 31.0] == dequantize(np.array([-128, 2, 3, 127], np.int8), QUARTERS).tolist()
    assert np.float32 == dequantize(np.array([1], np.int8), QUARTERS).dtype


def test_infinity_saturates_and_a_number_does_not_overflow():
    tiny = exact_parameters(1e-30, 0, lowest=-128, highest=127)

    assert [-128, 127] == quantize([-np.inf, np.inf], QUARTERS).tolist()
    assert [-128, 127] == quantize([-3e38, 3e38], tiny).tolist()


def test_nan_has_no_code():
    with pytest.raises(ValueError, match="NaN cannot be quantized"):
        quantize([0.0, np.nan], QUARTERS)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_a_channel_is_quantized_as_if_alone(axis):
    seed = 20
    values = np.random.default_rng(seed).normal(size=(3, 3, 3)).astype(np.float32)
    together = parameters_from_range([-1, -0.1, 0], [1, 2, 0.5], lowest=-8, highest=7, symmetric=False, axis=axis)
    codes = quantize(values, together)

    for channel in range(3):
        alone = exact_parameters(together.scale[channel], together.zero_point[channel], lowest=-8, highest=7)
        own = np.take(values, channel, axis)
        assert np.array_equal(quantize(own, alone), np.take(codes, channel, axis)), f"seed {seed}"
        assert np.array_equal(
            dequantize(quantize(own, alone), alone), np.take(dequantize(codes, together), channel, axis)
        )


@given(parameters())
def test_zero_is_exact(of):
    assert of.zero_point == quantize(0.0, of)
    assert 0.0 == fake_quantize(0.0, of)


@given(parameters(), st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_a_value_inside_the_range_moves_by_half_a_step_at_most(of, fractions):
    """Half a step, and the float32 noise of the quotient and of the product: 2^-23 of the value."""
    low, high = representable(of)
    values = np.clip(np.array([low + part * (high - low) for part in fractions], np.float32), low, high)
    moved = np.abs(fake_quantize(values, of).astype(np.float64) - values)

    assert np.all(moved <= float(of.scale) / 2 + np.abs(values) * 2.0**-23)


@given(parameters(), reals)
def test_quantizing_again_changes_nothing(of, values):
    once = fake_quantize(values, of)

    assert np.array_equal(once, fake_quantize(once, of))
    assert np.array_equal(quantize(values, of), quantize(once, of))


@given(parameters(), reals, st.sampled_from(["half_away", "half_even"]))
def test_order_is_kept(of, values, rounding):
    codes = quantize(np.sort(values), of, rounding).astype(np.int64)

    assert np.all(np.diff(codes) >= 0)


@given(parameters(), st.floats(1, 1e6, width=32))
def test_values_outside_saturate(of, beyond):
    low, high = representable(of)
    far = beyond * float(of.scale)
    values = np.array([low - far, high + far], np.float32)

    assert [of.lowest, of.highest] == quantize(values, of).tolist()


@given(parameters())
def test_every_code_survives_the_way_to_reals_and_back(of):
    codes = np.arange(of.lowest, of.highest + 1)

    assert np.array_equal(codes, quantize(dequantize(codes, of), of))


@given(parameters(symmetric=True), reals)
def test_symmetric_narrow_codes_are_odd(of, values):
    narrow = exact_parameters(of.scale, 0, lowest=-of.highest, highest=of.highest)

    assert np.array_equal(-quantize(values, narrow).astype(np.int64), quantize(-values, narrow))
