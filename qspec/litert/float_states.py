"""The states of recurrent ops in float, which no interpreter shows: only what the last step leaves stands in a file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from qspec.graph.operands import GATE_BIASES, GATE_KERNELS, GATE_RECURRENT_KERNELS, operand_of
from qspec.litert.own_operators import OwnOperator


def cell_state(own: OwnOperator) -> int:
    """The plan's tensor for the cell state of an LSTM."""
    return operand_of(own.op, "cell_state")


def cell_states(own: OwnOperator, values: Mapping[int, np.ndarray]) -> np.ndarray:
    """The cell state of an LSTM behind each step, [batch, steps, units]; *values* are the float file's tensors."""
    sequence = values[own.op.inputs[0]]
    kernel, recurrent, bias = (
        np.concatenate([own.constants[tensor] for tensor in own.op.inputs[part]])
        for part in (GATE_KERNELS, GATE_RECURRENT_KERNELS, GATE_BIASES)
    )
    projected = sequence @ kernel.T + bias
    hidden = cell = np.zeros((len(sequence), recurrent.shape[1]), np.float32)
    found = np.empty((*sequence.shape[:2], recurrent.shape[1]), np.float32)
    for step in range(sequence.shape[1]):
        enter, keep, candidate, show = np.split(projected[:, step] + hidden @ recurrent.T, 4, axis=-1)
        cell = _sigmoid(keep) * cell + _sigmoid(enter) * np.tanh(candidate)
        hidden = _sigmoid(show) * np.tanh(cell)
        found[:, step] = cell
    return found


def _sigmoid(value: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * value))
