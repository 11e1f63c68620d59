"""One row of a table, in one of its forms, held against an op."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from qspec.schema.evaluate import UNKNOWN, Mistake, Unknown, Value, known, spell
from qspec.schema.target import Condition, Form, Group, Operand, Row
from qspec.syntax import tree
from qspec.targets.fit import misfit
from qspec.targets.scope import OpScope, spelled
from qspec.targets.verdict import Reason


class Names(Protocol):
    """What conditions are decided in: an op's names or a model's. `seen` are those last asked for and their values."""

    seen: dict[str, Value]

    @property
    def holds(self) -> Callable[[tree.Expression], bool | Unknown]:
        """Decides a condition."""


@dataclass(frozen=True)
class Attempt:
    """What speaks against a row (with `row` None: against the conditions of a whole target), and how much.

    `distance` grows with every reason, the more the further the op is from what is taken, so that of several forms the
    one meant can be told.
    """

    row: Row | None = None
    form: str = ""
    reasons: tuple[Reason, ...] = ()
    refusals: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()
    distance: int = 0
    unverified: str | None = None

    def failing(self, reason: Reason, weight: int = 1) -> Attempt:
        """The same with one more reason."""
        return replace(self, reasons=(*self.reasons, reason), distance=self.distance + weight)

    def with_conditions(self, conditions: Iterable[Condition], names: Names) -> Attempt:
        """The same with *conditions* decided. An undecided `require` fails; a `refuse` or `warn` does not speak."""
        attempt = self
        for condition in conditions:
            attempt = attempt._with_condition(condition, names)
        return attempt

    def _with_condition(self, condition: Condition, names: Names) -> Attempt:
        try:
            answer = names.holds(condition.condition)
        except Mistake as mistake:
            return self.failing(_broken(mistake))
        if condition.kind == "require":
            return self if answer is True else self.failing(_unmet(condition, answer, names))
        if answer is not True:
            return self
        reason = Reason(condition.reason or f"`{spelled(condition.condition)}`", condition.span)
        if condition.kind == "refuse":
            return replace(self, refusals=(*self.refusals, reason))
        return replace(self, warnings=(*self.warnings, reason))


def try_row(row: Row, scope: OpScope) -> Attempt:
    """The attempt with the form of *row* that comes closest; the first of equal ones."""
    common = _with_items(Attempt(row, unverified=row.unverified), row, scope)
    closest: Attempt | None = None
    for form in row.forms:
        unverified = row.unverified if form.unverified is None else form.unverified
        attempt = _with_items(replace(common, form=form.name, unverified=unverified), form, scope)
        if closest is None or attempt.distance < closest.distance:
            closest = attempt
        if attempt.distance == common.distance:
            break  # the form fits: no other comes closer
    return closest or common


def applies(row: Row, scope: OpScope) -> bool | Unknown:
    """Whether the row's `when` holds."""
    if row.when is None:
        return True
    try:
        return scope.holds(row.when)
    except Mistake:
        return UNKNOWN


def _with_items(attempt: Attempt, part: Row | Form | Group, scope: OpScope) -> Attempt:
    for operand in part.operands:
        attempt = _with_operand(attempt, operand, scope)
    attempt = attempt.with_conditions(part.conditions, scope)
    for group in part.groups:
        attempt = _with_group(attempt, group, scope)
    return attempt


def _with_group(attempt: Attempt, group: Group, scope: OpScope) -> Attempt:
    try:
        answer = scope.holds(group.condition)
    except Mistake as mistake:
        return attempt.failing(_broken(mistake))
    if answer is UNKNOWN and _restricts(group):
        return attempt.failing(_undecided(group.condition, scope))
    return _with_items(attempt, group, scope) if answer is True else attempt


def _restricts(group: Group) -> bool:
    """Whether the group could make the op not taken."""
    required = any(condition.kind == "require" for condition in group.conditions)
    return bool(group.operands) or required or any(_restricts(inner) for inner in group.groups)


def _with_operand(attempt: Attempt, operand: Operand, scope: OpScope) -> Attempt:
    for tensor in scope.tensors_of(operand):
        if operand.constant and not tensor.constant:
            message = f"`{operand.name}` is not a constant"
            attempt = attempt.failing(Reason(message, operand.span, operand.name, tensor.id))
            continue
        difference = misfit(operand, scope.representation(tensor.id), scope)
        if difference:
            reason = Reason(difference.text, operand.span, operand.name, tensor.id, undecided=difference.undecided)
            attempt = attempt.failing(reason, difference.weight)
    return attempt


def _unmet(condition: Condition, answer: bool | Unknown, names: Names) -> Reason:
    if answer is UNKNOWN:
        return _undecided(condition.condition, names)
    values = ", ".join(f"{name} is {spell(value)}" for name, value in names.seen.items())
    found = f": {values}" if values else ""
    message = condition.reason or f"`{spelled(condition.condition)}` does not hold{found}"
    return Reason(message, condition.span)


def _undecided(condition: tree.Expression, names: Names) -> Reason:
    missing = ", ".join(name for name, value in names.seen.items() if not known(value))
    because = f": {missing} not known" if missing else ""
    return Reason(f"it cannot be decided whether `{spelled(condition)}`{because}", condition.span, undecided=True)


def _broken(mistake: Mistake) -> Reason:
    return Reason(mistake.message, mistake.span, broken=True, help=mistake.help)
