"""The usual conditions as functions, made once: `path like "…"`, `filters >= 32`, `index in 0..3`, a part that is
there, joined by `and`, `or` and `not`. A rule asks its condition of thousands of layers.

A function answers where a value is of the kind that the question is about, and leaves everything else (what is unknown,
what has no meaning) to `qspec.schema.evaluate`, which the whole condition then goes to.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from qspec.schema.text_patterns import glob_matches
from qspec.syntax import tree

Lookup = Callable[[tree.Path], Any]
Truth = Callable[[Lookup], bool | None]
"""Whether a condition is true; None where that is not for these functions to say."""

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def quick(expression: tree.Expression) -> Truth | None:
    """The function for *expression*; None if it is not one of the usual conditions."""
    match expression:
        case tree.And(parts=parts) | tree.Or(parts=parts):
            functions = [quick(part) for part in parts]
            known = [function for function in functions if function is not None]
            return _joined(known, isinstance(expression, tree.And)) if len(known) == len(parts) else None
        case tree.Not(operand=operand):
            function = quick(operand)
            return None if function is None else _negated(function)
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


def _joined(functions: Sequence[Truth], every: bool) -> Truth:
    def joined(lookup: Lookup) -> bool | None:
        # Every part is asked: a mistake in one shows whatever the others say.
        answers = [function(lookup) for function in functions]
        if None in answers:
            return None
        return all(answers) if every else any(answers)

    return joined


def _negated(function: Truth) -> Truth:
    def negated(lookup: Lookup) -> bool | None:
        answer = function(lookup)
        return None if answer is None else not answer

    return negated


def _is_there(path: tree.Path) -> Truth:
    def is_there(lookup: Lookup) -> bool | None:
        value = lookup(path)
        return value if type(value) is bool else None

    return is_there


def _like(path: tree.Path, pattern: str, negated: bool) -> Truth:
    def like(lookup: Lookup) -> bool | None:
        value = lookup(path)
        return glob_matches(pattern, value) is not negated if type(value) is str else None

    return like


def _compared(path: tree.Path, compare: Callable[[Any, Any], bool], wanted: str | float | None) -> Truth | None:
    if wanted is None:
        return None
    text = isinstance(wanted, str)

    def compared(lookup: Lookup) -> bool | None:
        value = lookup(path)
        return compare(value, wanted) if (type(value) is str if text else _is_number(value)) else None

    return compared


def _within(path: tree.Path, low: str | float | None, high: str | float | None, negated: bool) -> Truth | None:
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return None

    def within(lookup: Lookup) -> bool | None:
        value = lookup(path)
        return (low <= value <= high) is not negated if _is_number(value) else None

    return within


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
