"""How near a condition comes to being true: for the layers that a message shows first."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

from qspec.plan.position import Position
from qspec.schema.evaluate import UNKNOWN, evaluate
from qspec.syntax import tree


def nearness(part: tree.Expression, lookup: Any) -> float:
    """How near the two sides of a comparison, a `like` or an `in` are, 0 to below 1."""
    match part:
        case tree.Compare(left=left, right=right):
            return _likeness(evaluate(left, lookup), evaluate(right, lookup))
        case tree.TextMatch(negated=False, subject=subject, pattern=pattern):
            return _likeness(evaluate(subject, lookup), pattern.text)
        case tree.Member(negated=False, item=item, container=tree.TupleLiteral(items=choices)):
            value = evaluate(item, lookup)
            return max(_likeness(value, evaluate(choice, lookup)) for choice in choices)
        case tree.Member(negated=False, item=item, container=tree.RangeLiteral(low=low, high=high)):
            value = evaluate(item, lookup)
            return max(_likeness(value, evaluate(end, lookup)) for end in (low, high))
    return 0.0


def _likeness(one: Any, other: Any) -> float:
    """Of texts the pairs of letters that they share, of tuples the items, of numbers how close they are."""
    if isinstance(one, str) and isinstance(other, str):
        first, second = _pairs(one), _pairs(other)
        return 0.99 * 2 * len(first & second) / max(1, len(first) + len(second))
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other) > 0:
        return 0.99 * sum(map(_same, one, other)) / len(one)
    if isinstance(one, int | float) and isinstance(other, int | float):
        number = one.towards(other) if isinstance(one, Position) else one
        return 0.99 / (1 + abs(number - other) / (1 + abs(other)))
    return 0.0


@lru_cache(maxsize=4096)
def _pairs(text: str) -> frozenset[str]:
    """The letters of *text* two by two."""
    return frozenset(map("".join, pairwise(f" {text.lower()} ")))


def _same(one: Any, other: Any) -> bool:
    return one is not UNKNOWN and other is not UNKNOWN and bool(one == other)
