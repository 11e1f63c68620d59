"""A table with some of its options chosen: what is then decided goes, what hangs on the op itself stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from qspec.graph.ops import OPAQUE
from qspec.schema.evaluate import UNKNOWN, Mistake, Unknown, Value, condition_holds
from qspec.schema.target import Condition, Form, Group, Row, TargetDefinition
from qspec.syntax import tree
from qspec.targets.scope import spelled

Part = TypeVar("Part", Row, Form, Group)


@dataclass(frozen=True)
class Settled:
    """`taken` are the rows that can take an op, `left` those that take none, each with the reasons. `model` and
    `conditions` are what is left of the target's own."""

    taken: tuple[Row, ...]
    left: tuple[tuple[Row, tuple[str, ...]], ...]
    model: tuple[Condition, ...]
    conditions: tuple[Condition, ...]

    @property
    def ops(self) -> tuple[str, ...]:
        """The ops that can be taken, each once, in the order of the rows."""
        return tuple(dict.fromkeys(kind for row in self.taken for kind in row.kinds if kind != "any"))


def settle(definition: TargetDefinition, options: Mapping[str, Value] | None = None) -> Settled:
    """What *definition* says once *options* have their values; of those left out nothing is decided."""
    decide = _Decide(options or {})
    taken: list[Row] = []
    left: list[tuple[Row, tuple[str, ...]]] = []
    for read in definition.rows:
        row = replace(read, kinds=tuple(kind for kind in read.kinds if kind != OPAQUE))
        reasons = decide.against(row)
        settled = decide.row(row)
        if reasons:
            left.append((settled, reasons))
        else:
            taken.append(settled)
    return Settled(
        tuple(taken), tuple(left), decide.conditions(definition.model), decide.conditions(definition.conditions)
    )


@dataclass(frozen=True)
class _Decide:
    options: Mapping[str, Value]

    def holds(self, condition: tree.Expression) -> bool | Unknown:
        try:
            return condition_holds(condition, self._lookup, lambda _: UNKNOWN)
        except Mistake:
            return UNKNOWN

    def _lookup(self, path: tree.Path) -> Value:
        return UNKNOWN if path.trailers else self.options.get(path.head.text, UNKNOWN)

    def against(self, row: Row) -> tuple[str, ...]:
        """Why *row* takes no op at all; empty if it may take one."""
        if row.when is not None and self.holds(row.when) is False:
            return (f"only when {spelled(row.when)}",)
        reasons = self._unmet(row)
        if reasons or not row.forms:
            return reasons
        by_form = [self._unmet(form) for form in row.forms]
        return tuple(dict.fromkeys(reason for each in by_form for reason in each)) if all(by_form) else ()

    def _unmet(self, part: Row | Form | Group) -> tuple[str, ...]:
        required = [one for one in part.conditions if one.kind == "require"]
        own = [one.reason or spelled(one.condition) for one in required if self.holds(one.condition) is False]
        inner = [self._unmet(group) for group in part.groups if self.holds(group.condition) is True]
        return (*own, *(reason for each in inner for reason in each))

    def row(self, row: Row) -> Row:
        """*row* without what does not apply; forms that cannot fit go unless none can."""
        open_ = row.when is not None and self.holds(row.when) is UNKNOWN
        fitting = [form for form in row.forms if not self._unmet(form)] or row.forms
        settled = _with_groups(replace(row, when=row.when if open_ else None), self)
        return replace(settled, forms=tuple(_with_groups(form, self) for form in fitting))

    def conditions(self, conditions: Iterable[Condition]) -> tuple[Condition, ...]:
        """Those that say something: a `require` that does not hold already, a `refuse` or `warn` that still can."""
        left = (one for one in conditions if self.holds(one.condition) is not (one.kind == "require"))
        return tuple(replace(one, condition=self.open_part(one.condition)) for one in left)

    def open_part(self, condition: tree.Expression) -> tree.Expression:
        """The one part of an `and` or `or` that is not decided yet; the whole if there are several."""
        if isinstance(condition, tree.And | tree.Or) and self.holds(condition) is UNKNOWN:
            undecided = [part for part in condition.parts if self.holds(part) is UNKNOWN]
            return self.open_part(undecided[0]) if len(undecided) == 1 else condition
        return condition

    def groups(self, part: Row | Form | Group) -> tuple[Group, ...]:
        """The `when` blocks of *part* of which it is open whether they hold."""
        return tuple(_with_groups(one, self) for one in part.groups if self.holds(one.condition) is UNKNOWN)


def _with_groups(part: Part, decide: _Decide) -> Part:
    """*part* with the `when` blocks that hold taken in, and those that do not left out."""
    holding: list[Group] = [_with_groups(one, decide) for one in part.groups if decide.holds(one.condition) is True]
    operands = (*part.operands, *(operand for one in holding for operand in one.operands))
    conditions = (*part.conditions, *(condition for one in holding for condition in one.conditions))
    groups = (*decide.groups(part), *(group for one in holding for group in one.groups))
    return replace(part, operands=operands, conditions=decide.conditions(conditions), groups=groups)
