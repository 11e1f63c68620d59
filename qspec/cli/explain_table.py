"""Who decided what, for people: a table of a whole model, or one layer in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from qspec.cli.columns import cut, fitted, wrapped
from qspec.diagnostics import Span
from qspec.diagnostics.text import display_width, printable
from qspec.plan.explain import CallExplanation, Explainer, SlotExplanation, assigned_words, decider, place, words
from qspec.plan.explain_rules import RuleExplanation

_LEAST = 60  # columns; narrower terminals break the lines
_GAP = "  "
_NARROWEST_LAYER = 16
_MOST_SHARING = 3  # slots that share a scale, named in the table
_INDENT = "    "
_WIDEST_BRIEF = 24


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the table, and what stands below it. `brief` is the quantizer's name alone."""

    layer: str
    slot: str
    quantizer: str
    brief: str
    by: str
    below: tuple[str, ...] = ()


def table(explainer: Explainer, spec: str, model: str, width: int | None = None, colors: bool = False) -> Iterator[str]:
    """Every slot of every layer, then what became of each rule. No line takes more than *width* columns as long as 60
    are there; what is too wide for them goes: the words of the quantizers into a legend, then the layers' fronts."""
    room = None if width is None else max(width, _LEAST)
    count = len(explainer.layers())
    yield from wrapped(printable(f"{spec} for {model}: {count} layers; positions are of {spec}"), room, rest=_INDENT)
    yield ""
    rows = [_Row("layer", "slot", "quantizer", "quantizer", "decided by")]
    rows += [row for call in explainer.all() for row in _rows(call, spec)]
    layer, slot, full, brief, by = (
        max(display_width(text) for text in column)
        for column in zip(*((row.layer, row.slot, row.quantizer, row.brief, row.by) for row in rows), strict=True)
    )
    fits = room is None or layer + slot + full + by + 3 * len(_GAP) <= room
    if room is not None and not fits:
        yield from _legend(explainer, room)
        layer = max(min(layer, room - slot - min(brief, _WIDEST_BRIEF) - by - 3 * len(_GAP)), _NARROWEST_LAYER)
    for number, row in enumerate(rows):
        short = row.brief if not row.by else cut(row.brief, _WIDEST_BRIEF)
        told = fitted(row.quantizer, full) if fits else short.ljust(min(brief, _WIDEST_BRIEF))
        line = cut(_GAP.join((fitted(row.layer, layer), row.slot.ljust(slot), told, row.by)).rstrip(), room)
        yield f"\x1b[1m{line}\x1b[0m" if colors and number == 0 else line
        indent = " " * (layer + len(_GAP)) + _INDENT
        for text in row.below:
            yield from wrapped(printable(text), room, indent, indent + _INDENT)
    yield from _effects(explainer, spec, room)


def _rows(call: CallExplanation, spec: str) -> Iterator[_Row]:
    name = printable(call.layer) + (f" (call {call.number} of {call.calls})" if call.calls > 1 else "")
    groups = _alike([slot for slot in call.slots if _is_shown(slot)])
    if not groups:
        yield _Row(name, "-", "", "", "")
    for slot, count in groups:
        told = f"{slot.slot.split('[')[0]} ({count} alike)" if count > 1 else slot.slot
        full, brief = words(slot.quantizer), "float" if slot.quantizer is None else slot.quantizer.name
        if slot.held:
            yield _Row(name, told, f"in {slot.held}", f"in {slot.held}", "")
        else:
            by = f"{decider(slot.origin)} {_short(slot.origin.span, spec)}".rstrip()
            below = _below(slot, spec) if count == 1 else _below(replace(slot, same_scale=()), spec)
            yield _Row(name, told, printable(full), printable(brief), printable(by), below)
        name = ""


def _is_shown(slot: SlotExplanation) -> bool:
    """An input that is read as it is given says nothing that the layer before has not said."""
    return not slot.slot.startswith("input") or bool(slot.said or slot.changes)


def _alike(slots: Sequence[SlotExplanation]) -> list[tuple[SlotExplanation, int]]:
    """The first of biases, of weights and of inner tensors that are alike, and how many there are."""
    found: dict[object, list[SlotExplanation]] = {}
    for slot in slots:
        kind = slot.slot.split("[")[0]
        alone = kind in ("input", "output", "state")
        key = slot.slot if alone else (kind, words(slot.quantizer), slot.origin, slot.said, slot.changes)
        found.setdefault(key, []).append(slot)
    return [(alike[0], len(alike)) for alike in found.values()]


def _short(span: Span | None, spec: str) -> str:
    """A position, without the path where that is of *spec* itself."""
    return place(span).removeprefix(f"{spec}:")


def _below(slot: SlotExplanation, spec: str) -> tuple[str, ...]:
    overridden = [
        f"over {each.quantizer.name if each.quantizer else 'float'} by {decider(each.origin)} "
        f"{_short(each.origin.span, spec)}"
        for each in slot.overridden
    ]
    more = len(slot.same_scale) - _MOST_SHARING
    shared = ", ".join(slot.same_scale[:_MOST_SHARING]) + (f" and {more} more" if more > 0 else "")
    return (*overridden, *slot.changes, *([f"one scale with {shared}"] if shared else []))


def _legend(explainer: Explainer, width: int) -> Iterator[str]:
    """The quantizers in effect, each with what it is."""
    found = {words(slot.quantizer): slot.quantizer for call in explainer.all() for slot in call.slots if slot.quantizer}
    names = max((display_width(quantizer.name) for quantizer in found.values()), default=0)
    for text, quantizer in found.items():
        head = f"{_GAP}{printable(quantizer.name).ljust(min(names, _WIDEST_BRIEF))}{_GAP}"
        yield from wrapped(printable(text.removeprefix(f"{quantizer.name}: ")), width, head, _INDENT * 2)
    yield ""


def _effects(explainer: Explainer, spec: str, width: int | None) -> Iterator[str]:
    rules = explainer.plan.rules
    longest = max((display_width(each.rule.name) for each in rules), default=0)
    for number, (each, told) in enumerate(zip(rules, explainer.effects(), strict=True)):
        if number == 0:
            yield ""
        head = f"rule {fitted(printable(each.rule.name), longest)}{_GAP}"
        yield from wrapped(printable(f"{told} ({_short(each.rule.span, spec)})"), width, head, _INDENT)


def layer(explainer: Explainer, path: str, width: int | None = None, colors: bool = False) -> Iterator[str]:
    """Each call of one layer in full: its slots, and what each rule does there, or why not."""
    room = None if width is None else max(width, _LEAST)
    for number, call in enumerate(explainer.layer(path)):
        if number:
            yield ""
        which = f", call {call.number} of {call.calls}" if call.calls > 1 else ""
        for line in wrapped(printable(f"{call.layer} ({call.class_name}){which}"), room, rest=_INDENT):
            yield f"\x1b[1m{line}\x1b[0m" if colors else line
        if call.fused:
            yield from _entry("", call.fused, room, depth=1)
        for slot in call.slots:
            yield ""
            yield from _slot(slot, room)
        yield ""
        yield from _rules(explainer.rules(path, call.number), room)


def _slot(slot: SlotExplanation, width: int | None) -> Iterator[str]:
    yield from wrapped(printable(f"{slot.slot} = {words(slot.quantizer)}"), width, _GAP, _INDENT * 2)
    where = place(slot.origin.span)
    if slot.origin.kind != "built_in":
        yield from _entry("decided by", f"{decider(slot.origin)} ({where})" if where else decider(slot.origin), width)
    for text in assigned_words(slot.overridden):
        yield from _entry("over", text, width)
    for text in slot.changes:
        yield from _entry("changed", text, width)
    if slot.same_scale:
        yield from _entry("one scale", f"with {', '.join(slot.same_scale)}", width)
    for text in slot.notes:
        yield from _entry("", text, width)


def _entry(word: str, text: str, width: int | None, depth: int = 2) -> Iterator[str]:
    start = _GAP * depth
    first = f"{start}{word:10}{_GAP}" if word else start
    yield from wrapped(printable(text), width, first, " " * len(first) if word else start + _GAP)


def _rules(rules: Sequence[RuleExplanation], width: int | None) -> Iterator[str]:
    if not rules:
        return
    name = max(display_width(printable(rule.name)) for rule in rules)
    outcome = max(len(rule.outcome) for rule in rules)
    for rule in rules:
        head = f"{_GAP}rule {fitted(printable(rule.name), name)}{_GAP}{rule.outcome:{outcome}}{_GAP}"
        text = f"{rule.reason} ({place(rule.place or rule.span)})"
        yield from wrapped(
            printable(text), width, head, " " * len(head) if width and len(head) < width // 2 else _INDENT
        )
