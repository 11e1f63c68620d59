"""What `qspec explain SPEC --model M` tells of the layers of a model: a row for each slot, or for several alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from qspec.diagnostics import Span
from qspec.diagnostics.text import printable
from qspec.plan.explain import CallExplanation, Explainer, SlotExplanation
from qspec.plan.explain_words import decider, place, words
from qspec.schema.quantizer import Quantizer

_MOST_SHARING = 3  # slots that share a scale, named in the table


@dataclass(frozen=True, slots=True)
class Row:
    """A slot, or several alike: its name, its quantizer or which slot holds it instead (`by` is empty then), who
    decided that, and what is to be told below."""

    slot: str
    quantizer: str
    by: str
    below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableLayer:
    """A call of a layer, by its path."""

    name: str
    rows: tuple[Row, ...]


def table_layers(explainer: Explainer, spec: str, names: Mapping[str, str]) -> list[TableLayer]:
    """Each call; *names* says how a quantizer is called, by its words."""
    found = []
    for call in explainer.all():
        name = call.layer + (f" (call {call.number} of {call.calls})" if call.calls > 1 else "")
        found.append(TableLayer(printable(name), tuple(_rows(call, spec, names)) or (Row("-", "", ""),)))
    return found


def _rows(call: CallExplanation, spec: str, names: Mapping[str, str]) -> Iterator[Row]:
    shown = _shown(call)
    for alike in _alike(shown):
        slot = alike[0]
        told = printable(slot.slot if len(alike) == 1 else _named_together(alike, shown))
        if slot.held:
            yield Row(told, printable(f"in {slot.held}"), "")
            continue
        full, by = words(slot.quantizer), f"{decider(slot.origin)} {short_place(slot.origin.span, spec)}".rstrip()
        below = _below(slot if len(alike) == 1 else replace(slot, same_scale=()), spec)
        yield Row(told, printable(names.get(full, full)), printable(by), tuple(map(printable, below)))


def _shown(call: CallExplanation) -> list[SlotExplanation]:
    """An input that is read as it is given says nothing that the layer before has not said."""
    return [slot for slot in call.slots if slot.kind != "input" or slot.said or slot.changes or slot.casts]


def _alike(slots: Sequence[SlotExplanation]) -> list[list[SlotExplanation]]:
    """The biases, the weights and the inner tensors that are alike together, the other slots alone."""
    found: dict[object, list[SlotExplanation]] = {}
    for slot in slots:
        alone = slot.kind in ("input", "output", "state")
        told = (slot.kind, words(slot.quantizer), slot.origin, slot.range_by, slot.said, slot.changes, slot.casts)
        found.setdefault(slot.slot if alone else told, []).append(slot)
    return list(found.values())


def _named_together(alike: Sequence[SlotExplanation], slots: Sequence[SlotExplanation]) -> str:
    """Several slots by the word for all of them, where there is one: `bias`, `weights["kernel"]` for its parts."""
    first = alike[0]
    stem = first.slot.split('"]')[0].split(".")[0].split("/")[0]
    for word, meant in (
        (first.kind, [slot for slot in slots if slot.kind == first.kind]),
        (f'{stem}"]', [slot for slot in slots if slot.slot.startswith((f'{stem}"', f"{stem}.", f"{stem}/"))]),
    ):
        if meant == list(alike):
            return f"{word} ({len(alike)} alike)"
    return f"{first.slot} and {len(alike) - 1} alike"


def short_place(span: Span | None, spec: str) -> str:
    """A position, without the path where that is of *spec* itself."""
    return place(span).removeprefix(f"{spec}:")


def _below(slot: SlotExplanation, spec: str) -> Iterator[str]:
    if slot.range_by is not None:
        yield f"range by {decider(slot.range_by)} {short_place(slot.range_by.span, spec)}"
    for each in slot.overridden:
        yield f"over {each.name} by {decider(each.origin)} {short_place(each.origin.span, spec)}"
    yield from slot.changes
    yield from slot.casts
    if slot.same_scale:
        more = len(slot.same_scale) - _MOST_SHARING
        yield f"one scale with {', '.join(slot.same_scale[:_MOST_SHARING])}" + (f" and {more} more" if more > 0 else "")


def shown_quantizers(explainer: Explainer) -> Iterator[Quantizer]:
    for call in explainer.all():
        for slot in _shown(call):
            if slot.quantizer is not None and not slot.held:
                yield slot.quantizer
