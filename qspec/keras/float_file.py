"""From a quantized model to the float file that calibration runs and that integers are written into."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qspec.graph.ops import OPAQUE, OpGraph
from qspec.keras.execution import step_constants
from qspec.keras.lower import lower, planned_tensors
from qspec.keras.model import QuantizedModel
from qspec.litert.float_file import FloatFile
from qspec.litert.float_writer import write_float
from qspec.litert.own_operators import OWN, OwnOperator


def float_file(model: QuantizedModel) -> FloatFile:
    """The model in float, batch normalization folded, as the plan predicts it. Only where a layer's ops are not known,
    the converter is asked for the file.

    Raises:
        SpecError: the converter is asked, and cannot lower the model.
    """
    predicted = model.plan.predicted
    if any(op.kind == OPAQUE for op in predicted.ops):
        return lower(model)
    weights = dict(_weights(model))
    outputs = sorted(planned_tensors(predicted) - set(predicted.inputs))
    own = tuple(_own_operator(number, predicted, weights) for number in range(len(predicted.ops)))
    return FloatFile(
        write_float(predicted, outputs, weights),
        predicted.inputs,
        tuple(outputs),
        tuple(each for each in own if each is not None),
    )


def _weights(model: QuantizedModel) -> Iterator[tuple[int, np.ndarray]]:
    """The constants that variables give, float32, by their ids in the plan. A bias that no variable gives is zeros."""
    constants = {step.call.index: step_constants(step) for step in model.simulation.steps}
    for tensor in model.plan.predicted.tensors:
        if not tensor.constant or tensor.slot is None:
            continue
        value = constants[tensor.slot.call].get((tensor.slot.kind, str(tensor.slot.key)))
        if value is not None:
            yield tensor.id, np.asarray(value)
        elif tensor.value is None:
            yield tensor.id, np.zeros([size or 0 for size in tensor.shape or ()], np.float32)


def _own_operator(number: int, predicted: OpGraph, weights: dict[int, np.ndarray]) -> OwnOperator | None:
    op = predicted.ops[number]
    if op.kind not in OWN:
        return None
    tensors = {tensor: predicted.tensors[tensor] for tensor in op.inputs if tensor >= 0}
    return OwnOperator(op, tensors, {tensor: weights[tensor] for tensor in tensors if tensor in weights})
