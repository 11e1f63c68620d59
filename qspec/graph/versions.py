"""Op versions: what a runtime must know to run an op of these types, shapes and attributes.

The rules are those of LiteRT's writers (`tflite/converter/tools/versioning/op_version.cc`, LiteRT f674577, 2026-08-21);
where that file reads an output that no convolution has, the version is the one probed with ai-edge-litert 2.3.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qspec.graph.layers import Shape
from qspec.graph.operands import operand_name

ABSENT = "none"
"""The type of an operand that an op leaves out."""


def op_version(
    kind: str,
    input_types: Sequence[str],
    output_types: Sequence[str],
    attributes: Mapping[str, Any],
    input_shapes: Sequence[Shape | None] = (),
    per_channel: bool = False,
    rescale: float | None = None,
) -> int | None:
    """The version of an op; None for an op that is not known here, or a type that no kernel of it takes.

    Types are LiteRT's names in lower case, or `ABSENT`. *per_channel* is about the op's weights, or for QUANTIZE and
    DEQUANTIZE about the quantized end. *rescale* is that of a MUL, see `rescale_of`. An op of 16-bit ADD or SUB is
    taken to have `pot_scale_int16 = false`, which its writer must say in the file.
    """
    op = _Signature(
        kind, tuple(input_types), tuple(output_types), attributes, tuple(input_shapes), per_channel, rescale
    )
    if kind in _BY_ALL_TYPES:
        return _BY_ALL_TYPES[kind](op)
    version = _by_type(kind, op.activation)
    if version is None or kind not in _AT_LEAST:
        return version
    return max(version, _AT_LEAST[kind](op))


def rescale_of(one: float | None, other: float | None, result: float | None) -> float | None:
    """By how much a MUL multiplies the product of its integers; None where a scale is not known."""
    return one * other / result if one and other and result else None


@dataclass(frozen=True)
class _Signature:
    """What the version of an op hangs on; see `op_version`."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    shapes: tuple[Shape | None, ...]
    per_channel: bool
    rescale: float | None

    def type(self, position: int) -> str:
        """The type of an input."""
        return self.inputs[position] if position < len(self.inputs) else ABSENT

    @property
    def activation(self) -> str:
        """The type of the first activation, or of the output of an op that reads none."""
        for position, type_ in enumerate(self.inputs):
            if type_ != ABSENT and operand_name(self.kind, position) == "input":
                return type_
        return self.outputs[0] if self.outputs else ABSENT

    @property
    def with_weights(self) -> tuple[str, str, str]:
        """The types of input, weights and output of an op with weights."""
        return self.type(0), self.type(1), self.outputs[0] if self.outputs else ABSENT

    def rank(self, position: int = 0) -> int:
        """The number of dimensions of an input, 0 if its shape is unknown."""
        shape = self.shapes[position] if position < len(self.shapes) else None
        return 0 if shape is None else len(shape)

    @property
    def broadcasts_high_rank(self) -> bool:
        """Whether the inputs differ in shape and one has more than four dimensions."""
        return len(set(self.shapes[:2])) > 1 and max(self.rank(0), self.rank(1)) > 4

    def has(self, attribute: str) -> bool:
        """Whether an attribute is there and neither false, 0 nor `NONE`."""
        value = self.attributes.get(attribute)
        return bool(value) and value != "NONE"


# ---- by the type of the first activation

_COLUMNS = ("float32", "uint8", "int8", "int16")

# In the order of the columns; 0 where the kernel takes no such type.
_VERSIONS: Mapping[tuple[int, int, int, int], str] = {
    (
        1,
        1,
        1,
        1,
    ): "RESHAPE DIV SQUEEZE PRELU SELECT SELECT_V2 EXPAND_DIMS SHAPE RANK ONE_HOT MATRIX_DIAG MATRIX_SET_DIAG",
    (1, 1, 0, 1): "REVERSE_SEQUENCE",
    (1, 1, 1, 0): "EMBEDDING_LOOKUP RELU_N1_TO_1 HARD_SWISH RELU_0_TO_1 SCATTER_ND",
    (1, 1, 1, 2): "LEAKY_RELU",
    (1, 1, 1, 3): "GATHER_ND",
    (1, 1, 1, 4): "DYNAMIC_UPDATE_SLICE",
    (1, 1, 2, 1): "STRIDED_SLICE GREATER LESS_EQUAL SUM SPLIT_V TRANSPOSE_CONV",
    (1, 1, 2, 3): "ADD AVERAGE_POOL_2D CONCATENATION LOGISTIC MAX_POOL_2D RELU6 SOFTMAX TANH PAD MEAN TOPK_V2 LESS "
    "PADV2 GREATER_EQUAL REDUCE_MAX REDUCE_MIN PACK MIRROR_PAD DEQUANTIZE",
    (1, 1, 2, 4): "MUL RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND SPLIT "
    "MAXIMUM MINIMUM SLICE NOT_EQUAL",
    (1, 1, 2, 5): "TRANSPOSE SUB EQUAL",
    (1, 1, 2, 0): "DEPTH_TO_SPACE SPACE_TO_DEPTH L2_NORMALIZATION LOG_SOFTMAX ARG_MAX ARG_MIN",
    (1, 1, 3, 1): "TILE REVERSE_V2",
    (1, 1, 3, 3): "FILL",
    (1, 2, 2, 1): "GELU",
    (1, 2, 2, 3): "RELU",
    (1, 2, 2, 4): "UNPACK",
    (1, 0, 1, 1): "NEG",
    (1, 0, 1, 0): "ELU",
    (1, 0, 2, 2): "EXP LOG SQRT REDUCE_PROD FLOOR_MOD",
    (1, 0, 2, 3): "RSQRT ABS BATCH_MATMUL",
    (1, 0, 2, 0): "SQUARED_DIFFERENCE",
    (
        1,
        0,
        0,
        0,
    ): "FLOOR CEIL ROUND SIN COS POW SQUARE CUMSUM CONV_3D CONV_3D_TRANSPOSE L2_POOL_2D ZEROS_LIKE ADD_N ATAN2 "
    "LOCAL_RESPONSE_NORMALIZATION LOGICAL_AND LOGICAL_OR LOGICAL_NOT REDUCE_ANY REDUCE_ALL SIGN RANGE BUCKETIZE "
    "BROADCAST_ARGS RFFT2D SEGMENT_SUM UNSORTED_SEGMENT_SUM UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX "
    "UNSORTED_SEGMENT_MIN",
    (2, 0, 3, 3): "FLOOR_DIV",
    (2, 2, 2, 0): "WHERE",
    (2, 2, 3, 3): "BROADCAST_TO",
}
_BY_KIND: Mapping[str, Mapping[str, int]] = {
    kind: dict(zip(_COLUMNS, versions, strict=True)) for versions, kinds in _VERSIONS.items() for kind in kinds.split()
}
_OTHER_TYPES: Mapping[str, Mapping[str, int]] = {
    "int64": {"ADD": 4, "SUB": 4, "MUL": 5, "RANGE": 2},
    "int32": {"SPLIT": 3, "ABS": 5, "SIGN": 2, "FLOOR_DIV": 1, "BITWISE_XOR": 1, "RIGHT_SHIFT": 1},
    "complex64": dict.fromkeys(("REAL", "IMAG", "COMPLEX_ABS"), 1),
    "bool": {"WHERE": 1}
    | dict.fromkeys(("TRANSPOSE", "STRIDED_SLICE", "GATHER", "UNPACK", "ARG_MAX", "ARG_MIN"), 3)
    | dict.fromkeys(("PAD", "PADV2", "GATHER_ND"), 5)
    | dict.fromkeys(("FILL", "REVERSE_V2"), 2),
    "int4": dict.fromkeys(("TRANSPOSE", "SLICE", "GATHER"), 7)
    | dict.fromkeys(("CONCATENATION", "DYNAMIC_UPDATE_SLICE"), 5)
    | dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "SHAPE"), 1)
    | {"DEQUANTIZE": 6, "BROADCAST_TO": 2},
    "int2": {"DEQUANTIZE": 7},
    "float16": dict.fromkeys(
        (
            *(
                "FLOOR",
                "ROUND",
                "LOGISTIC",
                "TANH",
                "NEG",
                "ATAN2",
                "MAXIMUM",
                "MINIMUM",
                "LESS",
                "LESS_EQUAL",
                "GREATER",
            ),
            *(
                "GREATER_EQUAL",
                "EQUAL",
                "NOT_EQUAL",
                "RESHAPE",
                "PAD",
                "PADV2",
                "MIRROR_PAD",
                "GATHER",
                "GATHER_ND",
                "TILE",
            ),
            *(
                "BATCH_TO_SPACE_ND",
                "SPACE_TO_BATCH_ND",
                "SQUEEZE",
                "EXPAND_DIMS",
                "STRIDED_SLICE",
                "SELECT",
                "SELECT_V2",
            ),
            *("SHAPE", "RANK", "RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2"),
        ),
        1,
    )
    | {"SIN": 2, "COS": 2, "BROADCAST_TO": 2, "DEQUANTIZE": 3, "GELU": 3, "DYNAMIC_UPDATE_SLICE": 3, "SOFTMAX": 4}
    | {"FILL": 4, "UNPACK": 5, "ADD": 6, "CONCATENATION": 6, "MUL": 8, "SLICE": 8, "TRANSPOSE": 9},
}
# Plain integers and truth values move through the version for float of the ops that take them.
_PLAIN = frozenset({"int32", "int64", "bool"})


def _by_type(kind: str, type_: str) -> int | None:
    versions = _BY_KIND.get(kind)
    if versions is None:
        return None
    if type_ in versions:
        return versions[type_] or None
    return _OTHER_TYPES.get(type_, {}).get(kind, versions["float32"] if type_ in _PLAIN else None)


# ---- what asks for a newer version, whatever the type


def _above_rank(*versions: tuple[int, int]) -> Callable[[_Signature], int]:
    """Pairs of a number of dimensions and the version that more of them ask for."""
    return lambda op: max((version for rank, version in versions if op.rank() > rank), default=1)


def _when_broadcasting(version: int) -> Callable[[_Signature], int]:
    return lambda op: version if op.broadcasts_high_rank else 1


def _multiply(op: _Signature) -> int:
    return 3 if op.rescale is not None and op.rescale >= 1 else 1


def _strided_slice(op: _Signature) -> int:
    if op.has("offset"):
        return 8
    if op.has("ellipsis_mask") or op.has("new_axis_mask"):
        return 6
    return 4 if op.rank() > 4 else 1


def _resize_bilinear(op: _Signature) -> int:
    return 3 if op.has("half_pixel_centers") else 1


def _resize_nearest(op: _Signature) -> int:
    return 3 if op.has("half_pixel_centers") or op.has("align_corners") else 1


def _space_and_batch(op: _Signature) -> int:
    return 1 if op.rank() == 4 else 3


def _transpose_convolution(op: _Signature) -> int:
    # The version for `quantized_bias_type` is asked for by the type of input 0, which is the shape: it is never given.
    if op.has("fused_activation_function"):
        return 4
    return 3 if op.type(3) != ABSENT else 1


def _gather(op: _Signature) -> int:
    if op.type(1) == "int16":
        return 6
    return 5 if op.has("batch_dims") else 1


def _embedding_lookup(op: _Signature) -> int:
    return {"int2": 5, "int4": 4}.get(op.type(1), 4 if op.per_channel else 1)


_AT_LEAST: Mapping[str, Callable[[_Signature], int]] = {
    "TRANSPOSE": _above_rank((4, 4), (5, 6), (6, 8)),
    "PAD": _above_rank((4, 4)),
    "PADV2": _above_rank((4, 4)),
    "SLICE": _above_rank((4, 5)),
    "SUB": _when_broadcasting(3),
    "MAXIMUM": _when_broadcasting(3),
    "MINIMUM": _when_broadcasting(3),
    "DIV": _when_broadcasting(2),
    "MUL": _multiply,
    "STRIDED_SLICE": _strided_slice,
    "RESIZE_BILINEAR": _resize_bilinear,
    "RESIZE_NEAREST_NEIGHBOR": _resize_nearest,
    "SPACE_TO_BATCH_ND": _space_and_batch,
    "BATCH_TO_SPACE_ND": _space_and_batch,
    "TRANSPOSE_CONV": _transpose_convolution,
    "GATHER": _gather,
    "EMBEDDING_LOOKUP": _embedding_lookup,
    "DEQUANTIZE": lambda op: 5 if op.per_channel and op.activation == "int8" else 1,
}


# ---- by the types of input, weights and output together; the first rule that applies decides

_FLOAT_WITH_INT8 = ("float32", "int8", "float32")
_INT16_WITH_INT8 = ("int16", "int8", "int16")


def _quantized_bias(op: _Signature) -> bool:
    """Whether the file says which type a 16-bit op's bias has."""
    bias = op.attributes.get("quantized_bias_type", "FLOAT32")
    return op.with_weights == _INT16_WITH_INT8 and bias != "FLOAT32"


def _conv_2d(op: _Signature) -> int:
    if _quantized_bias(op):
        return 8
    if _grouped(op):
        return 6
    types = op.with_weights
    if types == _FLOAT_WITH_INT8:
        return 5 if op.per_channel else 2
    return {("int16", "int16", "int16"): 4, ("int8", "int8", "int8"): 3, ("int8", "int4", "int8"): 7}.get(types, 1)


def _grouped(op: _Signature) -> bool:
    if op.rank(0) != 4 or op.rank(1) != 4:
        return False
    image, weights = op.shapes[0], op.shapes[1]
    channels = (image or (None,))[-1], (weights or (None,))[-1]
    return None not in channels and channels[0] != channels[1]


def _depthwise_conv_2d(op: _Signature) -> int:
    types = op.with_weights
    if types == _FLOAT_WITH_INT8:
        return 6 if op.per_channel else 4
    found = {("int16", "int16", "int16"): 5, ("int8", "int8", "int8"): 3, ("int8", "int4", "int8"): 7}.get(types)
    if found is not None:
        return found
    dilated = op.attributes.get("dilation_w_factor", 1) != 1 or op.attributes.get("dilation_h_factor", 1) != 1
    return 2 if dilated else 1


def _fully_connected(op: _Signature) -> int:
    types = op.with_weights
    if op.type(1) == "int2":
        return 14
    if types == ("int16", "int4", "int16"):
        return 13
    if types == _FLOAT_WITH_INT8 and op.per_channel:
        return 12
    if _quantized_bias(op):
        return 11
    if types == ("int16", "int16", "int16"):
        return 7
    if len(op.inputs) == 2:
        return 6
    if op.has("keep_num_dims"):
        return 5
    if types == _FLOAT_WITH_INT8:
        return 9 if op.has("asymmetric_quantize_inputs") else 3
    return {("int8", "int8", "int8"): 4, ("int8", "int4", "int8"): 10}.get(types, 1)


def _cast(op: _Signature) -> int:
    types = {op.type(0), op.outputs[0] if op.outputs else ABSENT}
    if op.type(0) == "int4" and "float32" in types:
        return 6
    if "float16" in types:
        return 5
    return 3 if "int8" in types else 1


def _quantize(op: _Signature) -> int:
    source, result = op.type(0), op.outputs[0] if op.outputs else ABSENT
    if "int4" in (source, result):
        return 4
    if op.per_channel:
        return 3
    return 2 if result == "int16" else 1


def _sequence_lstm(op: _Signature) -> int:
    # The weights of the input gate may be absent.
    types = op.type(0), op.type(2), op.outputs[0] if op.outputs else ABSENT
    if types == _INT16_WITH_INT8:
        return 5
    if op.has("diagonal_recurrent_tensors"):
        return 4
    if types == _FLOAT_WITH_INT8:
        return 3 if op.has("asymmetric_quantize_inputs") else 2
    return 1


_BY_ALL_TYPES: Mapping[str, Callable[[_Signature], int]] = {
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "FULLY_CONNECTED": _fully_connected,
    "QUANTIZE": _quantize,
    "CAST": _cast,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _sequence_lstm,
}
