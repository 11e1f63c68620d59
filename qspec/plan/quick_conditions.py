"""The usual conditions, answered for all matches at once: `path like "…"`, `filters >= 32`, `index in 0..3`, a part
that is there, joined by `and`, `or` and `not`. A rule asks its condition of thousands of layers.

There is an answer where a value is of the kind that the question is about; everything else (what is unknown, what has
no meaning) is left to `qspec.schema.evaluate`, to which the whole condition then goes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from qspec.schema.evaluate import is_number
from qspec.schema.text_patterns import glob
from qspec.syntax import tree

Column = Sequence[Any]
"""What an attribute is in each match."""

Columns = Callable[[tree.Path], Column]

Answers = list[bool | None]
"""Whether a condition is true of each match; None where that is not to be said here."""

Question = Callable[[Columns], Answers]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def quick(expression: tree.Expression) -> Question | None:
    """The function that answers *expression*; None if it is not one of the usual conditions."""
    match expression:
        case tree.And(parts=parts) | tree.Or(parts=parts):
            questions = [quick(part) for part in parts]
            known = [question for question in questions if question is not None]
            return _joined(known, isinstance(expression, tree.And)) if len(known) == len(parts) else None
        case tree.Not(operand=operand):
            question = quick(operand)
            return None if question is None else _negated(question)
        case tree.Path() if _is_attribute(expression):
            return _is_there(expression)
        case tree.TextMatch(kind="like", subject=tree.Path() as path) if _is_attribute(path):
            return _like(path, expression.pattern.text, expression.negated)
        case tree.Compare(left=tree.Path() as path, right=right) if _is_attribute(path):
            return _compared(path, _COMPARISONS[expression.operator], _literal(right))
        case tree.Member(item=tree.Path() as path, container=tree.RangeLiteral(low=low, high=high)) if _is_attribute(
            path
        ):
            return _within(path, _literal(low), _literal(high), expression.negated)
    return None


def _is_attribute(path: tree.Path) -> bool:
    return path.head.text not in ("true", "false", "none")


def _literal(expression: tree.Expression) -> str | float | None:
    """A text or a number without a unit; None for everything else."""
    match expression:
        case tree.String(text=text):
            return text
        case tree.Quantity(value=value, unit=None):
            return value
        case tree.Negative(operand=tree.Quantity(value=value, unit=None)):
            return -value
    return None


def _joined(questions: Sequence[Question], every: bool) -> Question:
    combine = all if every else any

    def joined(columns: Columns) -> Answers:
        # Every part is asked: a mistake in one shows whatever the others say.
        parts = zip(*[question(columns) for question in questions], strict=True)
        return [None if None in answers else combine(answers) for answers in parts]

    return joined


def _negated(question: Question) -> Question:
    return lambda columns: [None if answer is None else not answer for answer in question(columns)]


def _is_there(path: tree.Path) -> Question:
    return lambda columns: [value if type(value) is bool else None for value in columns(path)]


def _like(path: tree.Path, pattern: str, negated: bool) -> Question:
    fits = glob(pattern)

    def like(columns: Columns) -> Answers:
        return [fits(value) is not negated if type(value) is str else None for value in columns(path)]

    return like


def _compared(path: tree.Path, compare: Callable[[Any, Any], bool], wanted: str | float | None) -> Question | None:
    if wanted is None:
        return None
    text = isinstance(wanted, str)

    def compared(columns: Columns) -> Answers:
        return [
            compare(value, wanted) if (type(value) is str if text else is_number(value)) else None
            for value in columns(path)
        ]

    return compared


def _within(path: tree.Path, low: str | float | None, high: str | float | None, negated: bool) -> Question | None:
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return None

    def within(columns: Columns) -> Answers:
        return [(low <= value <= high) is not negated if is_number(value) else None for value in columns(path)]

    return within
