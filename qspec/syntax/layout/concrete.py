"""The concrete syntax of a text without mistakes: every token with what stands before it, and the rules they form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from qspec.syntax.automaton import Automaton, Failure
from qspec.syntax.lexer import NEWLINE, lex
from qspec.syntax.machine import UNITS, machine
from qspec.syntax.table import SPLICE, Production

_WIDE_GAP = re.compile(r"[\n#]")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment with its `#`. `trails` says whether it ends the line of the token before it; `blank` whether a blank
    line stands above it."""

    text: str
    trails: bool
    blank: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """What stands between two tokens. `blank` says whether the line above the second is blank."""

    comments: tuple[Comment, ...] = ()
    newline: bool = False
    blank: bool = False


NO_GAP = Gap()


@dataclass(slots=True)
class Leaf:
    """A token, by its index; `first` and `last` are the same, as of a branch."""

    kind: str
    first: int

    @property
    def last(self) -> int:
        """The index once more."""
        return self.first


@dataclass(slots=True)
class Branch:
    """What a rule of the grammar is made of; `first` and `last` are the indices of its tokens, newlines apart."""

    rule: str
    children: list[Leaf | Branch]
    first: int
    last: int

    def leaves(self, kind: str) -> Iterator[Leaf]:
        """The tokens of a kind among its children."""
        return (child for child in self.children if isinstance(child, Leaf) and child.kind == kind)


Part = Leaf | Branch


@dataclass(slots=True)
class Concrete:
    """A text as its tokens, by their kinds and texts. `gaps[i]` is before token i, the last one behind all."""

    kinds: list[str]
    texts: list[str]
    gaps: list[Gap]
    root: Branch


def read(text: str) -> Concrete:
    """The concrete syntax of a text that has been parsed without errors."""
    reader = _Reader(text)
    root = reader.root()
    return Concrete(reader.kinds, reader.texts, list(_gaps(text, reader.places)), root)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.kinds: list[str] = []
        self.texts: list[str] = []
        self.places: list[tuple[int, int]] = []

    def root(self) -> Branch:
        automaton, pattern = _lossless()
        origins = {production.origin for production in automaton.table.productions if not production.helper}
        builds = {origin: partial(_branch, origin) for origin in origins}
        leaves = {kind: partial(self._leaf, kind) for row in automaton.table.actions for kind in row}
        root: Any = automaton.run(self.text, lex(self.text, pattern), builds, leaves)
        assert not isinstance(root, Failure), "the text has been parsed before"
        return root  # type: ignore[no-any-return]

    def _leaf(self, kind: str, start: int, end: int) -> Leaf | None:
        if kind == NEWLINE:
            return None
        self.kinds.append(kind)
        self.texts.append(self.text[start:end])
        self.places.append((start, end))
        return Leaf(kind, len(self.kinds) - 1)


def _branch(rule: str, children: list[Part | None], start: int, end: int) -> Branch:
    parts = [child for child in children if child is not None]
    return Branch(rule, parts, parts[0].first, parts[-1].last) if parts else Branch(rule, parts, 0, -1)


@cache
def _lossless() -> tuple[Automaton, re.Pattern[str]]:
    """The automaton with rules that keep all their symbols."""
    automaton, pattern = machine()
    table = automaton.table
    return Automaton(replace(table, productions=tuple(map(_keeping_all, table.productions))), UNITS), pattern


def _keeping_all(production: Production) -> Production:
    spliced = {pick - SPLICE for pick in production.keep if pick >= SPLICE}
    keep = tuple(position + SPLICE if position in spliced else position for position in range(production.size))
    return replace(production, keep=keep)


def _gaps(text: str, places: Sequence[tuple[int, int]]) -> Iterator[Gap]:
    end = 0
    for start, next_end in places:
        between = text[end:start]
        yield _gap(between, first=end == 0) if _WIDE_GAP.search(between) else NO_GAP
        end = next_end
    yield _gap(f"{text[end:]}\n", first=not places)


def _gap(between: str, first: bool) -> Gap:
    """*between* ends where a token begins; the *first* gap of a file has no token before it."""
    lines = [line.strip() for line in between.split("\n")]
    comments: list[Comment] = []
    blank = False
    for number, line in enumerate(lines[:-1]):
        if line:
            comments.append(Comment(line, number == 0 and not first, blank))
        blank = not line and (number > 0 or first)
    return Gap(tuple(comments), len(lines) > 1, blank)
