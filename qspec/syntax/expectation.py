"""What could come next at a place in a text, as the automaton knows it: for an editor that completes words."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qspec.diagnostics import Source
from qspec.syntax.automaton import Failure
from qspec.syntax.builder import Builder
from qspec.syntax.lexer import END, NEWLINE, Token, lex
from qspec.syntax.machine import machine
from qspec.syntax.mistake import Mistake
from qspec.syntax.mistakes import explain
from qspec.syntax.recovery import MOST_MISTAKES, Reader

# With a newline before them, these go on with the statement of the line above.
CONTINUED = frozenset({"ARROW", "VBAR", "AND", "OR", "WHERE", "BECAUSE"})

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# Comments and strings, in which no word is one of the language; `open` is a string without its end.
_OPAQUE = re.compile(
    r"""
    "(?:\\[^\n]|[^"\\\n])*+" | '[^'\n]*+'
    | (?P<comment>\#[^\n]*)
    | (?P<open>"(?:\\[^\n]|[^"\\\n])*+\\? | '[^'\n]*+)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What could stand at an offset in place of the word that is being typed there.

    `start` is where that word begins. `terminals` are the names of the grammar's tokens that could come. `stack` is
    what was read of the statement so far, and not yet made one: nodes, lists of nodes, and the texts of words. `string`
    is what stands in the quotes that are open, None outside of quotes; `comment` likewise.
    """

    start: int
    terminals: frozenset[str] = frozenset()
    stack: tuple[Any, ...] = ()
    string: str | None = None
    comment: str | None = None

    @property
    def keywords(self) -> tuple[str, ...]:
        """The words of the language among `terminals`."""
        words = {terminal: word for word, terminal in machine()[0].table.keywords.items()}
        return tuple(sorted(words[terminal] for terminal in self.terminals if terminal in words))


def expectation(source: Source, offset: int) -> Expectation:
    """What could stand at *offset* of *source*. Mistakes before it, in the same statement, are passed over."""
    text = source.text[:offset]
    opaque = _open_token(text)
    if opaque is not None and opaque.lastgroup == "comment":
        return Expectation(opaque.start(), comment=opaque.group())
    if opaque is not None:
        start = opaque.start()
        reached = _reached(source, text[:start], start)
        return Expectation(start + 1, reached.terminals, reached.stack, string=text[start + 1 :])
    word = _WORD.search(text)
    start = word.start() if word else offset
    if word and text[start - 1 : start].isdigit():
        return Expectation(start)  # `1e`: a number that goes on
    return _reached(source, text[:start], start)


def _open_token(text: str) -> re.Match[str] | None:
    """The comment or string in which *text* ends, if it does."""
    last = deque(_OPAQUE.finditer(text), maxlen=1)
    return last[0] if last and last[0].end() == len(text) and last[0].lastgroup is not None else None


def _reached(source: Source, text: str, start: int) -> Expectation:
    automaton, scanner = machine()
    reader = Reader(source, automaton)
    tokens = lex(text, scanner)
    newline = len(tokens) > 1 and tokens[-2][0] == NEWLINE
    pieces = list(reader.pieces(tokens))
    if not pieces:
        return Expectation(start, *_Reading(source, reader).behind([]))
    reading = _Reading(source, reader)
    statement = reading.mended(pieces[-1])
    terminals, stack = reading.behind(statement)
    if newline:
        next_line = reading.reach([*statement, (NEWLINE, start, start)])
        here = terminals & CONTINUED
        if isinstance(next_line, Failure):
            return Expectation(start, here, stack)
        return Expectation(start, here | next_line[0], next_line[1])
    return Expectation(start, terminals, stack)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The automaton run over the beginning of a statement."""

    source: Source
    reader: Reader

    def reach(self, tokens: Sequence[Token]) -> tuple[frozenset[str], tuple[Any, ...]] | Failure:
        builder = Builder(self.source)
        return self.reader.automaton.reach(self.source.text, tokens, builder.builds, builder.leaves)

    def behind(self, tokens: Sequence[Token]) -> tuple[frozenset[str], tuple[Any, ...]]:
        """What could follow, and what was read; nothing behind tokens that cannot be read."""
        reached = self.reach(tokens)
        return (frozenset(), ()) if isinstance(reached, Failure) else reached

    def mended(self, piece: Sequence[Token]) -> list[Token]:
        """The tokens of a statement that has begun, less its end, and less the mistakes in it."""
        tokens = list(piece)
        for _ in range(MOST_MISTAKES):
            failure = self.reach(tokens[:-1])
            if not isinstance(failure, Failure):
                return tokens[:-1]
            _, repaired = explain(Mistake(self.source, tokens, failure))
            if repaired is None:
                first, last = self.reader.item(tokens, failure)
                repaired = [*tokens[:first], *tokens[last:]]
            tokens = repaired if repaired and repaired[-1][0] == END else [*repaired, piece[-1]]
        return []
