"""The LALR(1) automaton: tokens in, whatever the builder makes of the grammar's rules out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qspec.syntax.lexer import CONTINUES, END, NEWLINE, Token
from qspec.syntax.table import NONE, SPLICE, Production, Table

DEEPEST = 64

Build = Callable[[list[Any], int, int], Any]
"""Makes a value of a rule's children, its start and its end."""

Leaf = Callable[[int, int], Any]
"""Makes a value of a token's start and end."""

_SILENT = CONTINUES | {NEWLINE}
_OPENERS = frozenset({"LPAR", "LSQB", "LBRACE"})
_CLOSERS = frozenset({"RPAR", "RSQB", "RBRACE"})
_ENDS_NOT = frozenset({"AND", "OR", "COMMA", "EQUAL", "WHERE", "WHEN", "BECAUSE", NEWLINE})
_ARITHMETIC = frozenset({"PLUS", "MINUS", "STAR", "SLASH"})


@dataclass(frozen=True, slots=True)
class Failure:
    """Where the automaton stopped: the token by its index, what it was taken for, and which terminals would have done.

    `previous` is the index of the last token that was accepted, -1 if none; `openers` are the brackets still open.
    """

    index: int
    kind: str
    expected: frozenset[str]
    previous: int
    openers: tuple[int, ...]
    too_deep: bool = False


@dataclass(frozen=True)
class Automaton:
    """The table with what is found out about it on the way: where runs of transparent rules end."""

    table: Table
    units: frozenset[str]
    jumps: dict[tuple[int, str, str], int] = field(default_factory=dict)

    def run(
        self, text: str, tokens: Sequence[Token], builds: Mapping[str, Build], leaves: Mapping[str, Leaf]
    ) -> Any | Failure:
        """What the builder makes of *tokens*, which end with `END`; a `Failure` at the first one out of place.

        *builds* has a function for every rule that is neither transparent nor a helper, *leaves* one for the terminals
        that are more than their text.
        """
        run = self._fed(text, tokens, builds, leaves)
        return run if isinstance(run, Failure) else run.result

    def reach(
        self, text: str, tokens: Sequence[Token], builds: Mapping[str, Build], leaves: Mapping[str, Leaf]
    ) -> tuple[frozenset[str], tuple[Any, ...]] | Failure:
        """The terminals that could stand behind *tokens*, which need not be the whole, and what was read so far: the
        values that no rule has put together yet."""
        run = self._fed(text, tokens, builds, leaves)
        return run if isinstance(run, Failure) else (self._expected(run.states), run.values)

    def _fed(
        self, text: str, tokens: Sequence[Token], builds: Mapping[str, Build], leaves: Mapping[str, Leaf]
    ) -> _Run | Failure:
        run = _Run(self, text, builds, leaves)
        layout = _Layout(tokens)
        for index, (kind, start, end) in enumerate(tokens):
            if kind == NEWLINE:
                if layout.ignores_newline():
                    continue
            elif kind == "NAME":
                kind = self._read_word(text[start:end], run.row)
            if layout.too_deep(kind):
                return Failure(index, kind, frozenset(), layout.previous, tuple(layout.openers), too_deep=True)
            if not run.feed(kind, start, end):
                expected = self._expected(run.states)
                return Failure(index, kind, expected, layout.previous, tuple(layout.openers))
            layout.accept(index, kind)
        return run

    def _read_word(self, word: str, row: Mapping[str, int]) -> str:
        """A keyword or a unit where one can stand, else a name."""
        keyword = self.table.keywords.get(word)
        if keyword is not None and keyword in row:
            return keyword
        return "UNIT" if word in self.units and "UNIT" in row else "NAME"

    def jump(self, state: int, origin: str, kind: str) -> int:
        """The state behind *origin*, and behind the transparent rules that *kind* lets follow from it alone."""
        while True:
            target = self.table.gotos[state][origin]
            action = self.table.actions[target].get(kind, 0)
            if action >= 0 or not self.table.productions[~action].unit:
                return target
            origin = self.table.productions[~action].origin

    def _expected(self, states: Sequence[int]) -> frozenset[str]:
        """The terminals that could really come next: a merged look-ahead may reduce into a dead end."""
        row = self.table.actions[states[-1]]
        return frozenset(kind for kind in row if self._shifts(list(states), kind))

    def _shifts(self, states: list[int], kind: str) -> bool:
        while True:
            target = self.table.actions[states[-1]].get(kind)
            if target is None or target >= 0:
                return target is not None
            production = self.table.productions[~target]
            if production.size:
                del states[-production.size :]
            states.append(self.table.gotos[states[-1]][production.origin])
            if states[-1] == self.table.end:
                return kind == END


class _Layout:
    """Brackets and line ends: which newlines count, and how deep things nest."""

    __slots__ = ("around", "inside", "last", "nots", "openers", "previous", "run", "tokens")

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.openers: list[int] = []  # indices of the brackets that are open
        self.inside = False  # the innermost is ( or [
        self.last = NEWLINE  # what the last accepted token was taken for
        self.previous = -1  # its index
        self.run = 0  # operators that nest since the item began: `1 + 1 + 1`
        self.nots = 0  # `not`s around what comes next, in this bracket
        self.around: list[int] = []  # and around each bracket that is open

    def ignores_newline(self) -> bool:
        return self.inside or self.last in _SILENT

    def too_deep(self, kind: str) -> bool:
        if kind == "NOT":
            self.nots += 1
            return self.nots + sum(self.around) + len(self.openers) > DEEPEST
        if kind in _ARITHMETIC:
            self.run += 1
            return self.run > DEEPEST
        if kind == NEWLINE or kind == "LBRACE":
            self.run = 0
        return kind in _OPENERS and self.nots + sum(self.around) + len(self.openers) >= DEEPEST

    def accept(self, index: int, kind: str) -> None:
        if kind in _OPENERS:
            self.openers.append(index)
            self.around.append(self.nots)
            self.nots = 0
            self.inside = kind != "LBRACE"
        elif kind in _CLOSERS:
            self.openers.pop()
            self.nots = self.around.pop()
            self.inside = bool(self.openers) and self.tokens[self.openers[-1]][0] != "LBRACE"
        elif kind in _ENDS_NOT:
            self.nots = 0
        self.last, self.previous = kind, index


class _Run:
    """The stacks of one run."""

    __slots__ = ("_automaton", "_builds", "_end", "_leaves", "_starts", "_text", "_values", "result", "row", "states")

    def __init__(
        self, automaton: Automaton, text: str, builds: Mapping[str, Build], leaves: Mapping[str, Leaf]
    ) -> None:
        self._automaton = automaton
        self._text = text
        self._builds = builds
        self._leaves = leaves
        self._values: list[Any] = []
        self._starts: list[int] = []
        self._end = 0  # of the last token that was shifted
        self.states = [0]
        self.row = automaton.table.actions[0]
        self.result: Any = None

    @property
    def values(self) -> tuple[Any, ...]:
        """What was read and is not put together yet."""
        return tuple(self._values)

    def feed(self, kind: str, start: int, end: int) -> bool:
        """Take a token in; false if it cannot stand here."""
        states, automaton = self.states, self._automaton
        actions, productions, jumps = automaton.table.actions, automaton.table.productions, automaton.jumps
        row = self.row
        while True:
            target = row.get(kind)
            if target is None:
                self.row = row
                return False
            if target >= 0:
                break
            production = productions[~target]
            if not production.unit:
                self._reduce(production, start)
            if production.size:
                del states[-production.size :]
            key = (states[-1], production.origin, kind)
            state = jumps.get(key)
            if state is None:
                state = jumps[key] = automaton.jump(*key)
            states.append(state)
            row = actions[state]
            if kind == END and state == automaton.table.end:
                self.result = self._values[-1]
                return True
        leaf = self._leaves.get(kind)
        self._values.append(self._text[start:end] if leaf is None else leaf(start, end))
        self._starts.append(start)
        self._end = end
        states.append(target)
        self.row = actions[target]
        return True

    def _reduce(self, production: Production, start: int) -> None:
        """Replace the values of a rule's symbols by the rule's own; an empty rule stands before *start*."""
        values, starts = self._values, self._starts
        base = len(values) - production.size
        begin = starts[base] if production.size else start
        children: list[Any] = []
        for pick in production.keep:
            if pick < SPLICE:
                children.append(None if pick == NONE else values[base + pick])
            elif children:
                children += values[base + pick - SPLICE]
            else:  # a helper's own list, which nobody else holds: long blocks are not copied item by item
                children = values[base + pick - SPLICE]
        if production.helper:
            value: Any = children
        elif production.transparent and len(children) == 1:
            value = children[0]
        else:
            value = self._builds[production.origin](children, begin, self._end)
        values[base:] = [value]
        starts[base:] = [begin]
