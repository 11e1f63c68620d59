"""Pooling, local and global."""

from __future__ import annotations

from math import prod

from qspec.graph.ops import Slot
from qspec.lowering.geometry import Window, numbers, padding_name
from qspec.lowering.layout import OnImage, channels_last, on_image, on_volume
from qspec.lowering.site import Lowering, Site
from qspec.lowering.writing import reduced_shape


def pooling(kind: str, rank: int) -> Lowering:
    """`MaxPooling1D` to `3D`, `AveragePooling1D` to `3D`.

    Three dimensions are pooled apart, which gives the same: of averages too, because how much of a window lies in the
    padding, which does not count, is a product over the dimensions.
    """

    def lower(site: Site) -> int:
        size = numbers(site.config["pool_size"], rank)
        strides = numbers(site.config["strides"], rank) if site.config.has("strides") else size
        window = Window(size, strides, (1,) * rank, padding_name(site.config["padding"]))
        if rank == 3:
            return _pool_3d(site, kind, window)
        plane = window.over_row() if rank == 1 else window
        return on_image(site, rank, lambda site, image: pool(site, kind, image, plane, site.output))

    return channels_last(lower)


def _pool_3d(site: Site, kind: str, window: Window) -> int:
    tensor = site.single_input()
    site.image(tensor, 5)
    *plane, row = ((window.size[axis], window.strides[axis]) for axis in range(3))
    planes = _window_of(plane, window.padding)
    rows = _window_of([(1, 1), row], window.padding)
    if planes is None and rows is None:
        return site.vanish(tensor)
    return on_volume(site, tensor, _pools(kind, planes), _pools(kind, rows))


def _window_of(axes: list[tuple[int, int]], padding: str) -> Window | None:
    """The window with a (size, stride) for each of two axes; None if it is a single value and goes everywhere."""
    if set(axes) == {(1, 1)}:
        return None
    return Window(tuple(size for size, _ in axes), tuple(stride for _, stride in axes), (1, 1), padding)


def _pools(kind: str, window: Window | None) -> OnImage | None:
    return None if window is None else lambda site, image: pool(site, kind, image, window, site.output)


def pool(site: Site, kind: str, image: int, window: Window, slot: Slot) -> int:
    """MAX_POOL_2D or AVERAGE_POOL_2D"""
    batch, height, width, channels = site.shape(image)
    return site.write(
        kind,
        [image],
        (batch, *window.over((height, width)), channels),
        slot,
        padding=window.padding,
        stride_w=window.strides[1],
        stride_h=window.strides[0],
        filter_width=window.size[1],
        filter_height=window.size[0],
        fused_activation_function="NONE",
    )


def global_pooling(kind: str, dimensions: int) -> Lowering:
    """`GlobalAveragePooling2D` and its relatives of one and three spatial dimensions: MEAN or REDUCE_MAX over them,
    wherever the channels are. The mean of a sequence with a mask is `masked_mean`."""

    def lower(site: Site) -> int:
        keep = site.config.get("keepdims")
        keep_dims = not keep.is_none and keep.boolean()
        if kind == "MEAN" and dimensions == 1 and len(site.inputs) == 2:
            from qspec.lowering.masked_pooling import masked_mean  # with what only attention has need of

            return masked_mean(site, keep=keep_dims)
        tensor = site.single_input()
        first = site.config.get("data_format").value == "channels_first"
        shape = site.shape(tensor) if first else site.image(tensor, dimensions + 2)
        axes = range(2, dimensions + 2) if first else range(1, dimensions + 1)
        spatial = [shape[axis] for axis in axes]
        if keep_dims and None not in spatial and prod(size or 0 for size in spatial) == 1:
            return site.vanish(tensor)
        result = reduced_shape(shape, axes, keep=keep_dims)
        return site.write(kind, [tensor, site.integers(axes)], result, site.output, keep_dims=keep_dims)

    return lower
