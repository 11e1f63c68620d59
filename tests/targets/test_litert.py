"""The tflite table against the interpreter itself: what it takes runs, what the kernels refuse it refuses.

Only refusals can be seen this way. What a kernel takes and computes wrong (stored bytes copied between scales) the
table refuses as well; those cases are in `test_shipped.py`, with where they were measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from qspec.targets import version_of
from tests.targets.one_op import T, integers, judge, one_op, weights

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")

X8, X16, XF = T("int8", (1, 4, 4, 8)), T("int16", (1, 4, 4, 8)), T("float32", (1, 4, 4, 8))
U8 = T("uint8", (1, 4, 4, 8), zero_point=128)
B32 = T("int32", (8,), True, scale=0.001)
B64 = T("int64", (8,), True, scale=0.001)
OPTIONS = {"CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions", "MAX_POOL_2D": "Pool2DOptions"}
OPTIONS["AVERAGE_POOL_2D"] = "Pool2DOptions"
CONV = {"stride_w": 1, "stride_h": 1, "dilation_w_factor": 1, "dilation_h_factor": 1, "depth_multiplier": 1}
POOL = {"stride_w": 1, "stride_h": 1, "filter_width": 1, "filter_height": 1}


def options_name(kind: str) -> str:
    return OPTIONS.get(kind, "".join(part.capitalize() for part in kind.split("_")) + "Options")


def flatbuffer(kind: str, inputs: Sequence[T | None], outputs: Sequence[T], attributes: Mapping[str, Any]) -> bytes:
    """A model of one op, every constant zero but the integer operands."""
    import flatbuffers

    graph, made = one_op(kind, inputs, outputs, attributes)
    op = graph.ops[0]
    model, buffers = schema.ModelT(), [schema.BufferT()]
    subgraph, code, node = schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = version_of(op, graph, lambda tensor: made[tensor].representation) or 1
    subgraph.tensors = [tensor_of(tensor, made[tensor.id], buffers) for tensor in graph.tensors]
    node.inputs, node.outputs, node.opcodeIndex = list(op.inputs), list(op.outputs), 0
    name = options_name(kind)
    if hasattr(schema, f"{name}T"):
        node.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        node.builtinOptions = getattr(schema, f"{name}T")()
        for attribute, value in attributes.items():
            field = re.sub("_([a-z])", lambda match: match[1].upper(), attribute)
            if hasattr(node.builtinOptions, field):
                setattr(node.builtinOptions, field, value)
    subgraph.operators, subgraph.inputs, subgraph.outputs = [node], list(graph.inputs), list(graph.outputs)
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [subgraph], buffers
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def tensor_of(tensor: Any, made: T, buffers: list[Any]) -> Any:
    result = schema.TensorT()
    result.name, result.shape, result.buffer = tensor.name.encode(), list(made.shape), 0
    result.type = getattr(schema.TensorType, made.type.upper())
    if made.scale is not None and made.type != "float32":
        count = made.shape[made.axis] if made.axis is not None else 1
        result.quantization = schema.QuantizationParametersT()
        result.quantization.scale = [made.scale] * (count or 1)
        result.quantization.zeroPoint = [made.zero_point] * (count or 1)
        result.quantization.quantizedDimension = made.axis or 0
    if made.constant:
        values = np.zeros(made.shape, made.type) if made.value is None else np.array(made.value, made.type)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        buffers.append(buffer)
        result.buffer = len(buffers) - 1
    return result


def runs(content: bytes) -> bool:
    """Whether the built-in kernels compute the model, for an input of real zeros."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver)
        interpreter.allocate_tensors()
        for source in interpreter.get_input_details():
            _, zero_point = source["quantization"]
            interpreter.set_tensor(source["index"], np.full(source["shape"], zero_point, source["dtype"]))
        interpreter.invoke()
    except (RuntimeError, ValueError):
        return False
    return True


def wide(type: str, scale: float, zero_point: int) -> T:
    return T(type, (1, 4, 4, 8), scale=scale, zero_point=zero_point)


def convolution(kind: str, *shape: int, axis: int) -> list[tuple[str, list[T | None], list[T], dict[str, Any]]]:
    kernel = weights("int8", *shape, axis=axis)
    bias32 = T("int32", (8,), True, axis=0, scale=0.001)
    return [
        (kind, [X8, kernel, bias32], [X8], CONV),
        (kind, [X8, weights("int8", *shape), B32], [X8], CONV),
        (kind, [X16, kernel, T("int64", (8,), True, axis=0, scale=0.001)], [X16], CONV),
        (kind, [XF, weights("float32", *shape), T("float32", (8,), True)], [XF], CONV),
        (kind, [T("int4", (1, 4, 4, 8)), kernel, bias32], [X8], CONV),
        (kind, [X8, kernel, bias32], [T("int4", (1, 4, 4, 8))], CONV),
    ]


ONE_INPUT = "RELU RELU6 LEAKY_RELU HARD_SWISH RELU_N1_TO_1 ABS EXP SQRT ELU SQUARE FLOOR SIN"
CASES: list[tuple[str, list[T | None], list[T], dict[str, Any]]] = [
    *convolution("CONV_2D", 8, 1, 1, 8, axis=0),
    *convolution("DEPTHWISE_CONV_2D", 1, 1, 1, 8, axis=3),
    ("CONV_2D", [X8, weights("int8", 8, 1, 1, 8, axis=0), None], [X8], CONV),
    ("CONV_2D", [X8, weights("int8", 4, 1, 1, 8, axis=3), None], [T("int8", (1, 4, 4, 4))], CONV),
    ("FULLY_CONNECTED", [T("int8", (1, 16)), weights("int8", 8, 16), None], [T("int8", (1, 8))], {}),
    ("FULLY_CONNECTED", [T("int16", (1, 16)), weights("int8", 8, 16), B64], [T("int16", (1, 8))], {}),
    *((kind, [tensor], [tensor], {}) for kind in ONE_INPUT.split() for tensor in (X8, X16, U8, XF)),
    *((kind, [tensor, tensor], [tensor], {}) for kind in ("ADD", "MUL", "SUB") for tensor in (X8, X16, U8, XF)),
    *(("SQUARED_DIFFERENCE", [tensor, tensor], [tensor], {}) for tensor in (X8, X16, U8, XF)),
    *((kind, [tensor], [tensor], POOL) for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D") for tensor in (X8, X16, U8, XF)),
    *(("MEAN", [tensor, integers((1, 2))], [T(tensor.type, (1, 8))], {}) for tensor in (X8, X16, XF)),
    ("REDUCE_MAX", [X8, integers((1, 2))], [T("int8", (1, 8))], {}),
    ("REDUCE_MAX", [X8, integers((1, 2))], [T("int8", (1, 8), scale=0.2)], {}),
    ("SOFTMAX", [X8], [wide("int8", 1 / 256, -128)], {"beta": 1.0}),
    ("SOFTMAX", [X8], [wide("int8", 1 / 128, 0)], {"beta": 1.0}),
    ("LOGISTIC", [X8], [wide("int8", 1 / 256, -128)], {}),
    ("LOGISTIC", [X8], [wide("int8", 1 / 128, 0)], {}),
    ("LOGISTIC", [X16], [wide("int16", 1 / 32768, 0)], {}),
    ("TANH", [X16], [wide("int16", 1 / 32768, 0)], {}),
    ("TANH", [X16], [wide("int16", 1 / 256, 0)], {}),
    ("CONCATENATION", [X8, X8], [T("int8", (1, 4, 4, 16))], {"axis": 3}),
    ("CONCATENATION", [X8, X8], [T("int8", (1, 4, 4, 16), scale=0.2)], {"axis": 3}),
    ("PAD", [X8, integers(((0, 0), (1, 1), (1, 1), (0, 0)))], [T("int8", (1, 6, 6, 8))], {}),
    ("TRANSPOSE", [X8, integers((0, 2, 1, 3))], [X8], {}),
    ("RESHAPE", [X8, integers((1, 128))], [T("int8", (1, 128))], {}),
    ("EXPAND_DIMS", [X8, integers(0)], [T("int8", (1, 1, 4, 4, 8))], {}),
    ("EXPAND_DIMS", [X8, integers(0)], [T("int8", (1, 1, 4, 4, 8), scale=0.2)], {}),
    ("RESIZE_BILINEAR", [X8, integers((8, 8))], [T("int8", (1, 8, 8, 8))], {"half_pixel_centers": True}),
    *(("QUANTIZE", [XF], [tensor], {}) for tensor in (X8, X16, U8)),
    ("QUANTIZE", [X16], [U8], {}),
    *(("DEQUANTIZE", [tensor], [XF], {}) for tensor in (X8, X16, U8)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1][0].type}-{case[2][0].type}")
def test_the_table_takes_what_the_kernels_run(
    case: tuple[str, list[T | None], list[T], dict[str, Any]],
) -> None:
    kind, inputs, outputs, attributes = case
    taken = judge("tflite", kind, inputs, outputs, attributes).accepted

    assert runs(flatbuffer(kind, inputs, outputs, attributes)) == taken
