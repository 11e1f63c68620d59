"""Op versions: what a runtime must know to run an op of these types and attributes.

The rules are LiteRT's (`tflite/converter/tools/versioning/op_version.cc`, LiteRT f674577, 2026-08-21), for the ops that
the lowering table writes and the types that a plan gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qspec.graph.layers import Shape


@dataclass(frozen=True)
class Signature:
    """An op's types (LiteRT's names in lower case, `none` for an absent operand), shapes and attributes.

    `per_channel` is about its weights, or for QUANTIZE and DEQUANTIZE about the quantized end. `rescale` is
    scale(input 1) · scale(input 2) / scale(output) of a MUL, None where a tensor is not quantized.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    shapes: tuple[Shape | None, ...]
    per_channel: bool
    rescale: float | None

    @property
    def first(self) -> str:
        """The type of the first input."""
        return self.inputs[0]

    @property
    def all_types(self) -> tuple[str, str, str]:
        """The types of input, weights and output of an op with weights."""
        return self.inputs[0], self.inputs[1], self.outputs[0]

    def rank(self, position: int = 0) -> int:
        """The number of dimensions of an input, 0 if its shape is unknown."""
        shape = self.shapes[position] if position < len(self.shapes) else None
        return 0 if shape is None else len(shape)

    @property
    def broadcasts_high_rank(self) -> bool:
        """Whether the inputs differ in shape and one has more than four dimensions."""
        return len(set(self.shapes[:2])) > 1 and max(self.rank(0), self.rank(1)) > 4


def op_version(
    kind: str,
    input_types: Sequence[str],
    output_types: Sequence[str],
    attributes: Mapping[str, Any],
    input_shapes: Sequence[Shape | None] = (),
    per_channel: bool = False,
    rescale: float | None = None,
) -> int:
    """The version of an op; see `Signature` for the arguments. An op of 16-bit ADD or SUB is taken to have
    `pot_scale_int16 = false`, which its writer must say in the file."""
    signature = Signature(
        tuple(input_types), tuple(output_types), attributes, tuple(input_shapes), per_channel, rescale
    )
    rule = _VERSIONS.get(kind)
    return 1 if rule is None else rule(signature)


def _by_type(**versions: int) -> Callable[[Signature], int]:
    """The version hangs on the first input's type alone."""
    return lambda op: versions.get(op.first, 1)


def _conv_2d(op: Signature) -> int:
    types = op.all_types
    if types == ("int16", "int8", "int16") and op.attributes.get("quantized_bias_type", "FLOAT32") != "FLOAT32":
        return 8
    if _grouped(op):
        return 6
    if types == ("float32", "int8", "float32"):
        return 5 if op.per_channel else 2
    return {("int16", "int16", "int16"): 4, ("int8", "int8", "int8"): 3, ("int8", "int4", "int8"): 7}.get(types, 1)


def _grouped(op: Signature) -> bool:
    if op.rank(0) != 4 or op.rank(1) != 4:
        return False
    image, weights = op.shapes[0], op.shapes[1]
    return image is not None and weights is not None and image[-1] != weights[-1]


def _depthwise_conv_2d(op: Signature) -> int:
    types = op.all_types
    if types == ("float32", "int8", "float32"):
        return 6 if op.per_channel else 4
    found = {("int16", "int16", "int16"): 5, ("int8", "int8", "int8"): 3, ("int8", "int4", "int8"): 7}.get(types)
    if found is not None:
        return found
    dilated = op.attributes.get("dilation_w_factor", 1) != 1 or op.attributes.get("dilation_h_factor", 1) != 1
    return 2 if dilated else 1


def _fully_connected(op: Signature) -> int:
    types = op.all_types
    if op.inputs[1] == "int2":
        return 14
    if types == ("int16", "int4", "int16"):
        return 13
    if types == ("float32", "int8", "float32") and op.per_channel:
        return 12
    if types == ("int16", "int8", "int16") and op.attributes.get("quantized_bias_type", "FLOAT32") != "FLOAT32":
        return 11
    if types == ("int16", "int16", "int16"):
        return 7
    if len(op.inputs) == 2:
        return 6
    if op.attributes.get("keep_num_dims", False):
        return 5
    if types == ("float32", "int8", "float32"):
        return 9 if op.attributes.get("asymmetric_quantize_inputs", False) else 3
    return {("int8", "int8", "int8"): 4, ("int8", "int4", "int8"): 10}.get(types, 1)


def _mul(op: Signature) -> int:
    if op.first in ("int16", "int64"):
        return 4 if op.first == "int16" else 5
    if op.rescale is not None and op.rescale >= 1:
        return 3
    return 2 if op.first == "int8" else 1


def _sub(op: Signature) -> int:
    if op.first in ("int16", "int64"):
        return 5 if op.first == "int16" else 4
    if op.broadcasts_high_rank:
        return 3
    return 2 if op.first == "int8" else 1


def _extremum(op: Signature) -> int:
    if op.first == "int16":
        return 4
    if op.broadcasts_high_rank:
        return 3
    return 2 if op.first == "int8" else 1


def _div(op: Signature) -> int:
    return 2 if op.broadcasts_high_rank else 1


def _transpose(op: Signature) -> int:
    if op.rank() > 6:
        return 8
    if op.first == "int4":
        return 7
    if op.rank() > 5:
        return 6
    if op.first == "int16":
        return 5
    if op.rank() > 4:
        return 4
    return {"bool": 3, "int8": 2}.get(op.first, 1)


def _strided_slice(op: Signature) -> int:
    attributes = op.attributes
    if attributes.get("offset", False):
        return 8
    if attributes.get("ellipsis_mask", 0) or attributes.get("new_axis_mask", 0):
        return 6
    if op.rank() > 4:
        return 4
    return {"bool": 3, "int8": 2}.get(op.first, 1)


def _pad(op: Signature) -> int:
    if op.first == "bool":
        return 5
    if op.rank() > 4:
        return 4
    return {"int16": 3, "int8": 2}.get(op.first, 1)


def _resize(op: Signature) -> int:
    if op.first == "int16":
        return 4
    if op.attributes.get("half_pixel_centers", False):
        return 3
    return 2 if op.first == "int8" else 1


def _quantize(op: Signature) -> int:
    if "int4" in (op.first, op.outputs[0]):
        return 4
    if op.per_channel:
        return 3
    return 2 if op.outputs[0] == "int16" else 1


def _dequantize(op: Signature) -> int:
    if op.first == "int8" and op.per_channel:
        return 5
    return {"int2": 7, "int4": 6, "int16": 3, "float16": 3, "int8": 2}.get(op.first, 1)


_SIMPLE = _by_type(int16=3, int8=2)

_VERSIONS: dict[str, Callable[[Signature], int]] = {
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "FULLY_CONNECTED": _fully_connected,
    "ADD": _by_type(int64=4, int16=3, int8=2),
    "SUB": _sub,
    "MUL": _mul,
    "DIV": _div,
    "MAXIMUM": _extremum,
    "MINIMUM": _extremum,
    "CONCATENATION": _by_type(int4=5, int16=3, int8=2),
    "MAX_POOL_2D": _SIMPLE,
    "AVERAGE_POOL_2D": _SIMPLE,
    "MEAN": _SIMPLE,
    "REDUCE_MAX": _SIMPLE,
    "REDUCE_MIN": _SIMPLE,
    "SUM": _by_type(int8=2),
    "SOFTMAX": _SIMPLE,
    "LOG_SOFTMAX": _by_type(int8=2),
    "LOGISTIC": _SIMPLE,
    "TANH": _SIMPLE,
    "RELU": _by_type(int16=3, int8=2, uint8=2),
    "RELU6": _SIMPLE,
    "LEAKY_RELU": _by_type(int16=2),
    "GELU": _by_type(int8=2, uint8=2),
    "EXP": _by_type(int16=2, int8=2),
    "PAD": _pad,
    "PADV2": _pad,
    "MIRROR_PAD": _SIMPLE,
    "TRANSPOSE": _transpose,
    "STRIDED_SLICE": _strided_slice,
    "RESIZE_BILINEAR": _resize,
    "PACK": _by_type(int16=3, int8=2),
    "TILE": _by_type(int8=3),
    "QUANTIZE": _quantize,
    "DEQUANTIZE": _dequantize,
}
"""Ops that are not here (RESHAPE, ELU, PRELU, HARD_SWISH, RELU_N1_TO_1, SHAPE …) have one version."""
