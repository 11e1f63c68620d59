"""Who decided what in one layer, for people: its slots in full, and what each rule does there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qspec.cli.columns import wrapped
from qspec.cli.explain_table import GAP, INDENT, LEAST
from qspec.diagnostics.text import bold, display_width, padded, printable
from qspec.plan.explain import Explainer, SlotExplanation
from qspec.plan.explain_rules import RuleExplanation
from qspec.plan.explain_words import assigned_words, decider, place, words
from qspec.plan.plan import Origin


def layer(explainer: Explainer, path: str, width: int | None = None, colors: bool = False) -> Iterator[str]:
    """Each call of one layer in full: its slots, and what each rule does there, or why not."""
    room = None if width is None else max(width, LEAST)
    for number, call in enumerate(explainer.layer(path)):
        if number:
            yield ""
        which = f", call {call.number} of {call.calls}" if call.calls > 1 else ""
        for line in wrapped(printable(f"{call.layer} ({call.class_name}){which}"), room, rest=INDENT):
            yield bold(line, colors)
        if call.fused:
            yield from _entry("", call.fused, room, depth=1)
        for slot in call.slots:
            yield ""
            yield from _slot(slot, room)
        yield ""
        yield from _rules(explainer.rules(path, call.number), room)


def _slot(slot: SlotExplanation, width: int | None) -> Iterator[str]:
    yield from wrapped(printable(f"{slot.slot} = {words(slot.quantizer)}"), width, GAP, INDENT * 2)
    if slot.origin.kind != "built_in":
        yield from _entry("decided by", _decided(slot.origin), width)
    if slot.range_by is not None:
        yield from _entry("range by", _decided(slot.range_by), width)
    for text in assigned_words(slot.overridden):
        yield from _entry("over", text, width)
    for text in slot.changes:
        yield from _entry("changed", text, width)
    for text in slot.casts:
        yield from _entry("read", text, width)
    if slot.same_scale:
        yield from _entry("one scale", f"with {', '.join(slot.same_scale)}", width)
    for text in slot.notes:
        yield from _entry("", text, width)


def _decided(origin: Origin) -> str:
    where = place(origin.span)
    return f"{decider(origin)} ({where})" if where else decider(origin)


def _entry(word: str, text: str, width: int | None, depth: int = 2) -> Iterator[str]:
    start = GAP * depth
    first = f"{start}{word:10}{GAP}" if word else start
    yield from wrapped(printable(text), width, first, " " * len(first) if word else start + GAP)


def _rules(rules: Sequence[RuleExplanation], width: int | None) -> Iterator[str]:
    if not rules:
        return
    name = max(display_width(printable(rule.name)) for rule in rules)
    outcome = max(len(rule.outcome) for rule in rules)
    for rule in rules:
        head = f"{GAP}rule {padded(printable(rule.name), name)}{GAP}{rule.outcome:{outcome}}{GAP}"
        text = f"{rule.reason} ({place(rule.place or rule.span)})"
        yield from wrapped(
            printable(text), width, head, " " * len(head) if width and len(head) < width // 2 else INDENT
        )
