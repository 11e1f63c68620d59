"""QS401, for deployed targets; what the runtime itself does not take, the plan reports."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import NOT_ACCEPTED
from qspec.lint.facts import Deployed, Facts
from qspec.plan.runtime import Refusals
from qspec.targets import Outcome


def not_accepted(facts: Facts) -> Iterator[Diagnostic]:
    """An op that a deployed target does not take as planned, and that no host can run instead; or the whole model."""
    for deployed in facts.deployed:
        if model_not_accepted(deployed):
            messages = "; ".join(reason.message for reason in deployed.placement.model.reasons)
            yield NOT_ACCEPTED.at(
                deployed.deploy.span,
                f"`{deployed.deploy.name}` does not take the model: {messages}",
                related=tuple((reason.span, "its table says so") for reason in deployed.placement.model.reasons),
                target=deployed.deploy.name,
            )
        refusals = Refusals(facts.plan)
        for placed in deployed.placement.ops:
            verdict, table = deployed.last_answer(placed)
            if verdict is not None and table.name != "tflite" and verdict.outcome is Outcome.NOT_ACCEPTED:
                refusals.add(placed.op, verdict)
        yield from refusals.diagnostics(deployed.deploy.name, deployed.table.host or deployed.table)


def model_not_accepted(deployed: Deployed) -> bool:
    """Whether the target takes no part of the model, and nothing stands behind it."""
    return deployed.placement.model.outcome is Outcome.NOT_ACCEPTED
