"""Comparisons of 8-bit integers as LiteRT's kernels make them: of both numbers rounded to 1/256."""

from __future__ import annotations

from typing import Any

from qspec.keras.kernels.fake_quantize import round_half_away
from qspec.plan.plan import Plan

COMPARISONS = frozenset({"EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"})

_STEPS = 256.0


def compares_in_8_bits(plan: Plan, call: int, kind: str) -> bool:
    """Whether the comparison of that *kind* in a *call* reads integers of 8 bits."""
    types = {plan.ops.tensors[op.inputs[0]].type for op in plan.ops.ops if op.kind == kind and call in op.calls}
    return bool(types & {"int8", "uint8"})


def as_compared(value: Any) -> Any:
    """*value* (float32) as the kernels compare it: shifted by 8 bits, then rescaled to whole numbers (google-ai-edge/
    LiteRT f674577, tflite/kernels/comparisons.cc and internal/reference/comparisons.h)."""
    return round_half_away(value * _STEPS) / _STEPS
