"""Sketches of the ops with weights, and references for what they compute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tests.targets.sketches import Array, Given, Out, Real, Sketch

_CONVOLUTION = {
    "stride_w": 1,
    "stride_h": 1,
    "dilation_w_factor": 1,
    "dilation_h_factor": 1,
    "padding": "VALID",
    "fused_activation_function": "NONE",
}


def convolution(x: Array, weights: Array, dilation: int = 1) -> Array:
    """`weights` are (outputs, height, width, inputs of a group); no padding, stride 1."""
    outputs, height, width, size = weights.shape
    groups = x.shape[-1] // size
    rows, columns = x.shape[1] - dilation * (height - 1), x.shape[2] - dilation * (width - 1)
    result = np.zeros((x.shape[0], rows, columns, outputs))
    for group in range(groups):
        mine = slice(group * outputs // groups, (group + 1) * outputs // groups)
        for i in range(height):
            for j in range(width):
                part = x[:, i * dilation :, j * dilation :, group * size : (group + 1) * size][:, :rows, :columns]
                result[..., mine] += part @ weights[mine, i, j].T
    return result


def depthwise(x: Array, weights: Array) -> Array:
    """`weights` are (1, height, width, channels * multiplier)."""
    _, height, width, outputs = weights.shape
    repeated = np.repeat(x, outputs // x.shape[-1], -1)
    rows, columns = x.shape[1] - height + 1, x.shape[2] - width + 1
    return np.asarray(
        sum(repeated[:, i : i + rows, j : j + columns] * weights[0, i, j] for i in range(height) for j in range(width))
    )


def transposed(x: Array, weights: Array) -> Array:
    """`weights` are (outputs, height, width, inputs); no padding, stride 2."""
    outputs, height, width, _ = weights.shape
    batch, rows, columns, _ = x.shape
    result = np.zeros((batch, 2 * (rows - 1) + height, 2 * (columns - 1) + width, outputs))
    for i in range(rows):
        for j in range(columns):
            part = np.einsum("bc,ohwc->bhwo", x[:, i, j], weights)
            result[:, 2 * i : 2 * i + height, 2 * j : 2 * j + width] += part
    return result


def convolution_3d(x: Array, weights: Array) -> Array:
    """`weights` are (depth, height, width, inputs, outputs); no padding, stride 1."""
    depth, height, width, _, outputs = weights.shape
    sizes = [x.shape[axis + 1] - weights.shape[axis] + 1 for axis in range(3)]
    result = np.zeros((x.shape[0], *sizes, outputs))
    for i, j, k in np.ndindex(depth, height, width):
        result += x[:, i : i + sizes[0], j : j + sizes[1], k : k + sizes[2]] @ weights[i, j, k]
    return result


def transposed_3d(x: Array, weights: Array) -> Array:
    """`weights` are (depth, height, width, outputs, inputs); no padding, stride 1."""
    depth, height, width, outputs, _ = weights.shape
    sizes = [x.shape[axis + 1] + weights.shape[axis] - 1 for axis in range(3)]
    result = np.zeros((x.shape[0], *sizes, outputs))
    for i, j, k in np.ndindex(depth, height, width):
        part = x @ weights[i, j, k].T
        result[:, i : i + x.shape[1], j : j + x.shape[2], k : k + x.shape[3]] += part
    return result


def _biased(compute: Callable[..., Array], relu: bool = False) -> Callable[..., Array]:
    def run(x: Array, weights: Array, bias: Any = 0.0) -> Array:
        result = compute(x, weights) + bias
        return np.maximum(result, 0) if relu else result

    return run


def _shaped(compute: Callable[..., Array]) -> Callable[..., Array]:
    """For the ops whose operands are the output's shape, the weights, the input and the bias."""
    return lambda shape, weights, x, bias=0.0: compute(x, weights) + bias


def _weights(*shape: int, axis: int = 0) -> Real:
    return Real(shape, -0.5, 0.5, True, "weights", axis)


def _bias(count: int) -> Real:
    return Real((count,), -1.0, 1.0, True, "bias")


# Sums of 16-bit products are rescaled by a multiplier of 15 bits: up to one unit at full scale, besides the rounding.
_RESCALED = 1.5

_IMAGE = Real((1, 5, 6, 4), -2, 2)

_WEIGHTED = [
    Sketch(
        "CONV_2D",
        (_IMAGE, _weights(6, 3, 3, 4), _bias(6)),
        (Out((1, 3, 4, 6)),),
        _biased(convolution),
        _CONVOLUTION,
    ),
    Sketch(
        "CONV_2D",
        (_IMAGE, _weights(6, 3, 3, 2), _bias(6)),
        (Out((1, 3, 4, 6)),),
        _biased(convolution),
        _CONVOLUTION,
        "groups",
    ),
    Sketch(
        "CONV_2D",
        (_IMAGE, _weights(6, 2, 2, 4), _bias(6)),
        (Out((1, 3, 4, 6)),),
        _biased(lambda x, w: convolution(x, w, 2)),
        {**_CONVOLUTION, "dilation_w_factor": 2, "dilation_h_factor": 2},
        "dilation",
    ),
    Sketch(
        "CONV_2D",
        (_IMAGE, _weights(6, 3, 3, 4), _bias(6)),
        (Out((1, 3, 4, 6)),),
        _biased(convolution, relu=True),
        {**_CONVOLUTION, "fused_activation_function": "RELU"},
        "relu",
    ),
    Sketch(
        "DEPTHWISE_CONV_2D",
        (_IMAGE, _weights(1, 3, 3, 4, axis=3), _bias(4)),
        (Out((1, 3, 4, 4)),),
        _biased(depthwise),
        {**_CONVOLUTION, "depth_multiplier": 1},
    ),
    Sketch(
        "DEPTHWISE_CONV_2D",
        (_IMAGE, _weights(1, 3, 3, 8, axis=3), _bias(8)),
        (Out((1, 3, 4, 8)),),
        _biased(depthwise),
        {**_CONVOLUTION, "depth_multiplier": 2},
        "multiplier",
    ),
    Sketch(
        "FULLY_CONNECTED",
        (Real((3, 16), -2, 2), _weights(6, 16), _bias(6)),
        (Out((3, 6)),),
        _biased(lambda x, w: x @ w.T),
    ),
    Sketch(
        "FULLY_CONNECTED",
        (Real((2, 3, 16), -2, 2), _weights(6, 16), _bias(6)),
        (Out((2, 3, 6)),),
        _biased(lambda x, w: x @ w.T),
        {"keep_num_dims": True},
        "rank 3",
    ),
    Sketch(
        "TRANSPOSE_CONV",
        (Given([1, 7, 9, 6]), _weights(6, 3, 3, 4), Real((1, 3, 4, 4), -2, 2), _bias(6)),
        (Out((1, 7, 9, 6)),),
        _shaped(transposed),
        {"stride_w": 2, "stride_h": 2, "padding": "VALID", "fused_activation_function": "NONE"},
    ),
    Sketch(
        "CONV_3D",
        (Real((1, 3, 4, 4, 2), -2, 2), _weights(2, 2, 2, 2, 3, axis=4), _bias(3)),
        (Out((1, 2, 3, 3, 3)),),
        _biased(convolution_3d),
        {"stride_d": 1, "stride_w": 1, "stride_h": 1, "padding": "VALID"},
    ),
    Sketch(
        "CONV_3D_TRANSPOSE",
        (Given([1, 4, 5, 5, 3]), _weights(2, 2, 2, 3, 2, axis=3), Real((1, 3, 4, 4, 2), -2, 2), _bias(3)),
        (Out((1, 4, 5, 5, 3)),),
        _shaped(transposed_3d),
        {"stride_d": 1, "stride_w": 1, "stride_h": 1, "padding": "VALID"},
    ),
    Sketch(
        "EMBEDDING_LOOKUP",
        (Given([2, 0, 1], constant=False), _weights(5, 8)),
        (Out((3, 8)),),
        lambda i, w: w[i],
    ),
]

# Of these both operands are activations, and the second may be a constant with scales of its own.
_PRODUCTS = [
    Sketch("BATCH_MATMUL", (Real((2, 3, 8), -2, 2), Real((2, 8, 5), -2, 2)), (Out((2, 3, 5)),), np.matmul),
    Sketch(
        "BATCH_MATMUL",
        (Real((2, 3, 8), -2, 2), Real((2, 5, 8), -2, 2)),
        (Out((2, 3, 5)),),
        lambda x, y: x @ y.swapaxes(1, 2),
        {"adj_y": True},
        "adj_y",
    ),
    Sketch(
        "BATCH_MATMUL",
        (Real((2, 3, 8), -2, 2), Real((2, 8, 5), -2, 2, constant=True, axis=2)),
        (Out((2, 3, 5)),),
        np.matmul,
        note="constant",
    ),
]

WEIGHTED = [replace(sketch, int16_tolerance=_RESCALED) for sketch in _WEIGHTED]
PRODUCTS = [replace(sketch, int16_tolerance=_RESCALED) for sketch in _PRODUCTS]
