"""Explanations as plain data: the public contract of `qspec explain SPEC --format json` and of `Report.explain`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qspec.diagnostics import Span
from qspec.plan.ends import ends
from qspec.plan.explain import CallExplanation, Explainer, SlotExplanation
from qspec.plan.explain_rules import RuleExplanation
from qspec.plan.plan import Assigned, Origin, Plan
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


def file_ends(plan: Plan) -> list[dict[str, Any]]:
    """The file's inputs, then its outputs: the `type` there, the one `inside` the model, and who decided the former."""
    return [
        {"side": end.side, "name": end.name, "type": end.type, "inside": end.inside, **_origin(end.origin)}
        for end in ends(plan)
    ]


def _slot(slot: SlotExplanation) -> dict[str, Any]:
    """`quantizer` None is float; `range_by` is who decided its range, if that is another; `overrides` what was said and
    is not in effect, `default` first; `changes` what constraints made of it; `casts` what is made of it for ops of the
    layer; `same_scale` the slots that share its scale; `held` the slot that holds the value of one without a tensor."""
    return {
        "slot": slot.slot,
        "quantizer": None if slot.quantizer is None else _quantizer(slot.quantizer),
        **_origin(slot.origin),
        "range_by": None if slot.range_by is None else _origin(slot.range_by),
        "overrides": [_assigned(each) for each in slot.overridden],
        "changes": list(slot.changes),
        "casts": list(slot.casts),
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
