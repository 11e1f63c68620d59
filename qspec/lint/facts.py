"""What lint rules look at: the spec, the plan, and where each deployed target runs its ops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from qspec.diagnostics import Diagnostic
from qspec.plan.plan import Plan
from qspec.plan.representation import representation, same_scale
from qspec.schema.spec import Deploy, Spec
from qspec.targets import Judge, PlacedOp, Placement, Table, Verdict, place


@dataclass(frozen=True)
class Deployed:
    """One `deploy` and where it puts the model's ops."""

    deploy: Deploy
    table: Table
    placement: Placement

    def last_answer(self, placed: PlacedOp) -> tuple[Verdict | None, Table]:
        """The verdict of whoever would have to run the op, None if the target does, and that one's table."""
        if placed.accelerated:
            return None, self.table
        if self.table.host is None:
            return placed.verdict, self.table
        return placed.host, self.table.host


@dataclass(frozen=True)
class Facts:
    """A spec held against a model: what was decided, and what the deployed targets make of it."""

    spec: Spec
    plan: Plan
    deployed: tuple[Deployed, ...]

    @cached_property
    def size(self) -> int | None:
        """The predicted bytes of the file; None where none can be written."""
        from qspec.plan.file_size import predicted_size  # takes milliseconds, and few specs ask

        return predicted_size(self.plan)


Lint = Callable[[Facts], Iterator[Diagnostic]]


def gather(spec: Spec, plan: Plan) -> Facts:
    """Place the plan's ops on every deployed target."""
    stored = representation(plan)
    judge = Judge(plan.ops, stored, same_scale=same_scale(plan))
    deployed = []
    for deploy in spec.deploys:
        table = Table(deploy.target, deploy.options)
        deployed.append(Deployed(deploy, table, place(table, plan.ops, stored, judge=judge)))
    return Facts(spec, plan, tuple(deployed))
