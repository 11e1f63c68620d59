"""Reading a flatbuffer that nobody vouches for: every offset is checked, and a length that the file claims allocates
nothing before the file was seen to be that long.

The format: https://flatbuffers.dev/internals. An offset leads to a table, and the table's own offset to a list that
tells for each of its slots how far into the table the value stands, or 0 if it is absent. Nothing keeps a file from
leading to one place a million times, so what is read is counted, and a file that leads to too much is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from qspec.graph.document import Malformed

# What a table and a text cost of the values that may be read, beside the numbers in them.
_TABLE_COST = 16
_TEXT_COST = 8  # bytes for each value


@dataclass(frozen=True, slots=True)
class Field:
    """What stands in a slot. `code` is the letter of `struct` for a number or for the numbers of a vector, and `names`
    are those of an enumeration. `table` names the layout of a table or of the tables in a vector. The slot before a
    `union` tells which of `names` it holds; the first means that there is none."""

    slot: int
    kind: Literal["number", "numbers", "bytes", "text", "table", "tables", "union"]
    code: str = ""
    default: Any = 0
    names: tuple[str, ...] = ()
    table: str = ""


Layout = Mapping[str, Field]


@dataclass
class Content:
    """A file's bytes, and how many more values may be read from them."""

    data: bytes = field(repr=False)
    layouts: Callable[[str], Layout]
    values_left: int

    def root(self, table: str) -> Table:
        """The table that the file is."""
        return Table(self, self.follow(0, ""), self.layouts(table), "", -1, None)

    def spend(self, values: int, where: str) -> None:
        """Count what is about to be read."""
        self.values_left -= values
        if self.values_left < 0:
            raise Malformed(where, "the file leads to more values than any model has")

    def number(self, code: str, position: int, where: str) -> Any:
        """The number that stands at *position*."""
        form = _format(code)
        if not 0 <= position <= len(self.data) - form.size:
            raise Malformed(where, "an offset leads out of the file")
        return form.unpack_from(self.data, position)[0]

    def follow(self, position: int, where: str) -> int:
        """Where the offset at *position* leads."""
        offset = self.number("I", position, where)
        if offset == 0 or position + offset >= len(self.data):
            raise Malformed(where, "an offset leads out of the file" if offset else "an offset leads nowhere")
        return int(position + offset)

    def vector(self, position: int, size: int, where: str) -> tuple[int, int]:
        """Start and length of a vector whose elements take *size* bytes."""
        start = self.follow(position, where)
        length = self.number("I", start, where)
        if length * size > len(self.data) - start - 4:
            raise Malformed(where, f"{length:,} elements do not fit into the file")
        return start + 4, length


class Table:
    """A table, read field by field as somebody asks: `tensor["shape"]`.

    A number, enumeration value (its name), text (str), vector of numbers (tuple) or of tables (list), a table or None;
    bytes are a view into the file, or None where they are absent.
    """

    __slots__ = ("_fields", "_index", "_layout", "_name", "_parent", "_slots", "content", "position")

    def __init__(
        self, content: Content, position: int, layout: Layout, name: str, index: int, parent: Table | None
    ) -> None:
        self.content = content
        self.position = position
        self._layout = layout
        self._name = name
        self._index = index
        self._parent = parent
        self._slots = self._read_slots()

    def _read_slots(self) -> tuple[int, ...]:
        content, data = self.content, self.content.data
        slots = position = self.position
        if position + 4 <= len(data):
            slots = position - content.number("i", position, "")
        if not 0 <= slots <= len(data) - 4 or position + 4 > len(data):
            raise Malformed(self.where(), "an offset leads out of the file")
        size = content.number("H", slots, "")
        if size < 4 or size % 2 or slots + size > len(data):
            raise Malformed(self.where(), "the list of its fields does not fit into the file")
        # Of the slots, which a newer schema may have more of, only those that are known are looked at.
        count = min((size - 4) // 2, len(self._layout) + 2)
        content.spend(_TABLE_COST, "")
        return _format(f"{count}H").unpack_from(data, slots + 4)

    def where(self, name: str = "") -> str:
        """The way to the table or one of its fields, as `subgraphs[0].tensors[3].shape`."""
        own = f"{self._name}[{self._index}]" if self._index >= 0 else self._name
        before = self._parent.where() if self._parent is not None else ""
        return ".".join(part for part in (before, own, name) if part)

    def fail(self, name: str, message: str) -> Malformed:
        """The error to raise about a field."""
        return Malformed(self.where(name), message)

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        return self._offset(self._layout[name]) != 0

    def _offset(self, field: Field) -> int:
        return self._slots[field.slot] if field.slot < len(self._slots) else 0

    def __getitem__(self, name: str) -> Any:
        field = self._layout[name]
        offset = self._offset(field)
        if not offset:
            return _absent(field)
        try:
            return _READERS[field.kind](self, field, name, self.position + offset)
        except Malformed as error:
            raise error if error.location else self.fail(name, error.message) from None

    def _number(self, field: Field, name: str, position: int) -> Any:
        value = self.content.number(field.code, position, "")
        return _named(field.names, value) if field.names else value

    def _numbers(self, field: Field, name: str, position: int) -> tuple[Any, ...]:
        start, length = self.content.vector(position, _format(field.code).size, "")
        self.content.spend(length, "")
        numbers = struct.unpack_from(f"<{length}{field.code}", self.content.data, start)
        return tuple(_named(field.names, value) for value in numbers) if field.names else numbers

    def _bytes(self, field: Field, name: str, position: int) -> memoryview:
        start, length = self.content.vector(position, 1, "")
        return memoryview(self.content.data)[start : start + length]

    def _text(self, field: Field, name: str, position: int) -> str:
        start, length = self.content.vector(position, 1, "")
        self.content.spend(length // _TEXT_COST, "")
        return self.content.data[start : start + length].decode("utf-8", "replace")

    def _table(self, field: Field, name: str, position: int) -> Table:
        content = self.content
        return Table(content, content.follow(position, ""), content.layouts(field.table), name, -1, self)

    def _tables(self, field: Field, name: str, position: int) -> list[Table]:
        content, layout = self.content, self.content.layouts(field.table)
        start, length = content.vector(position, 4, "")
        content.spend(length, "")
        return [
            Table(content, content.follow(start + 4 * index, ""), layout, name, index, self) for index in range(length)
        ]

    def _union(self, field: Field, name: str, position: int) -> tuple[str, Table | None]:
        before = self._slots[field.slot - 1]
        kind = self.content.number("B", self.position + before, "") if before else 0
        if kind == 0 or kind >= len(field.names):  # none, or one that a newer schema has
            return _named(field.names, kind), None
        content = self.content
        table = Table(content, content.follow(position, ""), content.layouts(field.names[kind]), name, -1, self)
        return field.names[kind], table


_READERS = {
    "number": Table._number,
    "numbers": Table._numbers,
    "bytes": Table._bytes,
    "text": Table._text,
    "table": Table._table,
    "tables": Table._tables,
    "union": Table._union,
}


def _absent(field: Field) -> Any:
    match field.kind:
        case "number":
            return _named(field.names, field.default) if field.names else field.default
        case "numbers":
            return ()
        case "tables":
            return []
        case "text":
            return ""
        case "union":
            return field.names[0], None
    return None


def _named(names: tuple[str, ...], value: int) -> str:
    # A newer schema may have more names.
    return names[value] if 0 <= value < len(names) else f"UNKNOWN_{value}"


@cache
def _format(code: str) -> struct.Struct:
    return struct.Struct(f"<{code}")
