"""Batch normalization and rescaling: a multiply and an add with constants."""

from __future__ import annotations

from typing import Any

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.lowering.site import Site, UnknownShape


def batch_normalization(site: Site) -> int:
    """`BatchNormalization` at inference: MUL with `inner["multiplier"]`, s = gamma / sqrt(variance + epsilon), and ADD
    with `inner["addend"]`, beta - mean * s; between them `inner["multiplied"]`. Folding removes them again."""
    tensor = site.single_input()
    shape = site.shape(tensor)
    constants = _along(shape, normalized_axis(site.config, len(shape)))
    multiplied = _scaled(site, tensor, "MUL", "multiplier", constants, last=False)
    output = _scaled(site, multiplied, "ADD", "addend", constants, last=True)
    site.draft.pairs[site.call.index] = (site.ops[-2], site.ops[-1])
    return output


def normalized_axis(config: Node, rank: int) -> int:
    """The axis of a BatchNormalization, from the front."""
    axis = config["axis"]
    if isinstance(axis.value, list) and len(axis.value) == 1:
        axis = axis.items()[0]
    return axis.integer(-rank, rank - 1) % rank


def _along(shape: Shape, axis: int) -> Shape:
    """The shape of a constant that varies along one axis: (C,) along the last, (1, C, 1, 1) along another."""
    if shape[axis] is None:
        raise UnknownShape("the size of the normalized axis is unknown")
    if axis == len(shape) - 1:
        return (shape[axis],)
    return tuple(size if position == axis else 1 for position, size in enumerate(shape))


def rescaling(site: Site) -> int:
    """`Rescaling`: MUL with `inner["multiplier"]` unless the scale is 1, ADD with `inner["addend"]` unless the offset
    is 0; between them `inner["multiplied"]`."""
    scale, offset = _constant(site.config["scale"]), _constant(site.config["offset"])
    tensor = site.single_input()
    multiplies, adds = set(scale) != {1.0}, set(offset) != {0.0}
    if not multiplies and not adds:
        return site.vanish(tensor)
    if multiplies:
        tensor = _scaled(site, tensor, "MUL", "multiplier", _array_shape(scale), last=not adds, value=scale)
    return _scaled(site, tensor, "ADD", "addend", _array_shape(offset), last=True, value=offset) if adds else tensor


def _constant(node: Node) -> tuple[float, ...]:
    """A number, or an array of numbers along the channels."""
    if isinstance(node.value, int | float):
        return (node.number(),)
    if isinstance(node.value, dict):
        node = node["config"]["value"]
    return tuple(item.number() for item in node.items())


def _array_shape(values: tuple[float, ...]) -> Shape:
    return () if len(values) == 1 else (len(values),)


def _scaled(site: Site, tensor: int, kind: str, key: str, shape: Shape, last: bool, value: Any = None) -> int:
    slot = site.output if last else site.inner("multiplied")
    operands = [tensor, site.inner_constant(key, shape, value)]
    return site.write(kind, operands, site.shape(tensor), slot, fused_activation_function="NONE")
