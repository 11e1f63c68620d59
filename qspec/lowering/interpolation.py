"""Resizing by matrices: what interpolates with other than the nearest or two neighbours, or smooths before.

Each row of a matrix holds the shares of the old places in a new one. The shares are TensorFlow's: its
`core/kernels/image/resize_bicubic_op.cc` (Keys' cubic kernel by a table of 1024 steps) and, for all else,
`core/kernels/image/scale_and_translate_op.cc` with the kernels of `sampling_kernels.h`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from qspec.graph.ops import Slot
from qspec.lowering.literals import Literal
from qspec.lowering.operations_products import constant_weights
from qspec.lowering.site import Site
from qspec.lowering.writing import fully_connected, transpose

Matrix = tuple[tuple[float, ...], ...]

_TABLE = 1024
_LEAST_SUM = 1000 * 1.17549435e-38


def _triangle(x: float) -> float:
    return max(1.0 - x, 0.0)


def _cubic(x: float) -> float:
    """Keys 1981, with a = -1/2"""
    if x >= 2:
        return 0.0
    return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 if x >= 1 else ((1.5 * x - 2.5) * x) * x + 1.0


def _lanczos(radius: int) -> Callable[[float], float]:
    def share(x: float) -> float:
        if x > radius:
            return 0.0
        if x <= 1e-3:
            return 1.0
        return radius * math.sin(math.pi * x) * math.sin(math.pi * x / radius) / (math.pi * math.pi * x * x)

    return share


KERNELS: dict[str, tuple[float, Callable[[float], float]]] = {
    "bilinear": (1.0, _triangle),
    "bicubic": (2.0, _cubic),
    "lanczos3": (3.0, _lanczos(3)),
    "lanczos5": (5.0, _lanczos(5)),
}
"""The radius of each method's kernel, and its share at a distance."""


def resized_by_matrices(
    site: Site, image: int, size: tuple[int, int], method: str, slot: Slot, *, smooth: bool = False
) -> int:
    """An image [batch, height, width, channels] with another height and width: two FULLY_CONNECTED between TRANSPOSEs.

    First the width, last in `inner["width_last"]` and resized in `inner["width_resized"]`, then the height, in the same
    way.
    """
    _, height, width, _ = site.shape(image)
    assert height is not None
    assert width is not None
    axes = [(2, "width", width, size[1]), (1, "height", height, size[0])]
    changed = [each for each in axes if each[2] != each[3]]
    for number, (axis, key, old, new) in enumerate(changed, 1):
        order = [place for place in range(4) if place != axis] + [axis]
        last = transpose(site, image, order, site.inner(f"{key}_last"))
        rows = matrix(method, old, new, smooth=smooth)
        weights = constant_weights(site, f"{key}_weights", Literal(rows, (new, old), "float32"))
        resized = fully_connected(site.named(f"{key}_"), last, weights, site.inner(f"{key}_resized"))
        back = sorted(range(4), key=order.__getitem__)
        image = transpose(site, resized, back, slot if number == len(changed) else site.inner(key))
    return image


def matrix(method: str, old: int, new: int, *, smooth: bool) -> Matrix:
    """The shares of *old* places in *new* ones; *smooth* widens the kernel where there are fewer."""
    if method == "bicubic" and not smooth:
        return tuple(_bicubic_row(place, old, new) for place in range(new))
    radius, kernel = KERNELS[method]
    return tuple(_row(place, old, new, radius, kernel, smooth) for place in range(new))


def _row(
    place: int, old: int, new: int, radius: float, kernel: Callable[[float], float], smooth: bool
) -> tuple[float, ...]:
    ratio = old / new
    width = max(ratio, 1.0) if smooth else 1.0
    center = (place + 0.5) * ratio
    begin = max(math.ceil(center - radius * width - 0.5), 0)
    end = min(math.floor(center + radius * width - 0.5), old - 1)
    shares = [kernel(abs(source + 0.5 - center) / width) if begin <= source <= end else 0.0 for source in range(old)]
    return _normalized(shares)


def _bicubic_row(place: int, old: int, new: int) -> tuple[float, ...]:
    center = (place + 0.5) * (old / new) - 0.5
    floor = math.floor(center)
    offset = round((center - floor) * _TABLE)
    distances = (1 + offset / _TABLE, offset / _TABLE, 1 - offset / _TABLE, 2 - offset / _TABLE)
    shares = [0.0] * old
    for source, distance in zip(range(floor - 1, floor + 3), distances, strict=True):
        if 0 <= source < old:
            shares[source] = _cubic(distance)
    return _normalized(shares)


def _normalized(shares: list[float]) -> tuple[float, ...]:
    total = sum(shares)
    return tuple(share / total for share in shares) if abs(total) >= _LEAST_SUM else tuple(shares)
