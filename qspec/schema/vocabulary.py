"""The words that blocks take: attributes, and the values of each, for whoever offers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from qspec.schema.quantizer import EndType, FloatType, IntegerType, Rounding, Scheme
from qspec.schema.quantizers import ATTRIBUTES
from qspec.schema.ranges import GRANULARITIES, MOMENTS, RANGES
from qspec.schema.settings import BatchNorm

_TYPES = (*get_args(IntegerType), *get_args(FloatType))

BLOCKS: Mapping[str, tuple[str, ...]] = {
    "quantizer": ATTRIBUTES,
    "input": ("type", "range", "batch"),
    "output": ("type", "range"),
    "calibrate": ("samples", "batch", "seed"),
    "train": ("batch_norm", "freeze_ranges_after"),
    "target": ("title", "partition", "memory.parameters", "memory.excess"),
}
"""The attributes of each block, by the word that begins it."""

VALUES: Mapping[str, tuple[str, ...]] = {
    "type": _TYPES,
    "scheme": get_args(Scheme),
    "granularity": tuple(GRANULARITIES),
    "range": tuple(RANGES),
    "narrow": ("true", "false"),
    "rounding": get_args(Rounding),
    "batch": ("dynamic",),
    "batch_norm": get_args(BatchNorm),
    "freeze_ranges_after": tuple(MOMENTS),
    "partition": ("prefix", "any"),
}
"""The words that each attribute takes; those with numbers in parentheses without them."""

END_TYPES = get_args(EndType)
"""The types that the file can take and give where the model has real numbers; integers keep their own."""

EXAMPLES: Mapping[str, str] = {
    word: example for forms in (GRANULARITIES, RANGES, MOMENTS) for word, (_, example) in forms.items()
}
"""How a word is written that takes numbers in parentheses; the others stand as they are."""
