"""Operators that are written into the float file without the converter: those that it makes of no Keras layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qspec.graph.ops import Op, Tensor
from qspec.litert.flatbuffer import operator_code, schema
from qspec.litert.operators import give_options

OWN = frozenset({"UNIDIRECTIONAL_SEQUENCE_LSTM"})
"""The kinds of ops that are written so."""

_FIRST_VERSION = 1  # that of an op in float


@dataclass(frozen=True, eq=False)
class OwnOperator:
    """An op of the plan, its operands (`tensors`, by their ids), and the values (float32) of constant ones."""

    op: Op
    tensors: Mapping[int, Tensor]
    constants: Mapping[int, np.ndarray]


def write_in_stead(own: OwnOperator, operator: Any, model: Any, written: Mapping[int, int]) -> None:
    """Make *operator* of *model* the op. *written* are the file's tensors, by the plan's ids."""
    makers = schema()
    model.operatorCodes.append(operator_code(getattr(makers.BuiltinOperator, own.op.kind), _FIRST_VERSION))
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs = [-1 if tensor < 0 else _operand(own, tensor, model, written) for tensor in own.op.inputs]
    give_options(operator, own.op)


def _operand(own: OwnOperator, tensor: int, model: Any, written: Mapping[int, int]) -> int:
    if tensor in written:
        return written[tensor]
    makers, described = schema(), own.tensors[tensor]
    added = makers.TensorT()
    added.name, added.shape, added.hasRank = described.name, list(described.shape or ()), True
    added.type = makers.TensorType.FLOAT32
    added.isVariable = described.is_state
    added.buffer = 0
    if tensor in own.constants:
        buffer = makers.BufferT()
        buffer.data = np.frombuffer(own.constants[tensor].astype(np.float32).tobytes(), np.uint8)
        model.buffers.append(buffer)
        added.buffer = len(model.buffers) - 1
    model.subgraphs[0].tensors.append(added)
    return len(model.subgraphs[0].tensors) - 1
