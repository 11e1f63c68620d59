"""What Vela states for an op that it leaves to the CPU, and what the `ethos_u` table says of the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

SAME = (
    ("Unsupported opType", "has no row for|only when `variant"),
    ("Unsupported reverse mask", "only when `variant"),  # the U55 and the U65 take no REVERSE_V2 at all
    ("Dynamic non-batch dimension", "only the batch may be dynamic"),
    ("shapeless tensor", "without dimensions"),
    # Types: of Vela's own constraints, the table's columns, or what only the U85 takes.
    (
        "unsupported DataType|Unsupported dataType|IFM type|ifm type|UInt8 IFM",
        "taken: |by the U85 only|only when `variant",
    ),
    ("missing quantization parameters", "must have a scale"),
    ("Weights tensor with precision", "`weights` is"),
    ("Matmul with unsupported IFM type", "int8"),
    ("per-axis quantization", "per channel; taken: .* per_tensor"),
    ("mismatching quantization parameters", "share scale and zero point"),
    ("ZeroPoint out of range", "zero point of an int16 input"),
    # Shapes and attributes.
    ("kernel stride", "strides must be|stride above 3"),
    ("stride out of range|stride combination", "strides must be 1 or 2"),
    ("kernel (height|width)", "filter"),
    ("[Ss]cal(e-factor|ing)", "grow|twice the size"),
    ("both align_corners=true and half_pixel_centers=true", "not both"),
    ("Batch > 1", "the batch must be 1"),
    ("Reduced axis is too large", "each dimension averaged"),
    ("Too many reduced elements", "elements become one"),
    ("Unsupported depth-reduction", "channels are averaged only"),
    ("ifmShape", "at most 65536"),
    ("Only last axis or -1", "along the innermost dimension"),
    ("depth of the argmax", "at most 127 channels"),
    ("unsupported stride axis", "of batch and channels"),
    ("negative stride", "strides must be positive"),
    ("shape out of range", "at most 65536"),
    ("Unsupported transpose-type", "change places"),
    ("axis: .* != batch_dims", "first one behind the batch dimensions"),
    ("output shape|ofm.*shape|ofmShape", "as large as input times stride"),
)
"""Pairs of patterns: one of Vela's sentences, and one that a reason of the table fits then."""


def says_the_same(stated: str, reasons: Sequence[str]) -> bool:
    """Whether one of the table's *reasons* is the one that Vela *stated*; a sentence that no pair knows is not."""
    spoken = [table for vela, table in SAME if re.search(vela, stated)]
    return any(re.search(table, reason) for table in spoken for reason in reasons)
