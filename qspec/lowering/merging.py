"""Layers that join several tensors.

More than two are joined one by one, from the left: the results before the last are `inner["partial_1"]`, ….
"""

from __future__ import annotations

from qspec.lowering.geometry import broadcast
from qspec.lowering.site import Lowering, Site, Unsupported

_ACTIVATED = ("ADD", "SUB", "MUL")


def merge(kind: str) -> Lowering:
    """`Add`, `Multiply`, `Maximum`, `Minimum`: any number of tensors."""

    def lower(site: Site) -> int:
        return _chain(site, kind, last_inner=None)

    return lower


def subtract(site: Site) -> int:
    """`Subtract`: exactly two tensors."""
    if len(site.inputs) != 2:
        raise Unsupported(f"it is called with {len(site.inputs)} tensors, and takes two")
    return _chain(site, "SUB", last_inner=None)


def average(site: Site) -> int:
    """`Average`: the sum, `inner["sum"]`, times 1/n, the constant `inner["multiplier"]`."""
    total = _chain(site, "ADD", last_inner="sum")
    operands = [total, site.inner_constant("multiplier", (), 1 / len(site.inputs))]
    return site.write("MUL", operands, site.shape(total), site.output, fused_activation_function="NONE")


def concatenate(site: Site) -> int:
    """`Concatenate`"""
    if len(site.inputs) < 2:
        return site.vanish(site.single_input())
    tensors = [site.input(position) for position in range(len(site.inputs))]
    shapes = [site.shape(tensor) for tensor in tensors]
    rank = len(shapes[0])
    axis = site.config["axis"].integer(-rank, rank - 1)
    sizes = [shape[axis] for shape in shapes if len(shape) == rank]
    if len(sizes) < len(shapes):
        raise Unsupported("its inputs differ in rank")
    for position in range(rank):
        known = {shape[position] for shape in shapes} - {None}
        if position != axis % rank and len(known) > 1:
            raise Unsupported(f"its inputs differ on axis {position}")
    joined = None if None in sizes else sum(size or 0 for size in sizes)
    result = list(shapes[0])
    result[axis] = joined
    return site.write("CONCATENATION", tensors, tuple(result), site.output, axis=axis, fused_activation_function="NONE")


def _chain(site: Site, kind: str, last_inner: str | None) -> int:
    """Join all inputs, two at a time; the last result is the layer's output, or *last_inner*."""
    if len(site.inputs) < 2:
        raise Unsupported("it joins a single tensor")
    tensors = [site.input(position) for position in range(len(site.inputs))]
    if len({len(site.shape(tensor)) for tensor in tensors}) > 1:
        raise Unsupported("its inputs differ in rank, which becomes several ops")
    result = tensors[0]
    for position, tensor in enumerate(tensors[1:], start=1):
        shape = broadcast(site.shape(result), site.shape(tensor))
        last = position == len(tensors) - 1
        slot = site.inner(f"partial_{position}")
        if last:
            slot = site.inner(last_inner) if last_inner else site.output
        attributes = {"fused_activation_function": "NONE"} if kind in _ACTIVATED else {}
        result = site.write(kind, [result, tensor], shape, slot, **attributes)
    return result
