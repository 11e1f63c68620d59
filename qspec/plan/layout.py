"""How large a flatbuffer becomes: the builder's bookkeeping without its bytes.

A flatbuffer is built from its end: each string, vector and table goes in front of what is there, padded so that it is
aligned counted from the end. A table is an offset to its vtable and its fields; fields that have the schema's default
are left out, and equal vtables are written once. (google/flatbuffers 25.12.19, python/flatbuffers/builder.py)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_OFFSET = 4  # an offset, and the length in front of a vector
_VTABLE_ENTRY = 2
_VTABLE_SIZES = 2  # of the vtable and of its table, the vtable's first entries


class Layout:
    """Counts the bytes of what is added, in the order in which a builder is given it: parts before what holds them."""

    def __init__(self) -> None:
        self.size = 0
        self._alignment = 1
        self._vtables: set[tuple[int, ...]] = set()
        self._shared: set[object] = set()

    def vector(self, elements: int, element_bytes: int = _OFFSET, alignment: int = 0) -> None:
        """A vector of scalars, or of offsets to parts that are there."""
        data = elements * element_bytes
        self._align(_OFFSET, data)
        self._align(alignment or element_bytes, data)
        self.size += data + _OFFSET

    def shared_vector(self, content: object, elements: int, element_bytes: int = _OFFSET) -> None:
        """A vector that is written once for each *content*."""
        if content not in self._shared:
            self._shared.add(content)
            self.vector(elements, element_bytes)

    def string(self, text: str) -> None:
        """A string, which ends with a zero byte."""
        data = len(text.encode()) + 1
        self._align(_OFFSET, data)
        self.size += data + _OFFSET

    def table(self, fields: Iterable[tuple[int, int]]) -> None:
        """A table with *fields*: the position in the schema and the bytes of each that is written, in that order."""
        end = self.size
        places: list[tuple[int, int]] = []
        for position, size in fields:
            self._align(size)
            self.size += size
            places.append((position, self.size))
        self._align(_OFFSET)
        self.size += _OFFSET
        vtable = [0] * (places[-1][0] + 1 if places else 0)
        for position, place in places:
            vtable[position] = self.size - place
        key = (self.size - end, *vtable)
        if key not in self._vtables:
            self._vtables.add(key)
            self.size += _VTABLE_ENTRY * (_VTABLE_SIZES + len(vtable))

    def finish(self, identifier: Sequence[str] = "TFL3") -> int:
        """The bytes of the whole: in front stand the offset to the root and the file's *identifier*."""
        head = _OFFSET + len(identifier)
        self._align(self._alignment, head)
        return self.size + head

    def _align(self, alignment: int, following: int = 0) -> None:
        """Pad so that what comes *following* bytes later is aligned."""
        self._alignment = max(self._alignment, alignment)
        self.size += -(self.size + following) % alignment
