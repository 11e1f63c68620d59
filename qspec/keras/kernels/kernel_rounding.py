"""How kernels of LiteRT round that do not round once, ties away from zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

from qspec.graph.ops import Op
from qspec.keras.kernels.fake_quantize import Rounding, round_codes, round_half_away, round_twice

Scales = Sequence[Any]  # of an op's inputs, then of its output; None of a float, and of what has several


_CLAMPS = {"RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}


def round_sum(steps: Any, zero_point: Any) -> Any:
    """Sums of codes in ratios of small numbers, as where two scales are equal, often lie just between two steps: a fine
    grid takes away the float error that would decide them."""
    return round_half_away(ops.round(steps * 4096.0) / 4096.0)


def round_down(steps: Any, zero_point: Any) -> Any:
    """*steps*, which are positive, cut off: what SQRT does (google-ai-edge/LiteRT f674577, tflite/kernels/
    elementwise.cc, `SqrtEvalQuantized`; run: equal to ai-edge-litert 2.3.0 for every code)."""
    return ops.floor(steps)


def clamped(op: Op, rounding: Rounding, scale: Any) -> Rounding:
    """*rounding*, and the ends of the activation inside *op* rounded by themselves, once, for the *scale* of its result
    (tflite/kernels/kernel_util.cc, `CalculateActivationRangeQuantized`)."""
    ends = _CLAMPS.get(op.attributes.get("fused_activation_function", "NONE"))
    if ends is None:
        return rounding
    low, high = (None if end is None else round_half_away(end / scale) for end in ends)

    def within(steps: Any, zero_point: Any) -> Any:
        rounded = ops.maximum(rounding(steps, zero_point), low)
        return rounded if high is None else ops.minimum(rounded, high)

    return within


def _sum(op: Op, scales: Scales) -> Rounding:
    return clamped(op, round_sum, scales[-1])


def _product(op: Op, scales: Scales) -> Rounding:
    ratio = scales[0]
    for scale in scales[1:-1]:
        ratio = ratio * scale
    return clamped(op, round_twice(ratio / scales[-1]), scales[-1])


def _leaky(op: Op, scales: Scales) -> Rounding:
    """Both sides are rounded twice, in shifts of their own (tflite/kernels/internal/reference/leaky_relu.h)."""
    ratio = scales[0] / scales[-1]
    return _by_sign(ratio, ratio * abs(op.attributes["alpha"]))


def _parametric(op: Op, scales: Scales) -> Rounding:
    """The same (tflite/kernels/internal/reference/prelu.h)."""
    ratio = scales[0] / scales[-1]
    return _by_sign(ratio, ratio * scales[1])


def _by_sign(above: Any, below: Any) -> Rounding:
    positive, negative = round_twice(above), round_twice(below)
    return lambda steps, zero_point: ops.where(steps >= 0, positive(steps, zero_point), negative(steps, zero_point))


_OF_OP: dict[str, Rounding] = {
    "AVERAGE_POOL_2D": round_codes,
    "RESIZE_BILINEAR": round_codes,
    "SUM": round_sum,
    "SQRT": round_down,
}
_OF_SCALES: dict[str, Callable[[Op, Scales], Rounding]] = {
    "ADD": _sum,
    "SUB": _sum,
    "QUANTIZE": _product,
    "MUL": _product,
    "BATCH_MATMUL": _product,
    "LEAKY_RELU": _leaky,
    "PRELU": _parametric,
}


def rounding_of(op: Op, scales: Callable[[], Scales]) -> Rounding | None:
    """How the kernel of *op* rounds; None once, ties away from zero. *scales* are asked for where they matter."""
    if op.kind in _OF_OP:
        return _OF_OP[op.kind]
    if op.kind not in _OF_SCALES:
        return None
    known = scales()
    return None if any(scale is None for scale in known) else _OF_SCALES[op.kind](op, known)
