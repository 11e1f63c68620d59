"""Raw operations that move windows over images with kernels that are constants: transposed and separable convolutions,
patches, blurs; cuts and margins of images."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.graph.ops import Slot
from qspec.lowering import adaptive_pooling
from qspec.lowering.arguments import Arguments, real, type_of
from qspec.lowering.geometry import Window, numbers, padding_name
from qspec.lowering.layout import channels_last
from qspec.lowering.literals import Literal
from qspec.lowering.operations_products import constant_weights
from qspec.lowering.resizing import resized_to
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.transposed_convolutions import output_shape, transposed_sizes
from qspec.lowering.writing import fully_connected, reshape, strided_slice


def constant_kernel(site: Site, position: int, name: str, rank: int) -> Literal:
    """A kernel among the arguments, whose values the config holds."""
    kernel = Arguments(site).operand(position, name)
    if not isinstance(kernel, Literal):
        raise Unsupported(f"its {name.replace('_', ' ')} is not a constant")
    if len(kernel.shape) != rank + 2:
        raise Unsupported(f"its input has {rank + 2} dimensions, and its kernel {len(kernel.shape)}")
    return kernel


def as_image(site: Site, tensor: int) -> int:
    """A sequence as an image of one row, `inner["row"]`."""
    shape = site.shape(tensor)
    if len(shape) == 4:
        return tensor
    batch, steps, channels = shape
    return reshape(site, tensor, (batch, 1, steps, channels), site.inner("row"))


def _on_image(body: Callable[[Site, int, int], int]) -> Lowering:
    """*body* with an image and the number of spatial dimensions, of one or two: its result is `inner["result_row"]` if
    it is one of a sequence."""

    def lower(site: Site) -> int:
        tensor = real(site, Arguments(site).tensor(0, "inputs"))
        rank = len(site.shape(tensor)) - 2
        if rank not in (1, 2):
            raise Unsupported(f"its input has {rank + 2} dimensions")
        image = as_image(site, tensor)
        if rank == 2:
            return body(site, image, rank)
        batch, _, *rest = site.shape(result := body(site.inside("result_row"), image, rank))
        return reshape(site, result, (batch, *rest), site.output)

    return channels_last(lower)


def _transposed(site: Site, image: int, rank: int) -> int:
    kernel = constant_kernel(site, 1, "kernel", rank)
    *sizes, filters, channels = kernel.shape
    window = _window(site.config, tuple(sizes))
    kernel, window = _spread(kernel, window)
    batch, height, width, _ = site.shape(image)
    result = transposed_sizes(site.config, window, (height, width)[-rank:])
    shape: Shape = (batch, *((1,) if rank == 1 else ()), *result, filters)
    ones = (1,) * (2 - rank)
    weights = kernel.transposed((rank, *range(rank), rank + 1)).reshaped((filters, *ones, *window.size, channels))
    strides = ones + window.strides
    return site.write(
        "TRANSPOSE_CONV",
        [output_shape(site, image, shape), constant_weights(site, "kernel", weights), image, -1],
        shape,
        site.output,
        padding=window.padding,
        stride_w=strides[1],
        stride_h=strides[0],
        fused_activation_function="NONE",
    )


def _window(config: Node, size: tuple[int, ...]) -> Window:
    strides, dilation = (
        numbers(config[key], len(size)) if config.has(key) else (1,) * len(size) for key in ("strides", "dilation_rate")
    )
    return Window(size, strides, dilation, padding_name(config["padding"]))


def _spread(kernel: Literal, window: Window) -> tuple[Literal, Window]:
    """A dilated kernel with the zeros between its values written out."""
    size = tuple((size - 1) * step + 1 for size, step in zip(window.size, window.dilation, strict=True))
    if size == window.size:
        return kernel, window
    value = _with_zeros(kernel.value, window.dilation, kernel.shape[len(size) :])
    return Literal(value, (*size, *kernel.shape[len(size) :]), kernel.type), replace(
        window, size=size, dilation=(1,) * len(size)
    )


def _with_zeros(value: Any, steps: tuple[int, ...], rest: tuple[int, ...]) -> Any:
    if not steps:
        return value
    inside = [_with_zeros(each, steps[1:], rest) for each in value]
    nothing = _zeros_like(inside[0])
    spread = [each for item in inside for each in (item, *[nothing] * (steps[0] - 1))]
    return tuple(spread[: (len(inside) - 1) * steps[0] + 1])


def _zeros_like(value: Any) -> Any:
    return tuple(map(_zeros_like, value)) if isinstance(value, tuple) else 0.0


def _separable(site: Site, image: int, rank: int) -> int:
    """DEPTHWISE_CONV_2D, `inner["depthwise"]`, and a CONV_2D of size 1"""
    depthwise, pointwise = (
        constant_kernel(site, position, name, rank)
        for position, name in ((1, "depthwise_kernel"), (2, "pointwise_kernel"))
    )
    window = _window(site.config, depthwise.shape[:rank])
    plane = window.over_row() if rank == 1 else window
    filtered = by_channel(site, image, depthwise, plane, site.inner("depthwise"), "depthwise_kernel")
    *_, channels, filters = pointwise.shape
    weights = pointwise.reshaped((channels, filters)).transposed((1, 0)).reshaped((filters, 1, 1, channels))
    batch, height, width, _ = site.shape(filtered)
    single = Window((1, 1), (1, 1), (1, 1), "VALID")
    operands = [filtered, constant_weights(site, "pointwise_kernel", weights), site.bias(filters)]
    return site.write("CONV_2D", operands, (batch, height, width, filters), site.output, **single.attributes())


def by_channel(site: Site, image: int, kernel: Literal, plane: Window, slot: Slot, key: str) -> int:
    """DEPTHWISE_CONV_2D with a constant kernel […, channels, multiplier]"""
    batch, height, width, _ = site.shape(image)
    channels, multiplier = kernel.shape[-2:]
    outputs = channels * multiplier
    weights = constant_weights(site, key, kernel.reshaped((1, *plane.size, outputs)))
    return site.write(
        "DEPTHWISE_CONV_2D",
        [image, weights, site.bias(outputs, f"{key}_bias")],
        (batch, *plane.over((height, width)), outputs),
        slot,
        **plane.attributes(),
        depth_multiplier=multiplier,
    )


def adaptive(kind: str) -> Lowering:
    """`adaptive_average_pool`, `adaptive_max_pool`: as the layers"""

    def lower(site: Site) -> int | tuple[int, ...]:
        rank = len(site.shape(Arguments(site).tensor(0, "inputs"))) - 2
        if rank not in (1, 2, 3):
            raise Unsupported(f"its input has {rank + 2} dimensions")
        return adaptive_pooling.adaptive_pooling(kind, rank)(site)

    return lower


# ---- images


def _image(site: Site, name: str = "images") -> int:
    """The images that are read, [batch, height, width, channels]."""
    tensor = real(site, Arguments(site).tensor(0, name))
    if len(site.shape(tensor)) != 4:
        raise Unsupported(f"its input has {len(site.shape(tensor))} dimensions, and it is written for four")
    if None in site.image(tensor)[1:]:
        raise UnknownShape("its height and width are unknown")
    return tensor


def _resize(site: Site) -> int:
    size = numbers(site.config["size"], 2)
    return resized_to(site, _image(site), (size[0], size[1]))


def _patches(site: Site) -> int:
    """`extract_patches`: SPACE_TO_DEPTH of squares that touch, else a CONV_2D that picks one value for each filter"""
    image = _image(site)
    size = numbers(site.config["size"], 2)
    strides = numbers(site.config["strides"], 2)
    window = Window(size, strides, numbers(site.config["dilation_rate"], 2), padding_name(site.config["padding"]))
    batch, height, width, channels = site.shape(image)
    depth = size[0] * size[1] * (channels or 0)
    shape = (batch, *window.over((height, width)), depth)
    touching = size == strides and size[0] == size[1] and window.dilation == (1, 1)
    if touching and (height or 0) % size[0] == 0 and (width or 0) % size[0] == 0:
        return site.write("SPACE_TO_DEPTH", [image], shape, site.output, block_size=size[0])
    rows = tuple(tuple(float(row == column) for column in range(depth)) for row in range(depth))
    weights = Literal(rows, (depth, depth), "float32").reshaped((depth, *size, channels or 0))
    operands = [image, constant_weights(site, "kernel", weights), site.bias(depth)]
    return site.write("CONV_2D", operands, shape, site.output, **window.attributes())


def _blur(site: Site) -> int:
    """`gaussian_blur`: DEPTHWISE_CONV_2D"""
    image = _image(site)
    size = numbers(site.config["kernel_size"], 2)
    spreads = [item.number() for item in _items(site.config["sigma"])]
    across, down = (_gaussian(length, spread) for length, spread in zip(size, spreads, strict=True))
    channels = site.shape(image)[-1] or 0
    # Keras reshapes the product [width, height] to (height, width).
    product = [high * wide for high in down for wide in across]
    flat = tuple(tuple([value] * channels) for value in product)
    kernel = Literal(flat, (len(product), channels), "float32").reshaped((*size, channels, 1))
    return by_channel(site, image, kernel, Window(size, (1, 1), (1, 1), "SAME"), site.output, "kernel")


def _gaussian(size: int, spread: float) -> list[float]:
    values = [math.exp(-0.5 * ((place - (size - 1) / 2) / spread) ** 2) for place in range(size)]
    return [value / sum(values) for value in values]


def _items(node: Node) -> list[Node]:
    if isinstance(node.value, int | float):
        return [node, node]
    return node["items"].items() if isinstance(node.value, dict) else node.items()


def _sobel(site: Site) -> int:
    """`sobel_edges`: MIRROR_PAD, `inner["padded"]`, and a DEPTHWISE_CONV_2D, `inner["edges"]`"""
    image = _image(site)
    batch, height, width, channels = site.shape(image)
    paddings = site.draft.constant(((0, 0), (1, 1), (1, 1), (0, 0)), (4, 2))
    wide = (batch, (height or 0) + 2, (width or 0) + 2, channels)
    padded = site.write("MIRROR_PAD", [image, paddings], wide, site.inner("padded"), mode="REFLECT")
    down = (-1, -2, -1, 0, 0, 0, 1, 2, 1)
    across = (-1, 0, 1, -2, 0, 2, -1, 0, 1)
    pairs = zip(down, across, strict=True)
    flat = tuple(tuple(float(each) for _ in range(channels or 0) for each in pair) for pair in pairs)
    kernel = Literal(flat, (9, 2 * (channels or 0)), "float32").reshaped((3, 3, channels or 0, 2))
    window = Window((3, 3), (1, 1), (1, 1), "VALID")
    edges = by_channel(site, padded, kernel, window, site.inner("edges"), "kernel")
    return reshape(site, edges, (batch, height, width, channels, 2), site.output)


def _gray(site: Site) -> int:
    """`rgb_to_grayscale`: FULLY_CONNECTED over the channels"""
    image = _image(site)
    if site.shape(image)[-1] == 1:
        return site.vanish(image)
    weights = constant_weights(site, "luminance", Literal(((0.2989, 0.587, 0.114),), (1, 3), "float32"))
    return fully_connected(site, image, weights, site.output)


def _margins(config: Node, kind: str, height: int, width: int, sign: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """What is cut off or added before and behind along height and width; one of each three follows from the others."""
    found = []
    for first, last, target, size in (
        (f"top_{kind}", f"bottom_{kind}", "target_height", height),
        (f"left_{kind}", f"right_{kind}", "target_width", width),
    ):
        before, behind, wanted = (
            None if config.get(key).is_none else config[key].integer() for key in (first, last, target)
        )
        total = None if wanted is None else sign * (wanted - size)
        if before is None:
            before = (total or 0) - (behind or 0)
        if behind is None:
            behind = (total or 0) - before
        if before < 0 or behind < 0:
            raise Unsupported("its sizes do not fit its input")
        found.append((before, behind))
    return found[0], found[1]


def _cropped(site: Site) -> int:
    """`crop_images`: STRIDED_SLICE"""
    image = _image(site)
    _, height, width, _ = site.shape(image)
    rows, columns = _margins(site.config, "cropping", height or 0, width or 0, -1)
    if rows == columns == (0, 0):
        return site.vanish(image)
    spans = [(before, size - behind, 1) for (before, behind), size in ((rows, height or 0), (columns, width or 0))]
    return strided_slice(site, image, [(None, None, 1), *spans, (None, None, 1)], site.output)


def _padded(site: Site) -> int:
    """`pad_images`: PAD"""
    image = _image(site)
    batch, height, width, channels = site.shape(image)
    rows, columns = _margins(site.config, "padding", height or 0, width or 0, 1)
    if rows == columns == (0, 0):
        return site.vanish(image)
    shape = (batch, (height or 0) + sum(rows), (width or 0) + sum(columns), channels)
    paddings = site.draft.constant(((0, 0), rows, columns, (0, 0)), (4, 2))
    return site.write("PAD", [image, paddings], shape, site.output, type_of(site, image))


def _sequences(site: Site) -> int:
    """`extract_sequences`: GATHER of the places of all frames, and a RESHAPE"""
    tensor = real(site, Arguments(site).tensor())
    shape = site.shape(tensor)
    length, stride = (site.config[key].integer(1) for key in ("sequence_length", "sequence_stride"))
    if shape[-1] is None:
        raise UnknownShape("the size of its last axis is unknown")
    starts = range(0, shape[-1] - length + 1, stride)
    places = [start + step for start in starts for step in range(length)]
    if not places:
        raise Unsupported(f"its frames of {length} do not fit into {shape[-1]} values")
    axis = len(shape) - 1
    wide = (*shape[:-1], len(places))
    frames = site.write("GATHER", [tensor, site.integers(places)], wide, site.inner("joined"), axis=axis, batch_dims=0)
    return reshape(site, frames, (*shape[:-1], len(starts), length), site.output)


WINDOWS: dict[str, Lowering] = {
    "ConvTranspose": _on_image(_transposed),
    "SeparableConv": _on_image(_separable),
    "AdaptiveAveragePool": adaptive("AVERAGE_POOL_2D"),
    "AdaptiveMaxPool": adaptive("MAX_POOL_2D"),
    "Resize": channels_last(_resize),
    "ExtractPatches": channels_last(_patches),
    "GaussianBlur": channels_last(_blur),
    "SobelEdges": _sobel,
    "RGBToGrayscale": channels_last(_gray),
    "CropImages": channels_last(_cropped),
    "PadImages": channels_last(_padded),
    "ExtractSequences": _sequences,
}
"""By the class of the operation."""
