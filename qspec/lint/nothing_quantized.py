"""QS309"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import NOTHING_QUANTIZED
from qspec.lint.facts import Facts
from qspec.schema.spec import SlotAssignment, Spec

_MOST_PLACES = 3


def nothing_quantized(facts: Facts) -> Iterator[Diagnostic]:
    """No layer of the model gets a quantizer."""
    spec = facts.spec
    if any(assignment.slot.kind == "all" for assignment in spec.default) or _quantizes(facts):
        return
    if _assigning(spec):
        message = "nothing is quantized: what `default` and the rules assign reaches no layer of the model"
        hint = "look at the classes and conditions of the rules; `qspec inspect` lists the model's layers"
    else:
        message = "nothing is quantized: no `default` and no rule assigns a quantizer"
        hint = 'for 8 bits, `import "std/int8.qspec"` and `default { weights = w8, output = a8 }`'
    related = tuple((one.span, "this reaches no layer") for one in _assigning(spec))[:_MOST_PLACES]
    yield NOTHING_QUANTIZED.at(_first_line(spec), message, help=hint, related=related)


def _first_line(spec: Spec) -> Span:
    """Of the first statement in the main file, where a comment can suppress the warning."""
    first = next((span for span in spec.statements if span.source is spec.span.source), spec.span)
    text = first.source.text
    end = text.find("\n", first.start, first.end)
    return Span(first.source, first.start, first.end if end < 0 else end)


def _quantizes(facts: Facts) -> bool:
    """Whether a quantizer that `default` or a rule assigns is decided for any tensor."""
    return any(
        decision.quantizer is not None and decision.origin.kind in ("default", "rule")
        for decision in facts.plan.decisions.values()
    )


def _assigning(spec: Spec) -> list[SlotAssignment]:
    """The assignments of quantizers, wherever they may reach."""
    assignments = (*spec.default, *(assignment for rule in spec.rules for assignment in rule.assignments))
    return [one for one in assignments if one.quantizer is not None and not one.quantizer.is_float]
