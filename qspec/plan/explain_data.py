"""Explanations as plain data: the public contract of `qspec explain SPEC --format json` and of `Report.explain`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qspec.diagnostics import Span
from qspec.plan.explain import CallExplanation, Explainer, SlotExplanation
from qspec.plan.explain_rules import RuleExplanation
from qspec.plan.plan import Assigned, Origin
from qspec.schema.quantizer import Quantizer


def explanations(explainer: Explainer, layer: str | None = None) -> list[dict[str, Any]]:
    """Every call in execution order, or those of one *layer*, then with what each rule does there.

    An entry has `layer`, `class`, `call` and `calls` (1 of 2), `fused` (a sentence, or None), `slots` and, for one
    layer, `rules`.
    """
    calls: Iterable[CallExplanation] = explainer.all() if layer is None else explainer.layer(layer)
    return [
        {
            "layer": each.layer,
            "class": each.class_name,
            "call": each.number,
            "calls": each.calls,
            "fused": each.fused or None,
            "slots": [_slot(slot) for slot in each.slots],
            **({} if layer is None else {"rules": [_rule(rule) for rule in explainer.rules(layer, each.number)]}),
        }
        for each in calls
    ]


def _slot(slot: SlotExplanation) -> dict[str, Any]:
    """`quantizer` None is float; `overrides` is what was said and is not in effect, `default` first; `changes` what
    constraints made of it; `same_scale` the slots that share its scale; `held` the slot that holds the value of one
    without a tensor."""
    return {
        "slot": slot.slot,
        "quantizer": None if slot.quantizer is None else _quantizer(slot.quantizer),
        **_origin(slot.origin),
        "overrides": [_assigned(each) for each in slot.overridden],
        "changes": list(slot.changes),
        "same_scale": list(slot.same_scale),
        "notes": list(slot.notes),
        "held": slot.held or None,
    }


def _quantizer(quantizer: Quantizer) -> dict[str, Any]:
    return {
        "name": quantizer.name,
        "type": quantizer.type,
        "scheme": None if quantizer.is_float else quantizer.scheme,
        "granularity": None if quantizer.is_float else quantizer.granularity,
        "block_size": quantizer.block_size,
        "range": {"method": quantizer.range.method, "arguments": list(quantizer.range.arguments)},
        "narrow": quantizer.narrow,
        "rounding": quantizer.rounding,
    }


def _assigned(assigned: Assigned) -> dict[str, Any]:
    return {"quantizer": assigned.quantizer.name if assigned.quantizer else None, **_origin(assigned.origin)}


def _origin(origin: Origin) -> dict[str, Any]:
    """As in the `plan` of `qspec check --format json`."""
    return {"origin": origin.kind, "rule": origin.rule or None, **_place(origin.span)}


def _rule(rule: RuleExplanation) -> dict[str, Any]:
    """The place is what the reason speaks of, else the rule's name."""
    return {"rule": rule.name, "outcome": rule.outcome, "reason": rule.reason, **_place(rule.place or rule.span)}


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {"path": None, "line": None, "column": None}
    line, column = span.source.position(span.start)
    return {"path": span.source.path, "line": line, "column": column}
