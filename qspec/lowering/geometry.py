"""Sizes of windows, paddings and broadcasts, as Keras and LiteRT compute them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.lowering.site import Unsupported

Pair = tuple[int, int]


def pair(node: Node, least: int = 1) -> Pair:
    """A height and width; one number stands for both."""
    if isinstance(node.value, int):
        return (node.integer(least), node.integer(least))
    items = node.items()
    if len(items) == 1:
        return (items[0].integer(least), items[0].integer(least))
    if len(items) != 2:
        raise node.expected("a height and a width")
    return (items[0].integer(least), items[1].integer(least))


def numbers(node: Node, rank: int, least: int = 1) -> tuple[int, ...]:
    """One number for each spatial dimension; a single one stands for all."""
    if isinstance(node.value, int):
        return (node.integer(least),) * rank
    items = node.items()
    if len(items) not in (1, rank):
        raise node.expected("one number" if rank == 1 else f"one number, or {rank}")
    return tuple(item.integer(least) for item in items) * (rank if len(items) == 1 else 1)


@dataclass(frozen=True)
class Window:
    """A window that moves over spatial dimensions. `padding` is SAME or VALID."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str

    def over(self, sizes: Shape) -> Shape:
        """How many windows fit into each of the *sizes*."""
        steps = zip(sizes, self.size, self.strides, self.dilation, strict=True)
        return tuple(windowed(size, window, stride, dilation, self.padding) for size, window, stride, dilation in steps)

    def over_row(self) -> Window:
        """The same over an image of a single row. The rows' stride is the columns', which has no effect and is what
        accelerators and TensorFlow's depthwise kernel want."""
        return Window((1, *self.size), self.strides * 2, (1, *self.dilation), self.padding)

    def attributes(self) -> dict[str, Any]:
        """Those of a convolution with this window over an image."""
        return {
            "padding": self.padding,
            "stride_w": self.strides[1],
            "stride_h": self.strides[0],
            "dilation_w_factor": self.dilation[1],
            "dilation_h_factor": self.dilation[0],
            "fused_activation_function": "NONE",
        }


def padding_name(node: Node) -> str:
    """`SAME` or `VALID`."""
    name = node.text().upper()
    if name not in ("SAME", "VALID"):
        raise Unsupported(f"its padding is `{node.text()}`")
    return name


def joined_axes(left: Shape, right: Shape) -> tuple[Shape, Shape]:
    """Two shapes of the same rank as of the lowest rank in which they broadcast alike: neighbouring axes are one where
    both have the same sizes, or one of both has ones."""
    joined: list[tuple[int | None, int | None]] = []
    last = None
    for pair in zip(left, right, strict=True):
        relation = _relation(*pair)
        if joined and (relation is None or last in (relation, None)):
            joined[-1] = _times(joined[-1][0], pair[0]), _times(joined[-1][1], pair[1])
        else:
            joined.append(pair)
            last = None
        last = last or relation
    return tuple(size for size, _ in joined), tuple(size for _, size in joined)


def _relation(left: int | None, right: int | None) -> str | None:
    """How two sizes broadcast; two ones may do so in any way."""
    if left == right:
        return None if left == 1 else "same"
    return "repeats left" if left == 1 else "repeats right"


def _times(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left * right


def product(sizes: Shape) -> int | None:
    """How many values there are of these sizes; None if one is unknown."""
    return None if None in sizes else prod(size or 0 for size in sizes)


def windowed(size: int | None, window: int, stride: int, dilation: int, padding: str) -> int | None:
    """How many windows fit: ceil(size / stride) for SAME, ceil((size - reach) / stride) for VALID."""
    if size is None:
        return None
    reach = (window - 1) * dilation if padding == "VALID" else 0
    count = -((reach - size) // stride)
    if count < 1:
        raise Unsupported(f"its window of {reach + 1} is larger than its input of {size}")
    return count


def same_padding(size: int, window: int, stride: int, dilation: int) -> Pair:
    """What SAME adds before and behind: the smaller half before (TensorFlow, `GetWindowedOutputSize`)."""
    reach = (window - 1) * dilation + 1
    count = -(-size // stride)
    total = max((count - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def broadcast(left: Shape, right: Shape) -> Shape:
    """The shape of an elementwise op on two tensors of the same rank."""
    return tuple(_broadcast_size(a, b) for a, b in zip(left, right, strict=True))


def _broadcast_size(left: int | None, right: int | None) -> int | None:
    if left == right or right == 1:
        return left
    if left == 1:
        return right
    if left is None or right is None:
        return right if left is None else left
    raise Unsupported(f"its inputs have sizes {left} and {right} on one axis")
