"""QS404"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import TARGET_WARNING
from qspec.lint.facts import Facts
from qspec.lint.memory import UNTOLD, too_much
from qspec.plan.runtime import unverified
from qspec.targets import Reason


def target_warning(facts: Facts) -> Iterator[Diagnostic]:
    """A target takes an op and computes it wrong, or will not take it for much longer; or it has to hold more
    parameters than it can, and its table does not say what then happens.
    """
    for deployed in facts.deployed:
        name = deployed.deploy.name
        if excess := too_much(deployed):
            yield TARGET_WARNING.at(deployed.deploy.span, f"`{name}`: {excess}", help=UNTOLD, target=name)
        found: dict[Reason, dict[str, None]] = {reason: {} for reason in deployed.placement.model.warnings}
        doubts: dict[Reason, str] = {}
        for placed in deployed.placement.ops:
            # Of what the runtime itself does, the plan warns.
            accelerated = placed.accelerated and deployed.table.name != "tflite"
            for warning in placed.verdict.warnings if accelerated else ():
                found.setdefault(warning, {})[f"{placed.op.kind} of `{placed.op.layer}`"] = None
                if placed.verdict.unverified is not None:
                    doubts[warning] = unverified(placed.verdict)
        for warning, ops in found.items():
            where = f"{next(iter(ops))}{f' and {len(ops) - 1} more' if len(ops) > 1 else ''}: " if ops else ""
            yield TARGET_WARNING.at(
                deployed.deploy.span,
                f"`{name}` on {where}{warning.message}" if where else f"`{name}`: {warning.message}",
                related=((warning.span, "the table warns here"),),
                help=doubts.get(warning, ""),
                target=name,
            )
