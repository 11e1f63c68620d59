"""Comparisons of 8-bit integers as LiteRT's kernels make them: of both numbers rounded to 1/256."""

from __future__ import annotations

from typing import Any

from qspec.graph.ops import Op
from qspec.keras.kernels.fake_quantize import round_twice
from qspec.plan.plan import Plan

COMPARISONS = frozenset({"EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"})

_STEPS = 256.0


def planned_comparison(plan: Plan, call: int, op: Op) -> Op | None:
    """The plan's op for a comparison in a *call*. Its result has no slot to find it by, but ops keep their order; equal
    ones (of a mask that is asked for twice) were joined, within a call or with those of another, which gives None."""
    own = [each for each in plan.predicted.compositions[call].ops if each.kind == op.kind]
    planned = [each for each in plan.ops.ops if each.kind == op.kind and call in each.calls]
    if len(own) != len(planned):
        return planned[0] if len(planned) == 1 else None
    return next(there for here, there in zip(own, planned, strict=True) if here is op)


def compares_in_8_bits(plan: Plan, comparison: Op) -> bool:
    """Whether a *comparison* of the plan reads integers of 8 bits."""
    return plan.ops.tensors[comparison.inputs[0]].type in ("int8", "uint8")


def as_compared(value: Any, scale: Any) -> Any:
    """*value* (float32), of that *scale*, as the kernels compare it: its code shifted by 8 bits, then rescaled to whole
    numbers (google-ai-edge/LiteRT f674577, tflite/kernels/comparisons.cc and internal/reference/comparisons.h)."""
    return round_twice(scale)(value * _STEPS, 0) / _STEPS
