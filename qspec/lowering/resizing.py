"""Layers that resize images: UpSampling, Resizing and CenterCrop.

Repeating values is a RESIZE_NEAREST_NEIGHBOR by a whole factor: the converter's own TILE and RESHAPE compute the same,
and few accelerators take a TILE.
"""

from __future__ import annotations

from qspec.graph.document import Node
from qspec.graph.ops import Slot
from qspec.lowering.geometry import numbers
from qspec.lowering.interpolation import KERNELS, resized_by_matrices
from qspec.lowering.layout import OnImage, channels_last, on_image, on_volume
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import Step, binary, chain, reshape, strided_slice

Plane = tuple[int, int]
"""A height and a width."""

_KINDS = {"nearest": "RESIZE_NEAREST_NEIGHBOR", "bilinear": "RESIZE_BILINEAR"}


def up_sampling(rank: int) -> Lowering:
    """`UpSampling1D`, `UpSampling2D`, `UpSampling3D`: RESIZE_NEAREST_NEIGHBOR, or RESIZE_BILINEAR."""

    def lower(site: Site) -> int:
        factors = numbers(site.config["size"], rank)
        interpolation = _interpolation(site) if site.config.has("interpolation") else "nearest"
        tensor = site.single_input()
        site.image(tensor, rank + 2)
        if set(factors) == {1}:
            return site.vanish(tensor)
        if rank == 3:
            depth, height, width = factors
            return on_volume(site, tensor, _repeats(depth, height), _repeats(1, width))
        height, width = factors if rank == 2 else (1, *factors)
        return on_image(site, rank, lambda site, image: _scaled(site, image, height, width, interpolation))

    return channels_last(lower)


def repeat_vector(site: Site) -> int:
    """`RepeatVector`: RESIZE_NEAREST_NEIGHBOR of `inner["row"]`, an image of one value for each channel, whose result
    is `inner["result_row"]`; a RESHAPE if it is repeated once."""
    tensor, count = site.single_input(), site.config["n"].integer(1)
    shape = site.shape(tensor)
    if len(shape) != 2:
        raise Unsupported(f"its input has {len(shape)} dimensions, and the layer takes 2")
    batch, features = shape
    if count == 1:
        return reshape(site, tensor, (batch, 1, features), site.output)
    row = reshape(site, tensor, (batch, 1, 1, features), site.inner("row"))
    repeated = _resized(site, row, (count, 1), "nearest", site.inner("result_row"))
    return reshape(site, repeated, (batch, count, features), site.output)


def _repeats(height: int, width: int) -> OnImage | None:
    if (height, width) == (1, 1):
        return None
    return lambda site, image: _scaled(site, image, height, width, "nearest")


def _scaled(site: Site, image: int, height_factor: int, width_factor: int, interpolation: str) -> int:
    _, height, width, _ = site.shape(image)
    if height is None or width is None:
        raise UnknownShape("its height and width are unknown")
    size = (height * height_factor, width * width_factor)
    if interpolation not in _KINDS:
        return resized_by_matrices(site, image, size, interpolation, site.output)
    return _resized(site, image, size, interpolation, site.output)


def _resized(
    site: Site, image: int, size: tuple[int, int], interpolation: str, slot: Slot, half_pixels: bool | None = None
) -> int:
    """By a whole factor the nearest neighbour is the same with half-pixel centres and without; accelerators rather take
    the latter."""
    batch, _, _, channels = site.shape(image)
    return site.write(
        _KINDS[interpolation],
        [image, site.integers(size)],
        (batch, *size, channels),
        slot,
        align_corners=False,
        half_pixel_centers=interpolation == "bilinear" if half_pixels is None else half_pixels,
    )


def _interpolation(site: Site) -> str:
    name = site.config["interpolation"].text().lower()
    if name not in (*_KINDS, *KERNELS):
        raise Unsupported(f"its interpolation is `{name}`, which is not known")
    return name


def _resizing(site: Site) -> int:
    size = (site.config["height"].integer(1), site.config["width"].integer(1))
    return resized_to(site, site.single_input(), size)


def resized_to(site: Site, tensor: int, size: Plane) -> int:
    """The ops of a layer or operation that resizes images to *size*, as its config says."""
    interpolation = _interpolation(site)
    have = _plane(site, tensor)
    steps: list[tuple[str, Step]] = []
    if site.config.get("crop_to_aspect_ratio").value:
        start, have = _crop_to_ratio(have, size)
        steps += _crops(site, tensor, start, have)
    elif site.config.get("pad_to_aspect_ratio").value:
        margins, have = _pad_to_ratio(have, size)
        steps += _pads(site, margins, site.config.get("fill_value"))
    return chain(site, tensor, steps + _resizes(site, have, size, interpolation))


def _center_crop(site: Site) -> int:
    size = (site.config["height"].integer(1), site.config["width"].integer(1))
    tensor = site.single_input()
    have = _plane(site, tensor)
    if have[0] >= size[0] and have[1] >= size[1]:
        start = ((have[0] - size[0]) // 2, (have[1] - size[1]) // 2)
        return chain(site, tensor, _crops(site, tensor, start, size))
    start, part = _crop_to_ratio(have, size)
    return chain(site, tensor, _crops(site, tensor, start, part) + _resizes(site, part, size, "bilinear"))


def _resizes(site: Site, have: Plane, size: Plane, interpolation: str) -> list[tuple[str, Step]]:
    """The step to *size*, as `tf.image.resize` makes it: an image that has it already is left alone."""
    if have == size:
        return []
    smooth = interpolation != "nearest" and site.config.get("antialias").value is True
    if smooth or interpolation not in _KINDS:
        return [
            (
                "resized",
                lambda tensor, slot: resized_by_matrices(site, tensor, size, interpolation, slot, smooth=smooth),
            )
        ]
    return [("resized", lambda tensor, slot: _resized(site, tensor, size, interpolation, slot, half_pixels=True))]


def _crops(site: Site, tensor: int, start: Plane, size: Plane) -> list[tuple[str, Step]]:
    if size == _plane(site, tensor):
        return []
    ends = [(begin, begin + length, 1) for begin, length in zip(start, size, strict=True)]
    ranges = [(None, None, 1), *ends, (None, None, 1)]
    return [("cropped", lambda image, slot: strided_slice(site, image, ranges, slot))]


def _pads(site: Site, margins: Plane, fill: Node) -> list[tuple[str, Step]]:
    """The same margin before and behind. Of another value than zero it is by an ADD on either side: the constant of
    a PADV2 would have to have the scale of the image."""
    if margins == (0, 0):
        return []
    value = 0.0 if fill.is_none else fill.number()
    paddings = ((0, 0), (margins[0],) * 2, (margins[1],) * 2, (0, 0))

    def pad(image: int, slot: Slot) -> int:
        sizes = zip(site.shape(image), paddings, strict=True)
        shape = tuple(None if size is None else size + sum(margin) for size, margin in sizes)
        return site.write("PAD", [image, site.draft.constant(paddings, (4, 2))], shape, slot)

    if not value:
        return [("padded", pad)]
    return [("lowered", _adds(site, "lowering", -value)), ("padded", pad), ("raised", _adds(site, "raising", value))]


def _adds(site: Site, key: str, value: float) -> Step:
    return lambda image, slot: binary(site, "ADD", image, site.inner_constant(key, (), value), slot)


def _plane(site: Site, image: int) -> Plane:
    _, height, width, _ = site.image(image)
    if height is None or width is None:
        raise UnknownShape("its height and width are unknown")
    return height, width


def _crop_to_ratio(have: Plane, size: Plane) -> tuple[Plane, Plane]:
    """Where the largest centred part with the ratio of *size* starts, and how large it is."""
    (height, width), (target_height, target_width) = have, size
    part_height = max(min(height, int(width * target_height / target_width)), 1)
    part_width = max(min(width, int(height * target_width / target_height)), 1)
    return ((height - part_height) // 2, (width - part_width) // 2), (part_height, part_width)


def _pad_to_ratio(have: Plane, size: Plane) -> tuple[Plane, Plane]:
    """The margins on either side that give an image the ratio of *size*, and its size then."""
    (height, width), (target_height, target_width) = have, size
    margins = (
        (max(height, int(width * target_height / target_width)) - height) // 2,
        (max(width, int(height * target_width / target_height)) - width) // 2,
    )
    return margins, (height + 2 * margins[0], width + 2 * margins[1])


resizing: Lowering = channels_last(_resizing)
"""`Resizing`: RESIZE_BILINEAR or RESIZE_NEAREST_NEIGHBOR, or by matrices (`qspec.lowering.interpolation`).

A STRIDED_SLICE before (`inner["cropped"]`) or a PAD (`inner["padded"]`) keeps the aspect ratio. Where it fills with
another value v than zero, v is taken from the image before (`inner["lowered"]`) and added again (`inner["raised"]`)."""

center_crop: Lowering = channels_last(_center_crop)
"""`CenterCrop`: STRIDED_SLICE; a smaller image is cropped to the aspect ratio (`inner["cropped"]`) and resized."""
