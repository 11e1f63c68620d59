"""What is known of the word under the cursor, in Markdown."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qspec.diagnostics import Span
from qspec.diagnostics.codes import find_code
from qspec.diagnostics.page import page
from qspec.plan.explain import CallExplanation, Explainer, SlotExplanation
from qspec.plan.explain_words import decider, words
from qspec.plan.plan import Origin, Plan
from qspec.schema.keras_layers import layer_classes
from qspec.schema.names import a_few
from qspec.schema.quantizer import Quantizer
from qspec.schema.spec import Rule
from qspec.schema.symbols import Definition, Reference
from qspec.schema.target import OptionDefinition, Row, TargetDefinition
from qspec.schema.targets import allowed_values
from qspec.server.completion import complete
from qspec.server.matches import decided_by, matched, slots_with
from qspec.server.navigation import file_of
from qspec.server.view import View
from qspec.syntax import tree
from qspec.syntax.lexer import lex
from qspec.syntax.machine import machine

_MOST = 12  # names in a list
_CODE = re.compile(r"QS\d{3}")
_COMMENT = re.compile(r"(?:\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|[^#\"'])*")


@dataclass(frozen=True)
class Hover:
    """Markdown about what stands between two offsets."""

    start: int
    end: int
    text: str


def hover(view: View, offset: int) -> Hover | None:
    """What is known of what stands at *offset*; None if nothing is."""
    return _of_code(view, offset) or _of_symbol(view, offset) or _of_word(view, offset)


def _of_code(view: View, offset: int) -> Hover | None:
    """The page of a code in a comment."""
    number, column = view.source.position(offset)
    line, start = view.source.line(number), offset - column + 1
    before = _COMMENT.match(line)
    for found in _CODE.finditer(line, before.end() if before else 0):
        code = find_code(found.group())
        about = page(code) if code is not None else None
        if about is not None and found.start() <= column - 1 <= found.end():
            return Hover(start + found.start(), start + found.end(), about.text)
    return None


def _of_symbol(view: View, offset: int) -> Hover | None:
    symbol = view.now.symbols.at(offset)
    if symbol is None:
        return None
    text = _DESCRIPTIONS[symbol.kind](view, symbol)
    return Hover(symbol.span.start, symbol.span.end, text) if text else None


def _of_word(view: View, offset: int) -> Hover | None:
    """Of a word, what completion would say of it; of a path in quotes, what became of that layer."""
    token = _token(view, offset)
    if token is None:
        return None
    kind, start, end = token
    if kind == "STRING":
        text = _layer(view, view.source.text[start + 1 : end - 1])
        return Hover(start, end, text) if text else None
    word = view.source.text[start:end]
    row = _row_at(view, start, word)
    if row:
        return Hover(start, end, row)
    for candidate in complete(view, end).candidates:
        if candidate.label == word and (candidate.documentation or candidate.detail):
            parts = (f"`{word}`", candidate.detail, candidate.documentation, _decided_at(view, start))
            return Hover(start, end, "\n\n".join(filter(None, parts)))
    return None


def _decided_at(view: View, offset: int) -> str:
    """Of the slot of an assignment, what the assignment decides in the model."""
    plan = _plan(view)
    if plan is None or plan.spec.sources.get(view.source.path) != view.source.text:
        return ""
    for statement in view.now.file.statements:
        for item in statement.body if isinstance(statement, tree.Rule | tree.Default) else ():
            if item.path.span.start <= offset < item.path.span.end:
                found = decided_by(plan, item.value.span)
                return f"decides {_slots(found)} of the model{_listed(found)}"
    return ""


def _token(view: View, offset: int) -> tuple[str, int, int] | None:
    # No word and no string goes over the end of a line.
    number, column = view.source.position(offset)
    begin = offset - column + 1
    for kind, start, end in lex(view.source.line(number), machine()[1]):
        if kind in ("NAME", "STRING") and start <= column - 1 <= end:
            return kind, begin + start, begin + end
    return None


# ---- symbols

Symbol = Definition | Reference


def _quantizer(view: View, symbol: Symbol) -> str:
    quantizer = view.quantizer(symbol.name)
    if quantizer is None:
        return ""
    lines = [f"quantizer `{symbol.name}`{_where(view, symbol)}", _table(_values(quantizer))]
    plan = _plan(view)
    if plan is not None:
        found = slots_with(plan, symbol.name)
        lines.append(f"{_slots(found)} of the model {'has' if len(found) == 1 else 'have'} it{_listed(found)}")
    return "\n\n".join(lines)


def _values(quantizer: Quantizer) -> Iterator[tuple[str, str]]:
    yield "type", quantizer.type
    if quantizer.is_float:
        return
    yield "scheme", quantizer.scheme
    yield "granularity", quantizer.granularity + (f"({quantizer.block_size})" if quantizer.block_size else "")
    yield "range", str(quantizer.range)
    yield "codes", "{} to {}".format(*quantizer.code_range)
    yield "rounding", quantizer.rounding


def _pattern(view: View, symbol: Symbol) -> str:
    definition = view.patterns.definitions.get(symbol.name)
    if definition is None:
        return ""
    return f"pattern{_where(view, symbol)}\n\n{_code(definition.span)}"


def _capture(view: View, symbol: Symbol) -> str:
    found = view.now.symbols.definition_of(symbol) if isinstance(symbol, Reference) else symbol
    if found is None or found.statement is None:
        return ""
    for statement in (one for file in view.now.symbols.files.values() for one in file.statements):
        if statement.span == found.statement and isinstance(statement, tree.Rule | tree.PatternDefinition):
            classes = view.classes(statement.pattern, found.name)
            return f"`{found.name}`: {_names(classes) if classes else 'any layer'}{_where(view, symbol)}"
    return ""


def _rule(view: View, symbol: Symbol) -> str:
    plan, rule = _plan(view), view.rule(symbol.name)
    if rule is None:
        return ""
    about = _matched(plan, rule) if plan is not None else ""
    return "\n\n".join(filter(None, (f"rule `{rule.name}`", about)))


def _matched(plan: Plan, rule: Rule) -> str:
    found = matched(plan, rule)
    if found is None:
        return ""
    beside = f"; its condition leaves {found.left_out} out" if found.left_out else ""
    if not found.first:
        return f"matches no layer of the model{beside}"
    count = len(found.first)
    layers = _names([call.layer.path for call in found.first])
    return f"matches {count} time{'' if count == 1 else 's'} in the model{beside}\n\n{layers}"


def _target(view: View, symbol: Symbol) -> str:
    target = view.target(symbol.name)
    return "" if target is None else "\n\n".join(_about_target(view, target))


def _about_target(view: View, target: TargetDefinition) -> Iterator[str]:
    yield f"target `{target.name}`{f': {target.title}' if target.title else ''}"
    if target.deprecated is not None:
        yield f"deprecated: {target.deprecated.reason}"
    if target.host is not None:
        yield f"`{target.host.name}` runs what it does not take"
    facts = [(f"memory.{name}", f"{size / 2**20:g} MiB") for name, size in target.memory.items()]
    facts += [(option.name, _option_value(option)) for option in target.options.values()]
    if facts:
        yield _table(facts)
    ops = sorted({kind for row in target.deferred_rows().kinds for kind in row} - {"any"})
    yield f"{len(ops)} ops: {_names(ops)}"


def _option(view: View, symbol: Symbol) -> str:
    target = view.target(symbol.owner)
    option = target.options.get(symbol.name) if target is not None else None
    return "" if option is None else f"option `{option.name}` of `{symbol.owner}`: {_option_value(option)}"


def _option_value(option: OptionDefinition) -> str:
    return f"default {option.default}; {allowed_values(option)}"


def _deploy(view: View, symbol: Symbol) -> str:
    spec = view.now.spec
    deploy = next((one for one in spec.deploys if one.name == symbol.name), None) if spec is not None else None
    if deploy is None:
        return ""
    options = ", ".join(f"{name} = {value}" for name, value in deploy.options.items())
    lines = [f"`{deploy.name}`: {deploy.target.title or deploy.target.name}{f' ({options})' if options else ''}"]
    for placed in view.report.placement if view.report is not None else ():
        if placed.deploy.name == deploy.name:
            accelerated = sum(op.accelerated for op in placed.placement.ops)
            lines.append(f"{accelerated} of {len(placed.placement.ops)} ops of the model run on it")
    return "\n\n".join(lines)


def _layer_class(view: View, symbol: Symbol) -> str:
    keys = layer_classes().get(symbol.name, ())
    calls = view.layers.calls if view.layers is not None else ()
    paths = list(dict.fromkeys(call.layer.path for call in calls if call.layer.class_name == symbol.name))
    lines = [
        f"layer class `{symbol.name}`" + ("" if keys or isinstance(symbol, Definition) or paths else ", not Keras' own")
    ]
    if view.layers is not None:
        lines.append(f"{len(paths)} in the model: {_names(paths)}" if paths else "none in the model")
    if keys:
        lines.append(f"config: {_names(keys, 100)}")
    return "\n\n".join(lines)


def _file(view: View, symbol: Symbol) -> str:
    found = view.now.symbols.definition_of(symbol) if isinstance(symbol, Reference) else symbol
    if found is None:
        return ""
    path = found.name
    names = [
        one
        for one in view.now.symbols.definitions
        if one.span.source.path == path and one.kind not in ("file", "capture")
    ]
    defined = _names([one.name for one in names])
    return f"`{file_of(path)}`" + (f"\n\ndefines {defined}" if defined else "")


_DESCRIPTIONS: Mapping[str, Callable[[View, Symbol], str]] = {
    "quantizer": _quantizer,
    "pattern": _pattern,
    "capture": _capture,
    "rule": _rule,
    "target": _target,
    "option": _option,
    "deploy": _deploy,
    "layer class": _layer_class,
    "file": _file,
}


# ---- layers, rows of targets


def _layer(view: View, path: str) -> str:
    """What became of each slot of a layer, and who decided it, for each of its calls."""
    plan = _plan(view)
    calls = Explainer(plan).layer(path) if plan is not None else ()
    return "\n\n".join(line for call in calls for line in _call(call))


def _call(call: CallExplanation) -> Iterator[str]:
    number = f", call {call.number} of {call.calls}" if call.calls > 1 else ""
    yield f"layer `{call.layer}`, `{call.class_name}`{number}{f': {call.fused}' if call.fused else ''}"
    rows = [f"| {slot.slot} | `{words(slot.quantizer)}` | {'; '.join(_reasons(slot))} |" for slot in call.slots]
    yield "\n".join(("| slot | quantizer | by |", "|---|---|---|", *rows))


def _reasons(slot: SlotExplanation) -> Iterator[str]:
    yield _decider(slot.origin)
    if slot.range_by is not None:
        yield f"range by {_decider(slot.range_by)}"
    for said in reversed(slot.overridden):
        yield f"instead of `{said.name}` by {_decider(said.origin)}"
    yield from slot.changes
    yield from slot.casts
    if slot.same_scale:
        yield f"one scale with {', '.join(slot.same_scale)}"
    yield from slot.notes


def _decider(origin: Origin) -> str:
    if origin.span is None:
        return decider(origin)
    source = origin.span.source
    return f"{decider(origin)} ({os.path.basename(source.path)}:{source.position(origin.span.start)[0]})"


def _row_at(view: View, start: int, word: str) -> str:
    """The rows for an op that stands in a target, those of the target that it extends among them."""
    for statement in view.now.file.statements:
        if isinstance(statement, tree.Target) and statement.span.start <= start < statement.span.end:
            named = (statement.name, *((statement.base,) if statement.base is not None else ()))
            tables = [table for name in named if word.isupper() and (table := view.target(name.text)) is not None]
            rows = [row for table in tables for row in table.rows_naming(word)]
            return "\n\n".join(dict.fromkeys(map(_row, rows)))
    return ""


def _row(row: Row) -> str:
    """The text of a row, from `op` to the end of its block, and where it stands."""
    source = row.span.source
    first = source.text.rfind("op", 0, row.span.start)
    depth = 0
    for kind, _, end in lex(source.text[first:], machine()[1]):
        depth += (kind == "LBRACE") - (kind == "RBRACE")
        if kind == "RBRACE" and not depth:
            return f"{_fenced(source.text[first : first + end])}\n\n{Span(source, first, first)}"
    return ""


# ---- Markdown


def _plan(view: View) -> Plan | None:
    return view.report.plan if view.report is not None else None


def _where(view: View, symbol: Symbol) -> str:
    """Where it is defined, unless it is right here."""
    found = view.now.symbols.definition_of(symbol) if isinstance(symbol, Reference) else None
    if found is None or found.span.source is view.source:
        return ""
    return f" of `{found.span.source.path}`"


def _table(rows: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> str:
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows)


def _names(names: Sequence[str], most: int = _MOST) -> str:
    return a_few([f"`{name}`" for name in names], most)


def _slots(found: Sequence[str]) -> str:
    return "1 slot" if len(found) == 1 else f"{len(found) or 'no'} slots"


def _listed(names: Sequence[str]) -> str:
    return f": {_names(names)}" if names else ""


def _code(span: Span) -> str:
    return _fenced(span.source.text[span.start : span.end])


def _fenced(text: str) -> str:
    return f"```qspec\n{text}\n```"
