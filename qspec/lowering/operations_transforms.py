"""Raw operations that transform signals to frequencies: products with the matrices of cosines and sines."""

from __future__ import annotations

from math import cos, pi, sin

from qspec.lowering.arguments import Arguments, real
from qspec.lowering.literals import Literal
from qspec.lowering.operations_products import constant_weights
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import fully_connected

_MOST_SAMPLES = 2048


def real_transform(site: Site) -> tuple[int, int]:
    """`rfft` of the last axis: its real and its imaginary part, two FULLY_CONNECTED"""
    tensor = real(site, Arguments(site).tensor())
    samples = site.shape(tensor)[-1]
    if samples is None:
        raise UnknownShape("the size of its last axis is unknown")
    length = site.config["fft_length"].integer(1) if site.config.has("fft_length") else samples
    if length > _MOST_SAMPLES:
        raise Unsupported(f"it transforms {length} samples, and at most {_MOST_SAMPLES} are written as a matrix")
    parts = []
    for position, (name, wave) in enumerate((("real", cos), ("imag", lambda angle: -sin(angle)))):
        rows = tuple(
            # Samples behind the length do not count.
            tuple(wave(2 * pi * (row * place % length) / length) if place < length else 0.0 for place in range(samples))
            for row in range(length // 2 + 1)
        )
        weights = constant_weights(site, name, Literal(rows, (len(rows), samples), "float32"))
        parts.append(fully_connected(site.named(f"{name}_"), tensor, weights, site.output_at(position)))
    return parts[0], parts[1]


TRANSFORMS: dict[str, Lowering] = {"RFFT": real_transform}
"""By the class of the operation."""
