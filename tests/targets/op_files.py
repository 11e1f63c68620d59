"""Flatbuffers of one op with real constants, and the same op in float32, for oracles that run or compile them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qspec.graph.ops import OpGraph
from qspec.targets import Representation
from tests.targets.one_op import T, one_op
from tests.targets.one_op_file import graph_file

NUMPY = {"int4": np.int8, "bool": np.bool_}


@dataclass(frozen=True)
class OpCase:
    """One op: operands (None is an absent one), results, attributes; `stored` are integers of constants by position."""

    kind: str
    inputs: Sequence[T | None]
    outputs: Sequence[T]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    stored: Mapping[int, NDArray[Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        present = [tensor for tensor in self.inputs if tensor is not None]
        types = "-".join(dict.fromkeys(tensor.type for tensor in (*present, *self.outputs)))
        return " ".join(part for part in (self.kind, self.note, types) if part)

    def graph(self) -> tuple[OpGraph, list[T]]:
        """Its op graph and the tensors by id."""
        return one_op(self.kind, self.inputs, self.outputs, self.attributes)


def op_file(
    case: OpCase, constants: Mapping[int, NDArray[Any]], dynamic: Mapping[int, Sequence[int]] | None = None
) -> bytes:
    """The flatbuffer of *case*. *constants* are the stored values by tensor id; *dynamic* are shape signatures."""
    graph, made = case.graph()
    return graph_file(graph, [_with_scales(one) for one in made], constants, signatures=dynamic)


def _with_scales(made: T) -> T:
    """*made* with the scales that its file has."""
    scales = scales_of(made)
    if scales is None:
        return replace(made, scale=None)
    return replace(made, scales=tuple(float(scale) for scale in scales) if made.axis is not None else ())


def scales_of(made: T) -> NDArray[np.float32] | None:
    """The scales of a tensor: one, or one per channel, each a little different; None if it has none."""
    if made.scale is None or made.type in ("float32", "float16", "bool"):
        return None
    count = (made.shape[made.axis] or 1) if made.axis is not None else 1
    return np.float32(made.scale) * (1 + np.arange(count, dtype=np.float32) % 4 / 4)


def stored_as(made: T) -> Representation:
    """How the file stores a tensor, its scales per channel included."""
    return _with_scales(made).representation


def stored_constants(case: OpCase, seed: int = 0) -> dict[int, NDArray[Any]]:
    """Integers (or floats) for every constant of *case*: those given, its value, or random ones."""
    graph, made = case.graph()
    random = np.random.default_rng(seed)
    given = {
        tensor: case.stored[position] for position, tensor in enumerate(graph.ops[0].inputs) if position in case.stored
    }
    return {
        tensor.id: np.asarray(given[tensor.id] if tensor.id in given else _random(made[tensor.id], random))
        for tensor in graph.tensors
        if tensor.constant
    }


RANGES = {"int4": (-7, 7), "int8": (-127, 127), "uint8": (1, 255), "int16": (-30000, 30000), "int32": (-900, 900)}


def _random(made: T, random: np.random.Generator) -> NDArray[Any]:
    shape = [size or 1 for size in made.shape]
    if made.value is not None:
        return np.asarray(made.value, made.type)
    if made.type.startswith("float"):
        return random.normal(0, 0.3, shape).astype(made.type)
    if made.type == "bool":
        return random.integers(0, 2, shape).astype(bool)
    low, high = RANGES.get(made.type, (-900, 900))
    return random.integers(low, high + 1, shape).astype(NUMPY.get(made.type, made.type))


def as_float(case: OpCase) -> OpCase:
    """*case* with float32 in place of everything that has a scale."""

    def floated(made: T | None) -> T | None:
        quantized = made is not None and scales_of(made) is not None
        return replace(made, type="float32", scale=None, axis=None, zero_point=0) if made and quantized else made

    attributes = {name: value for name, value in case.attributes.items() if name != "quantized_bias_type"}
    return replace(
        case,
        inputs=[floated(made) for made in case.inputs],
        outputs=[made for output in case.outputs if (made := floated(output)) is not None],
        attributes=attributes,
    )


def dequantized(stored: NDArray[Any], made: T) -> NDArray[Any]:
    """The real numbers that *stored* stands for; itself if it has no scale."""
    scales = scales_of(made)
    if scales is None:
        return stored
    axis = made.axis if made.axis is not None else 0
    shape = [-1 if place == axis else 1 for place in range(stored.ndim)]
    factors = scales.reshape(shape) if len(scales) > 1 else scales[0]
    return ((stored.astype(np.float64) - made.zero_point) * factors).astype(np.float32)


def quantized(real: NDArray[Any], made: T) -> NDArray[Any]:
    """*real* in steps of *made*'s scale, not rounded, held within its type; itself if it has no scale."""
    scales = scales_of(made)
    if scales is None:
        return real
    limits = np.iinfo(made.type)
    return np.clip(real.astype(np.float64) / scales[0] + made.zero_point, limits.min, limits.max)
