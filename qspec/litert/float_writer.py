"""The float flatbuffer, written from the op graph that a model is predicted to become, without the converter.

It is what calibration runs and what integers are written into. That its ops are those that the converter would make is
held by tests over all layers; that it computes what the Keras model does is tried on every model (`keras/faithful.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.litert.flatbuffer import operator_code, pack, schema
from qspec.litert.operators import give_options, written_version


def write_float(graph: OpGraph, outputs: Sequence[int], weights: Mapping[int, np.ndarray]) -> bytes:
    """The bytes of *graph* as a file that gives the tensors *outputs*. *weights* (float32, in the flatbuffer's layout,
    by tensor id) are the constants whose values the graph does not know."""
    return _FloatWriter(graph, weights).write(outputs)


@dataclass
class _FloatWriter:
    graph: OpGraph
    weights: Mapping[int, np.ndarray]
    indices: dict[int, int] = field(default_factory=dict)  # tensor of the graph → tensor of the file
    codes: dict[tuple[str, int], int] = field(default_factory=dict)  # (kind, version) → operator code

    def __post_init__(self) -> None:
        self.schema = schema()
        self.tensors: list[Any] = []
        self.buffers: list[Any] = [self.schema.BufferT()]  # the format reserves the first, and it is empty

    def write(self, outputs: Sequence[int]) -> bytes:
        inputs = [self._tensor(tensor) for tensor in self.graph.inputs]
        body = self.schema.SubGraphT()
        body.name = "main"
        body.operators = [self._operator(op) for op in self.graph.ops]
        body.tensors, body.inputs = self.tensors, inputs
        body.outputs = [self._tensor(tensor) for tensor in outputs]
        model = self.schema.ModelT()
        model.version, model.subgraphs, model.buffers = 3, [body], self.buffers
        builtin = self.schema.BuiltinOperator
        model.operatorCodes = [operator_code(getattr(builtin, kind), version) for kind, version in self.codes]
        return pack(model)

    def _operator(self, op: Op) -> Any:
        operator = self.schema.OperatorT()
        operator.inputs = [-1 if tensor < 0 else self._tensor(tensor) for tensor in op.inputs]
        operator.outputs = [self._tensor(tensor) for tensor in op.outputs]
        version = written_version(op, op.inputs, self.graph.tensors)
        operator.opcodeIndex = self.codes.setdefault((op.kind, version), len(self.codes))
        give_options(operator, op)
        return operator

    def _tensor(self, number: int) -> int:
        if number not in self.indices:
            self.indices[number] = len(self.tensors)
            self.tensors.append(self._made(self.graph.tensors[number]))
        return self.indices[number]

    def _made(self, planned: Tensor) -> Any:
        shape = planned.shape or ()
        tensor = self.schema.TensorT()
        tensor.name, tensor.hasRank, tensor.isVariable = planned.name, True, planned.is_state
        tensor.type = getattr(self.schema.TensorType, planned.type.upper())
        tensor.shape = [1 if size is None else size for size in shape]
        if None in shape:
            tensor.shapeSignature = [-1 if size is None else size for size in shape]
        tensor.buffer = self._buffer(planned) if planned.constant else 0
        return tensor

    def _buffer(self, planned: Tensor) -> int:
        values = self.weights.get(planned.id)
        if values is None:
            values = np.asarray(planned.value, np.dtype(planned.type))
        buffer = self.schema.BufferT()
        buffer.data = np.frombuffer(_filled(values, [size or 0 for size in planned.shape or ()]).tobytes(), np.uint8)
        self.buffers.append(buffer)
        return len(self.buffers) - 1


def _filled(values: np.ndarray, shape: list[int]) -> np.ndarray:
    """*values* in *shape*; a factor may be known as one number for all."""
    return values.reshape(shape) if values.size == math.prod(shape) else np.broadcast_to(values, shape)
