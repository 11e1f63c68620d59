"""One row of a table, in one of its forms, held against an op."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from qspec.schema.evaluate import UNKNOWN, Mistake, Unknown, Value, known, spell
from qspec.schema.target import Condition, Form, Group, Operand, Row
from qspec.syntax import tree
from qspec.targets.fit import Misfit, misfit
from qspec.targets.scope import OpScope, spelled
from qspec.targets.verdict import Reason
from qspec.targets.versions import operand_behind


class Names(Protocol):
    """What conditions are decided in: an op's names or a model's. `asked` are those last asked for and their values."""

    asked: list[tuple[tree.Expression, Value]]

    @property
    def holds(self) -> Callable[[tree.Expression], bool | Unknown]:
        """Decides a condition."""


@dataclass(frozen=True)
class Unfit:
    """An operand that an attempt failed at: which of the reasons that is, the line of the row, what does not fit."""

    reason: int
    operand: Operand
    difference: Misfit


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
    unfit: tuple[Unfit, ...] = ()

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
            return self.failing(broken_reason(mistake))
        if condition.kind == "require":
            return self if answer is True else self.failing(_unmet(condition, answer, names))
        if answer is not True:
            return self
        message = condition.reason or f"`{spelled(condition.condition)}`"
        reason = Reason(message, condition.span, _operand_of(names) or _behind_version(condition, names))
        if condition.kind == "refuse":
            return replace(self, refusals=(*self.refusals, reason))
        return replace(self, warnings=(*self.warnings, reason))


def try_rows(rows: Iterable[Row], scope: OpScope) -> Attempt:
    """The attempt with the form of *rows* that comes closest, the first of equal ones. Its reasons also tell what the
    other forms and rows take where they fail at the same operands."""
    attempts = [attempt for row in rows for attempt in _try_forms(row, scope)]
    closest = min(attempts, key=lambda attempt: attempt.distance)
    return _with_alternatives(closest, attempts) if closest.unfit else closest


def _try_forms(row: Row, scope: OpScope) -> Iterator[Attempt]:
    """An attempt with each form of *row*, up to one that fits; without forms, with the row itself."""
    common = _with_items(Attempt(row, unverified=row.unverified), row, scope)
    for form in row.forms:
        attempt = _with_items(common, form, scope)
        unverified = row.unverified if form.unverified is None else form.unverified
        yield replace(attempt, form=form.name, unverified=unverified)
        if attempt.distance == common.distance:
            return  # no other comes closer
    if not row.forms:
        yield common


def _with_alternatives(closest: Attempt, attempts: Iterable[Attempt]) -> Attempt:
    """*closest* with reasons that name the types of every attempt which fails at none but the same operands."""
    names = {unfit.operand.name for unfit in closest.unfit}
    near = [one for one in attempts if {unfit.operand.name for unfit in one.unfit} <= names]
    reasons = list(closest.reasons)
    for unfit in closest.unfit:
        place = unfit.operand.name, unfit.operand.key
        lines = [
            other.operand for one in near for other in one.unfit if (other.operand.name, other.operand.key) == place
        ]
        message = unfit.difference.told(dict.fromkeys((unfit.operand, *lines)))
        reasons[unfit.reason] = replace(reasons[unfit.reason], message=message)
    return replace(closest, reasons=tuple(reasons))


def applies(row: Row, scope: OpScope) -> bool | Unknown:
    """Whether the row's `when` holds; raises `Mistake` if it has no meaning."""
    return True if row.when is None else scope.holds(row.when)


def _with_items(attempt: Attempt, part: Row | Form | Group, scope: OpScope) -> Attempt:
    before = attempt
    for operand in part.operands:
        attempt = _with_operand(attempt, operand, scope)
    typed, attempt = attempt, attempt.with_conditions(part.conditions, scope)
    if isinstance(part, Form) and typed.distance > before.distance:
        # What a form asks of ops with its types says nothing of one with others, which another form may suit.
        attempt = replace(attempt, reasons=typed.reasons)
    for group in part.groups:
        attempt = _with_group(attempt, group, scope)
    return attempt


def _with_group(attempt: Attempt, group: Group, scope: OpScope) -> Attempt:
    try:
        answer = scope.holds(group.condition)
    except Mistake as mistake:
        return attempt.failing(broken_reason(mistake))
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
            # What it says, `_with_alternatives` writes, and only for the attempt that comes closest.
            reason = Reason("", operand.span, operand.name, tensor.id, undecided=difference.undecided)
            attempt = replace(
                attempt,
                reasons=(*attempt.reasons, reason),
                distance=attempt.distance + difference.weight,
                unfit=(*attempt.unfit, Unfit(len(attempt.reasons), operand, difference)),
            )
    return attempt


def _unmet(condition: Condition, answer: bool | Unknown, names: Names) -> Reason:
    if answer is UNKNOWN:
        return _undecided(condition.condition, names)
    message = condition.reason or _not_holding(condition.condition, names)
    return Reason(message, condition.span, _operand_of(names) or _behind_version(condition, names))


def _not_holding(condition: tree.Expression, names: Names) -> str:
    values = ", ".join(f"{name} is {spell(value)}" for name, value in _seen(names).items())
    found = f": {values}" if values else ""
    return f"`{spelled(condition)}` does not hold{found}"


def _seen(names: Names) -> dict[str, Value]:
    """What was asked for last, in words, and what the answer was."""
    return {_in_words(node): value for node, value in names.asked}


def _operand_of(names: Names) -> str:
    """The operand whose type or scale was asked for last, if it was one alone."""
    found = {
        node.head.text
        for node, _ in names.asked
        if isinstance(node, tree.Path)
        and any(isinstance(part, tree.Name) and part.text in _OF_QUANTIZERS for part in node.trailers)
    }
    return found.pop() if len(found) == 1 else ""


def _behind_version(condition: Condition, names: Names) -> str:
    return operand_behind(condition.condition, names) if isinstance(names, OpScope) else ""


_OF_QUANTIZERS = frozenset({"type", "scale", "zero_point"})


def _in_words(node: tree.Expression) -> str:
    if isinstance(node, tree.Call):
        return "the scales of " + " and ".join(f"`{spelled(argument.value)}`" for argument in node.arguments)
    return f"`{spelled(node)}`"


def _undecided(condition: tree.Expression, names: Names) -> Reason:
    missing = ", ".join(name for name, value in _seen(names).items() if not known(value))
    because = f": {missing} not known" if missing else ""
    return Reason(f"it cannot be decided whether `{spelled(condition)}`{because}", condition.span, undecided=True)


def broken_reason(mistake: Mistake) -> Reason:
    """The reason that the table's own expression has no meaning."""
    return Reason(mistake.message, mistake.span, broken=True, help=str(mistake.help))
