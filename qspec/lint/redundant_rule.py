"""QS311"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qspec.diagnostics import Diagnostic, Severity, Span
from qspec.diagnostics.catalogue import REDUNDANT_RULE
from qspec.lint.facts import Facts
from qspec.plan.cascade import AppliedRule
from qspec.plan.plan import Assigned, Plan
from qspec.plan.quantizers import same_quantizer
from qspec.plan.slots import Target

_MOST_PLACES = 3


def redundant_rule(facts: Facts) -> Iterator[Diagnostic]:
    """A rule changes nothing: `default` or earlier rules gave the same to the same tensors.

    Not asked of a rule that later ones override (QS302), nor where the plan has an error: what only a rule may assign,
    and `default` may not, is one.
    """
    plan = facts.plan
    if any(diagnostic.severity is Severity.ERROR for diagnostic in plan.diagnostics):
        return
    for applied in plan.rules:
        said = [found for target in applied.targets if (found := _said(plan, target))]
        if not any(found[-1].origin.rule == applied.rule.name for found in said):
            continue
        before = [_before(applied, found) for found in said]
        if all(before):
            yield _reported(applied, dict.fromkeys(one for one in before if one is not None))


def _said(plan: Plan, target: Target) -> Sequence[Assigned]:
    """All that was assigned to a tensor, or to the reading of one, in order."""
    if not isinstance(target, int):
        return plan.said_of_inputs.get(target, ())
    decision = plan.decisions.get(target)
    return () if decision is None else decision.said


def _before(applied: AppliedRule, said: Sequence[Assigned]) -> Assigned | None:
    """What was assigned before the rule assigned the same; None if the rule made a difference."""
    own = [number for number, one in enumerate(said) if one.origin.rule == applied.rule.name]
    if not own or not own[0] or not same_quantizer(said[own[0] - 1].quantizer, said[own[-1]].quantizer):
        return None
    return said[own[0] - 1]


def _reported(applied: AppliedRule, before: Iterable[Assigned]) -> Diagnostic:
    related: list[tuple[Span, str]] = [
        (one.origin.span, f"rule `{one.origin.rule}` assigns it" if one.origin.rule else "`default` assigns it")
        for one in before
        if one.origin.span is not None
    ]
    return REDUNDANT_RULE.at(
        applied.rule.span,
        f"rule `{applied.rule.name}` changes nothing: all that it assigns is so without it",
        related=tuple(related[:_MOST_PLACES]),
        help="remove it, or change what it assigns",
    )
