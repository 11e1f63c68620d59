"""`target` statements as capability tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qspec.diagnostics import Diagnostics, Span
from qspec.diagnostics.catalogue import (
    DUPLICATE_ATTRIBUTE,
    DUPLICATE_NAME,
    EXTENDS_CYCLE,
    INVALID_VALUE,
    TOO_DEEP,
    UNDEFINED_NAME,
    UNKNOWN_ATTRIBUTE,
    UNKNOWN_TARGET,
)
from qspec.schema.evaluate import Mistake
from qspec.schema.names import duplicate, listed, meant, offer
from qspec.schema.rows import read_citation, read_condition, read_row
from qspec.schema.target import (
    Citation,
    Condition,
    Deprecation,
    OptionDefinition,
    Row,
    TargetDefinition,
)
from qspec.schema.values import Text, number, plain, shown, word
from qspec.syntax import tree

LONGEST_CHAIN = 64  # of `on` and `extends`

BYTES = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
"""The units of sizes, in bytes."""

_ATTRIBUTES = ("title", "partition", "memory.parameters", "memory.excess")


@dataclass
class Targets:
    """The targets that are defined in a spec, resolved when first asked for; `shipped` gives those that are not."""

    definitions: Mapping[str, tree.Target]
    unread: Collection[str]
    shipped: Callable[[str], TargetDefinition | None]
    shipped_names: Sequence[str]
    found: Diagnostics
    _resolved: dict[str, TargetDefinition] = field(default_factory=dict)
    _route: list[tree.Target] = field(default_factory=list)  # being resolved, outermost first

    def all(self) -> Mapping[str, TargetDefinition]:
        """Every target that the spec defines."""
        for definition in self.definitions.values():
            if definition.name.text in self.shipped_names:
                message = f"a target `{definition.name.text}` is shipped with qspec"
                hint = "choose another name, and `extends` to amend the shipped one"
                twice = DUPLICATE_NAME.at(definition.name.span, message, help=hint)
                shipped = self.shipped(definition.name.text)
                self.found.add(twice if shipped is None else twice.with_related(shipped.span, "the shipped one"))
        return {name: target for name in self.definitions if (target := self._defined(name)) is not None}

    def named(self, name: tree.Name) -> TargetDefinition | None:
        """The target of that name; None, and a diagnostic, if there is none."""
        own = name.text in self.definitions and name.text not in self.shipped_names
        target = self._defined(name.text) if own else self.shipped(name.text)
        if target is None and name.text not in self.unread and name.text not in self.definitions:
            known = [*self.definitions, *self.shipped_names]
            message = f"target `{name.text}` is not known"
            hint = meant("TARGETS", name.text.lower()) or offer("a target", name.text, known)
            self.found.add(UNKNOWN_TARGET.at(name.span, message, label="not found", help=hint, target=name.text))
        return target

    def _defined(self, name: str) -> TargetDefinition | None:
        if name in self._resolved:
            return self._resolved[name]
        definition = self.definitions[name]
        if definition in self._route:
            self._report_cycle(definition)
            return None
        if len(self._route) == LONGEST_CHAIN:
            message = f"more than {LONGEST_CHAIN} targets stand on each other"
            self.found.add(TOO_DEEP.at(definition.name.span, message, help="define some of them on their own"))
            return None
        self._route.append(definition)
        base = None if definition.base is None else self.named(definition.base)
        self._route.pop()
        extended = base if definition.relation == "extends" else None
        target = read_target(definition, extended, self.found)
        if definition.relation == "on":
            target = replace(target, host=base)
        self._resolved[name] = target
        return target

    def _report_cycle(self, definition: tree.Target) -> None:
        hops = self._route[self._route.index(definition) :]
        message = f"target `{definition.name.text}` stands on itself"
        diagnostic = EXTENDS_CYCLE.at(definition.name.span, message, help="define one of them on its own")
        for hop in hops:
            if hop.base is not None:
                diagnostic = diagnostic.with_related(hop.base.span, f"`{hop.name.text}` names `{hop.base.text}` here")
        self.found.add(diagnostic)


def read_target(
    node: tree.Target, base: TargetDefinition | None, found: Diagnostics, rows: Sequence[Row] | None = None
) -> TargetDefinition:
    """The table that *node* defines, amending *base* if there is one. *rows* are its own if *node* comes without."""
    reader = _Reader(found)
    for item in node.items:
        reader.read(item)
    own = TargetDefinition(
        name=node.name.text,
        span=node.name.span,
        options=reader.options,
        rows=tuple(reader.rows) if rows is None else rows,
        model=tuple(reader.model),
        conditions=tuple(reader.conditions),
        memory=reader.memory,
        sources=tuple(reader.sources),
        deprecated=reader.deprecated,
        **reader.attributes,
    )
    if base is None:
        for without in reader.without:
            message = "`without` removes rows of a target that is extended, and this one extends none"
            found.add(INVALID_VALUE.at(without.span, message, help="remove it, or write `target NAME extends BASE`"))
        return own
    return _amended(base, own, reader.without, found)


def _amended(
    base: TargetDefinition, own: TargetDefinition, without: Sequence[tree.Without], found: Diagnostics
) -> TargetDefinition:
    """*base* with the rows of *own* in place of its own rows for the same ops."""
    rows, own_rows = base.deferred_rows(), own.deferred_rows()
    known = {kind for kinds in rows.kinds for kind in kinds}
    removed = {kind for kinds in own_rows.kinds for kind in kinds}
    for name in (name for item in without for name in item.kinds):
        if name.text not in known:
            message = f"`{base.name}` has no row for `{name.text}`"
            hint = offer("a row", name.text, sorted(known))
            found.add(UNDEFINED_NAME.at(name.span, message, help=hint, target=base.name))
        removed.add(name.text)
    return replace(
        base,
        name=own.name,
        span=own.span,
        title=own.title or own.name,
        partition=own.partition if own.partition != "any" else base.partition,
        options={**base.options, **own.options},
        rows=rows.amended(own_rows, removed),
        model=(*base.model, *own.model),
        conditions=(*base.conditions, *own.conditions),
        memory={**base.memory, **own.memory},
        excess=own.excess or base.excess,
        sources=(*base.sources, *own.sources),
        deprecated=own.deprecated or base.deprecated,
        written=own,
    )


class _Reader:
    """Collects what the items of one target say."""

    def __init__(self, found: Diagnostics) -> None:
        self.found = found
        self.options: dict[str, OptionDefinition] = {}
        self.rows: list[Row] = []
        self.model: list[Condition] = []
        self.conditions: list[Condition] = []
        self.memory: dict[str, int] = {}
        self.sources: list[Citation] = []
        self.without: list[tree.Without] = []
        self.deprecated: Deprecation | None = None
        self.attributes: dict[str, Any] = {}
        self._spans: dict[str, Span] = {}

    def read(self, item: tree.TargetItem) -> None:
        """Take one item in."""
        match item:
            case tree.Option():
                self._option(item)
            case tree.ModelBlock():
                self._model(item)
            case tree.Operation():
                self.rows.append(read_row(item, self.found))
            case tree.Without():
                self.without.append(item)
            case tree.Refuse() | tree.Warn():
                self.conditions.append(read_condition(item, self.found))
            case tree.SourceNote():
                self.sources.append(read_citation(item))
            case tree.Deprecated():
                self._deprecated(item)
            case tree.Assignment():
                self._assignment(item)

    def _model(self, block: tree.ModelBlock) -> None:
        for item in block.items:
            if isinstance(item, tree.Assignment):
                message = f"`model` has no attribute {shown(item.path)}"
                hint = "it takes `require`, `refuse when` and `warn when`"
                self.found.add(UNKNOWN_ATTRIBUTE.at(item.path.span, message, help=hint))
            else:
                self.model.append(read_condition(item, self.found))

    def _deprecated(self, item: tree.Deprecated) -> None:
        if self.deprecated is not None:
            twice = DUPLICATE_ATTRIBUTE.at(item.span, "`deprecated` is said twice", help="remove one of the two")
            self.found.add(twice.with_related(self.deprecated.span, "first said here"))
            return
        self.deprecated = Deprecation(reason=item.reason.text, span=item.span)

    def _assignment(self, item: tree.Assignment) -> None:
        path = item.path
        name = ".".join([path.head.text, *(t.text for t in path.trailers if isinstance(t, tree.Name))])
        if name not in _ATTRIBUTES or any(isinstance(trailer, tree.Index) for trailer in path.trailers):
            hint = offer("an attribute", name if name != "memory" else "memory.parameters", _ATTRIBUTES)
            self.found.add(UNKNOWN_ATTRIBUTE.at(path.span, f"a target has no attribute {shown(path)}", help=hint))
            return
        if name in self._spans:
            twice = DUPLICATE_ATTRIBUTE.at(path.span, f"`{name}` is assigned twice", help="remove one of the two")
            self.found.add(twice.with_related(self._spans[name], "first assigned here"))
            return
        self._spans[name] = path.span
        problem = self._assign(name, item.value)
        if problem:
            message = f"`{name}` cannot be {shown(item.value)}"
            self.found.add(INVALID_VALUE.at(item.value.span, message, help=problem))

    def _assign(self, name: str, value: tree.Expression) -> str:
        """Store an attribute; a sentence of help if the value does not fit."""
        match name, value:
            case "title", tree.String(text=text):
                self.attributes["title"] = text
            case "title", _:
                return f'it is a string in quotes: `title = "{shown(value).strip("`")}"`'
            case "partition", _ if (kind := word(value)) in ("prefix", "any"):
                self.attributes["partition"] = kind
            case "partition", _:
                return "`partition` is `prefix` or `any`"
            case "memory.excess", tree.String(text=text):
                self.attributes["excess"] = text
            case "memory.excess", _:
                return 'it says in quotes what becomes of the rest: `memory.excess = "it stays in main memory"`'
            case _, tree.Quantity(value=size, unit=unit) if unit in BYTES:
                self.memory[name.removeprefix("memory.")] = round(size * BYTES[unit])
            case _:
                return f"`{name}` is a size, for example `8 MiB`"
        return ""

    def _option(self, item: tree.Option) -> None:
        option = read_option(item, self.found)
        if option is None:
            return
        if option.name in self.options:
            self.found.add(duplicate("option", option.name, option.span, self.options[option.name].span))
            return
        self.options[option.name] = option


def read_option(item: tree.Option, found: Diagnostics) -> OptionDefinition | None:
    """The option that *item* defines; None, and a diagnostic, if its values make no sense."""
    default = option_value(item.default)
    limits: tuple[float, float] | None = None
    choices: tuple[int | float | str, ...] | None = None
    problem: tree.Expression | None = None if default is not None else item.default
    match item.choices:
        case tree.RangeLiteral(low=low, high=high):
            ends = (option_value(low), option_value(high))
            if isinstance(ends[0], str | None) or isinstance(ends[1], str | None) or ends[0] > ends[1]:
                problem = problem or item.choices
            else:
                limits = (ends[0], ends[1])
        case tree.TupleLiteral(items=items):
            values = [option_value(value) for value in items]
            problem = problem or next((node for node, v in zip(items, values, strict=True) if v is None), None)
            choices = tuple(value for value in values if value is not None)
    if problem is not None or default is None:
        node = problem or item.default
        message = f"an option is a number in a range or a string among several, found {shown(node)}"
        hint = 'for example `option runtime = 14 in 10..14`, `option variant = "a" in ("a", "b")`'
        found.add(INVALID_VALUE.at(node.span, message, help=hint))
        return None
    option = OptionDefinition(name=item.name.text, default=default, choices=choices, limits=limits, span=item.name.span)
    if not allows(option, default):
        message = f"the default {shown(item.default)} is not among the values of the option"
        found.add(INVALID_VALUE.at(item.default.span, message, help=allowed_values(option)))
    return option


def option_value(expression: tree.Expression) -> int | float | str | None:
    """The number or string that *expression* is; None if it is neither."""
    value = plain(expression)
    if isinstance(value, Text):
        return value.text
    try:
        return number(expression)
    except Mistake:
        return None


def allows(option: OptionDefinition, value: int | float | str) -> bool:
    """Whether the option takes *value*."""
    if option.limits is not None:
        whole = isinstance(value, int) or not isinstance(option.default, int)
        return not isinstance(value, str) and whole and option.limits[0] <= value <= option.limits[1]
    if option.choices is not None:
        return value in option.choices
    return isinstance(value, str) == isinstance(option.default, str)


def allowed_values(option: OptionDefinition) -> str:
    """A sentence with the values that the option takes."""
    if option.limits is not None:
        return f"`{option.name}` goes from {option.limits[0]} to {option.limits[1]}"
    if option.choices is not None:
        shown_choices = [f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in option.choices]
        return f"`{option.name}` is {listed(shown_choices, 'or')}"
    return f"`{option.name}` is a {'string' if isinstance(option.default, str) else 'number'}"
