"""Sketches put into types.

A case is an op with its operands stored, and what it must then compute: the sketch's arithmetic on the real numbers
that the stored integers stand for.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tests.targets.one_op import T
from tests.targets.sketches import INTERPOLATED, Array, Given, Operand, Out, Real, Sketch
from tests.targets.ways import ACTIVATIONS, QUANTIZED, Way, activation_ways, weight_ways


@dataclass(frozen=True)
class Case:
    """One op with its operands stored as *inputs* say, and the values that its outputs should have."""

    kind: str
    label: str
    inputs: tuple[T | None, ...]
    outputs: tuple[T, ...]
    attributes: Mapping[str, Any]
    stored: tuple[Array | None, ...]
    expected: tuple[Array, ...] = field(repr=False)
    tolerance: float = 1.0
    undecided: Array | None = None  # where two numbers are less than a unit apart, and may well compare as equal

    def __str__(self) -> str:
        return f"{self.kind} {self.label}"

    def right(self, outputs: Sequence[Array]) -> bool:
        """Whether what a runtime stored is what should be."""
        pairs = zip(self.outputs, outputs, self.expected, strict=True)
        if self.undecided is not None:
            return bool(np.all(self.undecided | (outputs[0] == self.expected[0])))
        return all(_close(made, found, expected, self.tolerance) for made, found, expected in pairs)


_CORNER = 32767 - 1024


def _close(made: T, found: Array, expected: Array, tolerance: float) -> bool:
    if found.shape != expected.shape or found.dtype != np.dtype(_array_type(made.type)):
        return False
    if made.type in QUANTIZED:
        low, high = QUANTIZED[made.type]
        wanted = np.clip(expected / (made.scale or 1) + made.zero_point, low, high)
        allowed = tolerance if made.type == "int16" else 1.0
        # Where results saturate, a table has a corner that no interpolation meets.
        corner = (np.abs(wanted) > _CORNER) & (made.type == "int16" and tolerance >= INTERPOLATED)
        return bool(np.all(corner | (np.abs(found.astype(np.float64) - wanted) <= allowed + 1e-3)))
    if made.type in ("float32", "float16", "complex64"):
        # Activations that a kernel quantizes while it runs have 8 bits.
        share = {"float16": 4e-3}.get(made.type, 1e-5) if tolerance < 2 else 0.02
        if not np.all(np.isfinite(found)):
            return False
        bound = share * max(1.0, float(np.max(np.abs(expected), initial=0)))
        return bool(np.all(np.abs(found.astype(np.complex128) - expected) <= bound))
    return bool(np.array_equal(found, expected.astype(found.dtype)))


def make(sketch: Sketch, way: Way, seed: int = 0) -> Case:
    """The sketch stored this way, with random values."""
    # The type is left out, so that the values do not depend on how they are stored.
    random = np.random.default_rng(zlib.crc32(f"{sketch.kind} {sketch.note} {seed}".encode()))
    inputs: list[T | None] = []
    stored: list[Array | None] = []
    reals: list[Array] = []
    for position, operand in enumerate(sketch.operands):
        tensor, values = _stored(operand, way, inputs, random, position)
        if isinstance(operand, Real) and operand.echo:
            values = _echo(values, stored[position - 1])
        inputs.append(tensor)
        stored.append(values)
        if tensor is not None and values is not None:
            reals.append(real(tensor, values) if isinstance(operand, Real) else values)
    with np.errstate(all="ignore"):
        expected = sketch.results(reals)
    pairs = zip(inputs, sketch.operands, strict=True)
    main = next((tensor for tensor, operand in pairs if _leads(operand) and tensor), T("int32", ()))
    outputs = tuple(_output(out, way, main, result) for out, result in zip(sketch.outputs, expected, strict=True))
    hybrid = way.first.startswith("float") and {way.weights, way.others} & QUANTIZED.keys()
    label = " ".join(filter(None, (sketch.note, str(way))))
    attributes = {**sketch.attributes, **dict(way.attributes)}
    tolerance = 3.0 if hybrid else sketch.int16_tolerance
    undecided = None
    if way.apart and outputs[0].type == "bool":
        undecided = np.abs(np.subtract(*reals)) < (main.scale or 0)
    return Case(sketch.kind, label, tuple(inputs), outputs, attributes, tuple(stored), expected, tolerance, undecided)


def _echo(values: Array | None, before: Array | None) -> Array | None:
    if values is None or before is None or values.dtype != before.dtype:
        return values
    first = before.reshape(-1, *values.shape)[0]
    return np.where(np.arange(values.size).reshape(values.shape) % 2 == 0, first, values)


def real(tensor: T, stored: Array) -> Array:
    """The numbers that stored values stand for."""
    if tensor.type not in QUANTIZED and not (tensor.type in ("int32", "int64") and tensor.scale is not None):
        return stored.astype(np.float64) if tensor.type.startswith("float") else stored
    scale: Any = tensor.scale
    if tensor.scales:
        shape = [1] * len(tensor.shape)
        shape[tensor.axis or 0] = -1
        scale = np.array(tensor.scales).reshape(shape)
    return np.asarray((stored.astype(np.float64) - tensor.zero_point) * scale)


def _leads(operand: Operand) -> bool:
    return isinstance(operand, Real) and operand.role in ("activation", "weights")


def _stored(
    operand: Operand, way: Way, before: Sequence[T | None], random: np.random.Generator, position: int
) -> tuple[T | None, Array | None]:
    match operand:
        case None:
            return None, None
        case Given(value=value, type=type_, constant=constant):
            values = np.asarray(value, type_)
            nested = _nested(values.tolist()) if constant and type_ == "int32" else None
            return T(type_, values.shape, constant, nested, scale=None), values
        case Real(role="bias"):
            return _bias(operand, way, before, random)
        case Real(role="weights"):
            return _weights(operand, way, random)
    return _activation(operand, way, before, random, position)


def _nested(value: Any) -> Any:
    return tuple(_nested(item) for item in value) if isinstance(value, list) else value


def _activation(
    operand: Real, way: Way, before: Sequence[T | None], random: np.random.Generator, position: int
) -> tuple[T, Array]:
    further = any(tensor is not None and not tensor.type.startswith("bool") for tensor in before[:position])
    further = further and not all(tensor is None or tensor.scale is None for tensor in before[:position])
    type_ = (way.others or way.first) if further else way.first
    low, high = operand.low, operand.high
    if type_ not in QUANTIZED:
        drawn = random.uniform(low, high, operand.shape)
        if type_ == "bool":
            drawn = np.where(_even(operand) & operand.zeros, 0, drawn)
            return T("bool", operand.shape, operand.constant, scale=None), drawn > 0
        if type_.startswith("int"):
            drawn = random.integers(
                min(-3, int(low)) if low < 0 else 1, max(3, int(high)), operand.shape, endpoint=True
            )
        made = T(type_, operand.shape, operand.constant, scale=0.1 if type_.startswith("float") else None)
        return made, np.where(_even(operand) & operand.zeros, 0, drawn).astype(type_)
    scale, zero_point = _parameters(type_, low, high)
    if further and way.apart:
        scale *= 1.3
    zero_point = zero_point if way.zero_point is None else way.zero_point
    made = T(type_, operand.shape, operand.constant, scale=scale, zero_point=zero_point, scheme="asymmetric")
    if operand.zeros:
        return made, np.where(_even(operand), zero_point, _codes(made, low, high, random)).astype(_array_type(type_))
    if operand.constant and way.channels and operand.shape:
        axis = operand.axis or len(operand.shape) - 1
        scales = tuple(float(one) for one in scale * random.uniform(0.4, 1, operand.shape[axis]).astype(np.float32))
        made = replace(made, axis=axis, scales=tuple(map(_single, scales)))
    return made, _codes(made, low, high, random)


def _even(operand: Real) -> Array:
    """Which of the values have an even number."""
    return np.arange(int(np.prod(operand.shape))).reshape(operand.shape) % 2 == 0


def _array_type(type_: str) -> str:
    """What numpy stores the type in."""
    return "int8" if type_ in ("int4", "int2") else type_


def _codes(made: T, low: float, high: float, random: np.random.Generator) -> Array:
    """Integers whose numbers lie between *low* and *high*, as far as there are such."""
    ends = QUANTIZED[made.type]
    assert made.scale is not None
    first, last = (int(np.clip(np.round(end / made.scale) + made.zero_point, *ends)) for end in (low, high))
    return random.integers(first, last, made.shape, endpoint=True).astype(_array_type(made.type))


def _parameters(type_: str, low: float, high: float) -> tuple[float, int]:
    """A scale and zero point that cover the range: for int16 symmetric, for the others from end to end."""
    ends = QUANTIZED[type_]
    if type_ == "int16":
        return _single(max(abs(low), abs(high)) / 32767), 0
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (ends[1] - ends[0])
    return _single(scale), int(np.clip(np.round(ends[0] - low / scale), *ends))


def _single(number: float) -> float:
    """The number as the file holds it."""
    return float(np.float32(number))


def _weights(operand: Real, way: Way, random: np.random.Generator) -> tuple[T, Array]:
    made = T(way.weights, operand.shape, True, scale=None)
    if way.weights not in QUANTIZED:
        return made, random.uniform(operand.low, operand.high, operand.shape).astype(way.weights)
    low, high = QUANTIZED[way.weights]
    scale = _single((operand.high - operand.low) / (high - low))
    made = replace(made, scale=scale, zero_point=way.weight_zero_point, scheme="asymmetric")
    if way.weight_axis is not None:
        count = operand.shape[way.weight_axis]
        scales = tuple(_single(one) for one in scale * random.uniform(0.4, 1, count))
        made = replace(made, axis=way.weight_axis, scales=scales)
    codes = random.integers(low + (low < 0), high, operand.shape, endpoint=True)
    return made, codes.astype(_array_type(way.weights))


def _bias(
    operand: Real, way: Way, before: Sequence[T | None], random: np.random.Generator
) -> tuple[T | None, Array | None]:
    if way.bias == "none":
        return None, None
    if way.bias.startswith("int") and not {way.first, way.weights} <= QUANTIZED.keys():
        return T(way.bias, operand.shape, True, scale=None), np.zeros(operand.shape, way.bias)
    drawn = random.uniform(operand.low, operand.high, operand.shape)
    if way.bias.startswith("float"):
        return T(way.bias, operand.shape, True, scale=None), drawn.astype(way.bias)
    source, weights = (tensor for tensor in before if tensor is not None and tensor.scale is not None)
    if weights.type == way.first and source.type == way.weights and before[0] is not source:
        source, weights = weights, source
    factor = way.bias_factor * (source.scale or 1)
    channels = weights.scales or (source.scales if source.constant else ())
    scales = tuple(_single(factor * scale) for scale in channels)
    if len(scales) not in (0, operand.shape[0]):
        scales = ()
    scale = _single(factor * (weights.scale or 1))
    scheme = "asymmetric" if way.bias_zero_point else "symmetric"
    made = T(way.bias, operand.shape, True, scale=scale, zero_point=way.bias_zero_point, scheme=scheme)
    if scales:
        made = replace(made, axis=0, scales=scales)
    codes = np.round(drawn / (np.array(scales) if scales else scale)) + way.bias_zero_point
    ends = np.iinfo(way.bias)
    return made, np.clip(codes, ends.min / 2, ends.max / 2).astype(way.bias)


def _output(out: Out, way: Way, main: T, result: Array) -> T:
    type_ = out.type or way.output or way.first
    if type_ not in QUANTIZED:
        return T(type_, out.shape, scale=0.1 if type_.startswith("float") else None)
    match way.parameters:
        case (scale, zero_point):
            return T(type_, out.shape, scale=float(scale), zero_point=int(zero_point), scheme="asymmetric")
        case "same" if type_ == main.type:
            return T(type_, out.shape, scale=main.scale, zero_point=main.zero_point, scheme="asymmetric")
    finite = result[np.isfinite(result)] if result.dtype.kind == "f" else result
    low, high = float(np.min(finite, initial=0)), float(np.max(finite, initial=0))
    scale, zero_point = _parameters(type_, 1.1 * low, 1.1 * high if high > low else 1.0)
    if way.zero_point is not None:
        zero_point = way.zero_point
    return T(type_, out.shape, scale=scale, zero_point=zero_point, scheme="asymmetric")


def cast_cases(seed: int = 0) -> Iterator[Case]:
    """QUANTIZE, DEQUANTIZE and CAST between every two types."""
    shape = (1, 4, 6, 8)
    for kind in ("QUANTIZE", "DEQUANTIZE"):
        sketch = Sketch(kind, (Real(shape, -2, 3),), (Out(shape),), lambda x: x)
        for first in ACTIVATIONS:
            for output in ACTIVATIONS:
                if first != "bool" and output != "bool":
                    yield make(sketch, Way(first, output=output, parameters="own"), seed)
                if first == output and first in QUANTIZED:
                    yield make(sketch, Way(first, output=output), seed)
    constant = Sketch(
        "DEQUANTIZE", (Real(shape, -2, 3, constant=True, axis=3),), (Out(shape),), lambda x: x, {}, "constant"
    )
    for first in ACTIVATIONS[1:]:
        for channels in (False, True)[: 1 + (first in QUANTIZED)]:
            yield make(
                constant, Way(first, output="float32", zero_point=0 if channels else None, channels=channels), seed
            )
    for first in ACTIVATIONS:
        for output in ACTIVATIONS:
            sketch = Sketch("CAST", (Real(shape, -100, 50, zeros=True),), (Out(shape),), _truncated(output))
            names = (("in_data_type", first.upper()), ("out_data_type", output.upper()))
            yield make(sketch, Way(first, output=output, parameters="own", attributes=names), seed)


def _truncated(output: str) -> Any:
    if output == "bool":
        return lambda x: x != 0
    return (lambda x: np.trunc(x.astype(np.float64))) if output.startswith(("int3", "int6")) else lambda x: x


def cases(seed: int = 0) -> Iterator[Case]:
    """Every case."""
    from tests.targets.lstm_cases import lstm_cases
    from tests.targets.movement_sketches import MOVEMENT
    from tests.targets.plain_sketches import plain_sketches
    from tests.targets.sketches import BINARY, ELEMENTWISE, POOLING, REDUCTIONS
    from tests.targets.weight_sketches import PRODUCTS, WEIGHTED

    for sketch in (*ELEMENTWISE, *BINARY, *REDUCTIONS, *POOLING, *MOVEMENT, *PRODUCTS):
        for way in activation_ways(sketch):
            yield make(sketch, way, seed)
    for sketch in WEIGHTED:
        for way in weight_ways(sketch):
            yield make(sketch, way, seed)
    yield from cast_cases(seed)
    yield from lstm_cases(seed)
    for sketch in plain_sketches():
        yield make(sketch, Way("plain"), seed)
