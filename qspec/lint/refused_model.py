"""QS403"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import REFUSED_MODEL
from qspec.graph.operands import operand_name
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
                related=((reason.span, f"{deployed.table.name} says so"), *_assigned(facts, reason, ops)),
                help=reason.help or "; ".join(doubts),
                layer=ops[0].op.layer if ops else "",
                op=ops[0].op.kind if ops else "",
                target=name,
            )


def _assigned(facts: Facts, reason: Reason, ops: Sequence[PlacedOp]) -> Related:
    """Where the operand that is the reason has its quantizer from; of several ops, of the first."""
    tensors = [] if reason.tensor is None else [reason.tensor]
    if not tensors and ops and reason.operand:
        op = ops[0].op
        named = {operand_name(op.kind, position): tensor for position, tensor in enumerate(op.inputs)}
        tensors = [{**named, "output": op.outputs[0]}.get(reason.operand, -1)]
    decisions = (facts.plan.decisions.get(tensor) for tensor in tensors)
    return next((decided(one.origin, "its quantizer is assigned here") for one in decisions if one is not None), ())


def _of_the_model(deployed: Deployed) -> tuple[Reason, ...]:
    """What speaks against the model as a whole, whatever its ops."""
    model = deployed.placement.model
    return model.reasons if model.outcome is Outcome.REFUSED else ()
