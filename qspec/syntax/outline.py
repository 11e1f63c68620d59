"""A target piece by piece: most runs need its options and a few of its rows, at a fraction of the cost of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain

from qspec.diagnostics import Source
from qspec.syntax import tree
from qspec.syntax.lexer import END, NEWLINE, Token, lex
from qspec.syntax.machine import machine
from qspec.syntax.recovery import Reader

_SEPARATORS = frozenset({"LBRACE", "COMMA", NEWLINE})


class Outline:
    """The target of a text, its `op` items told apart and each read when it is asked for.

    For texts with a target alone and without mistakes, as the shipped tables are: whatever cannot be read is left out
    without a word.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._automaton, pattern = machine()
        self._tokens = lex(source.text, pattern)
        self._items = list(_operations(source.text, self._tokens))

    @cached_property
    def kinds(self) -> tuple[tuple[str, ...], ...]:
        """The names of the ops that each item speaks of."""
        return tuple(tuple(self._kinds(item)) for item in self._items)

    def head(self) -> tree.Target:
        """The target without its `op` items."""
        left_out = set(chain.from_iterable(self._items))
        # The comma behind an item goes with it.
        left_out |= {item.stop for item in self._items if self._tokens[item.stop][0] == "COMMA"}
        return self._read([token for index, token in enumerate(self._tokens) if index not in left_out])

    def operation(self, index: int) -> tree.Operation:
        """The `op` item at *index*."""
        item = self._items[index]
        brace = next(position for position, token in enumerate(self._tokens) if token[0] == "LBRACE")
        end = len(self.source.text)
        closing: list[Token] = [("RBRACE", end, end), (END, end, end)]
        target = self._read([*self._tokens[: brace + 1], *self._tokens[item.start : item.stop], *closing])
        return next(part for part in target.items if isinstance(part, tree.Operation))

    def _kinds(self, item: range) -> Iterator[str]:
        """The words behind `op`, with `|` between them; a newline behind a `|` ends nothing."""
        words = (self._tokens[position] for position in item[1:] if self._tokens[position][0] != NEWLINE)
        for _, start, end in words:
            yield self.source.text[start:end]
            if next(words)[0] != "VBAR":
                return

    def _read(self, tokens: Sequence[Token]) -> tree.Target:
        statements = Reader(self.source, self._automaton).read(tokens)
        return next(statement for statement in statements if isinstance(statement, tree.Target))


def _operations(text: str, tokens: Sequence[Token]) -> Iterator[range]:
    """The tokens of each item in the outermost braces that begins with `op`; each ends with a block."""
    depth, first, before = 0, None, NEWLINE
    for index, (kind, start, end) in enumerate(tokens):
        if kind == "LBRACE":
            depth += 1
        elif kind == "RBRACE":
            depth -= 1
            if depth == 1 and first is not None:
                yield range(first, index + 1)
                first = None
        elif depth == 1 and kind == "NAME" and before in _SEPARATORS and text[start:end] == "op":
            first = index
        before = kind
