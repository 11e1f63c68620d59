"""Where a plan requantizes: from one scale of integers to another, between the ops that compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from qspec.plan.plan import Plan


def requantized(plan: Plan) -> Mapping[str, int]:
    """How many tensors are requantized for each layer, by its path, in execution order.

    The model's own edges do not count, nor does what leaves or enters a float island.
    """
    edges = {*plan.ops.inputs, *plan.ops.outputs}
    casts = [op for op in plan.ops.ops if op.kind == "QUANTIZE" and edges.isdisjoint((*op.inputs, *op.outputs))]
    return Counter(op.layer for op in casts if plan.is_quantized(op.inputs[0]))
