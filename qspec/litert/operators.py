"""The parts of an operator that follow from the op alone: its version and its table of options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qspec.graph.attributes import written_options
from qspec.graph.flatbuffer import Field
from qspec.graph.ops import Op, Tensor
from qspec.graph.tflite_schema import layout
from qspec.graph.versions import ABSENT, op_version
from qspec.litert.flatbuffer import schema


def give_options(operator: Any, op: Op) -> None:
    """Give *operator* the table of options that the attributes of *op* fill, if it has one."""
    table = written_options(op.kind)
    if table is None:
        return
    options = getattr(schema(), f"{table}T")()
    for name, each in layout(table).items():
        if name in op.attributes:
            setattr(options, _spelled(name), _value(each, op.attributes[name]))
    operator.builtinOptionsType = getattr(schema().BuiltinOptions, table)
    operator.builtinOptions = options


def written_version(
    op: Op,
    inputs: Sequence[int],
    tensors: Sequence[Tensor] | Mapping[int, Tensor],
    *,
    per_channel: bool = False,
    rescale: float | None = None,
) -> int:
    """The version of *op* as it stands in a file, reading *inputs*; the rest as `op_version` has it."""
    read = [tensors[tensor] if tensor >= 0 else None for tensor in inputs]
    version = op_version(
        op.kind,
        [tensor.type if tensor else ABSENT for tensor in read],
        [tensors[tensor].type for tensor in op.outputs],
        op.attributes,
        [tensor.shape if tensor else None for tensor in read],
        per_channel=per_channel,
        rescale=rescale,
    )
    # Of an op that no kernel takes as planned, the first version says no less than another.
    return version or 1


def _spelled(name: str) -> str:
    """A field as the schema's classes spell it: `stride_w` as `strideW`."""
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def _value(each: Field, value: Any) -> Any:
    return each.names.index(value) if each.names else value
