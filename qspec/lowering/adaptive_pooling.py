"""Adaptive pooling: as many windows as wanted, along each axis apart.

Window i of n over a size s reaches from floor(i·s/n) to ceil((i+1)·s/n), as in Keras
(`keras/src/backend/tensorflow/nn.py`). Where n divides s these are the windows of a pooling with a stride. Elsewhere
they have two lengths: both poolings are made with a stride of 1, joined, and the right windows gathered.
"""

from __future__ import annotations

from collections.abc import Mapping

from qspec.graph.layers import Shape
from qspec.graph.ops import Slot
from qspec.lowering.geometry import Window, numbers
from qspec.lowering.layout import channels_last, on_image, on_volume
from qspec.lowering.pooling import pool
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import concatenate

_IMAGE = {1: "height", 2: "width"}
_PLANE = {1: "depth", 2: "height"}


def adaptive_pooling(kind: str, rank: int) -> Lowering:
    """`AdaptiveAveragePooling1D` to `3D`, `AdaptiveMaxPooling1D` to `3D`.

    Between their ops stand `inner["small_width"]` and `inner["large_width"]`, the results of the shorter and the longer
    window, `inner["joined_width"]`, the same of the height, and `inner["height"]`.
    """

    def lower(site: Site) -> int:
        wanted = numbers(site.config["output_size"], rank)
        if rank < 3:
            counts = wanted if rank == 2 else (1, *wanted)
            return on_image(site, rank, lambda site, image: _pooled(site, kind, image, counts, _IMAGE))
        tensor = site.single_input()
        depth, height, width = site.image(tensor, 5)[1:-1]
        if (depth, height, width) == wanted:
            return site.vanish(tensor)
        planes, row = wanted[:2], (None, wanted[2])
        return on_volume(
            site,
            tensor,
            None if (depth, height) == planes else lambda site, image: _pooled(site, kind, image, planes, _PLANE),
            None if width == wanted[2] else lambda site, image: _pooled(site, kind, image, row, _IMAGE),
        )

    return channels_last(lower)


def _pooled(site: Site, kind: str, image: int, counts: Shape, names: Mapping[int, str]) -> int:
    """*counts* windows along the axes 1 and 2, which *names* names; None leaves an axis as it is."""
    shape = site.shape(image)
    sizes = {axis: (shape[axis], count) for axis, count in zip((1, 2), counts, strict=True)}
    if any(size is None for size, count in sizes.values() if count is not None):
        raise UnknownShape("its spatial sizes are unknown")
    changed = [axis for axis, (size, count) in sizes.items() if count is not None and size != count]
    if not changed:
        return site.vanish(image)
    ratios = {axis: (shape[axis] or 0) // (counts[axis - 1] or 1) if axis in changed else 1 for axis in (1, 2)}
    if all((shape[axis] or 0) % (counts[axis - 1] or 1) == 0 for axis in changed):
        steps = (ratios[1], ratios[2])
        return pool(site, kind, image, Window(steps, steps, (1, 1), "VALID"), site.output)
    for axis in changed:
        slot = site.output if axis == changed[-1] else site.inner(names[axis])
        image = _along(site, kind, image, axis, counts[axis - 1] or 0, slot, names[axis])
    return image


def _along(site: Site, kind: str, image: int, axis: int, count: int, slot: Slot, name: str) -> int:
    """*count* windows along one axis."""
    size = site.shape(image)[axis] or 0
    if size % count == 0:
        return _strip(site, kind, image, axis, size // count, size // count, slot)
    small = -(-size // count)
    if small + 1 > size:
        raise Unsupported(f"its window of {small + 1} is larger than its input of {size}")
    starts = [number * size // count for number in range(count)]
    lengths = [-(-(number + 1) * size // count) - start for number, start in enumerate(starts)]
    pools = [
        _strip(site, kind, image, axis, length, 1, site.inner(f"{which}_{name}"))
        for which, length in (("small", small), ("large", small + 1))
        if length in lengths
    ]
    joined = pools[0] if len(pools) == 1 else concatenate(site, pools, axis, site.inner(f"joined_{name}"))
    behind = 0 if min(lengths) > small else size - small + 1
    indices = [start + (behind if length > small else 0) for start, length in zip(starts, lengths, strict=True)]
    shape = tuple(count if position == axis else size for position, size in enumerate(site.shape(image)))
    return site.write("GATHER", [joined, site.integers(indices)], shape, slot, axis=axis, batch_dims=0)


def _strip(site: Site, kind: str, image: int, axis: int, length: int, stride: int, slot: Slot) -> int:
    """Pooling along one axis."""
    size = (length, 1) if axis == 1 else (1, length)
    strides = (stride, 1) if axis == 1 else (1, stride)
    return pool(site, kind, image, Window(size, strides, (1, 1), "VALID"), slot)
