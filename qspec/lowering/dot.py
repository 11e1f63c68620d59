"""Dot products of samples."""

from __future__ import annotations

from math import prod

from qspec.graph.layers import Shape
from qspec.lowering.site import Site, Unsupported
from qspec.lowering.writing import axis_in, reshape, transpose


def dot(site: Site) -> int:
    """`Dot`: BATCH_MATMUL over one axis of each of two inputs.

    The axis is the last of `inner["left"]` and `inner["right"]`, the inputs as [batch, rows, axis], so far as they are
    not that already: on the way there may be `inner["left_transposed"]`, and `inner["left_normalized"]` by an
    L2_NORMALIZATION. The product, [batch, rows, rows], is `inner["products"]` where it is not the result's shape.
    """
    if len(site.inputs) != 2:
        raise Unsupported(f"it is called with {len(site.inputs)} tensors, and takes two")
    shapes = [site.shape(site.input(position)) for position in range(2)]
    axes = _axes(site, shapes)
    if shapes[0][axes[0]] != shapes[1][axes[1]]:
        raise Unsupported(f"its inputs have {shapes[0][axes[0]]} and {shapes[1][axes[1]]} values on its axes")
    matrices = [
        _matrix(site, position, axis, name) for position, (axis, name) in enumerate(zip(axes, _NAMES, strict=True))
    ]
    rest = [_without(shape, axis) for shape, axis in zip(shapes, axes, strict=True)]
    batch = shapes[0][0]
    product = (batch, site.shape(matrices[0])[1], site.shape(matrices[1])[1])
    wanted = (batch, *rest[0], *rest[1]) if rest[0] or rest[1] else (batch, 1)
    same = wanted == product
    slot = site.output if same else site.inner("products")
    result = site.write("BATCH_MATMUL", matrices, product, slot, adj_x=False, adj_y=True)
    return result if same else reshape(site, result, wanted, site.output)


_NAMES = ("left", "right")


def _axes(site: Site, shapes: list[Shape]) -> tuple[int, int]:
    node = site.config["axes"]
    values = [node.integer(-16)] * 2 if isinstance(node.value, int) else [item.integer(-16) for item in node.items()]
    if len(values) != 2:
        raise node.expected("one axis, or two")
    left, right = (axis_in(value, len(shape)) for value, shape in zip(values, shapes, strict=True))
    if 0 in (left, right):
        raise Unsupported("its axis is the batch")
    return left, right


def _without(shape: Shape, axis: int) -> Shape:
    """The sizes of the axes but the batch and *axis*."""
    return tuple(size for position, size in enumerate(shape) if position not in (0, axis))


def _matrix(site: Site, position: int, axis: int, name: str) -> int:
    """An input as [batch, rows, axis]."""
    tensor = site.input(position)
    shape = site.shape(tensor)
    last = len(shape) - 1
    if axis != last:
        order = [number for number in range(len(shape)) if number != axis] + [axis]
        tensor = transpose(site, tensor, order, site.inner(f"{name}_transposed"))
    if site.config.get("normalize").value:
        slot = site.inner(f"{name}_normalized")
        tensor = site.write("L2_NORMALIZATION", [tensor], site.shape(tensor), slot, fused_activation_function="NONE")
    if last == 2:
        return tensor
    rest = _without(shape, axis)
    rows = None if None in rest else prod(size or 0 for size in rest)
    return reshape(site, tensor, (shape[0], rows, shape[axis]), site.inner(name))
