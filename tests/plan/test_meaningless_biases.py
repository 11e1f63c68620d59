"""What a quantizer says of a bias beyond its type is an error at its place: the scale is its op's."""

from __future__ import annotations

import pytest

from tests.plan.plan_helpers import codes, plan_of, type_of


@pytest.mark.parametrize("said", ["range = fixed(-1, 1)", "range = mse", "narrow = true", "rounding = half_even"])
def test_a_bias_has_no_range_of_its_own(small, said):
    text = f"quantizer wide {{ type = int32, scheme = symmetric, {said} }}\nrule r match Dense {{ bias = wide }}"

    assert ["QS201"] == codes(plan_of(text, small))


def test_a_bias_of_float16_stands_beside_weights_of_float16_alone(small):
    half = "quantizer half { type = float16 }\n"

    assert [] == codes(plan_of(f"{half}default {{ weights = half, bias = half }}", small))
    assert {"QS401"} == set(codes(plan_of(f"{half}default {{ weights = w8, bias = half }}", small)))


@pytest.mark.parametrize("said", ["a8", "float"])
def test_a_bias_of_a_type_that_is_not_taken_is_better_not_spoken_of(small, said):
    (told,) = plan_of(f"rule r match Dense {{ bias = {said} }}", small).diagnostics

    assert "QS401" == told.code
    assert told.help.startswith("remove it: ")
    assert "int32" == type_of(plan_of("", small), "head/bias")
