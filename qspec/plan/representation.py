"""A plan in the words in which capability tables ask."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from qspec.plan.plan import Plan
from qspec.targets import Representation


def representation(plan: Plan) -> Callable[[int], Representation]:
    """How each tensor of `plan.ops` will be stored."""

    @cache
    def of(tensor: int) -> Representation:
        decision = plan.decisions.get(tensor)
        quantizer = decision.quantizer if decision else None
        if decision is None or quantizer is None:
            return Representation(plan.ops.tensors[tensor].type)
        scale, zero_point = parameters(plan, tensor)
        return Representation(quantizer.type, quantizer.scheme, quantizer.granularity, decision.axis, scale, zero_point)

    return of


def parameters(plan: Plan, tensor: int) -> tuple[float | None, int | None]:
    """Scale and zero point of an activation where they are known before any data; a symmetric one's zero point is 0."""
    decision = plan.decisions[tensor]
    if decision.quantizer is None:
        return None, None
    if decision.range is None or plan.ranges[decision.range].fixed is None:
        return None, 0 if decision.quantizer.scheme == "symmetric" else None
    group = plan.ranges[decision.range]
    assert group.fixed is not None
    scale, zero_point = group.fixed
    # A uint8 tensor at the model's edge belongs to its int8 group, 128 codes higher.
    return scale, zero_point + 128 * (decision.quantizer.type == "uint8" and group.quantizer.type == "int8")


def same_scale(plan: Plan) -> Callable[[int, int], bool | None]:
    """Whether two quantized tensors share scale and zero point; None where that is not known before any data."""

    def answer(one: int, other: int) -> bool | None:
        first, second = plan.decisions[one].range, plan.decisions[other].range
        if first is None or second is None:
            return None
        if first == second:
            return True
        fixed = plan.ranges[first].fixed, plan.ranges[second].fixed
        return fixed[0] == fixed[1] if None not in fixed else False

    return answer
