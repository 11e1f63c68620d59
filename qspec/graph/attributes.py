"""The attributes of an op in the flatbuffer's spelling: the fields of its table of options."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from qspec.graph.flatbuffer import Layout
from qspec.graph.tflite_schema import enumeration, layout

# Ops whose table is not called after them; every other is, as `CONV_2D` and `Conv2DOptions`.
_TABLES = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "CONV_3D_TRANSPOSE": "Conv3DOptions",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "SequenceRNNOptions",
    "MULTINOMIAL": "RandomOptions",
    "RANDOM_UNIFORM": "RandomOptions",
    "RANDOM_STANDARD_NORMAL": "RandomOptions",
    **dict.fromkeys(
        ("MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ANY", "REDUCE_ALL"), "ReducerOptions"
    ),
}


@cache
def attributes(kind: str) -> Mapping[str, tuple[str, ...]]:
    """The attributes that an op of *kind* can have, each with the names of its values if it is an enumeration."""
    return {name: field.names for name, field in fields(kind).items()}


def fields(kind: str) -> Layout:
    """The attributes that an op of *kind* can have, as the fields of its table."""
    return layout(_TABLES.get(kind) or _called_after().get(kind.replace("_", "").lower(), ""))


@cache
def _called_after() -> Mapping[str, str]:
    """The tables of options by the name of their op, in lower case without `_`."""
    names = (*enumeration("BuiltinOptions"), *enumeration("BuiltinOptions2"))
    return {name.removesuffix("Options").lower(): name for name in names}
