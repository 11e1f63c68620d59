"""The attributes of an op in the flatbuffer's spelling: the fields of its table of options."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from qspec.graph.flatbuffer import Layout
from qspec.graph.tflite_schema import enumeration, layout

# Ops whose table is not called after them; every other is, as `CONV_2D` and `Conv2DOptions`.
_TABLES = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "CONV_3D_TRANSPOSE": "Conv3DOptions",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "SequenceRNNOptions",
    "MULTINOMIAL": "RandomOptions",
    "RANDOM_UNIFORM": "RandomOptions",
    "RANDOM_STANDARD_NORMAL": "RandomOptions",
    **dict.fromkeys(
        ("MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ANY", "REDUCE_ALL"), "ReducerOptions"
    ),
}


# The table of options that stands with each op in a file; with others there is none, not even an empty one. So the
# converter has it (measured, TensorFlow 2.21), and so the kernels take it.
_WRITTEN: Mapping[str, str] = {
    kind: table
    for table, kinds in {
        "AddOptions": "ADD",
        "ArgMaxOptions": "ARG_MAX",
        "ArgMinOptions": "ARG_MIN",
        "BatchMatMulOptions": "BATCH_MATMUL",
        "BucketizeOptions": "BUCKETIZE",
        "ConcatenationOptions": "CONCATENATION",
        "Conv2DOptions": "CONV_2D",
        "Conv3DOptions": "CONV_3D CONV_3D_TRANSPOSE",
        "CumsumOptions": "CUMSUM",
        "DepthToSpaceOptions": "DEPTH_TO_SPACE",
        "DepthwiseConv2DOptions": "DEPTHWISE_CONV_2D",
        "DequantizeOptions": "DEQUANTIZE",
        "DivOptions": "DIV",
        "ExpOptions": "EXP",
        "FullyConnectedOptions": "FULLY_CONNECTED",
        "GatherOptions": "GATHER",
        "GeluOptions": "GELU",
        "L2NormOptions": "L2_NORMALIZATION",
        "LeakyReluOptions": "LEAKY_RELU",
        "LocalResponseNormalizationOptions": "LOCAL_RESPONSE_NORMALIZATION",
        "LogSoftmaxOptions": "LOG_SOFTMAX",
        "MirrorPadOptions": "MIRROR_PAD",
        "MulOptions": "MUL",
        "NegOptions": "NEG",
        "OneHotOptions": "ONE_HOT",
        "PackOptions": "PACK",
        "PadOptions": "PAD",
        "PadV2Options": "PADV2",
        "Pool2DOptions": "AVERAGE_POOL_2D MAX_POOL_2D",
        "QuantizeOptions": "QUANTIZE",
        "ReducerOptions": "MEAN REDUCE_ALL REDUCE_ANY REDUCE_MAX REDUCE_MIN REDUCE_PROD SUM",
        "ResizeBilinearOptions": "RESIZE_BILINEAR",
        "ResizeNearestNeighborOptions": "RESIZE_NEAREST_NEIGHBOR",
        "SelectOptions": "SELECT",
        "SelectV2Options": "SELECT_V2",
        "ShapeOptions": "SHAPE",
        "SoftmaxOptions": "SOFTMAX",
        "SpaceToDepthOptions": "SPACE_TO_DEPTH",
        "SplitOptions": "SPLIT",
        "SplitVOptions": "SPLIT_V",
        "SquareOptions": "SQUARE",
        "SqueezeOptions": "SQUEEZE",
        "StridedSliceOptions": "STRIDED_SLICE",
        "SubOptions": "SUB",
        "TopKV2Options": "TOPK_V2",
        "TransposeConvOptions": "TRANSPOSE_CONV",
        "UnidirectionalSequenceLSTMOptions": "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "UnpackOptions": "UNPACK",
    }.items()
    for kind in kinds.split()
}


@cache
def attributes(kind: str) -> Mapping[str, tuple[str, ...]]:
    """The attributes that an op of *kind* can have, each with the names of its values if it is an enumeration."""
    return {name: field.names for name, field in fields(kind).items()}


def fields(kind: str) -> Layout:
    """The attributes that an op of *kind* can have, as the fields of its table."""
    return layout(_TABLES.get(kind) or _called_after().get(kind.replace("_", "").lower(), ""))


def written_options(kind: str) -> str | None:
    """The table of options that an op of *kind* has in a file; None where there is none."""
    return _WRITTEN.get(kind)


@cache
def _called_after() -> Mapping[str, str]:
    """The tables of options by the name of their op, in lower case without `_`."""
    names = (*enumeration("BuiltinOptions"), *enumeration("BuiltinOptions2"))
    return {name.removesuffix("Options").lower(): name for name in names}
