"""LiteRT's float ops in TensorFlow: what each computes, from its operands and attributes.

The operands are as in the flatbuffer (weights with the output channels first, axes and shapes as integer arrays), and
each kernel is what the converter turns into just that op.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from qspec.graph.ops import Op
from qspec.keras.kernels.convolution_kernels import (
    conv_2d,
    conv_3d,
    conv_3d_transpose,
    depthwise_conv_2d,
    transpose_conv,
)
from qspec.keras.kernels.recurrence import lstm

Kernel = Callable[..., Any]

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "NONE": lambda value: value,
    "RELU": tf.nn.relu,
    "RELU6": tf.nn.relu6,
    "RELU_N1_TO_1": lambda value: tf.clip_by_value(value, -1.0, 1.0),
    "TANH": tf.math.tanh,
}


def activated(op: Op, value: Any) -> Any:
    """*value* through the activation function that is fused with *op*."""
    return _ACTIVATIONS[op.attributes.get("fused_activation_function", "NONE")](value)


def _unary(function: Callable[[Any], Any]) -> Kernel:
    return lambda op, value: function(value)


def _binary(function: Callable[[Any, Any], Any]) -> Kernel:
    return lambda op, left, right: activated(op, function(left, right))


def _integers(values: Any) -> list[int]:
    return [int(value) for value in np.reshape(values, -1)]


# ---- products with weights


def _with_bias(op: Op, value: Any, bias: Any) -> Any:
    return activated(op, value if bias is None else value + bias)


def _product(function: Callable[..., Any], operands: int = 2) -> Kernel:
    """A convolution of so many operands, with a bias behind them or without."""
    return lambda op, *given: _with_bias(op, function(op, *given[:operands]), dict(enumerate(given)).get(operands))


def _fully_connected(op: Op, value: Any, weights: Any, bias: Any = None) -> Any:
    if len(value.shape) == 2:
        return _with_bias(op, tf.matmul(value, weights, transpose_b=True), bias)
    features = weights.shape[-1]
    if op.attributes.get("keep_num_dims"):
        # The converter makes FULLY_CONNECTED of a product of two matrices, and joins reshapes around it.
        leading = [-1 if size is None else size for size in value.shape[:-1]]
        result = tf.matmul(tf.reshape(value, (-1, features)), weights, transpose_b=True)
        return activated(op, tf.reshape(result if bias is None else result + bias, (*leading, weights.shape[0])))
    result = tf.matmul(tf.reshape(value, (-1, features)), weights, transpose_b=True)
    return _with_bias(op, result, bias)


def _batch_matmul(op: Op, left: Any, right: Any) -> Any:
    adjoints = {"adjoint_a": op.attributes.get("adj_x", False), "adjoint_b": op.attributes.get("adj_y", False)}
    return tf.linalg.matmul(left, right, **adjoints)


# ---- windows


def _pool(function: Callable[..., Any]) -> Kernel:
    def pool(op: Op, value: Any) -> Any:
        size = (op.attributes["filter_height"], op.attributes["filter_width"])
        strides = (op.attributes["stride_h"], op.attributes["stride_w"])
        return activated(op, function(value, size, strides, op.attributes["padding"]))

    return pool


def _resize(method: str) -> Kernel:
    def resize(op: Op, value: Any, size: Any) -> Any:
        arguments = {
            "align_corners": op.attributes.get("align_corners", False),
            "half_pixel_centers": op.attributes.get("half_pixel_centers", False),
        }
        function = tf.raw_ops.ResizeBilinear if method == "bilinear" else tf.raw_ops.ResizeNearestNeighbor
        return function(images=value, size=size, **arguments)

    return resize


# ---- reductions and movement


def _reduction(function: Callable[..., Any]) -> Kernel:
    def reduce(op: Op, value: Any, axes: Any) -> Any:
        return function(value, axis=_integers(axes), keepdims=op.attributes.get("keep_dims", False))

    return reduce


def _arg(function: Callable[..., Any]) -> Kernel:
    return lambda op, value, axis: function(value, _integers(axis)[0], op.attributes["output_type"].lower())


def _reshape(op: Op, value: Any, shape: Any) -> Any:
    return tf.reshape(value, _for_batch(value, _integers(shape)))


def _for_batch(value: Any, shape: list[int]) -> list[int]:
    """*shape*, made for the plan's batch, for as many samples as *value* holds; they vary slowest, so that only the
    first dimension tells."""
    if -1 in shape or not shape:
        return shape
    if None in value.shape:
        return [-1, *shape[1:]]
    return [shape[0] * math.prod(value.shape) // max(math.prod(shape), 1), *shape[1:]]


def _strided_slice(op: Op, value: Any, begin: Any, end: Any, strides: Any) -> Any:
    masks = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    return tf.strided_slice(value, begin, end, strides, **{mask: op.attributes.get(mask, 0) for mask in masks})


def _split(op: Op, axis: Any, value: Any) -> Any:
    return tf.split(value, op.attributes["num_splits"], axis=_integers(axis)[0])


def _split_v(op: Op, value: Any, sizes: Any, axis: Any) -> Any:
    return tf.split(value, _integers(sizes), axis=_integers(axis)[0])


def _squeeze(op: Op, value: Any) -> Any:
    axes = op.attributes.get("squeeze_dims", ())
    return tf.squeeze(value, axis=list(axes) or None)


def _cast(op: Op, value: Any) -> Any:
    return tf.cast(value, op.attributes["out_data_type"].lower())


def _gather(op: Op, value: Any, indices: Any) -> Any:
    return tf.gather(value, indices, axis=op.attributes.get("axis", 0), batch_dims=op.attributes.get("batch_dims", 0))


def _one_hot(op: Op, indices: Any, depth: Any, on: Any, off: Any) -> Any:
    return tf.one_hot(indices, _integers(depth)[0], on, off, axis=op.attributes.get("axis", -1))


def _top_k(op: Op, value: Any, number: Any) -> Any:
    return list(tf.math.top_k(value, _integers(number)[0]))


def _cumsum(op: Op, value: Any, axis: Any) -> Any:
    exclusive, reverse = op.attributes.get("exclusive", False), op.attributes.get("reverse", False)
    return tf.cumsum(value, axis=_integers(axis)[0], exclusive=exclusive, reverse=reverse)


def _of_one_batch(op: Op, values: Sequence[Any]) -> list[Any]:
    """Constants that were made for a batch of one, for as many samples as the other *values* hold."""
    if op.attributes["axis"] == 0 or len({value.shape[0] for value in values}) == 1:
        return list(values)
    whole = next(value for value in values if value.shape[0] != 1)
    batch = tf.shape(whole)[0]
    return [tf.broadcast_to(value, [batch, *value.shape[1:]]) if value.shape[0] == 1 else value for value in values]


def _mirror_pad(op: Op, value: Any, paddings: Any) -> Any:
    return tf.pad(value, paddings, mode=op.attributes["mode"])


KERNELS: dict[str, Kernel] = {
    "CONV_2D": _product(conv_2d),
    "DEPTHWISE_CONV_2D": _product(depthwise_conv_2d),
    "TRANSPOSE_CONV": _product(transpose_conv, operands=3),
    "CONV_3D": _product(conv_3d),
    "CONV_3D_TRANSPOSE": _product(conv_3d_transpose, operands=3),
    "FULLY_CONNECTED": _fully_connected,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm,
    "BATCH_MATMUL": _batch_matmul,
    "MAX_POOL_2D": _pool(tf.nn.max_pool2d),
    "AVERAGE_POOL_2D": _pool(tf.nn.avg_pool2d),
    "RESIZE_BILINEAR": _resize("bilinear"),
    "RESIZE_NEAREST_NEIGHBOR": _resize("nearest"),
    "ADD": _binary(tf.add),
    "SUB": _binary(tf.subtract),
    "MUL": _binary(tf.multiply),
    "DIV": _binary(tf.divide),
    "MAXIMUM": _binary(tf.maximum),
    "MINIMUM": _binary(tf.minimum),
    "POW": _binary(tf.pow),
    "ATAN2": _binary(tf.math.atan2),
    "SQUARED_DIFFERENCE": _binary(tf.math.squared_difference),
    "FLOOR_DIV": _binary(tf.math.floordiv),
    "FLOOR_MOD": _binary(tf.math.floormod),
    "EQUAL": _binary(tf.equal),
    "NOT_EQUAL": _binary(tf.not_equal),
    "GREATER": _binary(tf.greater),
    "GREATER_EQUAL": _binary(tf.greater_equal),
    "LESS": _binary(tf.less),
    "LESS_EQUAL": _binary(tf.less_equal),
    "LOGICAL_AND": _binary(tf.logical_and),
    "LOGICAL_OR": _binary(tf.logical_or),
    "LOGICAL_NOT": _unary(tf.logical_not),
    "ABS": _unary(tf.abs),
    "NEG": _unary(tf.negative),
    "SQUARE": _unary(tf.square),
    "SQRT": _unary(tf.sqrt),
    "RSQRT": _unary(tf.math.rsqrt),
    "EXP": _unary(tf.exp),
    "LOG": _unary(tf.math.log),
    "SIN": _unary(tf.sin),
    "COS": _unary(tf.cos),
    "SIGN": _unary(tf.sign),
    "FLOOR": _unary(tf.floor),
    "CEIL": _unary(tf.math.ceil),
    "ROUND": _unary(tf.round),
    "RELU": _unary(tf.nn.relu),
    "RELU6": _unary(tf.nn.relu6),
    "RELU_N1_TO_1": _unary(_ACTIVATIONS["RELU_N1_TO_1"]),
    "ELU": _unary(tf.nn.elu),
    "LOGISTIC": _unary(tf.sigmoid),
    "TANH": _unary(tf.tanh),
    "GELU": lambda op, value: tf.nn.gelu(value, approximate=op.attributes.get("approximate", False)),
    "HARD_SWISH": lambda op, value: value * tf.nn.relu6(value + 3.0) * (1.0 / 6.0),
    "LEAKY_RELU": lambda op, value: tf.nn.leaky_relu(value, op.attributes["alpha"]),
    "PRELU": lambda op, value, alpha: tf.nn.relu(value) + -alpha * tf.nn.relu(-value),
    "SOFTMAX": lambda op, value: tf.nn.softmax(value),
    "LOG_SOFTMAX": _unary(tf.nn.log_softmax),
    "L2_NORMALIZATION": lambda op, value: tf.nn.l2_normalize(value, axis=-1),
    "MEAN": _reduction(tf.reduce_mean),
    "SUM": _reduction(tf.reduce_sum),
    "REDUCE_MAX": _reduction(tf.reduce_max),
    "REDUCE_MIN": _reduction(tf.reduce_min),
    "REDUCE_PROD": _reduction(tf.reduce_prod),
    "REDUCE_ANY": _reduction(tf.reduce_any),
    "REDUCE_ALL": _reduction(tf.reduce_all),
    "ARG_MAX": _arg(tf.argmax),
    "ARG_MIN": _arg(tf.argmin),
    "CUMSUM": _cumsum,
    "SHAPE": _unary(tf.shape),
    "RESHAPE": _reshape,
    "TRANSPOSE": lambda op, value, permutation: tf.transpose(value, _integers(permutation)),
    "EXPAND_DIMS": lambda op, value, axis: tf.expand_dims(value, _integers(axis)[0]),
    "SQUEEZE": _squeeze,
    "CONCATENATION": lambda op, *values: activated(op, tf.concat(_of_one_batch(op, values), op.attributes["axis"])),
    "PACK": lambda op, *values: tf.stack(values, op.attributes.get("axis", 0)),
    "UNPACK": lambda op, value: tf.unstack(value, op.attributes["num"], op.attributes.get("axis", 0)),
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "SLICE": lambda op, value, begin, size: tf.slice(value, begin, size),
    "STRIDED_SLICE": _strided_slice,
    "GATHER": _gather,
    "GATHER_ND": lambda op, value, indices: tf.gather_nd(value, indices),
    "PAD": lambda op, value, paddings: tf.pad(value, paddings),
    "PADV2": lambda op, value, paddings, constant: tf.pad(value, paddings, constant_values=constant),
    "MIRROR_PAD": _mirror_pad,
    "TILE": lambda op, value, multiples: tf.tile(value, multiples),
    "BROADCAST_TO": lambda op, value, shape: tf.broadcast_to(value, shape),
    "REVERSE_V2": lambda op, value, axes: tf.reverse(value, _integers(axes)),
    "CAST": _cast,
    "SELECT": lambda op, condition, yes, no: tf.where(condition, yes, no),
    "SELECT_V2": lambda op, condition, yes, no: tf.where(condition, yes, no),
    "ONE_HOT": _one_hot,
    "TOPK_V2": _top_k,
    "BUCKETIZE": lambda op, value: tf.raw_ops.Bucketize(input=value, boundaries=list(op.attributes["boundaries"])),
    "SPACE_TO_BATCH_ND": lambda op, value, block, paddings: tf.space_to_batch_nd(value, block, paddings),
    "BATCH_TO_SPACE_ND": lambda op, value, block, crops: tf.raw_ops.BatchToSpaceND(
        input=value, block_shape=block, crops=crops
    ),
    "SPACE_TO_DEPTH": lambda op, value: tf.nn.space_to_depth(value, op.attributes["block_size"]),
    "DEPTH_TO_SPACE": lambda op, value: tf.nn.depth_to_space(value, op.attributes["block_size"]),
}
"""By op kind: from the op and its operands (None for an absent one) to its result, or a list of several."""
