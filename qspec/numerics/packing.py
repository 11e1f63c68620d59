"""Codes of fewer than eight bits, several to a byte."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pack_int4(codes: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Codes of -8 to 7, two to a byte, the first in the lower half (as LiteRT unpacks them,
    `tflite/kernels/internal/portable_tensor_utils.cc`); an odd one's upper half is 0. The result has one dimension."""
    halves = np.ravel(codes).astype(np.int8).view(np.uint8) & 0x0F
    if halves.size % 2:
        halves = np.append(halves, np.uint8(0))
    return np.asarray(halves[0::2] | halves[1::2] << 4, np.uint8)
