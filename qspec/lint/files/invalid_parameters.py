"""QS508"""

from __future__ import annotations

import math
from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import INVALID_PARAMETERS
from qspec.graph.ops import Tensor
from qspec.graph.tflite_file import Quantization
from qspec.lint.files.facts import FileFacts, and_more, tensor_words

_LIMITS = {
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-(2**15), 2**15 - 1),
    "int4": (-8, 7),
    "int2": (-2, 1),
    "uint4": (0, 15),
}


def invalid_parameters(facts: FileFacts) -> Iterator[Diagnostic]:
    """A tensor's quantization parameters cannot be: a scale that is not positive, too few scales, a wrong axis."""
    found: dict[str, list[str]] = {}
    for body in facts.file.subgraphs:
        for index, quantization in body.quantization.items():
            tensor = body.graph.tensors[index]
            for kind, problem in _problems(tensor, quantization):
                found.setdefault(kind, []).append(f"{tensor_words(tensor)} {problem}")
    for first, *others in found.values():
        yield INVALID_PARAMETERS.at(facts.place, first + and_more(len(others), "like this"))


def _problems(tensor: Tensor, found: Quantization) -> Iterator[tuple[str, str]]:
    if found.details or not (found.scales or found.zero_points):
        return
    wrong = next((scale for scale in found.scales if not (math.isfinite(scale) and scale > 0)), None)
    if wrong is not None:
        yield "scale", f"has the scale {wrong:g}; scales are positive numbers"
    if len(found.zero_points) != len(found.scales):
        yield (
            "count",
            f"has {_counted(len(found.scales), 'scale')} and {_counted(len(found.zero_points), 'zero point')}",
        )
    yield from _axis_problems(tensor, found)
    limits = _LIMITS.get(tensor.type)
    if limits is not None:
        outside = next((zero for zero in found.zero_points if not limits[0] <= zero <= limits[1]), None)
        if outside is not None:
            yield "zero point", f"has the zero point {outside}, which is no {tensor.type}"


def _axis_problems(tensor: Tensor, found: Quantization) -> Iterator[tuple[str, str]]:
    shape, axis, count = tensor.shape, found.axis, len(found.scales)
    if not shape:
        return
    if not 0 <= axis < len(shape):
        yield "axis", f"is quantized along axis {axis} and has {len(shape)} dimensions"
    elif count > 1 and shape[axis] not in (None, count):
        yield "channels", f"has {count} scales on axis {axis}, which has {_counted(shape[axis] or 0, 'channel')}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
