"""Layers that move values: padding, cropping, reshaping, transposing, resizing."""

from __future__ import annotations

from math import prod

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.lowering.geometry import Pair, pair
from qspec.lowering.site import Site, UnknownShape, Unsupported


def zero_padding_2d(site: Site) -> int:
    """`ZeroPadding2D`: PAD"""
    return _zero_padding(site, _margins(site.config["padding"]), 4)


def zero_padding_1d(site: Site) -> int:
    """`ZeroPadding1D`: PAD"""
    return _zero_padding(site, (pair(site.config["padding"], 0),), 3)


def _zero_padding(site: Site, margins: tuple[Pair, ...], rank: int) -> int:
    tensor = site.single_input()
    shape = site.image(tensor, rank)
    if not any(sum(margin) for margin in margins) and None not in shape:
        return site.vanish(tensor)
    paddings = ((0, 0), *margins, (0, 0))
    result = tuple(None if size is None else size + sum(margin) for size, margin in zip(shape, paddings, strict=True))
    operands = [tensor, site.draft.constant(paddings, (rank, 2))]
    return site.write("PAD", operands, result, site.output)


def cropping_2d(site: Site) -> int:
    """`Cropping2D`: STRIDED_SLICE"""
    return _cropping(site, _margins(site.config["cropping"]), 4)


def cropping_1d(site: Site) -> int:
    """`Cropping1D`: STRIDED_SLICE"""
    return _cropping(site, (pair(site.config["cropping"], 0),), 3)


def _cropping(site: Site, margins: tuple[Pair, ...], rank: int) -> int:
    """Ends count from behind, so that a margin of 0 there needs the mask's bit that ignores it."""
    tensor = site.single_input()
    shape = site.image(tensor, rank)
    crops = ((0, 0), *margins, (0, 0))
    result = tuple(None if size is None else size - sum(crop) for size, crop in zip(shape, crops, strict=True))
    if any(size is not None and size < 1 for size in result):
        raise Unsupported("it crops everything")
    constants = (tuple(crop[0] for crop in crops), tuple(-crop[1] for crop in crops), (1,) * rank)
    uncut = 1 | 1 << (rank - 1)
    return site.write(
        "STRIDED_SLICE",
        [tensor, *(site.draft.constant(values, (rank,)) for values in constants)],
        result,
        site.output,
        begin_mask=uncut,
        end_mask=sum(1 << position for position, crop in enumerate(crops) if crop[1] == 0),
        ellipsis_mask=0,
        new_axis_mask=0,
        shrink_axis_mask=0,
        offset=False,
    )


def _margins(node: Node) -> tuple[Pair, Pair]:
    """((top, bottom), (left, right)); one number or two stand for symmetric ones."""
    if isinstance(node.value, int):
        margin = node.integer()
        return (margin, margin), (margin, margin)
    items = node.items()
    if len(items) != 2:
        raise node.expected("margins of height and width")
    if all(isinstance(item.value, int) for item in items):
        return (items[0].integer(),) * 2, (items[1].integer(),) * 2
    return pair(items[0], 0), pair(items[1], 0)


def up_sampling_2d(site: Site) -> int:
    """`UpSampling2D(interpolation = "bilinear")`: RESIZE_BILINEAR"""
    interpolation = site.config.get("interpolation")
    if interpolation.is_none or interpolation.text() != "bilinear":
        raise Unsupported('its interpolation is not "bilinear", and becomes several ops')
    factors = pair(site.config["size"])
    tensor = site.single_input()
    batch, height, width, channels = site.image(tensor)
    if height is None or width is None:
        raise UnknownShape("its height and width are unknown")
    size = (height * factors[0], width * factors[1])
    return site.write(
        "RESIZE_BILINEAR",
        [tensor, site.draft.constant(size, (2,))],
        (batch, *size, channels),
        site.output,
        align_corners=False,
        half_pixel_centers=True,
    )


def flatten(site: Site) -> int:
    """`Flatten`: RESHAPE, unless there is nothing to flatten."""
    tensor = site.single_input()
    if site.config.get("data_format").value == "channels_first":
        raise Unsupported('its data format is "channels_first"')
    shape = site.shape(tensor)
    return _reshape(site, tensor, (_features(shape),))


def reshape(site: Site) -> int:
    """`Reshape`: RESHAPE, unless the shape stays as it is."""
    wanted = [item.integer(-1) for item in site.config["target_shape"].items()]
    tensor = site.single_input()
    features = _features(site.shape(tensor))
    rest = prod(size for size in wanted if size != -1)
    if (
        wanted.count(-1) > 1
        or (-1 in wanted and (rest == 0 or features % rest))
        or (-1 not in wanted and rest != features)
    ):
        raise Unsupported(f"{features} values do not fill its `target_shape`")
    return _reshape(site, tensor, tuple(features // rest if size == -1 else size for size in wanted))


def permute(site: Site) -> int:
    """`Permute`: TRANSPOSE; a RESHAPE if only axes of size 1 move."""
    order = tuple(item.integer(1) for item in site.config["dims"].items())
    tensor = site.single_input()
    shape = site.shape(tensor)
    if sorted(order) != list(range(1, len(shape))):
        raise Unsupported(f"its `dims` do not name the {len(shape) - 1} axes of its input")
    axes = (0, *order)
    result = tuple(shape[axis] for axis in axes)
    moving = [axis for axis in axes if shape[axis] != 1]
    if axes == tuple(sorted(axes)):
        return site.vanish(tensor)
    if moving == sorted(moving) and None not in shape:
        return _reshape(site, tensor, tuple(size or 0 for size in result[1:]))
    return site.write("TRANSPOSE", [tensor, site.draft.constant(axes, (len(axes),))], result, site.output)


def _features(shape: Shape) -> int:
    """How many values a sample has."""
    if None in shape[1:]:
        raise UnknownShape("its input has unknown sizes")
    return prod(size or 0 for size in shape[1:])


def _reshape(site: Site, tensor: int, features: tuple[int, ...]) -> int:
    batch = site.shape(tensor)[0]
    result: Shape = (batch, *features)
    if result == site.shape(tensor):
        return site.vanish(tensor)
    # One size may be -1: the kernel works it out from the number of values.
    wanted = site.draft.constant((-1 if batch is None else batch, *features), (len(result),))
    return site.write("RESHAPE", [tensor, wanted], result, site.output)
