"""Our reader of `.tflite` files held against LiteRT's generated classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from qspec.graph.ops import Tensor
from qspec.graph.tflite_file import Quantization, TfliteFile, parse_tflite
from qspec.graph.tflite_schema import layout
from tests.graph.litert_files import names_of, snake


def assert_as_litert_reads(content: bytes) -> TfliteFile:
    """Everything that ours finds in a file equals what the generated classes find; gives what was read."""
    file = parse_tflite(content, "m.tflite")
    theirs = schema.ModelT.InitFromPackedBuf(content, 0)

    assert len(theirs.subgraphs) == len(file.subgraphs)
    for ours, body in zip(file.subgraphs, theirs.subgraphs, strict=True):
        assert _listed(body.inputs) == list(ours.graph.inputs)
        assert _listed(body.outputs) == list(ours.graph.outputs)
        for tensor, original in zip(ours.graph.tensors, body.tensors, strict=True):
            _assert_same_tensor(tensor, original, theirs.buffers[original.buffer].data)
            _assert_same_quantization(ours.quantization.get(tensor.id), original.quantization)
        for op, original in zip(ours.graph.ops, body.operators, strict=True):
            code = theirs.operatorCodes[original.opcodeIndex]
            assert names_of("BuiltinOperator")[max(code.builtinCode, code.deprecatedBuiltinCode)] == op.kind
            assert code.version == ours.versions[op.index]
            assert _listed(original.inputs) == list(op.inputs)
            assert _listed(original.outputs) == list(op.outputs)
            assert _attributes(original) == {
                name: op.attributes[name] for name in op.attributes.keys() - {"custom_code"}
            }
    return file


def _listed(numbers: Any) -> list[int]:
    return [] if numbers is None else [int(number) for number in numbers]


def _assert_same_tensor(tensor: Tensor, original: Any, data: Any) -> None:
    signature = _listed(original.shapeSignature) or _listed(original.shape)
    assert (original.name or b"").decode() == tensor.name
    assert names_of("TensorType")[original.type].lower() == tensor.type
    assert tuple(None if size == -1 else size for size in signature) == tensor.shape
    assert (data is not None and (len(data) > 0 or 0 in signature)) == tensor.constant
    if tensor.value is not None:
        array = np.frombuffer(bytes(data), tensor.type).reshape(signature)
        assert array.tolist() == np.array(tensor.value).reshape(signature).tolist()


def _assert_same_quantization(found: Quantization | None, original: Any) -> None:
    if original is None or original.scale is None or len(original.scale) == 0:
        assert found is None
        return
    assert found is not None
    assert original.scale.tolist() == list(found.scales)
    assert original.zeroPoint.tolist() == list(found.zero_points)
    assert original.quantizedDimension == found.axis


def _attributes(operator: Any) -> dict[str, Any]:
    """The op's attributes as LiteRT's objects have them, in our spelling."""
    found = {}
    for options in (operator.builtinOptions, operator.builtinOptions2):
        fields = layout("" if options is None else type(options).__name__.removesuffix("T"))
        for name, value in vars(options).items() if options is not None else ():
            field = fields[snake(name)]
            if field.kind == "numbers":
                found[snake(name)] = tuple(np.array([] if value is None else value).tolist())
            elif field.kind == "text":
                found[snake(name)] = (value or b"").decode()
            elif field.kind != "bytes":
                found[snake(name)] = field.names[value] if field.names else value
    return found
