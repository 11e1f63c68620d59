"""Rows of a target: `op` items with their forms, groups and conditions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from qspec.diagnostics import Advice, Diagnostics
from qspec.diagnostics.catalogue import DUPLICATE_ATTRIBUTE, INVALID_VALUE
from qspec.schema.conditions import check_condition
from qspec.schema.meant_ops import meant_op
from qspec.schema.names import duplicate
from qspec.schema.operands import read_operand
from qspec.schema.target import Citation, Condition, Form, Group, Operand, Row
from qspec.syntax import tree

FUNCTIONS = ("same_scale", "known")

OP_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def read_row(node: tree.Operation, found: Diagnostics) -> Row:
    """The row of an `op` item."""
    for name in (*node.kinds, *node.exceptions):
        if name.text != "any" and not OP_NAME.fullmatch(name.text):
            op = meant_op(name.text)
            hint = Advice(f"op names are LiteRT's: write `{op}`", (op,))
            found.add(INVALID_VALUE.at(name.span, f"`{name.text}` is no name of an op", help=hint))
    if node.when is not None:
        check_condition(node.when, found, FUNCTIONS)
    parts = _parts(node.items, found)
    return Row(
        kinds=tuple(name.text for name in node.kinds),
        exceptions=tuple(name.text for name in node.exceptions),
        when=node.when,
        operands=parts.operands(),
        conditions=tuple(parts.conditions),
        forms=tuple(parts.forms),
        groups=tuple(parts.groups),
        sources=tuple(parts.sources),
        unverified=parts.unverified,
        names=(*node.kinds, *node.exceptions),
        span=node.kinds[0].span.to(node.kinds[-1].span),
    )


@dataclass
class _Parts:
    """What the items of a row, a form or a group say."""

    found: Diagnostics
    by_name: dict[tuple[str, int | None], Operand] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    sources: list[Citation] = field(default_factory=list)
    unverified: str | None = None

    def operands(self) -> tuple[Operand, ...]:
        return tuple(self.by_name.values())

    def add_operand(self, operand: Operand) -> None:
        first = self.by_name.setdefault((operand.name, operand.key), operand)
        if first is not operand:
            message = f"the operand `{operand.name}` is given twice"
            twice = DUPLICATE_ATTRIBUTE.at(operand.span, message, help="join the alternatives with `|`")
            self.found.add(twice.with_related(first.span, "first given here"))

    def add_form(self, form: Form) -> None:
        first = next((other for other in self.forms if other.name == form.name), None)
        if first is not None:
            self.found.add(duplicate("form", form.name, form.span, first.span))
        self.forms.append(form)


def _parts(items: Iterable[tree.OperationItem], found: Diagnostics, where: str = "op") -> _Parts:
    parts = _Parts(found)
    for item in items:
        match item:
            case tree.Operand():
                if (operand := read_operand(item, found)) is not None:
                    parts.add_operand(operand)
            case tree.Require() | tree.Refuse() | tree.Warn():
                parts.conditions.append(read_condition(item, found))
            case tree.When():
                parts.groups.append(_group(item, found))
            case tree.Form() if where == "op":
                parts.add_form(_form(item, found))
            case tree.SourceNote() if where == "op":
                parts.sources.append(read_citation(item))
            case tree.Unverified() if where != "when":
                parts.unverified = item.reason.text if item.reason else ""
            case _:
                words = {tree.Form: "form", tree.SourceNote: "source", tree.Unverified: "unverified"}
                message = f"`{words[type(item)]}` cannot stand inside `{where}`"
                found.add(INVALID_VALUE.at(item.span, message, help="move it into the row"))
    return parts


def _form(node: tree.Form, found: Diagnostics) -> Form:
    parts = _parts(node.items, found, "form")
    return Form(
        name=node.name.text,
        operands=parts.operands(),
        conditions=tuple(parts.conditions),
        groups=tuple(parts.groups),
        unverified=parts.unverified,
        span=node.name.span,
    )


def _group(node: tree.When, found: Diagnostics) -> Group:
    check_condition(node.condition, found, FUNCTIONS)
    parts = _parts(node.items, found, "when")
    return Group(
        condition=node.condition,
        operands=parts.operands(),
        conditions=tuple(parts.conditions),
        groups=tuple(parts.groups),
        span=node.condition.span,
    )


def read_condition(node: tree.Require | tree.Refuse | tree.Warn, found: Diagnostics) -> Condition:
    """The condition of a `require`, `refuse when` or `warn when`."""
    check_condition(node.condition, found, FUNCTIONS)
    kinds = {tree.Require: "require", tree.Refuse: "refuse", tree.Warn: "warn"}
    reason = node.reason.text if node.reason else ""
    kind: Any = kinds[type(node)]
    return Condition(kind=kind, condition=node.condition, reason=reason, span=node.condition.span)


def read_citation(node: tree.SourceNote) -> Citation:
    """The citation of a `source`."""
    return Citation(text=node.text.text, read=node.read.text if node.read else "")
