"""QS402"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import LEFT_TO_HOST
from qspec.lint.facts import Deployed, Facts
from qspec.plan.runtime import listed, unverified
from qspec.targets import PlacedOp, Reason


def left_to_host(facts: Facts) -> Iterator[Diagnostic]:
    """A quantizer that a rule assigned keeps an op off the accelerator.

    ## Why it matters
    The op runs on the host, slower, and on some accelerators everything behind it does so too. The quantizer was
    written for these layers in particular, so the price may not be known. What `default` brings, or what the
    accelerator takes in no type at all, is listed in the placement and not reported.

    ## Example
        deploy edgetpu as coral
        rule wide match Conv2D where index == 0 { output = a16 }

    Give the layer a quantizer that the target's row lists, or accept it with `# qspec: ignore[QS402]`.
    """
    for deployed in facts.deployed:
        found: dict[Span, tuple[PlacedOp, Reason, dict[str, None]]] = {}
        for placed in deployed.placement.ops:
            for reason in () if placed.accelerated else placed.verdict.reasons:
                span = _assigned_by_rule(facts, reason)
                if span is not None:
                    ops = found.setdefault(span, (placed, reason, {}))[2]
                    ops[f"{placed.op.kind} of `{placed.op.layer}`"] = None
        for span, (placed, reason, ops) in found.items():
            yield _diagnostic(deployed, span, placed, reason, list(ops))


def _assigned_by_rule(facts: Facts, reason: Reason) -> Span | None:
    decision = facts.plan.decisions.get(reason.tensor) if reason.tensor is not None else None
    return decision.origin.span if decision is not None and decision.origin.kind == "rule" else None


def _diagnostic(deployed: Deployed, span: Span, placed: PlacedOp, reason: Reason, ops: list[str]) -> Diagnostic:
    name = deployed.deploy.name
    # What the host does not run either is an error of its own.
    what = f"leaves {ops[0]} to the host" if placed.runs else f"does not take {ops[0]}"
    return LEFT_TO_HOST.at(
        span,
        f"`{name}` {what}: {reason.message}",
        label=f"and {listed(ops[1:])}" if ops[1:] else "",
        related=((reason.span, f"what {deployed.table.name} takes"),),
        help=unverified(placed.verdict) if placed.verdict.unverified is not None else "",
        layer=placed.op.layer,
        op=placed.op.kind,
        target=name,
    )
