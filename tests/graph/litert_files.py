"""Flatbuffers made with LiteRT's own generated classes, to be read back by ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from qspec.graph.tflite_schema import enumeration


def number_of(enum: str, name: str) -> int:
    """The value of an enumeration's name, as LiteRT has it."""
    return int(getattr(getattr(schema, enum), name))


def names_of(enum: str) -> dict[int, str]:
    """LiteRT's names of an enumeration, by value."""
    members = vars(getattr(schema, enum)).items()
    return {value: name for name, value in members if isinstance(value, int) and not name.startswith("_")}


def snake(name: str) -> str:
    """`dilationWFactor` in the schema's spelling, `dilation_w_factor`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def option_tables() -> Iterator[tuple[str, str]]:
    """Every table that may hold an op's attributes, and the union that it belongs to."""
    for union in ("BuiltinOptions", "BuiltinOptions2"):
        for name in names_of(union).values():
            if name != "NONE":
                yield union, name


def tensor(
    name: str,
    shape: Sequence[int],
    type: str = "INT8",
    buffer: int = 0,
    scales: Sequence[float] | None = None,
    zero_points: Sequence[int] = (0,),
    axis: int = 0,
    signature: Sequence[int] | None = None,
) -> Any:
    """A tensor; without *scales* it has no quantization."""
    made = schema.TensorT()
    made.name, made.shape, made.buffer, made.hasRank = name, list(shape), buffer, True
    made.type = number_of("TensorType", type)
    made.shapeSignature = None if signature is None else list(signature)
    if scales is not None:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = np.array(scales, np.float32)
        made.quantization.zeroPoint = np.array(zero_points, np.int64)
        made.quantization.quantizedDimension = axis
    return made


def operator(code: int, inputs: Sequence[int], outputs: Sequence[int], options: Any = None, union: str = "") -> Any:
    """An op of the operator code at *code*; *options* is an object of the generated classes."""
    made = schema.OperatorT()
    made.opcodeIndex, made.inputs, made.outputs = code, list(inputs), list(outputs)
    if options is not None:
        name = type(options).__name__.removesuffix("T")
        if union == "BuiltinOptions2":
            made.builtinOptions2, made.builtinOptions2Type = options, number_of(union, name)
        else:
            made.builtinOptions, made.builtinOptionsType = options, number_of("BuiltinOptions", name)
    return made


def code(kind: str, version: int = 1, custom: str | None = None) -> Any:
    """An operator code."""
    made = schema.OperatorCodeT()
    made.builtinCode = number_of("BuiltinOperator", kind)
    made.deprecatedBuiltinCode = min(made.builtinCode, 127)
    made.version, made.customCode = version, custom
    return made


def model(
    codes: Sequence[Any],
    tensors: Sequence[Any],
    operators: Sequence[Any],
    inputs: Sequence[int] = (),
    outputs: Sequence[int] = (),
    buffers: Sequence[bytes] = (),
    description: str = "a test",
) -> Any:
    """A model of one subgraph; buffer 0 is the empty one, *buffers* count from 1."""
    body = schema.SubGraphT()
    body.name, body.tensors, body.operators = "main", list(tensors), list(operators)
    body.inputs, body.outputs = list(inputs), list(outputs)
    made = schema.ModelT()
    made.version, made.description, made.subgraphs, made.operatorCodes = 3, description, [body], list(codes)
    made.buffers = [schema.BufferT()]
    for content in buffers:
        made.buffers.append(schema.BufferT())
        made.buffers[-1].data = np.frombuffer(content, np.uint8)
    return made


def packed(made: Any) -> bytes:
    """The file's bytes."""
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(made.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def perceptron() -> Any:
    """FULLY_CONNECTED with ReLU and SOFTMAX, quantized per channel, as LiteRT takes it."""
    dense = schema.FullyConnectedOptionsT()
    dense.fusedActivationFunction = number_of("ActivationFunctionType", "RELU")
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    scales = [0.25, 0.5, 0.125]
    tensors = [
        tensor("image", (1, 4), scales=[0.5], zero_points=[-3]),
        tensor("dense/kernel", (3, 4), buffer=1, scales=scales, zero_points=[0, 0, 0]),
        tensor("dense/bias", (3,), "INT32", 2, [0.5 * scale for scale in scales], [0, 0, 0]),
        tensor("dense", (1, 3), scales=[0.75], zero_points=[-128]),
        tensor("result", (1, 3), scales=[1 / 256], zero_points=[-128]),
    ]
    buffers = [np.arange(12, dtype=np.int8).tobytes(), np.arange(3, dtype=np.int32).tobytes()]
    operators = [operator(0, [0, 1, 2], [3], dense), operator(1, [3], [4], softmax)]
    return model([code("FULLY_CONNECTED", 4), code("SOFTMAX", 2)], tensors, operators, [0], [4], buffers)


def known_enumerations() -> tuple[str, ...]:
    """The enumerations of ours that LiteRT's module has too."""
    found = [name for name in vars(schema) if isinstance(vars(schema)[name], type) and not name.endswith("T")]
    kept = []
    for name in found:
        try:
            enumeration(name)
        except KeyError:
            continue
        kept.append(name)
    return tuple(kept)


def every_op() -> Any:
    """Every op of LiteRT once, in a chain, with the options that it may have."""
    kinds = [name for name in names_of("BuiltinOperator").values() if not name.startswith("PLACEHOLDER")]
    tables = {_joined(name.removesuffix("Options")): (union, name) for union, name in option_tables()}
    operators, tensors = [], [tensor("start", (1, 4, 4, 8), scales=[0.5], zero_points=[3])]
    weights, bias = 1, 2
    tensors += [
        tensor("weights", (8, 1, 1, 8), buffer=1, scales=[0.1] * 8, zero_points=[0] * 8),
        tensor("bias", (8,), "INT32", 2, [0.05] * 8, [0] * 8),
    ]
    for number, kind in enumerate(kinds):
        type_, scales = ("INT8", [0.5]) if number % 3 else ("FLOAT32", None)
        tensors.append(tensor(f"layer_{number}", (1, 4, 4, 8), type_, scales=scales, signature=(-1, 4, 4, 8)))
        union, table = tables.get(_joined(kind), ("BuiltinOptions", "AddOptions"))
        before = len(tensors) - 2 if number else 0
        inputs = [before, weights, bias] if "CONV" in kind or "CONNECTED" in kind else [before]
        operators.append(operator(number, inputs, [len(tensors) - 1], getattr(schema, f"{table}T")(), union))
    codes = [code(kind, 1 + number % 5) for number, kind in enumerate(kinds)]
    buffers = [bytes(64), bytes(32)]
    return model(codes, tensors, operators, [0], [len(tensors) - 1], buffers)


def _joined(name: str) -> str:
    return name.replace("_", "").lower()
