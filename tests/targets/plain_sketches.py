"""Sketches of the ops that no quantizer reaches: on plain integers, floats, truth values and complex numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.targets.sketches import Array, Given, Out, Sketch

_TYPES = ("float32", "int32", "int64", "int8", "int16", "uint8", "bool")
_ROWS = [[1, 2], [3, 4], [5, 6], [7, 8]]


def _given(value: Any, type_: str) -> Given:
    return Given(value, type_, constant=False)


def _segments(reduce: Callable[[Array], Array]) -> Callable[..., Array]:
    """Rows 0 and 1 are the first segment, 2 and 3 the second."""
    return lambda x, segments, *count: np.stack([reduce(x[:2]), reduce(x[2:])])


_SEGMENTED: dict[str, Callable[[Array], Array]] = {
    "SEGMENT_SUM": lambda rows: rows.sum(0),
    "UNSORTED_SEGMENT_SUM": lambda rows: rows.sum(0),
    "UNSORTED_SEGMENT_PROD": lambda rows: rows.prod(0),
    "UNSORTED_SEGMENT_MAX": lambda rows: rows.max(0),
    "UNSORTED_SEGMENT_MIN": lambda rows: rows.min(0),
}


def plain_sketches() -> Iterator[Sketch]:
    """Each op in the types that it takes and in some that it does not."""
    for type_ in _TYPES:
        yield Sketch(
            "RANGE",
            (_given(1, type_), _given(7, type_), _given(2, type_)),
            (Out((3,), type_),),
            lambda start, limit, delta: np.array([1, 3, 5]),
            note=type_,
        )
        yield Sketch(
            "BUCKETIZE",
            (_given([0, 5, 10, 3], type_),),
            (Out((4,), "int32"),),
            lambda x: np.digitize(x, [1.0, 4.0]),
            {"boundaries": (1.0, 4.0)},
            type_,
        )
        yield Sketch(
            "BROADCAST_ARGS",
            (_given([2, 1, 3], type_), _given([4, 3], type_)),
            (Out((3,), type_),),
            lambda one, other: np.array([2, 4, 3]),
            note=type_,
        )
        for kind, compute in (("BITWISE_XOR", np.bitwise_xor), ("RIGHT_SHIFT", np.right_shift)):
            if type_ != "float32":
                values = (_given([1, 6, 7, 12], type_), _given([1, 2, 1, 2], type_))
                yield Sketch(kind, values, (Out((4,), type_),), compute, note=type_)
        for kind, reduce in _SEGMENTED.items():
            count = () if kind == "SEGMENT_SUM" else (Given(2),)
            operands = (_given(_ROWS, type_), Given([0, 0, 1, 1]), *count)
            yield Sketch(kind, operands, (Out((2, 2), type_),), _segments(reduce), note=type_)
    yield from _complex()


def _complex() -> Iterator[Sketch]:
    image = np.random.default_rng(1).uniform(-1, 1, (1, 4, 8)).astype(np.float32)
    frequencies = (Out((1, 4, 5), "complex64"),)
    for value, type_ in ((image, "float32"), (np.ones((1, 4, 8)), "int32")):
        operands = (_given(value, type_), Given([4, 8]))
        yield Sketch("RFFT2D", operands, frequencies, lambda x, n: np.fft.rfft2(x), note=type_)
    for kind, compute in (("REAL", np.real), ("IMAG", np.imag), ("COMPLEX_ABS", np.abs)):
        yield Sketch(kind, (_given([1 + 2j, 3 - 4j], "complex64"),), (Out((2,), "float32"),), compute)
        yield Sketch(kind, (_given([1.0, 2.0], "float32"),), (Out((2,), "float32"),), compute, note="of a real number")
