"""What kernels do that read integer weights beside activations in float: they quantize these to eight bits while they
run, with a scale for each row of a matrix product, or for each sample of a convolution.

As google-ai-edge/LiteRT f674577 has it in tflite/kernels/internal/reference/portable_tensor_utils.cc
(`SymmetricQuantizeFloats`, `AsymmetricQuantizeFloats`); which kernel does which was found by running files of one op
with ai-edge-litert 2.3.0: their results are within 125 dB of the ones computed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from qspec.graph.operands import operand_position
from qspec.graph.ops import Op
from qspec.keras.kernels.fake_quantize import round_half_away
from qspec.schema.quantizer import Quantizer


def quantized_operands(op: Op, operands: Sequence[Any], weights: Quantizer, *, built_in: bool) -> list[Any]:
    """The operands of *op* with its input as the kernel quantizes it; *weights* is the quantizer of its weights. The
    gradient passes."""
    position = operand_position(op.kind, "input") or 0
    value = operands[position]
    if op.kind == "FULLY_CONNECTED":
        shape: tuple[Any, ...] = (-1, operands[1].shape[-1])
    elif op.kind == "BATCH_MATMUL":
        shape = (-1, value.shape[-1])
    else:
        shape = (ops.shape(value)[0], -1)
    rows = ops.stop_gradient(ops.reshape(value, shape))
    quantized = _with_offset(rows) if takes_offset(op, weights, built_in=built_in) else _symmetric(rows)
    changed = value + ops.stop_gradient(ops.reshape(quantized, ops.shape(value)) - value)
    return [*operands[:position], changed, *operands[position + 1 :]]


def takes_offset(op: Op, weights: Quantizer, *, built_in: bool) -> bool:
    """Whether the kernel's codes have a zero point: always in XNNPACK, mostly in the *built_in* kernels, which run what
    it leaves them."""
    if op.kind == "CONV_2D" and weights.granularity == "per_tensor":
        return weights.type == "int8" and not built_in
    if op.kind == "FULLY_CONNECTED" and weights.type == "int4":
        return weights.granularity == "per_block" or not built_in
    return True


def _symmetric(rows: Any) -> Any:
    reach = ops.max(ops.abs(rows), axis=1, keepdims=True)
    scale = ops.where(reach > 0, reach / 127.0, 1.0)
    return ops.clip(round_half_away(rows / scale), -127.0, 127.0) * scale


def _with_offset(rows: Any) -> Any:
    low = ops.minimum(ops.min(rows, axis=1, keepdims=True), 0.0)
    high = ops.maximum(ops.max(rows, axis=1, keepdims=True), 0.0)
    scale = ops.where(high > low, (high - low) / 255.0, 1.0)
    zero_point = round_half_away(-128.0 - low / scale)
    return (ops.clip(round_half_away(rows / scale) + zero_point, -128.0, 127.0) - zero_point) * scale
