"""A spec as plain data, every name looked up and every default filled in. `document_models` says what it looks like."""

from __future__ import annotations

from typing import Any

from qspec.diagnostics import Span
from qspec.schema.quantizer import Quantizer, Range
from qspec.schema.spec import Boundary, Deploy, Rule, SlotAssignment, Spec
from qspec.syntax import tree
from qspec.syntax.lexer import END, NEWLINE, lex
from qspec.syntax.machine import machine

VERSION = 1
"""Rises when a field changes its meaning or goes away."""


def spec_document(spec: Spec) -> dict[str, Any]:
    """*spec* as JSON has it, imports in place. Patterns and conditions stand as they are written, in one line."""
    return {
        "version": VERSION,
        "path": spec.path,
        "files": list(spec.sources),
        "quantizers": [_quantizer(one) for one in spec.quantizers.values()],
        "patterns": [{"name": name, "pattern": _text(one.pattern)} for name, one in spec.patterns.items()],
        "layer_classes": [{"name": one.name, "like": one.like} for one in spec.layer_classes],
        "targets": [{"name": one.name, "title": one.title} for one in spec.targets.values()],
        "deploys": [_deploy(one) for one in spec.deploys],
        "inputs": [_boundary(one) for one in spec.inputs],
        "outputs": [_boundary(one) for one in spec.outputs],
        "default": [_assignment(one) for one in spec.default],
        "rules": [_rule(one) for one in spec.rules],
        "calibrate": {name: getattr(spec.calibrate, name) for name in ("samples", "batch", "seed")},
        "train": _train(spec),
        "requirements": [
            {"condition": _text(one.condition), "reason": one.reason or None, "place": _place(one.span)}
            for one in spec.requirements
        ],
    }


def _quantizer(quantizer: Quantizer) -> dict[str, Any]:
    return {
        "name": quantizer.name,
        "type": quantizer.type,
        "scheme": quantizer.scheme,
        "granularity": quantizer.granularity,
        "block_size": quantizer.block_size,
        "range": _range(quantizer.range),
        "narrow": quantizer.narrow,
        "rounding": quantizer.rounding,
        "place": _place(quantizer.span),
    }


def _range(found: Range) -> dict[str, Any]:
    return {"method": found.method, "arguments": list(found.arguments)}


def _deploy(deploy: Deploy) -> dict[str, Any]:
    return {
        "name": deploy.name,
        "target": deploy.target.name,
        "options": dict(deploy.options),
        "place": _place(deploy.span),
    }


def _boundary(boundary: Boundary) -> dict[str, Any]:
    return {
        "name": boundary.key,
        "type": boundary.type,
        "range": None if boundary.range is None else _range(boundary.range),
        "batch": boundary.batch,
        "place": _place(boundary.span),
    }


def _assignment(assignment: SlotAssignment) -> dict[str, Any]:
    slot, quantizer = assignment.slot, assignment.quantizer
    return {
        "part": slot.part,
        "slot": slot.kind,
        "key": slot.key,
        "quantizer": None if quantizer is None else _quantizer(quantizer),
        "place": _place(assignment.span),
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "pattern": _text(rule.pattern),
        "where": None if rule.where is None else _text(rule.where),
        "assignments": [_assignment(one) for one in rule.assignments],
        "place": _place(rule.span),
    }


def _train(spec: Spec) -> dict[str, Any]:
    freeze = spec.train.freeze_ranges_after
    moment = None if freeze is None else {"unit": freeze[0], "count": freeze[1]}
    return {"batch_norm": spec.train.batch_norm, "freeze_ranges_after": moment}


def _place(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    line, column = span.source.position(span.start)
    return {"path": span.source.path, "line": line, "column": column}


def _text(node: tree.Expression | tree.Pattern) -> str:
    """What is written, in one line and without comments."""
    written = node.span.source.text[node.span.start : node.span.end]
    parts: list[str] = []
    behind = 0
    for kind, start, end in lex(written, machine()[1]):
        if kind not in (NEWLINE, END):
            parts += [" "] * (start > behind > 0) + [written[start:end]]
            behind = end
    return "".join(parts)
