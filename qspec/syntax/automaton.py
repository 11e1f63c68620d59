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

_SILENT = CONTINUES | {NEWLINE}
_OPENERS = frozenset({"LPAR", "LSQB", "LBRACE"})
_CLOSERS = frozenset({"RPAR", "RSQB", "RBRACE"})
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
        self,
        text: str,
        tokens: Sequence[Token],
        builds: Mapping[str, Build],
        leaves: Mapping[str, Callable[[int, int], Any]],
    ) -> Any | Failure:
        """What the builder makes of *tokens*, which end with `END`; a `Failure` at the first one out of place.

        *builds* has a function for every rule that is neither transparent nor a helper, *leaves* one for the terminals
        that are more than their text.
        """
        table, jumps = self.table, self.jumps
        actions, keywords, units = table.actions, table.keywords, self.units
        reductions = [(p, p.size, p.keep, builds.get(p.origin), _is_unit(p)) for p in table.productions]
        states, starts = [0], list[int]()
        values: list[Any] = []
        row = actions[0]
        last, last_end, previous = NEWLINE, 0, -1
        openers: list[int] = []
        inside = False  # ( ) or [ ]
        run = 0  # of operators that nest: `not not`, `1 + 1 + 1`
        for index, (kind, start, end) in enumerate(tokens):
            if kind == NEWLINE:
                if inside or last in _SILENT:
                    continue
                run = 0
            elif kind == "NAME":
                word = text[start:end]
                if word in keywords and keywords[word] in row:
                    kind = keywords[word]
                    if kind == "NOT":
                        run = run + 1 if last == "NOT" else 1
                elif word in units and "UNIT" in row:
                    kind = "UNIT"
            elif kind in _ARITHMETIC:
                run += 1
            if run > DEEPEST or (len(openers) == DEEPEST and kind in _OPENERS):
                return Failure(index, kind, frozenset(), previous, tuple(openers), too_deep=True)
            while True:
                target = row.get(kind)
                if target is None:
                    return Failure(index, kind, self._expected(states, row), previous, tuple(openers))
                if target >= 0:
                    leaf = leaves.get(kind)
                    values.append(text[start:end] if leaf is None else leaf(start, end))
                    starts.append(start)
                    states.append(target)
                    row = actions[target]
                    break
                production, size, keep, build, unit = reductions[~target]
                base = len(values) - size
                if not unit:
                    begin = starts[base] if size else start
                    children: list[Any] = []
                    for pick in keep:
                        if pick >= SPLICE:
                            spliced = values[base + pick - SPLICE]
                            if children:
                                children += spliced
                            else:  # a list so far: the helper's own, which nobody else holds
                                children = spliced
                        else:
                            children.append(None if pick == NONE else values[base + pick])
                    if size:
                        del values[base:], starts[base:]
                    starts.append(begin)
                    if production.helper:
                        values.append(children)
                    elif production.transparent and len(children) == 1:
                        values.append(children[0])
                    else:
                        values.append(build(children, begin, last_end))  # type: ignore[misc]
                if size:
                    del states[-size:]
                key = (states[-1], production.origin, kind)
                state = jumps.get(key)
                if state is None:
                    state = jumps[key] = self._behind(*key)
                states.append(state)
                row = actions[state]
                if state == table.end and kind == END:
                    return values[-1]
            if kind in _OPENERS:
                openers.append(index)
                inside = kind != "LBRACE"
                run = run if inside else 0
            elif kind in _CLOSERS:
                openers.pop()
                inside = bool(openers) and tokens[openers[-1]][0] != "LBRACE"
            last, last_end, previous = kind, end, index
        raise AssertionError("the tokens do not end with END")

    def _behind(self, state: int, origin: str, kind: str) -> int:
        """The state behind *origin*, and behind the transparent rules that *kind* lets follow from it alone."""
        while True:
            target = self.table.gotos[state][origin]
            action = self.table.actions[target].get(kind, 0)
            if action >= 0 or not _is_unit(self.table.productions[~action]):
                return target
            origin = self.table.productions[~action].origin

    def _expected(self, states: Sequence[int], row: Mapping[str, int]) -> frozenset[str]:
        """The terminals of *row* that could really come next: a merged look-ahead may reduce into a dead end."""
        return frozenset(kind for kind in row if self._shifts(list(states), kind))

    def _shifts(self, states: list[int], kind: str) -> bool:
        while True:
            target = self.table.actions[states[-1]].get(kind)
            if target is None:
                return False
            if target >= 0:
                return True
            production = self.table.productions[~target]
            if production.size:
                del states[-production.size :]
            states.append(self.table.gotos[states[-1]][production.origin])
            if states[-1] == self.table.end:
                return kind == END


def _is_unit(production: Production) -> bool:
    return production.transparent and production.size == 1 and production.keep == (0,)
