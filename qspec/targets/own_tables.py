"""What is wrong in the tables that somebody wrote, found without a model.

Of a target that amends another, only what it says itself is looked at. A shipped table, which is read row by row as it
is asked for, is looked at where its own file is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import DUPLICATE_NAME
from qspec.graph.op_names import OP_NAMES
from qspec.graph.operands import LISTS
from qspec.schema.rows import FUNCTIONS
from qspec.schema.target import Form, Group, OptionDefinition, Row, TargetDefinition
from qspec.syntax import tree
from qspec.targets.condition_kinds import condition_mistakes
from qspec.targets.impossible_rows import impossible_rows
from qspec.targets.scope import COMPUTED, PROPERTIES
from qspec.targets.unknown_names import unknown_names
from qspec.targets.value_kinds import (
    ANYTHING,
    MODEL_KINDS,
    WHOLE,
    Kind,
    attribute_kind,
    computed_kind,
    constant_kind,
    each_kind,
    has_operand,
    joined,
    meaning,
    option_kind,
    property_kind,
)


def table_mistakes(targets: Iterable[TargetDefinition]) -> Iterator[Diagnostic]:
    """An error for everything in *targets* that means nothing: names, comparisons, types; each once."""
    every = tuple(targets)
    found: dict[Diagnostic, None] = dict.fromkeys(unknown_names(every))
    for target in every:
        found.update(dict.fromkeys(_options(target)))
        found.update(dict.fromkeys(impossible_rows(target)))
        found.update(dict.fromkeys(_conditions(target)))
    yield from found


def _options(target: TargetDefinition) -> Iterator[Diagnostic]:
    """An option of a name that conditions know already would hide what that is."""
    kinds = dict.fromkeys(kind for row_kinds in target.deferred_rows().kinds for kind in row_kinds)
    for option in (target.written or target).options.values():
        taken = meaning(option.name, kinds)
        if taken:
            message = f"no option can be called `{option.name}`: in conditions, {taken}"
            yield DUPLICATE_NAME.at(option.span, message, help="choose another name")


def _conditions(target: TargetDefinition) -> Iterator[Diagnostic]:
    own = target.written or target
    for row in own.rows:
        names = _OpNames(_known(each_kind(row.kinds, row.exceptions)), target.options)
        yield from condition_mistakes(_expressions(row), names, FUNCTIONS)
    every = _OpNames(sorted(OP_NAMES), target.options)
    yield from condition_mistakes((one.condition for one in own.conditions), every, FUNCTIONS)
    whole = _ModelNames(target.options)
    yield from condition_mistakes((one.condition for one in own.model), whole, ())


def _known(kinds: Iterable[str]) -> Sequence[str]:
    return [kind for kind in kinds if kind in OP_NAMES]


def _expressions(part: Row | Form | Group) -> Iterator[tree.Expression]:
    """Every condition in *part*."""
    if isinstance(part, Row) and part.when is not None:
        yield part.when
    if isinstance(part, Group):
        yield part.condition
    yield from (condition.condition for condition in part.conditions)
    inner: Iterable[Form | Group] = (*part.forms, *part.groups) if isinstance(part, Row) else part.groups
    for one in inner:
        yield from _expressions(one)


@dataclass(frozen=True)
class _OpNames:
    """The names that conditions on ops of these *kinds* can use."""

    kinds: Sequence[str]
    options: Mapping[str, OptionDefinition]

    def __call__(self, path: tree.Path) -> tuple[Kind, int]:
        name = path.head.text
        if name in self.options:
            return option_kind(self.options[name]), 0
        having = [kind for kind in self.kinds if has_operand(kind, name)]
        others = [kind for kind in self.kinds if kind not in having] if having else self.kinds
        found: list[Kind] = []
        used = 0
        if having:
            kind, used = _operand(path, having)
            if used and isinstance(path.trailers[used - 1], tree.Name):
                return kind, used
            found.append(kind)
        if name in COMPUTED and others:
            found.append(computed_kind(name, self.kinds))
        elif (attribute := attribute_kind(name, others)) is not None:
            found.append(attribute)
        return (joined(found), used) if found else (ANYTHING, 0)


def _operand(path: tree.Path, kinds: Sequence[str]) -> tuple[Kind, int]:
    """What an operand, one of several, or a property of it can be, and how many trailers that takes."""
    name, trailers = path.head.text, path.trailers
    positioned = bool(trailers) and isinstance(trailers[0], tree.Index)
    behind = trailers[1:] if positioned else trailers
    if behind and isinstance(behind[0], tree.Name):
        known = behind[0].text in PROPERTIES
        return property_kind(behind[0].text, name, kinds) if known else ANYTHING, positioned + 1
    # `paddings[0]` is a part of the list; `input[1]` the second of several operands.
    return constant_kind(name, kinds), int(positioned and name not in LISTS)


@dataclass(frozen=True)
class _ModelNames:
    """The names that conditions on a whole model can use."""

    options: Mapping[str, OptionDefinition]

    def __call__(self, path: tree.Path) -> tuple[Kind, int]:
        name = path.head.text
        if name in self.options:
            return option_kind(self.options[name]), 0
        if name == "memory":  # `memory.parameters` is all there is of it
            return WHOLE if len(path.trailers) == 1 else ANYTHING, len(path.trailers)
        return MODEL_KINDS.get(name, ANYTHING), 0
