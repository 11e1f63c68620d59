"""Scales below which LiteRT's kernels end the process, because those of an op's inputs are so large beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qspec.graph.ops import Op
from qspec.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Limit:
    """The scale of a range group is at least *factor* times the *power* of that of the group *source*."""

    source: int
    factor: float
    power: int

    def least(self, scale: Any) -> Any:
        """The least scale beside this *scale* of the source."""
        return self.factor * scale**self.power


def least_scales(plan: Plan) -> Mapping[int, tuple[Limit, ...]]:
    """The limits of every range group that is the result of an op that has such.

    A sum's scale must be above 2^-19 of each input's, or 2^-14 where they have 16 bits, a squared difference's above
    2^-12 of its square (LiteRT's kernels/add.cc and squared_difference.cc; `refuse` in targets/tflite.qspec, measured).
    The limits are four times that, and twice: a step of the result is still far finer than one of the inputs.
    """
    found: dict[int, set[Limit]] = {}
    for op in plan.ops.ops:
        decision = plan.decisions.get(op.outputs[0]) if op.outputs else None
        if decision is None or decision.range is None or (rule := _rule(plan, op)) is None:
            continue
        sources = (plan.decisions[tensor].range for tensor in op.inputs if tensor in plan.decisions)
        limits = {Limit(source, *rule) for source in sources if source is not None and source != decision.range}
        found.setdefault(decision.range, set()).update(limits)
    return {group: tuple(sorted(limits, key=lambda limit: limit.source)) for group, limits in found.items()}


def _rule(plan: Plan, op: Op) -> tuple[float, int] | None:
    wide = plan.ops.tensors[op.outputs[0]].type == "int16"
    if op.kind == "ADD":
        return (2.0**-12 if wide else 2.0**-17), 1
    return (2.0**-11, 2) if op.kind == "SQUARED_DIFFERENCE" else None
