"""The tables of targets for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from qspec.cli.targets import Listed, operand_types
from qspec.diagnostics.text import bold
from qspec.schema.target import Citation, Condition, Form, Group, Operand, OptionDefinition, Row
from qspec.targets.scope import spelled

_USUAL = 100  # columns, where there is no terminal
_LEAST = 40
_KEEP = "\xa0"  # a space at which no line ends
_WORDS = {"require": "must", "refuse": "refused", "warn": "warned"}


def overview(targets: Sequence[Listed], width: int | None) -> Iterator[str]:
    """A line for each target: name, ops, host, title; its options below."""
    room = max(width or _USUAL, _LEAST)
    names = max(len(one.definition.name) for one in targets)
    hosts = max(len(_host(one)) for one in targets)
    head = f"{'target':{names}}  ops  {'host':{hosts}}  "
    yield f"{head}title and options"
    for one in targets:
        line = f"{one.definition.name:{names}}  {len(one.settled.ops):3}  {_host(one):{hosts}}  "
        deprecated = ", deprecated" if one.definition.deprecated else ""
        options = "; ".join(_option(option) for option in one.definition.options.values())
        texts = [f"{one.definition.title}{deprecated}", *([options] if options else [])]
        for number, text in enumerate(_wrapped(texts, room - len(head))):
            yield ((line if number == 0 else " " * len(head)) + text).rstrip()
    yield ""
    yield "`qspec targets NAME` prints a table, `deploy NAME(option = value)` in a spec checks against it"


def _host(one: Listed) -> str:
    return one.definition.host.name if one.definition.host else "-"


def _wrapped(texts: Sequence[str], width: int) -> Iterator[str]:
    for text in texts:
        yield from textwrap.wrap(text, max(width, _LEAST // 2), break_long_words=False, break_on_hyphens=False) or [""]


def _option(option: OptionDefinition) -> str:
    """`runtime = 14 in 10..14`, as a target writes it."""
    default = f'"{option.default}"' if isinstance(option.default, str) else str(option.default)
    if option.limits is not None:
        return f"{option.name} = {default} in {option.limits[0]}..{option.limits[1]}"
    if option.choices is not None:
        values = ", ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in option.choices)
        return f"{option.name} = {default} in ({values})"
    return f"{option.name} = {default}"


def table(targets: Sequence[Listed], width: int | None, colors: bool = False) -> Iterator[str]:
    """The whole tables of *targets*, row by row."""
    page = _Page(max(width or _USUAL, _LEAST), colors)
    for number, one in enumerate(targets):
        if number:
            yield ""
        yield from _target(one, page)


class _Page:
    """Lines of so many columns, with a word at the left and what it says beside it."""

    def __init__(self, width: int, colors: bool) -> None:
        self.width, self.colors = width, colors

    def heading(self, text: str) -> Iterator[str]:
        """A heading, bold where there are colours; a long one goes on in the next line."""
        for line in textwrap.wrap(
            text, self.width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        ):
            yield bold(line, self.colors)

    def entry(self, word: str, text: str, depth: int = 1, column: int = 15) -> Iterator[str]:
        """*word*, then *text* from *column* on."""
        start = "  " * depth
        first = f"{start}{word:{column - len(start)}}" if len(start) + len(word) < column else f"{start}{word} "
        rest = " " * (column + 2)
        for line in textwrap.wrap(
            text,
            self.width,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [first.rstrip()]:
            yield line.replace(_KEEP, " ")


def _target(one: Listed, page: _Page) -> Iterator[str]:
    definition = one.definition
    titled = definition.title not in ("", definition.name)
    yield from page.heading(f"{definition.name}: {definition.title}" if titled else definition.name)
    if definition.deprecated:
        yield from page.entry("deprecated", definition.deprecated.reason)
    host = definition.host.name if definition.host else ""
    if host:
        behind = ", and all that comes after it" if definition.partition == "prefix" else ""
        yield from page.entry("host", f"{host} runs what the target does not take{behind}")
    for name, size in definition.memory.items():
        amount = f"{size / 2**20:g} MiB" if size >= 2**20 else f"{size / 2**10:g} KiB"
        beyond = f"; if there are more, {definition.excess}" if definition.excess and name == "parameters" else ""
        yield from page.entry("memory", f"{name}: {amount}{beyond}")
    for option in definition.options.values():
        chosen = one.options.get(option.name)
        yield from page.entry("option", _option(option) + (f"; here {chosen}" if chosen is not None else ""))
    yield from _sources(definition.sources, page)
    for heading, conditions in (("the model", one.settled.model), ("every op", one.settled.conditions)):
        if conditions:
            yield ""
            yield from page.heading(heading)
            yield from _conditions(conditions, page)
    for row in one.settled.taken:
        yield ""
        yield from _row(row, page)
    yield from _left(one, page)


def _row(row: Row, page: _Page) -> Iterator[str]:
    names = ", ".join("every op" if kind == "any" else kind for kind in row.kinds)
    beside = f" except {', '.join(row.exceptions)}" if row.exceptions else ""
    yield from page.heading(names + beside)
    if row.when is not None:
        yield from page.entry("only when", spelled(row.when))
    for form in row.forms:
        yield from page.entry(form.name, _operands(form.operands) or "any types")
        yield from _part(form, page, 2)
        if form.unverified is not None:
            yield from page.entry("unverified", form.unverified, 2)
    if row.operands:
        yield from page.entry("with" if row.forms else "takes", _operands(row.operands))
    yield from _part(row, page, 1)
    if row.unverified is not None:
        yield from page.entry("unverified", row.unverified)
    yield from _sources(row.sources, page)


def _part(part: Row | Form | Group, page: _Page, depth: int) -> Iterator[str]:
    yield from _conditions(part.conditions, page, depth)
    for group in part.groups:
        yield from page.entry("when", f"{spelled(group.condition)}:", depth)
        if group.operands:
            yield from page.entry("takes", _operands(group.operands), depth + 1)
        yield from _part(group, page, depth + 1)


def _operands(operands: Sequence[Operand]) -> str:
    return ", ".join(_operand(operand) for operand in operands)


def _operand(operand: Operand) -> str:
    """`constant weights = int8 symmetric per_channel(0) | int8`"""
    position = "" if operand.key is None else f"[{operand.key}]"
    constant = "constant " if operand.constant else ""
    types = " | ".join(text.replace(" ", _KEEP) for text in operand_types(operand))
    return f"{constant}{operand.name}{position} = {types}".replace(" = ", f"{_KEEP}={_KEEP}")


def _conditions(conditions: Sequence[Condition], page: _Page, depth: int = 1) -> Iterator[str]:
    for condition in conditions:
        because = f" ({condition.reason})" if condition.reason else ""
        when = "" if condition.kind == "require" else "when "
        yield from page.entry(_WORDS[condition.kind], f"{when}{spelled(condition.condition)}{because}", depth)


def _sources(sources: Sequence[Citation], page: _Page) -> Iterator[str]:
    for source in sources:
        yield from page.entry("source", source.text + (f" (read {source.read})" if source.read else ""))


def _left(one: Listed, page: _Page) -> Iterator[str]:
    """The rows that take no op, shortly: what is said of them is why not."""
    for number, (row, reasons) in enumerate(one.settled.left):
        if number == 0:
            yield ""
            yield from page.heading("not taken")
        yield from page.entry("", ", ".join(row.kinds), 1, 4)
        yield from page.entry("because", "; ".join(reasons), 2)
        refusals = [condition for condition in row.conditions if condition.kind == "refuse"]
        yield from _conditions(refusals, page, 2)
