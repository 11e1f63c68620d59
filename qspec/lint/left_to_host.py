"""QS402"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from qspec.diagnostics import Diagnostic, Severity, Span
from qspec.diagnostics.catalogue import LEFT_TO_HOST
from qspec.graph.ops import Op
from qspec.lint.facts import Deployed, Facts
from qspec.lint.nothing_quantized import nothing_quantized
from qspec.lint.placement_text import kinds_text
from qspec.plan.places import defined
from qspec.plan.plan import Decision
from qspec.plan.runtime import unverified
from qspec.schema.names import a_few
from qspec.targets import Outcome, PlacedOp, Reason

_MOST_ROWS = 3


def left_to_host(facts: Facts) -> Iterator[Diagnostic]:
    """A quantizer keeps an op off the accelerator; or the accelerator takes no op at all, whatever the reason."""
    for deployed in facts.deployed:
        found: dict[Span, tuple[PlacedOp, Reason, dict[str, None]]] = {}
        general: list[tuple[PlacedOp, Reason, Span]] = []
        for placed in deployed.placement.ops:
            reasons = _of_operands(placed)
            by_rule = [(reason, span) for reason in reasons if (span := assigned_by(facts, placed.op, reason, "rule"))]
            for reason, span in by_rule:
                ops = found.setdefault(span, (placed, reason, {}))[2]
                ops[f"{placed.op.kind} of `{placed.op.layer}`"] = None
            if placed.runs and not placed.edge and not by_rule:  # the types at the edges are not `default`'s
                by_default = ((reason, assigned_by(facts, placed.op, reason, "default")) for reason in reasons)
                general += [(placed, reason, span) for reason, span in by_default if span is not None][:1]
        for span, (placed, reason, ops) in found.items():
            yield _diagnostic(facts, deployed, span, placed, reason, list(ops))
        if deployed.placement.refused:
            continue
        if general:
            yield _by_default(deployed, general)
        elif not found and _is_idle(deployed) and not any(nothing_quantized(facts)):
            yield _idle(deployed)


def _of_operands(placed: PlacedOp) -> Sequence[Reason]:
    """What keeps an op off, one by one; that the whole model is refused because of it, another rule says."""
    refused = placed.verdict.outcome is Outcome.REFUSED
    return () if placed.accelerated or refused else placed.verdict.reasons


def assigned_by(facts: Facts, op: Op, reason: Reason, kind: str) -> Span | None:
    """The quantizer that is the reason against *op*, as it stands in the spec, if a block of that kind assigned it."""
    decision = _decision(facts, op, reason)
    if decision is None or decision.origin.kind != kind or (kind == "default" and decision.quantizer is None):
        return None
    return decision.origin.span


def _decision(facts: Facts, op: Op, reason: Reason) -> Decision | None:
    tensor = reason.cause(op)
    return None if tensor is None else facts.plan.decisions.get(tensor)


def _is_idle(deployed: Deployed) -> bool:
    """Whether a target with a host behind it takes none of the ops."""
    ops = deployed.placement.ops
    return deployed.table.host is not None and bool(ops) and not any(placed.accelerated for placed in ops)


def _idle(deployed: Deployed) -> Diagnostic:
    name, kinds = deployed.deploy.name, Counter(placed.op.kind for placed in deployed.placement.ops)
    rows = {reason.span: None for placed in deployed.placement.ops for reason in placed.why}
    return LEFT_TO_HOST.at(
        deployed.deploy.span,
        f"`{name}` takes no op of the model: it leaves {kinds_text(kinds)} to the host",
        related=tuple((row, "its table says so") for row in list(rows)[:_MOST_ROWS]),
        help="the placement says why",
        target=name,
    )


def _by_default(deployed: Deployed, general: Sequence[tuple[PlacedOp, Reason, Span]]) -> Diagnostic:
    """One note for all ops that quantizers of `default` keep off: how many, of which kinds, and the first reasons. A
    warning if the target takes no op at all."""
    kinds, idle = Counter(placed.op.kind for placed, _, _ in general), _is_idle(deployed)
    takes = "takes no op of the model: it " if idle else ""
    placed, reason, span = general[0]
    rows = {reason.span: None for _, reason, _ in general}
    return LEFT_TO_HOST.at(
        span,
        f"`{deployed.deploy.name}` {takes}leaves {kinds_text(kinds)} to the host, because of what `default` assigns: "
        f"{reason.message}",
        severity=Severity.WARNING if idle else Severity.NOTE,
        related=tuple((row, f"what {deployed.table.name} takes") for row in list(rows)[:_MOST_ROWS]),
        help="the placement lists them all; a quantizer that the rows take keeps them on the accelerator",
        layer=placed.op.layer,
        op=placed.op.kind,
        target=deployed.deploy.name,
    )


def _diagnostic(
    facts: Facts, deployed: Deployed, span: Span, placed: PlacedOp, reason: Reason, ops: list[str]
) -> Diagnostic:
    name = deployed.deploy.name
    decision = _decision(facts, placed.op, reason)
    definition = defined(decision.quantizer, span) if decision is not None else ()
    # What the host does not run either is an error of its own.
    what = f"leaves {ops[0]} to the host" if placed.runs else f"does not take {ops[0]}"
    return LEFT_TO_HOST.at(
        span,
        f"`{name}` {what}: {reason.message}",
        label=f"and {a_few(ops[1:])}" if ops[1:] else "",
        related=((reason.span, f"what {deployed.table.name} takes"), *definition),
        help=unverified(placed.verdict) if placed.verdict.unverified is not None else "",
        layer=placed.op.layer,
        op=placed.op.kind,
        target=name,
    )
