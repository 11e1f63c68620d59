"""Questions about quantizers that the plan asks in several places."""

from __future__ import annotations

import struct

from qspec.schema.quantizer import Quantizer, Range

# The narrowest range, as in `qspec.numerics.parameters`, which this room does not import: numpy would come with it.
_SMALLEST_RANGE = 2.0**-20


def same_quantizer(one: Quantizer | None, other: Quantizer | None) -> bool:
    """Whether two quantizers quantize alike, whatever their names."""
    if one is None or other is None or one is other:
        return one is other
    plain = {"name": "", "span": None}
    return one.model_copy(update=plain) == other.model_copy(update=plain)


def with_range(quantizer: Quantizer, range_: Range) -> Quantizer:
    """The same quantizer with another range."""
    return quantizer.model_copy(update={"range": range_})


def fixed_parameters(quantizer: Quantizer) -> tuple[float, int] | None:
    """Scale and zero point where the quantizer itself fixes them (`fixed(low, high)`, `exact(scale, zero_point)`).

    Every step is rounded to float32, as `qspec.numerics.parameters_from_range` computes: the same bits.
    """
    if quantizer.range.method == "exact":
        scale, zero_point = quantizer.range.arguments
        return _float32(scale), int(zero_point)
    if quantizer.range.method != "fixed":
        return None
    low, high = (_float32(end) for end in quantizer.range.arguments)
    low, high = min(low, 0.0), max(high, 0.0)
    lowest, highest = quantizer.code_range
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
