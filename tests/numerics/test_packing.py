"""Two codes to a byte."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qspec.numerics import pack_int4


def test_the_first_code_is_the_lower_half():
    assert [0x21, 0x8F] == pack_int4(np.array([[1, 2], [-1, -8]])).tolist()


def test_an_odd_one_stands_alone():
    assert [0x97, 0x03] == pack_int4(np.array([7, -7, 3])).tolist()


@given(st.lists(st.integers(-8, 7)))
def test_nothing_is_lost(codes: list[int]):
    packed = pack_int4(np.array(codes, np.int8))

    halves = [half for byte in packed.tolist() for half in (byte & 15, byte >> 4)]
    assert codes == [half - 16 if half > 7 else half for half in halves][: len(codes)]
    assert (len(codes) + 1) // 2 == len(packed)
