"""Source lines as a terminal shows them: tabs, wide and invisible characters, lines that are too long."""

from __future__ import annotations

import bisect
import itertools
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

TAB = 4
ELLIPSIS = "…"


def printable(text: str) -> str:
    """*text* without anything that moves the cursor, turns the direction or cannot be encoded."""
    return "".join(map(_visible, text))


def display_width(text: str) -> int:
    """How many terminal columns *text* takes; it must be printable."""
    return sum(map(_width, text))


def bold(text: str, colors: bool) -> str:
    """*text* in bold, where *colors* are wanted."""
    return f"\x1b[1m{text}\x1b[0m" if colors else text


def padded(text: str, room: int) -> str:
    """*text* in at least *room* columns."""
    return text + " " * (room - display_width(text))


def broken(text: str, width: int, first: int = 0) -> list[str]:
    """*text* in lines of at most *width* columns, broken at spaces, *first* columns being taken of the first line. A
    word that is longer stands alone: names and paths stay whole."""
    lines, line, used = [], "", first
    for word in text.split(" "):
        room = display_width(word) + (1 if line else 0)
        if line and used + room > width:
            lines.append(line)
            line, used, room = "", 0, room - 1
        line = f"{line} {word}" if line else word
        used += room
    return [*lines, line]


def _visible(character: str) -> str:
    if " " <= character <= "~":
        return character
    if character < " ":
        return chr(0x2400 + ord(character))  # the control pictures, ␀ to ␟
    category = unicodedata.category(character)
    return "\N{REPLACEMENT CHARACTER}" if category in ("Cc", "Cf", "Cs", "Zl", "Zp") else character


def _width(character: str) -> int:
    if character < "\u0300":
        return 1
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


@dataclass(frozen=True)
class Excerpt:
    """A source line, and how it is shown in at most `room` columns, `focus` (a code point's index) among them."""

    line: str
    room: int
    focus: int = 0

    @property
    def text(self) -> str:
        """What to print."""
        first, last = self._window
        head = ELLIPSIS if self._cut_before else ""
        tail = ELLIPSIS if self._origin + last < len(self.line) else ""
        return head + "".join(self._cells[first:last]) + tail

    def column(self, index: int) -> int:
        """The column in `text`, from 0, of the code point at *index*; beyond the end of what is shown, the next one."""
        first, last = self._window
        cell = min(max(index - self._origin, first), last)
        return self._starts[cell] - self._starts[first] + int(self._cut_before)

    @property
    def _origin(self) -> int:
        """The code point of the first cell: of a very long line only the part near the focus is looked at."""
        return max(0, self.focus - 2 * self.room)

    @property
    def _cut_before(self) -> bool:
        return self._origin + self._window[0] > 0

    @cached_property
    def _cells(self) -> list[str]:
        return list(self._expanded())

    def _expanded(self) -> Iterator[str]:
        column = 0
        for character in self.line[self._origin : self.focus + 2 * self.room]:
            cell = " " * (TAB - column % TAB) if character == "\t" else _visible(character)
            column += display_width(cell)
            yield cell

    @cached_property
    def _starts(self) -> list[int]:
        """The column at which each cell starts, and where the last one ends."""
        return list(itertools.accumulate(map(display_width, self._cells), initial=0))

    @cached_property
    def _window(self) -> tuple[int, int]:
        """The cells to show, as a half-open range."""
        width = self._starts[-1]
        if width <= self.room:
            return 0, len(self._cells)
        room = self.room - 2  # for an ellipsis at each end
        focus = self._starts[min(self.focus - self._origin, len(self._cells))]
        # A third of the room before the focus, unless the line ends so soon behind it that room would be left over.
        left = max(0, min(focus - room // 3, width - room))
        first = bisect.bisect_left(self._starts, left)
        last = bisect.bisect_right(self._starts, self._starts[first] + room) - 1
        return first, last
