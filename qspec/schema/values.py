"""Expressions as the plain values of attributes: words, numbers, texts and calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qspec.schema.evaluate import Mistake, Value, evaluate
from qspec.syntax import tree


@dataclass(frozen=True, slots=True)
class Text:
    """A string in quotes, which is never a word of the language."""

    text: str


def plain(expression: tree.Expression) -> Any:
    """A word as `str`, `true` and `false` as `bool`, a string as `Text`, a calculation as its number.

    Everything else stays the expression it is.
    """
    match expression:
        case tree.Path(head=head, trailers=()):
            return {"true": True, "false": False}.get(head.text, head.text)
        case tree.String(text=text):
            return Text(text)
        case tree.Quantity(unit=None) | tree.Negative() | tree.Binary():
            try:
                return number(expression)
            except Mistake:
                return expression
    return expression


def number(expression: tree.Expression) -> int | float:
    """The number that *expression* is; `Mistake` if it is none."""
    value = evaluate(expression, _no_names)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Mistake(expression.span, f"expected a number, found {shown(expression)}")
    return value


def shown(expression: tree.Expression) -> str:
    """*expression* as it is written, in backticks; of a long one the beginning."""
    span = expression.span
    text = " ".join(span.source.text[span.start : span.end].split())
    return f"`{text if len(text) <= 60 else text[:59] + '…'}`"


def word(expression: tree.Expression) -> str | None:
    """The single word that *expression* is, if it is one."""
    match expression:
        case tree.Path(head=head, trailers=()):
            return head.text
    return None


def _no_names(path: tree.Path) -> Value:
    raise Mistake(path.span, f"expected a number, found `{path.head.text}`")
