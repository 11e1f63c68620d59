"""What the plan of a model says of rules and layers, for who hovers over them."""

from __future__ import annotations

from dataclasses import dataclass

from qspec.diagnostics import Diagnostic, Span
from qspec.graph.layers import Call
from qspec.plan.conditions import select
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
    paths = {call.index: call.layer.path for call in plan.layers.calls}
    found: dict[str, None] = {}
    for slot in sorted(plan.ops.slots, key=lambda slot: (slot.call, slot.kind, str(slot.key))):
        decision = plan.decision(slot)
        span = None if decision is None else decision.origin.span
        if span is not None and _place(span) == _place(value):
            found[f"{paths[slot.call]}: {slot}"] = None
    return list(found)


def tensors_with(plan: Plan, quantizer: str) -> int:
    """How many tensors have the quantizer of that name."""
    found = (decision.quantizer for decision in plan.decisions.values())
    return sum(one is not None and one.name == quantizer for one in found)


def _place(span: Span) -> tuple[str, int, int]:
    return span.source.path, span.start, span.end
