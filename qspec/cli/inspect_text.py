"""The listing of `qspec inspect` for people: an op, what it reads and what it writes, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qspec.cli.columns import cut, fitted, wrapped
from qspec.diagnostics.text import ELLIPSIS, display_width, printable
from qspec.graph.ops import Op
from qspec.graph.tflite_file import Quantization
from qspec.lint.files.dynamic_shape import shape_words

if TYPE_CHECKING:
    from qspec.cli.inspect import Listing, Part

# Attributes that say nothing where they have these values; neither do a false one and an empty one.
_QUIET: Mapping[str, Any] = {
    "fused_activation_function": "NONE",
    "weights_format": "DEFAULT",
    "quantized_bias_type": "FLOAT32",
    "beta": 1.0,
    **dict.fromkeys(("dilation_w_factor", "dilation_h_factor"), 1),
    **dict.fromkeys(("cell_clip", "proj_clip"), 0.0),
    **dict.fromkeys(("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask", "batch_dims"), 0),
}
# The writer's business, or a copy of what the operands tell.
_HIDDEN = frozenset({"pot_scale_int16", "new_shape", "depth_multiplier", "in_data_type", "num_splits", "values_count"})
_PAIRS = {
    "stride_w": ("stride_h", "stride"),
    "dilation_w_factor": ("dilation_h_factor", "dilation"),
    "filter_width": ("filter_height", "filter"),
}
_INDENT = " " * 4
_NARROWEST_ROLE = 8
_NARROWEST_NAME = 16
_MOST_VALUES = 8

Row = tuple[str, str, str, str, str]
"""Role, name, type, shape, quantization."""


def lines(listing: Listing, width: int | None) -> Iterator[str]:
    """The whole listing; no line takes more than *width* columns as long as 60 are there."""
    room = None if width is None else max(width, 60)
    heading = f"{listing.path}: {_heading(listing)}"
    yield from wrapped(printable(heading), room, rest="  ")
    for number, part in enumerate(listing.parts):
        if number:
            yield ""
            yield from wrapped(printable(f"subgraph {number} `{part.name}`"), room)
        yield from _part_lines(part, room)


def _heading(listing: Listing) -> str:
    main, *others = listing.parts
    ops = f"{len(main.graph.ops)} ops, {len(main.graph.tensors)} tensors"
    if listing.kind == "keras":
        return f"{listing.facts['layers']} layers, which become {ops}"
    by = f" written by `{listing.facts['description']}`" if listing.facts["description"] else ""
    more = f", {len(others)} more subgraph{'s'[: len(others) > 1]}" if others else ""
    return f"{listing.facts['size']:,} bytes{by}, {ops}{more}"


def _part_lines(part: Part, width: int | None) -> Iterator[str]:
    from qspec.cli.inspect import operands

    ends = [
        _row(part, role, index)
        for role, indices in (("input", part.graph.inputs), ("output", part.graph.outputs))
        for index in indices
    ]
    rows = {
        op.index: [
            *(_row(part, role, index) for role, index in operands(op) if index >= 0),
            *(_row(part, "output", index) for index in op.outputs),
        ]
        for op in part.graph.ops
    }
    columns = _columns([row for group in (ends, *rows.values()) for row in group], width)
    for row in ends:
        yield from _tensor_lines(row, columns)
    digits = len(str(max(len(part.graph.ops) - 1, 0)))
    for op in part.graph.ops:
        yield ""
        yield from _op_lines(part, op, digits, width)
        for row in rows[op.index]:
            yield from _tensor_lines(row, columns)


def _op_lines(part: Part, op: Op, digits: int, width: int | None) -> Iterator[str]:
    version = f" v{part.versions[op.index]}" if op.index in part.versions else ""
    layers = " + ".join(part.layers.get(op.index, ()))
    head = f"{op.index:>{digits}}  {op.kind}{version}" + (f"  {layers}" if layers else "")
    yield from wrapped(printable(head), width, rest=_INDENT)
    told = ", ".join(_attributes(op))
    if told:
        yield from wrapped(printable(told), width, _INDENT, _INDENT)


def _attributes(op: Op) -> Iterator[str]:
    """The attributes that matter, as people say them."""
    seconds = {second for first, (second, _) in _PAIRS.items() if first in op.attributes}
    for name, value in op.attributes.items():
        if name in _HIDDEN or name in seconds:
            continue
        second, together = _PAIRS.get(name, ("", ""))
        other = op.attributes.get(second, value)
        if _says_nothing(name, value) and (not second or _says_nothing(second, other)):
            continue
        if together:
            yield f"{together} {other} x {value}"  # height first, as Keras writes it
        elif name == "fused_activation_function":
            yield f"then {value}"
        else:
            yield name if value is True else f"{name} {_value(value)}"


def _says_nothing(name: str, value: Any) -> bool:
    return value is False or value == () or value == "" or (name in _QUIET and value == _QUIET[name])


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        shown = [_value(item) for item in value[:_MOST_VALUES]]
        return f"[{', '.join(shown)}{f', {ELLIPSIS}' if len(value) > _MOST_VALUES else ''}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


# ---- tensors


def _row(part: Part, role: str, index: int) -> Row:
    tensor = part.graph.tensors[index]
    found = part.quantization.get(index)
    told = _quantization(found) if found is not None else ""
    if not told and tensor.value is not None:
        told = f"= {_value(tensor.value)}"
    name = printable(tensor.name) or f"tensor {index}"
    return role, name, tensor.type, shape_words(tensor.shape), told


def _quantization(found: Quantization) -> str:
    if found.details:
        return found.details
    zeros = sorted(set(found.zero_points))
    zero = f"zero point {zeros[0]}" if len(zeros) == 1 else f"zero points {zeros[0]} to {zeros[-1]}" if zeros else ""
    if len(found.scales) == 1:
        return f"scale {found.scales[0]:.6g}" + (f", {zero}" if zero else "")
    if not found.scales:
        return zero
    count = f"{len(found.scales)} scales {min(found.scales):.4g} to {max(found.scales):.4g}, axis {found.axis}"
    return count + (f", {zero}" if any(zeros) else "")


@dataclass(frozen=True)
class _Columns:
    """The widths of roles, names, types and shapes; `width` is the screen's, None for none. Scales stand in a line of
    their own where not all of them fit behind the rest."""

    role: int
    name: int
    type: int
    shape: int
    width: int | None
    beside: bool = True


def _columns(rows: list[Row], width: int | None) -> _Columns:
    role, name, type_, shape, told = (max((display_width(row[k]) for row in rows), default=0) for k in range(5))
    role = max(role, _NARROWEST_ROLE)
    if width is None:
        return _Columns(role, name, type_, shape, None)
    room = width - len(_INDENT) - role - 1 - type_ - shape - 4
    beside = room - told - 2 >= min(name, _NARROWEST_NAME)
    room -= told + 2 if beside else 0
    return _Columns(role, max(min(name, room), _NARROWEST_NAME), type_, shape, width, beside)


def _tensor_lines(row: Row, columns: _Columns) -> Iterator[str]:
    role, name, type_, shape, told = row
    what = f"{role:{columns.role}} {fitted(name, columns.name)}"
    line = f"{_INDENT}{what}  {type_:{columns.type}}  {shape:{columns.shape}}"
    if columns.beside:
        yield cut(f"{line}  {told}".rstrip(), columns.width)
        return
    yield cut(line.rstrip(), columns.width)
    if told:
        yield cut(f"{_INDENT}{'':{columns.role + 1}}  {told}", columns.width)
