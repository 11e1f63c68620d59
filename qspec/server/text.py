"""Texts as editors count them: lines, and columns in the units that client and server agreed on.

qspec counts code points from the start of the text. The protocol counts lines, which `\\n`, `\\r\\n` and `\\r` end, and
in each of them UTF-16 code units, UTF-8 bytes or code points.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE_END = re.compile(r"\r\n|\n|\r")


def _utf_8(character: str) -> int:
    point = ord(character)
    return 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4


# How many units a character takes.
_UNITS: Mapping[Encoding, Callable[[str], int]] = {
    "utf-8": _utf_8,
    "utf-16": lambda character: 2 if character > "\uffff" else 1,
    "utf-32": lambda character: 1,
}


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text: line and column, both from 0, the column in the client's units."""

    line: int
    column: int


@dataclass(frozen=True)
class Text:
    """A text with the starts of its lines."""

    text: str
    encoding: Encoding = "utf-16"

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def position(self, offset: int) -> Position:
        """Where the code point at *offset* stands."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect.bisect_right(self._starts, offset) - 1
        before = self.text[self._starts[line] : offset]
        return Position(line, self._width(before))

    def offset(self, position: Position) -> int:
        """The code point at *position*; behind the end of a line or of the text, that end."""
        if position.line >= len(self._starts):
            return len(self.text)
        start = self._starts[max(position.line, 0)]
        line = self._line(position.line)
        if self.encoding == "utf-32" or line.isascii():
            return start + min(max(position.column, 0), len(line))
        units, column = _UNITS[self.encoding], 0
        for index, character in enumerate(line):
            column += units(character)
            # A position inside a character is the one before it.
            if column > position.column:
                return start + index
        return start + len(line)

    def replaced(self, start: Position, end: Position, text: str) -> Text:
        """This text with what stands between two positions replaced."""
        first, last = sorted((self.offset(start), self.offset(end)))
        return Text(self.text[:first] + text + self.text[last:], self.encoding)

    def _line(self, number: int) -> str:
        """A line from 0, without its end."""
        number = max(number, 0)
        end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self.text)
        return self.text[self._starts[number] : end].rstrip("\r\n")

    def _width(self, text: str) -> int:
        if self.encoding == "utf-32" or text.isascii():
            return len(text)
        return sum(map(_UNITS[self.encoding], text))
