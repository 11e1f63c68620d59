"""The ways to store an op's operands that are tried: every type, granularity and parameter that a table could take or
refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.targets.sketches import Real, Sketch

QUANTIZED = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "int4": (-8, 7), "int2": (-2, 1)}
ACTIVATIONS = ("float32", "float16", "int8", "uint8", "int16", "int4", "int32", "int64", "bool")


@dataclass(frozen=True)
class Way:
    """How to store the operands and outputs of a sketch.

    `first` is the type of the first activation, `others` of further ones and `output` of the outputs (the same if
    empty). `parameters` says which scales and zero points the outputs have: those of the input ("same"), ones that
    cover the results ("own"), or these two numbers. With `apart` the further activations have a scale of their own.
    """

    first: str
    others: str = ""
    output: str = ""
    parameters: str | tuple[float, int] = "same"
    apart: bool = False
    zero_point: int | None = None  # of every activation, or the one that suits the range
    channels: bool = False  # constants have a scale for each channel
    weights: str = "float32"
    weight_axis: int | None = None  # None: one scale for all
    weight_zero_point: int = 0
    bias: str = "float32"
    bias_factor: float = 1.0  # by how much the declared scale is off
    bias_zero_point: int = 0
    attributes: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        plain = Way(self.first)
        changed = [
            f"{name}={value}" for name, value in vars(self).items() if name != "first" and value != getattr(plain, name)
        ]
        return " ".join([self.first, *changed])


# Scales and zero points that ops fix for their outputs, by type.
_FIXED: Mapping[str, tuple[tuple[float, int], ...]] = {
    "int8": ((1 / 256, -128), (1 / 128, 0), (1 / 16, 127)),
    "uint8": ((1 / 256, 0), (1 / 128, 128), (1 / 16, 255)),
    "int16": ((1 / 32768, 0),),
}


def activation_ways(sketch: Sketch) -> Iterator[Way]:
    """Ways for an op whose operands are all activations."""
    several = sum(isinstance(operand, Real) for operand in sketch.operands) > 1
    constant = any(isinstance(operand, Real) and operand.constant for operand in sketch.operands)
    stored = any(out.type is None for out in sketch.outputs)
    for type_ in ACTIVATIONS:
        yield Way(type_)
        if type_ not in ("int8", "uint8", "int16"):
            continue
        if stored:
            yield Way(type_, parameters="own")
            for fixed in _FIXED[type_]:
                yield Way(type_, parameters=fixed)
        if several:
            yield Way(type_, apart=True)
            if stored:
                yield Way(type_, apart=True, parameters="own")
        yield Way(type_, zero_point=128 if type_ == "uint8" else 0)
        yield Way(type_, zero_point=500 if type_ == "int16" else 5)
        if constant:
            yield Way(type_, channels=True, parameters="own")
    if stored:
        pairs = (("int8", "int16"), ("int8", "float32"), ("float32", "int8"), ("int16", "int8"), ("int8", "uint8"))
        yield from (Way(first, output=output, parameters="own") for first, output in pairs)
    if several:
        for others in ("int16", "float32", "int32", "uint8"):
            yield Way("int8", others=others, parameters="own")
    if constant and several:
        yield Way("float32", others="int8", zero_point=0)
        yield Way("float32", others="int8", zero_point=0, channels=True)


def weight_ways(sketch: Sketch) -> Iterator[Way]:
    """Ways for an op with weights and perhaps a bias."""
    weights = next(operand for operand in sketch.operands if isinstance(operand, Real) and operand.role == "weights")
    biases = ("none", "float32", "int32", "int64") if sketch.operands[-1] is not weights else ("none",)
    wrong = next(axis for axis in range(len(weights.shape) - 1, -1, -1) if axis != weights.axis)
    for first in ("float32", "float16", "int8", "uint8", "int16", "int32"):
        for stored in ("float32", "float16", "int8", "uint8", "int16", "int4", "int2"):
            for axis in (None, weights.axis, wrong) if stored in ("int8", "int16", "int4", "int2") else (None,):
                for bias in biases:
                    way = Way(first, parameters="own", weights=stored, weight_axis=axis, bias=bias)
                    if _sensible(way) or not sketch.note:
                        yield replace(way, weight_zero_point=128 if stored == "uint8" else 0)
    yield from _weight_parameters(weights)
    if len(biases) > 1:
        yield from _bias_parameters(weights)


def _sensible(way: Way) -> bool:
    """Whether some kernel or other computes with these types together."""
    biases = {"int8": ("none", "int32"), "uint8": ("none", "int32"), "int16": ("none", "int64", "int32")}
    stored = {"uint8": ("uint8",), "int16": ("int8", "int16", "int4", "int2"), "int8": ("int8", "int4", "int2")}
    fits = way.weights in stored.get(way.first, ("float32", "float16", "int8", "int4", "int2"))
    return fits and way.bias in biases.get(way.first, ("none", "float32"))


def _weight_parameters(weights: Real) -> Iterator[Way]:
    integer = Way("int8", parameters="own", weights="int8", bias="int32")
    sixteen = Way("int16", parameters="own", weights="int8", weight_axis=weights.axis, bias="int64")
    for way in (integer, replace(integer, weight_axis=weights.axis)):
        yield replace(way, parameters="same")
        yield replace(way, weight_zero_point=3)
        yield replace(way, zero_point=5)
        yield replace(way, output="int16")
        yield replace(way, output="float32")
    yield replace(sixteen, zero_point=500)
    yield replace(sixteen, weight_zero_point=3)
    yield replace(sixteen, output="int8")
    for parameters in ("own", "same"):
        yield Way("uint8", parameters=parameters, weights="uint8", weight_zero_point=100, bias="int32")
    for activation in ("TANH", "SIGN_BIT"):
        yield replace(integer, attributes=(("fused_activation_function", activation),))


def _bias_parameters(weights: Real) -> Iterator[Way]:
    integer = Way("int8", parameters="own", weights="int8", bias="int32")
    sixteen = Way("int16", parameters="own", weights="int8", bias="int64")
    unsigned = Way("uint8", parameters="own", weights="uint8", weight_zero_point=128, bias="int32")
    for way in (integer, sixteen, unsigned):
        yield replace(way, bias_factor=2.0)
        yield replace(way, bias_zero_point=2000)
    for way in (integer, sixteen):
        yield replace(way, bias_factor=2.0, weight_axis=weights.axis)
        yield replace(way, bias_zero_point=2000, weight_axis=weights.axis)
    for axis in (None, weights.axis):
        yield replace(sixteen, bias="int32", weight_axis=axis, attributes=(("quantized_bias_type", "INT32"),))
