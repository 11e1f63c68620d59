"""QS403"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import REFUSED_MODEL
from qspec.lint.facts import Deployed, Facts
from qspec.plan.places import Related, decided
from qspec.plan.runtime import listed, unverified
from qspec.targets import Outcome, PlacedOp, Reason


def refused_model(facts: Facts) -> Iterator[Diagnostic]:
    """A deployed target rejects the model as a whole."""
    for deployed in facts.deployed:
        name = deployed.deploy.name
        found: dict[Reason, list[PlacedOp]] = {reason: [] for reason in _of_the_model(deployed)}
        for placed in deployed.placement.ops:
            for reason in placed.verdict.reasons if placed.verdict.outcome is Outcome.REFUSED else ():
                found.setdefault(reason, []).append(placed)
        for reason, ops in found.items():
            doubts = dict.fromkeys(unverified(one.verdict) for one in ops if one.verdict.unverified is not None)
            where = listed(list(dict.fromkeys(f"{one.op.kind} of `{one.op.layer}`" for one in ops)))
            yield REFUSED_MODEL.at(
                deployed.deploy.span,
                f"`{name}` refuses the whole model: {f'{where}: ' if ops else ''}{reason.message}",
                related=((reason.span, f"{deployed.table.name} says so"), *_assigned(facts, reason)),
                help=reason.help or "; ".join(doubts),
                layer=ops[0].op.layer if ops else "",
                op=ops[0].op.kind if ops else "",
                target=name,
            )


def _assigned(facts: Facts, reason: Reason) -> Related:
    decision = facts.plan.decisions.get(reason.tensor) if reason.tensor is not None else None
    return () if decision is None else decided(decision.origin, "its quantizer is assigned here")


def _of_the_model(deployed: Deployed) -> tuple[Reason, ...]:
    """What speaks against the model as a whole, whatever its ops."""
    model = deployed.placement.model
    return model.reasons if model.outcome is Outcome.REFUSED else ()
