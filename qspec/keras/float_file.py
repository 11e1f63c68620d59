"""From a quantized model to the float file that calibration runs and that integers are written into."""

from __future__ import annotations

from qspec.graph.ops import OPAQUE
from qspec.keras.execution.steps import step_constants
from qspec.keras.float_constants import float_constant, own_operators
from qspec.keras.lower import lower, planned_tensors
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.litert.float_file import FloatFile
from qspec.litert.float_writer import write_float


def float_file(model: QuantizedModel) -> FloatFile:
    """The model in float, batch normalization folded, as the plan predicts it. Only where a layer's ops are not known,
    the converter is asked for the file.

    Raises:
        SpecError: the converter is asked, and cannot lower the model.
    """
    predicted = model.plan.predicted
    if any(op.kind == OPAQUE for op in predicted.ops):
        return lower(model)
    constants = {step.call.index: step_constants(step) for step in model.simulation.steps}
    weights = {tensor.id: float_constant(tensor, constants) for tensor in predicted.tensors}
    known = {number: value for number, value in weights.items() if value is not None}
    outputs = sorted(planned_tensors(predicted) - set(predicted.inputs))
    own = tuple(own_operators(predicted, constants))
    return FloatFile(write_float(predicted, outputs, known), predicted.inputs, tuple(outputs), own)
