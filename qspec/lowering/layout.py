"""Layers of one, two and three spatial dimensions on LiteRT's ops, which take images with their channels last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from qspec.graph.layers import Shape
from qspec.lowering.activations import with_activation
from qspec.lowering.site import Lowering, Site
from qspec.lowering.writing import reshape, transpose

OnImage = Callable[[Site, int], int]
"""Writes the ops of a layer that reads the given image, [batch, height, width, channels]."""

_ALONG_THE_LAST_AXIS = ("softmax", "log_softmax", "glu", "sparsemax")
_NO_ACTIVATION = {"activation": None}


def channels_last(lowering: Lowering) -> Lowering:
    """*lowering*, for "channels_first" too: between two TRANSPOSEs. What stands between is `inner["channels_last"]` and
    `inner["result"]`."""

    def lower(site: Site) -> int | tuple[int, ...]:
        if site.config.get("data_format").value != "channels_first":
            return lowering(site)
        tensor = site.single_input()
        last = len(site.shape(tensor)) - 1
        moved = transpose(site, tensor, (0, *range(2, last + 1), 1), site.inner("channels_last"))
        outside = _needs_the_shape(site) or site.config.get("activation").value in _ALONG_THE_LAST_AXIS
        inside = _with(site.inside("result"), data_format="channels_last", **_NO_ACTIVATION if outside else {})
        result = lowering(replace(inside, inputs=[moved]))
        assert isinstance(result, int)
        back = (0, last, *range(1, last))
        if outside:
            return with_activation(site, lambda slot: transpose(site, result, back, slot))
        return transpose(site, result, back, site.output)

    return lower


def _needs_the_shape(site: Site) -> bool:
    """Whether the layer's activation is a layer, which goes by the axes of the layer's own result."""
    return isinstance(site.config.get("activation").value, Mapping)


def _with(site: Site, **settings: Any) -> Site:
    """The same call of a layer with other settings."""
    layer = replace(site.call.layer, config={**site.call.layer.config, **settings})
    return replace(site, call=replace(site.call, layer=layer))


def on_image(site: Site, rank: int, body: OnImage) -> int:
    """*body*, with a sequence as an image of one row: `inner["row"]`, and `inner["result_row"]` for what it gives."""
    tensor = site.single_input()
    shape = site.image(tensor, rank + 2)
    if rank == 2:
        return body(site, tensor)
    batch, steps, channels = shape
    row = reshape(site, tensor, (batch, 1, steps, channels), site.inner("row"))
    return reshaped(site, "result_row", lambda site: body(site, row), lambda shape: (shape[0], *shape[2:]))


def reshaped(site: Site, key: str, body: Callable[[Site], int], wanted: Callable[[Shape], Shape]) -> int:
    """What *body* gives, `inner[key]`, in the shape that is *wanted* of it.

    The layer's activation comes before that, so that an op can take it, unless it needs the shape."""
    inside = site.inside(key)
    if not _needs_the_shape(site):
        result = body(inside)
        return reshape(site, result, wanted(site.shape(result)), site.output)
    result = body(_with(inside, **_NO_ACTIVATION))
    return with_activation(site, lambda slot: reshape(site, result, wanted(site.shape(result)), slot))


def on_volume(site: Site, tensor: int, planes: OnImage | None, rows: OnImage | None) -> int:
    """What works along each of three spatial dimensions apart, with nothing of one sample moved into another's place:
    *planes* on depth and height, the rest being channels, [batch, depth, height, width * channels], then *rows* on the
    width, [batch, depth * height, width, channels]. Either may be None.

    Between the ops stand `inner["planes"]`, `inner["result_planes"]`, `inner["rows"]`, `inner["result_rows"]`.
    """
    batch, depth, height, width, channels = site.shape(tensor)
    if planes is not None:
        image = reshape(site, tensor, (batch, depth, height, _times(width, channels)), site.inner("planes"))
        tensor = planes(site.inside("result_planes"), image)
        _, depth, height, _ = site.shape(tensor)
    if rows is not None:
        image = reshape(site, tensor, (batch, _times(depth, height), width, channels), site.inner("rows"))
        tensor = rows(site.inside("result_rows"), image)
        width = site.shape(tensor)[2]
    return reshape(site, tensor, (batch, depth, height, width, channels), site.output)


def _times(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left * right
