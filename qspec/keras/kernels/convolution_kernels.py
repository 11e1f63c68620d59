"""LiteRT's convolutions in TensorFlow, weights as in the flatbuffer.

TensorFlow's own ops become just LiteRT's, but not all of them run and train on every processor; Keras' functions do,
and become several ops where a convolution is dilated and the batch dynamic. So a graph that will be converted has the
former, and everything that is executed the latter.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from qspec.graph.ops import Op
from qspec.keras.kernels.tracing import is_for_a_file


def conv_2d(op: Op, value: Any, weights: Any) -> Any:
    """CONV_2D without its bias"""
    kernel = tf.transpose(weights, (1, 2, 3, 0))
    if is_for_a_file():
        return tf.nn.conv2d(value, kernel, _strides(op), op.attributes["padding"], dilations=_dilations(op))
    return keras.ops.conv(value, kernel, **_keras_window(op))


def depthwise_conv_2d(op: Op, value: Any, weights: Any) -> Any:
    """DEPTHWISE_CONV_2D without its bias"""
    _, height, width, outputs = weights.shape
    kernel = tf.reshape(weights, (height, width, value.shape[-1], outputs // value.shape[-1]))
    if is_for_a_file():
        return tf.raw_ops.DepthwiseConv2dNative(
            input=value,
            filter=kernel,
            strides=[1, *_strides(op), 1],
            padding=op.attributes["padding"],
            dilations=[1, *_dilations(op), 1],
        )
    return keras.ops.depthwise_conv(value, kernel, **_keras_window(op))


def transpose_conv(op: Op, shape: Any, weights: Any, value: Any) -> Any:
    """TRANSPOSE_CONV without its bias"""
    kernel = tf.transpose(weights, (1, 2, 0, 3))
    return tf.nn.conv2d_transpose(value, kernel, _output_shape(shape, value), _strides(op), op.attributes["padding"])


def conv_3d(op: Op, value: Any, weights: Any) -> Any:
    """CONV_3D"""
    if is_for_a_file():
        window = {"strides": [1, *_strides(op, "dhw"), 1], "dilations": [1, *_dilations(op, "dhw"), 1]}
        return tf.nn.conv3d(value, weights, padding=op.attributes["padding"], **window)
    return keras.ops.conv(value, weights, **_keras_window(op, "dhw"))


def conv_3d_transpose(op: Op, shape: Any, weights: Any, value: Any) -> Any:
    """CONV_3D_TRANSPOSE"""
    shape = _output_shape(shape, value)
    return tf.nn.conv3d_transpose(value, weights, shape, _strides(op, "dhw"), op.attributes["padding"])


def _output_shape(shape: Any, value: Any) -> Any:
    """A constant *shape*, made for the plan's batch, for as many samples as *value* holds."""
    if not isinstance(shape, np.ndarray):
        return shape
    batch = tf.shape(value)[0] if value.shape[0] is None else value.shape[0]
    return [batch, *(int(size) for size in shape[1:])]


def _strides(op: Op, sides: str = "hw") -> tuple[int, ...]:
    return tuple(op.attributes[f"stride_{side}"] for side in sides)


def _dilations(op: Op, sides: str = "hw") -> tuple[int, ...]:
    return tuple(op.attributes[f"dilation_{side}_factor"] for side in sides)


def _keras_window(op: Op, sides: str = "hw") -> dict[str, Any]:
    return {
        "strides": _strides(op, sides),
        "padding": op.attributes["padding"].lower(),
        "data_format": "channels_last",
        "dilation_rate": _dilations(op, sides),
    }
