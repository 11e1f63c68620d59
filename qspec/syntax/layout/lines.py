"""The lines of an arranged text, with its comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qspec.syntax.layout.arrange import Arrangement
from qspec.syntax.layout.columns import groups
from qspec.syntax.layout.concrete import Comment
from qspec.syntax.layout.text import Text

LARGEST_SHIFT = 40
"""Columns by which comments at the ends of lines are moved to stand below each other."""

_BEFORE_COMMENT = 2  # spaces


class Line(NamedTuple):
    """What stands in a line, and the comment at its end; `item` says that it begins an item or a statement."""

    code: str
    comment: str = ""
    item: bool = False


def lines(text: Text, made: Arrangement) -> Iterator[str]:
    """The finished lines."""
    run: list[Line] = []
    for line in _squeezed(_Writer(text, made).written()):
        if run and (not line.comment or _apart(run[-1], line)):
            yield from _with_comments(run)
            run = []
        if line.comment:
            run.append(line)
        else:
            yield line.code
    yield from _with_comments(run)


def _apart(line: Line, following: Line) -> bool:
    """Whether another item begins behind the last of several lines: their comments are not read together."""
    return following.item and not line.item


def _with_comments(run: Sequence[Line]) -> Iterator[str]:
    """Consecutive lines with comments at their ends, which stand below each other."""
    widths = [len(line.code) for line in run]
    for group in groups(widths, LARGEST_SHIFT):
        column = max(widths[group.start : group.stop]) + _BEFORE_COMMENT
        yield from (f"{line.code:{column}}{line.comment}" for line in run[group.start : group.stop])


def _squeezed(written: Iterator[Line]) -> Iterator[Line]:
    """Without blank lines at the beginning and at the end, behind `{` and before `}`, and behind another."""
    last, blank = "{", False
    for line in written:
        code = line.code
        if not code:
            blank = True
            continue
        if blank and not last.endswith("{") and code.lstrip() != "}":
            yield Line("")
        yield line
        last, blank = code, False


class _Writer:
    def __init__(self, text: Text, made: Arrangement) -> None:
        self.text = text
        self.made = made
        self.current = ""
        self.begins_item = False

    def written(self) -> Iterator[Line]:
        """Each line; blank ones may be too many."""
        texts, spaces, made = self.text.texts, self.text.spaces, self.made
        for index, token in enumerate([*texts, ""]):
            column = self._column(index)
            gap = self.text.gaps[index]
            if column is not None:
                yield from self._above(gap.comments, index, column)
                if gap.blank and index in made.items:
                    yield Line("")
                self.current = " " * column
                self.begins_item = self._begins_item(index)
            if index in made.dropped:
                continue
            if column is None and index < len(texts):
                self.current += " " * (spaces[index] + made.pads.get(index, 0))
            self.current += token
            if index in made.commas:
                self.current += ","

    def _column(self, index: int) -> int | None:
        """Where a token begins a line; None if it does not. Comments always end one."""
        column = self.made.breaks.get(index)
        return 0 if column is None and self.text.gaps[index].comments else column

    def _begins_item(self, index: int) -> bool:
        kinds = self.text.kinds
        return index in self.made.items and (index == len(kinds) or kinds[index] != "RBRACE")

    def _above(self, comments: Sequence[Comment], index: int, column: int) -> Iterator[Line]:
        """The line that ends here, with its comment, and the comments that have lines of their own."""
        trailing = [comment.text for comment in comments if comment.trails]
        if self.current:
            yield Line(self.current, "".join(trailing), self.begins_item)
        indent = self.made.within.get(index, column)
        for comment in comments[len(trailing) :]:
            if comment.blank and index in self.made.items:
                yield Line("")
            yield Line(" " * indent + comment.text)
