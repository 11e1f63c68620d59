"""The float constants of a model's ops, by their ids in the plan, from those of its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from qspec.graph.ops import OpGraph, Tensor
from qspec.keras.execution.op_by_op import Constants
from qspec.litert.own_operators import OWN, OwnOperator


def float_constant(tensor: Tensor, constants: Mapping[int, Constants]) -> np.ndarray | None:
    """The values (float32) of a constant: the step's among *constants*, by call; zeros for a bias that no variable
    gives. None for one that the plan knows itself, and for what is no constant."""
    if not tensor.constant or tensor.slot is None:
        return None
    value = constants[tensor.slot.call].get((tensor.slot.kind, str(tensor.slot.key)))
    if value is None and tensor.value is None:
        return np.zeros([size or 0 for size in tensor.shape or ()], np.float32)
    return None if value is None else np.asarray(value)


def own_operators(predicted: OpGraph, constants: Mapping[int, Constants]) -> Iterator[OwnOperator]:
    """The ops that no converter writes, with the values of their constants."""
    for op in predicted.ops:
        if op.kind in OWN:
            tensors = {tensor: predicted.tensors[tensor] for tensor in op.inputs if tensor >= 0}
            values = {number: float_constant(tensor, constants) for number, tensor in tensors.items()}
            yield OwnOperator(op, tensors, {number: value for number, value in values.items() if value is not None})
