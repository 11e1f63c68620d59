"""Two or four codes to a byte."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qspec.numerics import pack_codes


def _codes(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def test_the_first_code_is_the_lower_half():
    assert [0x21, 0x8F] == pack_codes(np.array([[1, 2], [-1, -8]]), 4).tolist()


def test_an_odd_one_stands_alone():
    assert [0x97, 0x03] == pack_codes(np.array([7, -7, 3]), 4).tolist()


def test_of_two_bits_the_first_code_is_the_lowest():
    assert [0b11_10_01_00, 0b01] == pack_codes(np.array([0, 1, -2, -1, 1]), 2).tolist()


@given(st.sampled_from([2, 4]).flatmap(lambda bits: st.tuples(st.just(bits), st.lists(_codes(bits)))))
def test_nothing_is_lost(case: tuple[int, list[int]]):
    bits, codes = case
    packed = pack_codes(np.array(codes, np.int8), bits)

    parts = [byte >> shift & (1 << bits) - 1 for byte in packed.tolist() for shift in range(0, 8, bits)]
    half = 1 << (bits - 1)
    assert codes == [part - 2 * half if part >= half else part for part in parts][: len(codes)]
    assert -(-len(codes) * bits // 8) == len(packed)
