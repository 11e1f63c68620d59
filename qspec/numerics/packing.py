"""Codes of fewer than eight bits, several to a byte."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PACKED = {"int4": 4, "int2": 2}
"""The bits of the types that are packed."""


def pack_codes(codes: NDArray[np.integer], bits: int) -> NDArray[np.uint8]:
    """Codes of 4 or 2 *bits*, two or four to a byte, the first in the lowest bits (as LiteRT unpacks them,
    `tflite/kernels/internal/portable_tensor_utils.cc`); what is left of the last byte is 0. The result has one
    dimension."""
    each = 8 // bits
    parts = np.ravel(codes).astype(np.int8).view(np.uint8) & ((1 << bits) - 1)
    parts = np.append(parts, np.zeros(-parts.size % each, np.uint8)).reshape(-1, each)
    return np.asarray(np.bitwise_or.reduce(parts << np.arange(0, 8, bits, dtype=np.uint8), axis=1), np.uint8)
