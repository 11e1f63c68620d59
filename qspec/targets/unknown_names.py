"""Names in a target's rows that mean nothing: a row with a misspelt operand would hold for ops that it does not mean to
take, and a row with a misspelt op for none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import UNDEFINED_NAME
from qspec.graph.op_names import OP_NAMES
from qspec.graph.operands import operand_names
from qspec.schema.conditions import nodes
from qspec.schema.names import listed, similar
from qspec.schema.rows import OP_NAME
from qspec.schema.target import Form, Group, Row, TargetDefinition
from qspec.syntax import tree


def unknown_names(targets: Iterable[TargetDefinition]) -> Iterator[Diagnostic]:
    """An error for every name in the rows of *targets* that is no op of LiteRT, or no operand of the row's ops.

    Rows that a target takes over from another file are not looked at: they belong to the target there.
    """
    found: dict[Diagnostic, None] = {}  # a row that another target of the same file amends is met twice
    for target in targets:
        for row in target.rows:
            if row.span.source is target.span.source:
                found.update(dict.fromkeys(_of_row(row)))
    yield from found


def _of_row(row: Row) -> Iterator[Diagnostic]:
    unknown = [name for name in row.names if name.text not in OP_NAMES and name.text != "any"]
    for name in unknown:
        if OP_NAME.fullmatch(name.text):  # any other name was reported when the row was read
            message = f"`{name.text}` is no op of LiteRT"
            close = similar(name.text, sorted(OP_NAMES))
            hint = f"an op with a similar name exists: `{close}`" if close else "ops are named as in LiteRT's schema"
            yield UNDEFINED_NAME.at(name.span, message, label="not an op", help=hint)
    if unknown:
        return  # what operands it has is not known either
    kinds = [name.text for name in row.names if name.text not in row.exceptions]
    known = _operands(kinds)
    for operand, span in _operands_named(row):
        if operand not in known:
            message = f"no op has an operand `{operand}`"
            if "any" not in kinds:
                message = f"{listed(kinds, 'or')} has no operand `{operand}`"
            close = similar(operand, known)
            hint = f"there is {listed(known)}" + (f"; `{close}` is similar" if close else "")
            yield UNDEFINED_NAME.at(span, message, label="not an operand", help=hint)


def _operands(kinds: Collection[str]) -> tuple[str, ...]:
    """The operands that ops of *kinds* have, each name once."""
    each = sorted(OP_NAMES) if "any" in kinds else kinds
    return tuple(dict.fromkeys(["input", *(name for kind in each for name in operand_names(kind)), "output"]))


def _operands_named(part: Row | Form | Group) -> Iterator[tuple[str, Span]]:
    """Every operand that *part* speaks of, where a name that is not there would go unnoticed."""
    for operand in part.operands:
        yield operand.name, operand.span
        for words in operand.types:
            yield from ((name, words.span) for name in words.scale_of)
    expressions = [condition.condition for condition in part.conditions]
    if isinstance(part, Group):
        expressions.append(part.condition)
    if isinstance(part, Row) and part.when is not None:
        expressions.append(part.when)
    for expression in expressions:
        yield from _operands_called(expression)
    inner: tuple[Form | Group, ...] = (*part.groups, *part.forms) if isinstance(part, Row) else part.groups
    for one in inner:
        yield from _operands_named(one)


def _operands_called(expression: tree.Expression) -> Iterator[tuple[str, Span]]:
    """The operands in `same_scale(a, b)`."""
    for node in nodes(expression):
        if isinstance(node, tree.Call):
            for argument in node.arguments:
                if isinstance(argument.value, tree.Path):
                    yield argument.value.head.text, argument.value.head.span
