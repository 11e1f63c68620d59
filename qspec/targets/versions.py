"""The version that LiteRT's writers give an op, from the types and shapes of its tensors.

Sources: LiteRT f674577 `tflite/converter/tools/versioning/op_version.cc`, the versions measured per type with
ai-edge-litert 2.3.0, and those that tensorflow-cpu 2.21.0 wrote for 293 Keras layer cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Literal

from qspec.graph.operands import operand_name
from qspec.graph.ops import Op, OpGraph
from qspec.targets.verdict import Representation

_Column = Literal["float32", "uint8", "int8", "int16"]
_COLUMNS: tuple[_Column, ...] = ("float32", "uint8", "int8", "int16")

# For the type of the first activation: float32, uint8, int8, int16; 0 where the kernel takes no such type.
_BY_TYPE: Mapping[tuple[int, int, int, int], str] = {
    (1, 1, 1, 1): "RESHAPE DIV SQUEEZE PRELU SELECT SELECT_V2 EXPAND_DIMS SHAPE",
    (1, 1, 1, 2): "LEAKY_RELU QUANTIZE",
    (1, 1, 1, 3): "GATHER_ND",
    (1, 1, 1, 4): "DYNAMIC_UPDATE_SLICE",
    (1, 1, 1, 0): "EMBEDDING_LOOKUP RELU_N1_TO_1 HARD_SWISH RELU_0_TO_1",
    (1, 1, 2, 1): "STRIDED_SLICE GREATER LESS_EQUAL SUM SPLIT_V TRANSPOSE_CONV",
    (1, 1, 2, 3): "ADD AVERAGE_POOL_2D CONCATENATION LOGISTIC MAX_POOL_2D RELU6 SOFTMAX TANH PAD MEAN TOPK_V2 LESS "
    "PADV2 GREATER_EQUAL REDUCE_MAX REDUCE_MIN PACK MIRROR_PAD DEQUANTIZE",
    (1, 1, 2, 4): "MUL RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND SPLIT "
    "MAXIMUM MINIMUM SLICE NOT_EQUAL",
    (1, 1, 2, 5): "TRANSPOSE SUB EQUAL",
    (1, 1, 2, 0): "DEPTH_TO_SPACE SPACE_TO_DEPTH L2_NORMALIZATION LOG_SOFTMAX ARG_MAX ARG_MIN",
    (1, 1, 3, 1): "CONV_2D DEPTHWISE_CONV_2D TILE REVERSE_V2",
    (1, 1, 3, 3): "FILL",
    (1, 1, 4, 1): "FULLY_CONNECTED",
    (1, 2, 2, 1): "GELU",
    (1, 2, 2, 3): "RELU",
    (1, 2, 2, 4): "UNPACK",
    (1, 0, 1, 1): "NEG",
    (1, 0, 1, 0): "ELU",
    (1, 0, 2, 2): "EXP LOG SQRT REDUCE_PROD",
    (1, 0, 2, 3): "RSQRT ABS BATCH_MATMUL",
    (1, 0, 2, 0): "SQUARED_DIFFERENCE",
    (1, 0, 0, 0): "FLOOR CEIL ROUND SIN COS POW SQUARE CUMSUM CONV_3D L2_POOL_2D ZEROS_LIKE",
    (2, 2, 3, 3): "BROADCAST_TO",
}
_VERSIONS: Mapping[str, Mapping[_Column, int]] = {
    kind: dict(zip(_COLUMNS, versions, strict=True)) for versions, kinds in _BY_TYPE.items() for kind in kinds.split()
}


def op_version(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int | None:
    """The version of *op* with its tensors stored so; None for an op or a type that is not known here."""
    source = _activation(op, representation)
    column: _Column | None = next((known for known in _COLUMNS if known == source), None)
    versions = _VERSIONS.get(op.kind)
    if versions is None:
        return None
    if column is None:
        # Plain integers and booleans move through the first version of the ops that take them.
        return 1 if source in ("int32", "int64", "bool") else None
    base = versions[column]
    return max(base, _raised(op, graph, representation)) if base else None


_WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})


def _activation(op: Op, representation: Callable[[int], Representation]) -> str:
    for position, tensor in enumerate(op.inputs):
        if tensor >= 0 and operand_name(op.kind, position) == "input":
            return representation(tensor).type
    return representation(op.outputs[0]).type if op.outputs else ""


def _raised(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int:
    rule = _RULES.get(op.kind)
    if op.kind in _WEIGHTED and (len(op.inputs) < 2 or min(op.inputs[:2]) < 0):
        return 1  # a damaged file; whoever judges the op says so
    return rule(op, graph, representation) if rule else 1


def _rank(op: Op, graph: OpGraph) -> int:
    shapes = (graph.tensors[tensor].shape for tensor in (*op.inputs, *op.outputs) if tensor >= 0)
    return max((len(shape) for shape in shapes if shape is not None), default=0)


def _convolution(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int:
    source, weights = (graph.tensors[tensor].shape for tensor in islice(op.inputs, 2))
    if representation(op.inputs[1]).type == "int4":
        return 7
    if source and weights and None not in (source[-1], weights[-1]) and source[-1] != weights[-1]:
        return 6
    if representation(op.inputs[0]).type == "float32" and representation(op.inputs[1]).type == "int8":
        return 5 if representation(op.inputs[1]).granularity == "per_channel" else 2
    return 1


def _depthwise(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int:
    if representation(op.inputs[1]).type == "int4":
        return 7
    if representation(op.inputs[0]).type == "float32" and representation(op.inputs[1]).type == "int8":
        return 6
    dilations = (op.attributes.get("dilation_w_factor", 1), op.attributes.get("dilation_h_factor", 1))
    return 1 if dilations == (1, 1) else 2


def _fully_connected(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int:
    if len(op.inputs) == 2:
        return 6
    if representation(op.inputs[1]).type == "int4":
        return 10
    if representation(op.inputs[0]).type == "float32" and representation(op.inputs[1]).type == "int8":
        return 12 if representation(op.inputs[1]).granularity == "per_channel" else 3
    return 5 if op.attributes.get("keep_num_dims") else 1


def _transpose_convolution(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int:
    if op.attributes.get("fused_activation_function", "NONE") != "NONE":
        return 4
    return 3 if len(op.inputs) > 3 and op.inputs[3] >= 0 else 1


def _multiply(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int:
    scales = [representation(tensor).scale for tensor in (*op.inputs, *op.outputs) if tensor >= 0]
    one, other, result = (*scales, None, None, None)[:3]
    return 3 if one and other and result and one * other / result >= 1 else 1


def _resize(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int:
    aligned = op.kind == "RESIZE_NEAREST_NEIGHBOR" and op.attributes.get("align_corners")
    return 3 if op.attributes.get("half_pixel_centers") or aligned else 1


def _above_rank(limit: int, version: int) -> Callable[[Op, OpGraph, Callable[[int], Representation]], int]:
    return lambda op, graph, representation: version if _rank(op, graph) > limit else 1


def _broadcast_above_rank_4(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int:
    shapes = {graph.tensors[tensor].shape for tensor in op.inputs if tensor >= 0}
    return 3 if len(shapes) > 1 and _rank(op, graph) > 4 else 1


def _transpose(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int:
    rank = _rank(op, graph)
    return 6 if rank > 5 else 4 if rank > 4 else 1


def _space_batch(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int:
    return 1 if _rank(op, graph) == 4 else 3


def _quantize(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int:
    return 2 if "int16" in (representation(tensor).type for tensor in (*op.inputs, *op.outputs) if tensor >= 0) else 1


_RULES: Mapping[str, Callable[[Op, OpGraph, Callable[[int], Representation]], int]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "TRANSPOSE_CONV": _transpose_convolution,
    "MUL": _multiply,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "PAD": _above_rank(4, 4),
    "PADV2": _above_rank(4, 4),
    "STRIDED_SLICE": _above_rank(4, 4),
    "TRANSPOSE": _transpose,
    "SUB": _broadcast_above_rank_4,
    "MAXIMUM": _broadcast_above_rank_4,
    "MINIMUM": _broadcast_above_rank_4,
    "BATCH_TO_SPACE_ND": _space_batch,
    "SPACE_TO_BATCH_ND": _space_batch,
    "QUANTIZE": _quantize,
}
