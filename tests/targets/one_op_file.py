"""Files of one op, or of a few."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qspec.graph.intermediates import Intermediate, intermediates
from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.targets import version_of
from tests.targets.one_op import T, one_op

_OPTIONS = {
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"), "Pool2DOptions"),
    **dict.fromkeys(("MEAN", "SUM"), "ReducerOptions"),
    **dict.fromkeys(("MAXIMUM", "MINIMUM"), "MaximumMinimumOptions"),
    "L2_NORMALIZATION": "L2NormOptions",
    "CONV_2D": "Conv2DOptions",
    "CONV_3D": "Conv3DOptions",
    "CONV_3D_TRANSPOSE": "Conv3DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "PADV2": "PadV2Options",
    "SELECT_V2": "SelectV2Options",
    "REVERSE_V2": "ReverseV2Options",
    "TOPK_V2": "TopKV2Options",
    "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions",
    "GATHER_ND": "GatherNdOptions",
    "SCATTER_ND": "ScatterNdOptions",
    "ATAN2": "ATan2Options",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
}
_ENUMS = {
    "fused_activation_function": "ActivationFunctionType",
    "padding": "Padding",
    "mode": "MirrorPadMode",
    **dict.fromkeys(("in_data_type", "out_data_type", "output_type", "out_type", "quantized_bias_type"), "TensorType"),
}


def options_name(kind: str) -> str:
    """The table of the schema that holds the attributes of *kind*."""
    if kind.startswith("REDUCE_"):
        return "ReducerOptions"
    return _OPTIONS.get(kind, "".join(part.capitalize() for part in kind.split("_")) + "Options")


def flatbuffer(
    kind: str,
    inputs: Sequence[T | None],
    outputs: Sequence[T],
    attributes: Mapping[str, Any],
    stored: Sequence[Any] = (),
    version: int | None = None,
) -> bytes:
    """A model of one op. *stored* are the values of its inputs; without them, constants are zero but for the integer
    operands. Without *version*, it is the one that a writer gives the op."""
    graph, made = one_op(kind, inputs, outputs, attributes)
    return graph_file(graph, made, dict(zip(graph.ops[0].inputs, stored, strict=False)), version)


def graph_file(
    graph: OpGraph,
    made: Sequence[T],
    values: Mapping[int, Any] | None = None,
    version: int | None = None,
    signatures: Mapping[int, Sequence[int]] | None = None,
) -> bytes:
    """A model of several ops. *values* are those of constants, by tensor, and *signatures* the shapes with -1 for each
    dynamic dimension; the file's own shape has 1 there."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model, buffers, subgraph = schema.ModelT(), [schema.BufferT()], schema.SubGraphT()
    model.operatorCodes = [_code(schema, op, graph, made, version) for op in graph.ops]
    subgraph.operators = [_operator(schema, op) for op in graph.ops]
    subgraph.tensors = [
        _tensor(schema, tensor, made[tensor.id], (values or {}).get(tensor.id), buffers) for tensor in graph.tensors
    ]
    for op, node in zip(graph.ops, subgraph.operators, strict=True):
        if inside := intermediates(op, graph):
            node.intermediates = list(range(len(subgraph.tensors), len(subgraph.tensors) + len(inside)))
            subgraph.tensors += [_intermediate(schema, each, made) for each in inside]
    for number, signature in (signatures or {}).items():
        subgraph.tensors[number].shapeSignature = list(signature)
    subgraph.inputs, subgraph.outputs = list(graph.inputs), list(graph.outputs)
    model.version, model.subgraphs, model.buffers = 3, [subgraph], buffers
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _intermediate(schema: Any, intermediate: Intermediate, made: Sequence[T]) -> Any:
    like = made[intermediate.like].scale if intermediate.like >= 0 else None
    zero_point = made[intermediate.like].zero_point if intermediate.like >= 0 else 0
    described = Tensor(0, intermediate.name, intermediate.shape, intermediate.type)
    return _tensor(schema, described, T(intermediate.type, (0,), scale=like, zero_point=zero_point), None, [])


def _code(schema: Any, op: Op, graph: OpGraph, made: Sequence[T], version: int | None) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, op.kind)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = version or version_of(op, graph, lambda tensor: made[tensor].representation) or 1
    return code


def _operator(schema: Any, op: Op) -> Any:
    node = schema.OperatorT()
    node.inputs, node.outputs, node.opcodeIndex = list(op.inputs), list(op.outputs), op.index
    _set_options(schema, node, op.kind, op.attributes)
    return node


def _set_options(schema: Any, node: Any, kind: str, attributes: Mapping[str, Any]) -> None:
    name = options_name(kind)
    if not hasattr(schema, f"{name}T"):
        return
    table = getattr(schema, f"{name}T")()
    if hasattr(schema.BuiltinOptions, name):
        node.builtinOptionsType, node.builtinOptions = getattr(schema.BuiltinOptions, name), table
    else:
        node.builtinOptions2Type, node.builtinOptions2 = getattr(schema.BuiltinOptions2, name), table
    if hasattr(table, "potScaleInt16"):
        table.potScaleInt16 = False
    for attribute, value in attributes.items():
        spelled = re.sub("_([a-z])", lambda match: match[1].upper(), attribute)
        if hasattr(table, spelled):
            enum = getattr(schema, _ENUMS[attribute]) if isinstance(value, str) else None
            setattr(table, spelled, list(value) if isinstance(value, tuple) else getattr(enum, str(value), value))


def _tensor(schema: Any, tensor: Any, made: T, stored: Any, buffers: list[Any]) -> Any:
    result = schema.TensorT()
    result.name, result.shape, result.buffer = (
        tensor.name.encode(),
        [1 if size is None else size for size in made.shape],
        0,
    )
    result.type = getattr(schema.TensorType, made.type.upper())
    result.isVariable = made.variable
    if made.scale is not None and made.type != "float32":
        count = made.shape[made.axis] if made.axis is not None else 1
        result.quantization = schema.QuantizationParametersT()
        result.quantization.scale = list(made.scales) or [made.scale] * (count or 1)
        result.quantization.zeroPoint = [made.zero_point] * len(result.quantization.scale)
        result.quantization.quantizedDimension = made.axis or 0
    if made.constant:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(packed(_values(made) if stored is None else stored, made.type), np.uint8)
        buffers.append(buffer)
        result.buffer = len(buffers) - 1
    return result


def _values(made: T) -> Any:
    type_ = "int8" if made.type in ("int4", "int2") else made.type
    return np.zeros(made.shape, type_) if made.value is None else np.array(made.value, type_)


def packed(values: Any, type: str) -> bytes:
    """The bytes of a buffer; two integers of four bits share one, or four of two, the first in the lowest bits."""
    bits = {"int4": 4, "int2": 2}.get(type)
    if bits is None:
        return bytes(np.asarray(values, type).tobytes())
    parts = [int(value) & ((1 << bits) - 1) for value in np.asarray(values).ravel()]
    each = 8 // bits
    groups = (parts[start : start + each] for start in range(0, len(parts), each))
    return bytes(sum(part << bits * place for place, part in enumerate(group)) for group in groups)
