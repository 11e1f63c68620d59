"""QS401, for deployed targets; what the runtime itself does not take, the plan reports."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.lint.facts import Deployed, Facts
from qspec.plan.runtime import Refusals
from qspec.targets import Outcome, PlacedOp, Table, Verdict


def not_accepted(facts: Facts) -> Iterator[Diagnostic]:
    """An op that a deployed target does not take as planned, and that no host can run instead.

    ## Why it matters
    The file would not run on the target: it fails to load, or computes something else.

    ## Example
        quantizer a4 extends a8 { type = int4 }
        rule stem match Conv2D where index == 0 { output = a4 }

    The diagnostic shows the quantizer and the row of the target's table that rules it out. Choose one of the types that
    the row lists, or leave the layer in float with `all = float`.
    """
    for deployed in facts.deployed:
        refusals = Refusals(facts.plan)
        for placed in deployed.placement.ops:
            verdict, table = _answer(placed, deployed)
            if verdict is not None and table.name != "tflite" and verdict.outcome is Outcome.NOT_ACCEPTED:
                refusals.add(placed.op, verdict)
        yield from refusals.diagnostics(deployed.deploy.name)


def _answer(placed: PlacedOp, deployed: Deployed) -> tuple[Verdict | None, Table]:
    """The verdict of whoever would have to run the op, and that one's table."""
    if placed.accelerated:
        return None, deployed.table
    if deployed.table.host is None:
        return placed.verdict, deployed.table
    return placed.host, deployed.table.host
