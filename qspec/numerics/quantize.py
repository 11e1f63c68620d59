"""Reals to integer codes and back, in float32, with the arithmetic of LiteRT's reference kernels.

What the three sets of kernels do with the same bits (ai-edge-litert 2.3, x86-64; run, and held by a test):

| | QUANTIZE | DEQUANTIZE |
|---|---|---|
| reference | `x / scale`, ties away from zero | `scale · (code - zero_point)` |
| built-in | `x · (1 / scale)`, ties to even | `scale · code + scale · -zero_point` |
| XNNPACK | int8, uint8: as built-in; int16: leaves it to built-in | as reference |

So they differ at ties, within float32 noise of ties, and in the last bit of a dequantized value; nowhere else. Beyond
2^31 steps, the first two leave the result to the hardware's conversion, where this module saturates as XNNPACK does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qspec.numerics.parameters import Parameters
from qspec.numerics.rounding import ROUNDINGS, Rounding

Integers = NDArray[np.signedinteger[Any] | np.unsignedinteger[Any]]


def code_type(lowest: int, highest: int) -> np.dtype[Any]:
    """The smallest numpy integer type that holds the codes *lowest* … *highest*."""
    for candidate in (np.int8, np.uint8, np.int16, np.int32, np.int64):
        if np.iinfo(candidate).min <= lowest and highest <= np.iinfo(candidate).max:
            return np.dtype(candidate)
    raise ValueError(f"no integer type holds {lowest} to {highest}")


def quantize(values: ArrayLike, parameters: Parameters, rounding: Rounding | None = None) -> Integers:
    """The codes of *values*: `round(value / scale) + zero_point`, kept within the codes; *rounding* as the parameters
    say, if it is not given.

    *values* are taken as float32; the result has their shape. Infinities saturate. NaN has no code: ValueError.
    The codes may have up to 32 bits.
    """
    reals = np.asarray(values, np.float32)
    if np.isnan(reals).any():
        raise ValueError("NaN cannot be quantized")
    scale, zero_point = parameters.along(reals.ndim)
    with np.errstate(over="ignore"):
        steps = reals / scale
    # The bounds are whole numbers, so clipping first changes no result, and it keeps infinities out of the rounding.
    steps = np.clip(steps, parameters.lowest - zero_point, parameters.highest - zero_point)
    codes = ROUNDINGS[rounding or parameters.rounding](steps).astype(np.int64) + zero_point
    return codes.astype(code_type(parameters.lowest, parameters.highest))


def dequantize(codes: Integers, parameters: Parameters) -> NDArray[np.float32]:
    """The reals of *codes*: `scale · (code - zero_point)`, rounded once to float32, as LiteRT's DEQUANTIZE does."""
    scale, zero_point = parameters.along(np.ndim(codes))
    # The product of a float32 and an integer of up to 29 bits is exact in float64.
    return np.asarray((np.asarray(codes, np.int64) - zero_point) * scale.astype(np.float64), np.float32)


def fake_quantize(values: ArrayLike, parameters: Parameters, rounding: Rounding | None = None) -> NDArray[np.float32]:
    """*values* as they come back from the codes."""
    return dequantize(quantize(values, parameters, rounding), parameters)
