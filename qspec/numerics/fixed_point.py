"""Sigmoid and tanh of 16-bit integers as LiteRT's integer LSTM computes them: tables of every code, to the last bit.

The arithmetic is that of gemmlowp's fixed-point numbers of 16 bits (gemmlowp 16e8662, fixedpoint/fixedpoint.h): a
number has so many integer bits, and what is left of 15 bits stands behind the point.
"""

from __future__ import annotations

from functools import cache

import numpy as np

LOWEST, HIGHEST = -(2**15), 2**15 - 1


@cache
def sigmoid_table(integer_bits: int = 3) -> np.ndarray:
    """Sigmoid of the codes -32768 … 32767 with so many integer bits, int16 [65536], in steps of 2^-15."""
    codes = _codes()
    magnitude = np.where(codes > 0, codes, _wrap(-codes))
    positive = _reciprocal(_exp(_wrap(-magnitude), integer_bits))
    result = np.where(codes > 0, positive, HIGHEST - positive)
    return np.where(codes == 0, 1 << 14, result).astype(np.int16)


@cache
def tanh_table(integer_bits: int) -> np.ndarray:
    """Tanh of the codes -32768 … 32767 with so many integer bits, int16 [65536], in steps of 2^-15."""
    codes = _codes()
    below_zero = np.where(codes < 0, codes, _wrap(-codes))
    size = _shift_left(_newton(_exp(below_zero, integer_bits + 1)) - _ONE, 2)
    return np.where(codes == 0, 0, np.where(codes < 0, _wrap(-size), size)).astype(np.int16)


def _codes() -> np.ndarray:
    return np.arange(LOWEST, HIGHEST + 1, dtype=np.int64)


_ONE = 1 << 13  # with two integer bits


def _wrap(values: np.ndarray) -> np.ndarray:
    """What is left of *values* in 16 bits."""
    return np.asarray((values - LOWEST) % (1 << 16) + LOWEST)


def _constant(value: int) -> int:
    """A constant of 32 bits, rounded to 16."""
    return (value + (1 << 15) - (value < 0)) >> 16


def _multiply(left: np.ndarray, right: np.ndarray | int) -> np.ndarray:
    """The product as of numbers in [-1, 1), to the nearest one."""
    return np.asarray(np.minimum((left * right + (1 << 14)) >> 15, HIGHEST))


def _shift_left(values: np.ndarray, bits: int) -> np.ndarray:
    threshold = (1 << (15 - bits)) - 1
    shifted = np.where(values > threshold, HIGHEST, values << bits)
    return np.where(values < -threshold, LOWEST, shifted)


def _shift_right(values: np.ndarray, bits: int) -> np.ndarray:
    """Ties go away from zero."""
    return np.asarray((values + (1 << (bits - 1)) - (values < 0)) >> bits)


def _exp(values: np.ndarray, integer_bits: int) -> np.ndarray:
    """exp of *values* up to 0, without integer bits: of what is left of a quarter, times powers of e."""
    fractional = 15 - integer_bits
    quarter = 1 << (fractional - 2)
    rest = (values & (quarter - 1)) - quarter
    result = _exp_of_quarter(_shift_left(rest, integer_bits) if integer_bits else rest)
    remainder = rest - values
    # exp(-1/4), exp(-1/2), exp(-1), exp(-2), …
    powers = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
    for exponent, power in enumerate(powers, -2):
        if integer_bits > exponent:
            has = remainder & (1 << (fractional + exponent))
            result = np.where(has != 0, _multiply(result, _constant(power)), result)
    if integer_bits > 5:
        result = np.where(values < _constant(-(1 << (36 - integer_bits))), 0, result)
    return np.where(values == 0, HIGHEST, result)


def _exp_of_quarter(values: np.ndarray) -> np.ndarray:
    """exp in [-1/4, 0): its series around -1/8."""
    at_middle, third = _constant(1895147668), _constant(715827883)
    x = values + (1 << 12)
    square = _multiply(x, x)
    cube, fourth = _multiply(square, x), _multiply(square, square)
    higher = _shift_right(_multiply(_shift_right(fourth, 2) + cube, third) + square, 1)
    return np.asarray(np.minimum(at_middle + _multiply(x + higher, at_middle), HIGHEST))


def _newton(values: np.ndarray) -> np.ndarray:
    """2 / (1 + x) of *values* in (0, 1) without integer bits, with two of them: Newton's method in three steps."""
    half = (values + HIGHEST + 1) >> 1
    x = _constant(1515870810) + _multiply(half, _constant(-1010580540))
    for _ in range(3):
        x = x + _shift_left(_multiply(x, _wrap(_ONE - _multiply(half, x))), 2)
    return x


def _reciprocal(values: np.ndarray) -> np.ndarray:
    """1 / (1 + x) of *values* in (0, 1), without integer bits."""
    return _shift_left(_newton(values), 1)
