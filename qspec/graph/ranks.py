"""How many dimensions the operands of an op have, where the op leaves no choice, and along which one weights have
channels (LiteRT's schema and `tfl_ops.td`)."""

from __future__ import annotations

from collections.abc import Mapping

MOST_DIMENSIONS = 8
"""Of a tensor that a table speaks of, unless less is known: a position beyond is a slip."""

_IMAGES = {"input": 4, "output": 4}
_RANKS: Mapping[str, Mapping[str, int]] = {
    "CONV_2D": {**_IMAGES, "weights": 4, "bias": 1},
    "DEPTHWISE_CONV_2D": {**_IMAGES, "weights": 4, "bias": 1},
    "TRANSPOSE_CONV": {**_IMAGES, "weights": 4, "bias": 1, "output_shape": 1},
    "CONV_3D": {"input": 5, "output": 5, "weights": 5, "bias": 1},
    "CONV_3D_TRANSPOSE": {"input": 5, "output": 5, "weights": 5, "bias": 1, "output_shape": 1},
    "FULLY_CONNECTED": {"weights": 2, "bias": 1},
    "AVERAGE_POOL_2D": _IMAGES,
    "MAX_POOL_2D": _IMAGES,
    "L2_POOL_2D": _IMAGES,
    "RESIZE_BILINEAR": {**_IMAGES, "size": 1},
    "RESIZE_NEAREST_NEIGHBOR": {**_IMAGES, "size": 1},
    "DEPTH_TO_SPACE": _IMAGES,
    "SPACE_TO_DEPTH": _IMAGES,
    "LOCAL_RESPONSE_NORMALIZATION": _IMAGES,
    "PAD": {"paddings": 2},
    "PADV2": {"paddings": 2},
    "MIRROR_PAD": {"paddings": 2},
}
# How long a list can be.
_LENGTHS: Mapping[str, Mapping[str, int]] = {
    "PAD": {"paddings": 5},  # the kernel takes at most five dimensions (LiteRT's tflite/kernels/pad.cc)
    "PADV2": {"paddings": 5},
    "RESIZE_BILINEAR": {"size": 2},
    "RESIZE_NEAREST_NEIGHBOR": {"size": 2},
    "TRANSPOSE_CONV": {"output_shape": 4},
    "CONV_3D_TRANSPOSE": {"output_shape": 5},
}
_CHANNELS: Mapping[str, int] = {
    "CONV_2D": 0,
    "DEPTHWISE_CONV_2D": 3,
    "TRANSPOSE_CONV": 0,
    "FULLY_CONNECTED": 0,
}


def operand_rank(kind: str, operand: str) -> int | None:
    """How many dimensions that operand of an op of *kind* has; None where that is open."""
    return _RANKS.get(kind, {}).get(operand)


def longest_list(kind: str, operand: str) -> int:
    """The most entries that a constant list can have."""
    return _LENGTHS.get(kind, {}).get(operand, MOST_DIMENSIONS)


def channel_axis(kind: str) -> int | None:
    """The axis of the weights' output channels, the only one along which LiteRT's kernels take several scales; None
    where it is not known."""
    return _CHANNELS.get(kind)
