"""Pooling, local and global."""

from __future__ import annotations

from math import prod

from qspec.graph.layers import Shape
from qspec.lowering.geometry import padding_name, pair, windowed
from qspec.lowering.site import Lowering, Site


def pooling_2d(kind: str) -> Lowering:
    """`MaxPooling2D`, `AveragePooling2D`"""

    def lower(site: Site) -> int:
        window = pair(site.config["pool_size"])
        strides = pair(site.config["strides"]) if site.config.has("strides") else window
        padding = padding_name(site.config["padding"])
        tensor = site.single_input()
        batch, height, width, channels = site.image(tensor)
        shape = (
            batch,
            windowed(height, window[0], strides[0], 1, padding),
            windowed(width, window[1], strides[1], 1, padding),
            channels,
        )
        return site.write(
            kind,
            [tensor],
            shape,
            site.output,
            padding=padding,
            stride_w=strides[1],
            stride_h=strides[0],
            filter_width=window[1],
            filter_height=window[0],
            fused_activation_function="NONE",
        )

    return lower


def global_pooling(kind: str, dimensions: int) -> Lowering:
    """`GlobalAveragePooling2D` and its relatives of one and three spatial dimensions: MEAN or REDUCE_MAX over them."""

    def lower(site: Site) -> int:
        keep = site.config.get("keepdims")
        keep_dims = not keep.is_none and keep.boolean()
        tensor = site.single_input()
        shape = site.image(tensor, dimensions + 2)
        spatial = shape[1:-1]
        if keep_dims and None not in spatial and prod(size or 0 for size in spatial) == 1:
            return site.vanish(tensor)
        kept = (1,) * dimensions if keep_dims else ()
        result: Shape = (shape[0], *kept, shape[-1])
        return site.write(kind, [tensor, _axes(site, dimensions)], result, site.output, keep_dims=keep_dims)

    return lower


def _axes(site: Site, dimensions: int) -> int:
    if dimensions == 1:
        return site.draft.constant(1, ())
    return site.draft.constant(tuple(range(1, dimensions + 1)), (dimensions,))
