"""Reading a text with mistakes: statement by statement, so that each mistake is told once and hides no other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from qspec.diagnostics import Diagnostic, Source, Span
from qspec.diagnostics.catalogue import SYNTAX_ERROR
from qspec.syntax import tree
from qspec.syntax.automaton import Automaton, Failure
from qspec.syntax.builder import Builder
from qspec.syntax.lexer import END, NEWLINE, STATEMENTS, Token

MOST_MISTAKES = 20  # in one statement
MOST_REPORTED = 1000  # in one file
MOST_TOKENS = 300_000  # read again in one file; beyond, what else is wrong is found when the first mistakes are gone

_NAMED = frozenset({"quantizer", "pattern", "rule", "target", "deploy"})
_BLOCKS = frozenset({"default", "calibrate", "train", "input", "output"})
_OPEN = frozenset({"LPAR", "LSQB", "LBRACE"})
_CLOSE = frozenset({"RPAR", "RSQB", "RBRACE"})


class Reader:
    """Reads one source. `diagnostics` and `unread` fill while it does."""

    def __init__(self, source: Source, automaton: Automaton) -> None:
        self.source = source
        self.automaton = automaton
        self.diagnostics: list[Diagnostic] = []
        self.unread: list[tree.Name] = []
        self._spent = 0  # tokens

    def read(self, tokens: Sequence[Token]) -> list[tree.Statement]:
        """Every statement that can be read."""
        statements = self._parse(tokens)
        if isinstance(statements, Failure):
            return [statement for piece in self.pieces(tokens) for statement in self._mend(piece)]
        return statements

    def _parse(self, tokens: Sequence[Token]) -> list[tree.Statement] | Failure:
        builder = Builder(self.source)
        result: Any = self.automaton.run(self.source.text, tokens, builder.builds, builder.leaves)
        if not isinstance(result, Failure):
            self.diagnostics += builder.diagnostics
        return result  # type: ignore[no-any-return]

    def _mend(self, tokens: list[Token]) -> list[tree.Statement]:
        """Parse a statement, taking out one mistake after the other."""
        from qspec.syntax.mistake import Mistake  # most texts need none of it
        from qspec.syntax.mistakes import explain

        told: set[tuple[int, str]] = set()
        for _ in range(MOST_MISTAKES):
            self._spent += len(tokens)
            if self._spent > MOST_TOKENS and self.diagnostics:
                break
            result = self._parse(tokens)
            if not isinstance(result, Failure):
                return result
            if len(self.diagnostics) > MOST_REPORTED:
                break
            diagnostic, repaired = explain(Mistake(self.source, tokens, result))
            span = diagnostic.span
            assert isinstance(span, Span)
            key = (self.source.position(span.start)[0], diagnostic.message)
            if key not in told:
                told.add(key)
                self.diagnostics.append(diagnostic)
            if repaired is None:
                first, last = self.item(tokens, result)
                if first == 0:
                    self.unread += self._names(tokens)
                repaired = [*tokens[:first], *tokens[last:]]
            tokens = repaired
        self.unread += self._names(tokens)
        return []

    def _names(self, tokens: Sequence[Token]) -> Iterator[tree.Name]:
        """What a statement would have defined."""
        if self._text(tokens[0]) not in _NAMED:
            return
        for before, (kind, start, end) in pairwise(tokens):
            if kind == "NAME" and (before is tokens[0] or self._text(before) == "as"):
                yield tree.Name(self.source.text[start:end], Span(self.source, start, end))

    def item(self, tokens: Sequence[Token], failure: Failure) -> tuple[int, int]:
        """The smallest range of tokens to leave out: an item of the innermost block, or a whole statement."""
        braces = [index for index in failure.openers if tokens[index][0] == "LBRACE"]
        if not braces:
            return self._statement(tokens, failure)
        opened = _open_parenthesis(tokens, failure)
        first = self._item_start(tokens, braces[-1], failure.index if opened is None else opened)
        if opened is None:
            return first, self._item_end(tokens, failure.index, first)
        # The line of a parenthesis that is never closed, and no more: what follows are items of their own.
        line = self._line(tokens[opened])
        last = next((i for i in range(opened, len(tokens)) if self._line(tokens[i]) > line), len(tokens) - 1)
        while last > opened and tokens[last - 1][0] in ("RBRACE", NEWLINE):
            last -= 1
        return first, last + (tokens[last][0] == NEWLINE)

    def _item_start(self, tokens: Sequence[Token], brace: int, index: int) -> int:
        """Behind the last separator of the block before *index*; of a newline out of place, before it."""
        start, depth = brace + 1, 0
        for position in range(brace + 1, index):
            kind = tokens[position][0]
            depth += (kind in _OPEN) - (kind in _CLOSE)
            if depth <= 0 and kind in (NEWLINE, "COMMA"):
                start = position + 1
        return start

    def _item_end(self, tokens: Sequence[Token], index: int, first: int) -> int:
        """Behind the next separator, or at the brace that closes the block."""
        depth = 0
        for position in range(max(index, first), len(tokens)):
            kind = tokens[position][0]
            if kind == END or (kind == "RBRACE" and depth <= 0):
                return max(position, first + 1) if kind != END else position
            depth = max(0, depth + (kind in _OPEN) - (kind in _CLOSE))
            if depth == 0 and kind in (NEWLINE, "COMMA"):
                return position + 1
        return len(tokens) - 1

    def _statement(self, tokens: Sequence[Token], failure: Failure) -> tuple[int, int]:
        """The statement around a mistake outside every block, with its block if it has one."""
        first = failure.index if failure.index and tokens[failure.index - 1][0] == NEWLINE else 0
        depth = 0
        for position in range(failure.index, len(tokens) - 1):
            kind = tokens[position][0]
            depth = max(0, depth + (kind in _OPEN) - (kind in _CLOSE))
            if depth == 0 and kind == NEWLINE and tokens[position + 1][0] != "LBRACE":
                return first, position + 1
        return first, len(tokens) - 1

    # ---- splitting

    def pieces(self, tokens: Sequence[Token]) -> Iterator[list[Token]]:
        """The tokens statement by statement, each piece with an end of its own."""
        starts = list(self._starts(tokens))
        for start, end in zip(starts, [*starts[1:], len(tokens) - 1], strict=True):
            piece = list(tokens[start:end])
            while piece and piece[-1][0] == NEWLINE:
                piece.pop()
            if piece:
                yield [*piece, (END, piece[-1][2], piece[-1][2])]

    def _starts(self, tokens: Sequence[Token]) -> Iterator[int]:
        """Where statements begin: a keyword at the start of a line, outside brackets; or, as brackets may be what is
        wrong, at the very left where only a statement can look so."""
        depth, head = 0, 0
        yield 0
        for index, token in enumerate(tokens):
            kind = token[0]
            at_line_start = index == 0 or tokens[index - 1][0] == NEWLINE
            begins = at_line_start and kind == "NAME" and self._text(token) in STATEMENTS
            if begins and (
                not self._is_content(tokens, index, head) if depth == 0 else self._must_begin(tokens, index, head)
            ):
                depth, head = 0, index
                if index:
                    yield index
            depth = max(0, depth + (kind in _OPEN) - (kind in _CLOSE))

    def _is_content(self, tokens: Sequence[Token], index: int, head: int) -> bool:
        """Whether a keyword outside of brackets belongs to the statement at *head*, whose `{` is missing."""
        if self._column(tokens[index]) <= self._column(tokens[head]):
            return False
        if self._text(tokens[index]) == "require":
            return self._text(tokens[head]) == "target"
        return self._text(tokens[index]) in ("input", "output") and not self._opens_block(tokens, index)

    def _must_begin(self, tokens: Sequence[Token], index: int, head: int) -> bool:
        """Whether a keyword inside open brackets begins a statement all the same."""
        start = tokens[index][1]
        if start and self.source.text[start - 1] != "\n":
            return False
        word = self._text(tokens[index])
        following = [token[0] for token in tokens[index + 1 : index + 6] if token[0] != NEWLINE]
        if word == "require":
            return self._text(tokens[head]) != "target" or self._is_indented(tokens, head)
        if word in _NAMED:
            return following[:1] == ["NAME"]
        if word in _BLOCKS:
            return self._opens_block(tokens, index)
        return following[:1] in (["STRING"], ["NUMBER"])

    def _opens_block(self, tokens: Sequence[Token], index: int) -> bool:
        """Whether a block follows, perhaps behind a name in brackets."""
        following = [token[0] for token in tokens[index + 1 : index + 6] if token[0] != NEWLINE]
        return following[:1] == ["LBRACE"] or following[:4] == ["LSQB", "STRING", "RSQB", "LBRACE"]

    def _is_indented(self, tokens: Sequence[Token], head: int) -> bool:
        """Whether what stands in the block of the statement at *head* begins further to the right than it."""
        lines = (i + 1 for i in range(head, len(tokens) - 1) if tokens[i][0] == NEWLINE)
        return self._column(tokens[next(lines, head)]) > self._column(tokens[head])

    def _column(self, token: Token) -> int:
        return self.source.position(token[1])[1]

    def _text(self, token: Token) -> str:
        return self.source.text[token[1] : token[2]]

    def _line(self, token: Token) -> int:
        return self.source.position(token[1])[0]


def first_reported(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The first `MOST_REPORTED` of *diagnostics*, given in the order of the text; of more, one more says so."""
    first = list(diagnostics[:MOST_REPORTED])
    if len(diagnostics) > MOST_REPORTED:
        message = f"there are more mistakes than the {MOST_REPORTED:,} that are reported"
        first.append(SYNTAX_ERROR.at(diagnostics[MOST_REPORTED].span, message, help="correct those first"))
    return first


def _open_parenthesis(tokens: Sequence[Token], failure: Failure) -> int | None:
    """The innermost parenthesis still open, if the failure is not simply inside it."""
    inner = failure.openers[-1]
    return inner if tokens[inner][0] != "LBRACE" else None
