"""Training under `mixed_float16` and `mixed_bfloat16`.

Products with weights, which is where the time goes, are computed in the policy's type, and what is between them in
float32: a grid of 65,536 codes is finer than half precision, and so are the ranges that follow the values. At inference
all is computed in float32, since the integers of the file know no half precision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from qspec.graph.operands import operand_position
from qspec.graph.ops import Op
from qspec.keras.kernels.op_kernels import KERNELS, activated

HALF = ("float16", "bfloat16")
COMPUTED_IN_HALF = frozenset(
    ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "CONV_3D", "CONV_3D_TRANSPOSE", "FULLY_CONNECTED")
)


def computes_in_float16(layers: Iterable[Any]) -> bool:
    """Whether one of these layers does, whose small gradients vanish unless the loss is scaled."""
    return any(computes_in_half(layer) and layer.compute_dtype == "float16" for layer in layers)


def computes_in_half(layer: Any) -> bool:
    """Whether a layer (or raw operation, which has no policy) computes in half precision."""
    return isinstance(layer, keras.layers.Layer) and layer.compute_dtype in HALF


def product_in_half(op: Op, operands: Sequence[Any], dtype: str) -> Any:
    """What one of `COMPUTED_IN_HALF` gives when its factors are rounded to *dtype*; the bias is added in float32."""
    position = operand_position(op.kind, "bias")
    bare = replace(op, attributes={**op.attributes, "fused_activation_function": "NONE"})
    factors = [None if number == position else _rounded(operand, dtype) for number, operand in enumerate(operands)]
    product = tf.cast(KERNELS[op.kind](bare, *factors), "float32")
    bias = operands[position] if position is not None and position < len(operands) else None
    return activated(op, product if bias is None else product + bias)


def _rounded(operand: Any, dtype: str) -> Any:
    """A factor in *dtype*; shapes stay what they are."""
    return tf.cast(operand, dtype) if getattr(operand, "dtype", None) == tf.float32 else operand


def in_float32(result: Any) -> Any:
    """What a layer gives, its half-precision tensors as float32."""
    return keras.tree.map_structure(
        lambda value: tf.cast(value, "float32") if keras.backend.standardize_dtype(value.dtype) in HALF else value,
        result,
    )
