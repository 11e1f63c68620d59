"""A target without its rows: enough to know its options, at a fraction of the cost of reading it whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qspec.diagnostics import Source
from qspec.syntax import tree
from qspec.syntax.lexer import NEWLINE, Token, lex
from qspec.syntax.machine import machine
from qspec.syntax.recovery import Reader


def parse_outline(source: Source) -> tree.File:
    """The statements of *source*, its targets without their `op` items.

    For texts without mistakes, as the shipped tables are: whatever cannot be read is left out without a word.
    """
    automaton, pattern = machine()
    tokens = list(_without_rows(source.text, lex(source.text, pattern)))
    return tree.File(tuple(Reader(source, automaton).read(tokens)), source)


def _without_rows(text: str, tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens without the items in the outermost braces that begin with `op`, and without the comma behind one."""
    depth, inside, before = 0, False, NEWLINE
    for token in tokens:
        kind, start, end = token
        if kind == "LBRACE":
            depth += 1
        elif kind == "RBRACE":
            depth -= 1
        elif inside and depth == 1 and before == "RBRACE":
            inside = False
            if kind == "COMMA":
                token = (NEWLINE, start, end)
        elif depth == 1 and kind == "NAME" and before in _SEPARATORS and text[start:end] == "op":
            inside = True
        if not inside or depth == 0:
            inside = False
            yield token
        before = kind


_SEPARATORS = frozenset({"LBRACE", "COMMA", NEWLINE})
