"""Questions about quantizers that the plan asks in several places."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

from qspec.schema.quantizer import Quantizer, Range

# The narrowest range, as in `qspec.numerics.parameters`, which this room does not import: numpy would come with it.
_SMALLEST_RANGE = 2.0**-20


def same_quantizer(one: Quantizer | None, other: Quantizer | None) -> bool:
    """Whether two quantizers quantize alike, whatever their names."""
    if one is None or other is None or one is other:
        return one is other
    return replace(one, name="", span=None) == replace(other, name="", span=None)


def bias_type(activations: str) -> str:
    """The type of a bias beside activations of that type (LiteRT quantization specification, 16-bit activations)."""
    return "int64" if activations == "int16" else "int32"


def with_range(quantizer: Quantizer, range_: Range) -> Quantizer:
    """The same quantizer with another range."""
    return replace(quantizer, range=range_)


def fixed_parameters(quantizer: Quantizer) -> tuple[float, int] | None:
    """Scale and zero point where the quantizer itself fixes them (`fixed(low, high)`, `exact(scale, zero_point)`), to
    numbers that float32 and the type can hold; else None.

    Every step is rounded to float32, as `qspec.numerics.parameters_from_range` computes: the same bits.
    """
    if quantizer.range.estimated:
        return None
    first, second = quantizer.range.arguments
    lowest, highest = quantizer.code_range
    if quantizer.range.method == "exact":
        scale = _float32(first)
        usable = 0 < scale < math.inf and lowest <= second <= highest
        return (scale, int(second)) if usable else None
    low, high = min(_float32(first), 0.0), max(_float32(second), 0.0)
    if not math.isfinite(_float32(high - low)):
        return None
    if quantizer.scheme == "symmetric":
        return _float32(max(-low, high, _SMALLEST_RANGE) / highest), 0
    scale = _float32(max(_float32(high - low), _SMALLEST_RANGE) / (highest - lowest))
    offset = _float32(lowest - _float32(low / scale))
    rounded = int(offset + 0.5) if offset >= 0 else -int(-offset + 0.5)
    return scale, min(max(rounded, lowest), highest)


def _float32(value: float) -> float:
    """*value* rounded to the nearest float32. Of one operation on two float32 numbers in double precision, that is the
    float32 operation's own result."""
    return float(struct.unpack("f", struct.pack("f", value))[0])
