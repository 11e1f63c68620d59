"""Convolutions of one and two spatial dimensions: plain, depthwise and separable.

Those of one dimension are the same ops on an image of a single row.
"""

from __future__ import annotations

from collections.abc import Callable

from qspec.graph.document import Node
from qspec.graph.ops import Slot, Source
from qspec.lowering.activations import with_activation
from qspec.lowering.geometry import Window, numbers, padding_name
from qspec.lowering.layout import channels_last, on_image
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported


def convolution(rank: int) -> Lowering:
    """`Conv1D`, `Conv2D`: CONV_2D; a grouped one too, its kernel having a group's channels. With `padding = "causal"`
    there is a PAD before, whose result is `inner["padded"]`."""

    def lower(site: Site) -> int:
        return on_image(site, rank, lambda site, image: _convolution(site, image, rank))

    return channels_last(lower)


def depthwise_convolution(rank: int) -> Lowering:
    """`DepthwiseConv1D`, `DepthwiseConv2D`: DEPTHWISE_CONV_2D"""

    def body(site: Site, image: int) -> int:
        return with_activation(site, lambda slot: _depthwise(site, image, rank, slot, "kernel", site.own_bias))

    def lower(site: Site) -> int:
        return on_image(site, rank, body)

    return channels_last(lower)


def separable_convolution(rank: int) -> Lowering:
    """`SeparableConv1D`, `SeparableConv2D`: DEPTHWISE_CONV_2D, whose result is `inner["depthwise"]`, and a CONV_2D of
    size 1.

    The depthwise half has no bias variable; LiteRT's op has a bias of zeros nevertheless, `bias["depthwise_bias"]`.
    """

    def lower(site: Site) -> int:
        return on_image(site, rank, lambda site, image: _separable(site, image, rank))

    return channels_last(lower)


def _convolution(site: Site, image: int, rank: int) -> int:
    filters, groups = site.config["filters"].integer(1), _groups(site)
    window = convolution_window(site.config, rank)
    if site.config["padding"].value == "causal":
        image = _causal(site, image, (window.size[0] - 1) * window.dilation[0])
    channels = _channels(site, image)
    if channels % groups or filters % groups:
        raise Unsupported(f"its {channels} input channels do not divide into {groups} groups")
    source = Source("kernel", permutation=_filters_first(rank))
    return with_activation(
        site, lambda slot: _conv_2d(site, image, slot, window, "kernel", source, filters, channels // groups)
    )


def _separable(site: Site, image: int, rank: int) -> int:
    filters = site.config["filters"].integer(1)
    depthwise = _depthwise(
        site, image, rank, site.inner("depthwise"), "depthwise_kernel", lambda size: site.bias(size, "depthwise_bias")
    )
    channels = _channels(site, depthwise)
    source = Source("pointwise_kernel", permutation=_filters_first(rank))
    single = Window((1, 1), (1, 1), (1, 1), "VALID")
    return with_activation(
        site, lambda slot: _conv_2d(site, depthwise, slot, single, "pointwise_kernel", source, filters, channels)
    )


def _conv_2d(
    site: Site, image: int, slot: Slot, window: Window, key: str, source: Source, filters: int, channels: int
) -> int:
    window = _on_plane(window)
    batch, height, width, _ = site.shape(image)
    weights = site.weights(key, (filters, *window.size, channels), source)
    operands = [image, weights, site.own_bias(filters)]
    shape = (batch, *window.over((height, width)), filters)
    return site.write("CONV_2D", operands, shape, slot, **window.attributes())


def _depthwise(site: Site, image: int, rank: int, slot: Slot, key: str, bias: Callable[[int], int]) -> int:
    multiplier = site.config["depth_multiplier"].integer(1)
    window = _on_plane(convolution_window(site.config, rank))
    batch, height, width, _ = site.shape(image)
    outputs = _channels(site, image) * multiplier
    operands = [image, site.weights(key, (1, *window.size, outputs), Source(key)), bias(outputs)]
    shape = (batch, *window.over((height, width)), outputs)
    attributes = window.attributes() | {"depth_multiplier": multiplier}
    return site.write("DEPTHWISE_CONV_2D", operands, shape, slot, **attributes)


def _causal(site: Site, image: int, before: int) -> int:
    """Zeros before the first step, so that no result depends on a later step."""
    if not before:
        return image
    batch, rows, steps, channels = site.shape(image)
    paddings = site.draft.constant(((0, 0), (0, 0), (before, 0), (0, 0)), (4, 2))
    shape = (batch, rows, None if steps is None else steps + before, channels)
    return site.write("PAD", [image, paddings], shape, site.inner("padded"))


def _channels(site: Site, image: int) -> int:
    channels = site.shape(image)[-1]
    if channels is None:
        raise UnknownShape("the number of channels is unknown")
    return channels


def _filters_first(rank: int) -> tuple[int, ...]:
    return (rank + 1, *range(rank + 1))


def _groups(site: Site) -> int:
    groups = site.config.get("groups")
    return 1 if groups.is_none else groups.integer(1)


def convolution_window(config: Node, rank: int) -> Window:
    """The window of a convolution over so many dimensions."""
    size = numbers(config["kernel_size"], rank)
    dilation = numbers(config["dilation_rate"], rank) if config.has("dilation_rate") else (1,) * rank
    causal = config["padding"].value == "causal" and rank == 1
    padding = "VALID" if causal else padding_name(config["padding"])
    return Window(size, numbers(config["strides"], rank), dilation, padding)


def _on_plane(window: Window) -> Window:
    return window.over_row() if len(window.size) == 1 else window
