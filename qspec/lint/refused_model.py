"""QS403"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import REFUSED_MODEL
from qspec.lint.facts import Deployed, Facts
from qspec.plan.places import Related, decided
from qspec.plan.runtime import unverified
from qspec.schema.names import a_few
from qspec.targets import Outcome, PlacedOp, Reason

_MOST_PLACES = 3  # of quantizers, for one reason


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
            where = a_few(list(dict.fromkeys(f"{one.op.kind} of `{one.op.layer}`" for one in ops)))
            yield REFUSED_MODEL.at(
                deployed.deploy.span,
                f"`{name}` refuses the whole model: {f'{where}: ' if ops else ''}{reason.message}",
                related=((reason.span, f"{deployed.table.name} says so"), *_assigned(facts, reason, ops)),
                help=reason.help or "; ".join(doubts),
                layer=ops[0].op.layer if ops else "",
                op=ops[0].op.kind if ops else "",
                target=name,
            )


def _assigned(facts: Facts, reason: Reason, ops: Sequence[PlacedOp]) -> Related:
    """Where the operands that are the reason have their quantizers from: of several ops, the first such places."""
    causes = (reason.cause(placed.op) for placed in ops)
    decisions = (facts.plan.decisions.get(tensor) for tensor in causes if tensor is not None)
    places = (decided(one.origin, "its quantizer is assigned here") for one in decisions if one is not None)
    return tuple(dict.fromkeys(place for each in places for place in each))[:_MOST_PLACES]


def _of_the_model(deployed: Deployed) -> tuple[Reason, ...]:
    """What speaks against the model as a whole, whatever its ops."""
    model = deployed.placement.model
    return model.reasons if model.outcome is Outcome.REFUSED else ()
