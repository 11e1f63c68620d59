"""Constants that a live model computes: which axes of its value stand where."""

from __future__ import annotations

import pytest

from qspec.lowering.literals import PARAMETER, Parameter, literal
from qspec.lowering.site import Unsupported


def parameter(*shape: int, dtype: str = "float32") -> Parameter:
    found = literal({"class_name": PARAMETER, "config": {"index": 2, "shape": list(shape), "dtype": dtype}}, "x")
    assert isinstance(found, Parameter)
    return found


def test_it_is_read_from_the_operation_that_holds_it():
    assert "parameters.2.value" == parameter(3, 4).read().variable
    assert parameter(3, 4).read().permutation is None


def test_moved_axes_are_a_permutation():
    moved = parameter(3, 3, 4, 8).transposed((3, 0, 1, 2))

    assert (8, 3, 3, 4) == moved.shape
    assert (3, 0, 1, 2) == moved.read().permutation


def test_an_axis_of_size_one_may_be_added_before_axes_are_moved():
    moved = parameter(3, 4, 8).reshaped((1, 3, 4, 8)).transposed((3, 0, 1, 2))

    assert (8, 1, 3, 4) == moved.shape
    assert (2, 0, 1) == moved.read().permutation


def test_what_was_moved_may_be_joined():
    joined = parameter(3, 4, 8).transposed((2, 0, 1)).reshaped((8, 12))

    assert (8, 12) == joined.shape
    assert (2, 0, 1) == joined.read().permutation


def test_what_was_joined_cannot_be_moved():
    with pytest.raises(Unsupported, match="reshaped"):
        parameter(3, 4, 8).reshaped((12, 8)).transposed((1, 0))


def test_its_values_are_not_known():
    assert parameter(3).uniform is None
    with pytest.raises(Unsupported, match="beforehand"):
        parameter(3).mapped(lambda number: 2 * number)
    with pytest.raises(Unsupported, match="beforehand"):
        _ = parameter(3).flat
