"""A token out of place among the tokens around it, as the readings of `mistakes.py` see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qspec.diagnostics import Advice, Diagnostic, Edit, Fix, Source, Span
from qspec.diagnostics.catalogue import SYNTAX_ERROR
from qspec.syntax.automaton import Failure
from qspec.syntax.lexer import END, NEWLINE, Token

Explanation = tuple[Diagnostic, "list[Token] | None"]
"""What to say, and the tokens with which to go on; None: without the item that the mistake stands in."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A failure among the tokens of one statement."""

    source: Source
    tokens: Sequence[Token]
    failure: Failure

    @property
    def token(self) -> Token:
        """The token out of place."""
        return self.tokens[self.failure.index]

    @property
    def span(self) -> Span:
        """Where it stands; a newline or the end of the file is shown behind the last token."""
        kind, start, end = self.token
        if kind in (NEWLINE, END):
            start = end = self.previous[2]
        return Span(self.source, start, end)

    @property
    def previous(self) -> Token:
        """The last token that was in place."""
        return self.tokens[self.failure.previous] if self.failure.previous >= 0 else (NEWLINE, 0, 0)

    @property
    def following(self) -> Token:
        """The token behind the one out of place."""
        return self.tokens[min(self.failure.index + 1, len(self.tokens) - 1)]

    def text(self, token: Token) -> str:
        """The text of a token."""
        return self.source.text[token[1] : token[2]]

    def line(self, token: Token) -> int:
        """The line that a token begins in."""
        return self.source.position(token[1])[0]

    def words(self) -> Iterator[str]:
        """The texts of the tokens before the mistake, the last first, back to the start of its item."""
        for token in reversed(self.tokens[: self.failure.index]):
            if token[0] in ("LBRACE", "RBRACE"):
                return
            yield self.text(token)

    def replaced(self, *tokens: Token) -> list[Token]:
        """The tokens with others in place of the one out of place."""
        index = self.failure.index
        return [*self.tokens[:index], *tokens, *self.tokens[index + 1 :]]


def say(
    mistake: Mistake, message: str, help: str | Advice, span: Span | None = None, instead: str | None = None
) -> Diagnostic:
    """The error at *span*, or at the token out of place. *instead* is what can only be meant there: its fix."""
    place = span or mistake.span
    fix = None if instead is None else Fix(f"write `{instead.strip()}`", (Edit(place, instead),))
    return SYNTAX_ERROR.at(place, message, help=help, fix=fix)


def span_of(mistake: Mistake, first: Token, last: Token) -> Span:
    """From one token to another."""
    return Span(mistake.source, first[1], last[2])


def touch(first: Token, second: Token) -> bool:
    """Whether nothing stands between two tokens."""
    return first[2] == second[1]


def statement_word(mistake: Mistake) -> str:
    """The word that begins the statement; empty at its own first token."""
    return mistake.text(mistake.tokens[0]) if mistake.failure.index else ""
