"""What the plan of a model says of rules and layers, for who hovers over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qspec.diagnostics import Diagnostic, Span
from qspec.graph.layers import Call
from qspec.plan.conditions import select
from qspec.plan.explain import Explainer, SlotExplanation
from qspec.plan.index import LayerIndex
from qspec.plan.layer_attributes import Attributes
from qspec.plan.patterns import find
from qspec.plan.plan import Plan
from qspec.plan.program import compile_pattern
from qspec.schema.spec import Rule


@dataclass(frozen=True)
class Matched:
    """The layers in which each match of a rule begins, and how many matches its condition left out."""

    first: tuple[Call, ...]
    left_out: int


def matched(plan: Plan, rule: Rule) -> Matched | None:
    """What *rule* matches in the model of *plan*; None if its pattern cannot be matched."""
    program = compile_pattern(rule.pattern, plan.spec.patterns)
    if isinstance(program, Diagnostic):
        return None
    index = LayerIndex(plan.layers)
    found = find(program, index)
    selected = select(rule.where, program, found.matches, Attributes(index, plan.predicted))
    return Matched(tuple(match.calls[0] for match in selected.matches), len(found.matches) - len(selected.matches))


def decided_by(plan: Plan, value: Span) -> list[str]:
    """The slots, each with its layer, that the value assigned at *value* has the last word on."""
    return [name for name, slot in _slots(plan) if slot.origin.span and _place(slot.origin.span) == _place(value)]


def slots_with(plan: Plan, quantizer: str) -> list[str]:
    """The slots, each with its layer, that have the quantizer of that name."""
    return [name for name, slot in _slots(plan) if slot.quantizer is not None and slot.quantizer.name == quantizer]


def _slots(plan: Plan) -> Iterator[tuple[str, SlotExplanation]]:
    """The slots of every call that have a tensor, as `qspec explain` has them; what enters a call only where an `input`
    slot spoke of it, as otherwise it is another call's output."""
    for call in Explainer(plan).all():
        number = f" (call {call.number})" if call.calls > 1 else ""
        for slot in call.slots:
            if not slot.held and (slot.said or slot.kind != "input"):
                yield f"{call.layer}{number}: {slot.slot}", slot


def _place(span: Span) -> tuple[str, int, int]:
    return span.source.path, span.start, span.end
