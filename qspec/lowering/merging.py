"""Layers that join several tensors.

More than two are joined one by one, from the left: the results before the last are `inner["partial_1"]`, ….
"""

from __future__ import annotations

from qspec.lowering.site import Lowering, Site, Unsupported
from qspec.lowering.writing import binary, reshape
from qspec.lowering.writing import concatenate as joined


def merge(kind: str) -> Lowering:
    """`Add`, `Multiply`, `Maximum`, `Minimum`: any number of tensors."""

    def lower(site: Site) -> int:
        if len(site.inputs) == 1:
            return site.vanish(site.input())
        return _chain(site, kind, last_inner=None)

    return lower


def subtract(site: Site) -> int:
    """`Subtract`: exactly two tensors."""
    if len(site.inputs) != 2:
        raise Unsupported(f"it is called with {len(site.inputs)} tensors, and takes two")
    return _chain(site, "SUB", last_inner=None)


def average(site: Site) -> int:
    """`Average`: the sum, `inner["sum"]`, times 1/n, the constant `inner["multiplier"]`."""
    if len(site.inputs) == 1:
        return site.vanish(site.input())
    total = _chain(site, "ADD", last_inner="sum")
    operands = [total, site.inner_constant("multiplier", (), 1 / len(site.inputs))]
    return site.write("MUL", operands, site.shape(total), site.output, fused_activation_function="NONE")


def concatenate(site: Site) -> int:
    """`Concatenate`"""
    if len(site.inputs) < 2:
        return site.vanish(site.single_input())
    tensors = [site.input(position) for position in range(len(site.inputs))]
    rank = len(site.shape(tensors[0]))
    return joined(site, tensors, site.config["axis"].integer(-rank, rank - 1) % rank, site.output)


def _chain(site: Site, kind: str, last_inner: str | None) -> int:
    """Join all inputs, two at a time; the last result is the layer's output, or *last_inner*.

    Keras puts the axes that an input of lower rank lacks behind the batch: it is reshaped to `inner["aligned_0"]`, …
    """
    tensors = [_aligned(site, position) for position in range(len(site.inputs))]
    result = tensors[0]
    for position, tensor in enumerate(tensors[1:], start=1):
        slot = site.inner(f"partial_{position}")
        if position == len(tensors) - 1:
            slot = site.inner(last_inner) if last_inner else site.output
        result = binary(site, kind, result, tensor, slot)
    return result


def _aligned(site: Site, position: int) -> int:
    """An input with the rank of the others."""
    rank = max(len(site.shape(tensor)) for tensor in site.inputs)
    tensor = site.input(position)
    shape = site.shape(tensor)
    if len(shape) == rank:
        return tensor
    wanted = (shape[0], *(1,) * (rank - len(shape)), *shape[1:])
    return reshape(site, tensor, wanted, site.inner(f"aligned_{position}"))
