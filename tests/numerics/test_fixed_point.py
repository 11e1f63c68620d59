"""Expected values: those of gemmlowp 16e8662, fixedpoint/fixedpoint.h, compiled with g++ and run on every code."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from qspec.numerics.fixed_point import sigmoid_table, tanh_table

CODES = np.array([-32768, -20000, -4096, -1, 0, 1, 100, 4096, 12288, 32767])
SIGMOID = [11, 243, 8815, 16383, 16384, 16384, 16584, 23952, 31216, 32756]
TANH = {
    0: [-24964, -17844, -4076, 8, 0, -8, 100, 4076, 11736, 24964],
    3: [-32767, -32767, -24964, -8, 0, 8, 792, 24964, 32612, 32767],
    6: [-32767, -32767, -32767, -64, 0, 64, 6316, 32767, 32767, 32767],
}
CHECKSUMS = (2739460856, 3380206877, 1949260215, 1890749950, 558921650, 979980552, 853570734)


def test_sigmoid_is_gemmlowp_s():
    assert sigmoid_table()[CODES + 32768].tolist() == SIGMOID
    assert 2310271886 == zlib.crc32(sigmoid_table().astype("<i2").tobytes())


@pytest.mark.parametrize("bits", range(7))
def test_tanh_is_gemmlowp_s(bits: int):
    table = tanh_table(bits)

    assert bits not in TANH or table[CODES + 32768].tolist() == TANH[bits]
    assert CHECKSUMS[bits] == zlib.crc32(table.astype("<i2").tobytes())


@pytest.mark.parametrize("bits", range(7))
def test_tables_are_near_the_functions(bits: int):
    values = np.arange(-32768, 32768) / 2.0 ** (15 - bits)

    assert np.abs(tanh_table(bits) / 2.0**15 - np.tanh(values)).max() < 13 / 2**15
    assert np.abs(sigmoid_table(bits) / 2.0**15 - 1 / (1 + np.exp(-values))).max() < 13 / 2**15
