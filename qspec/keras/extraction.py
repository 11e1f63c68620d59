"""What is inside a model with fake quantization: the float model, and the integers that a file of it would hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNREADABLE_MODEL
from qspec.graph.ops import Slot
from qspec.keras.execution.steps import Step
from qspec.keras.public import parameters
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.keras.reading.copying import copied
from qspec.litert.constants import constant_codes
from qspec.numerics import Parameters


@dataclass(frozen=True, eq=False)
class QuantizedTensor:
    """A tensor as the file has it: real = scale * (code - zero point).

    `scale` (float32) and `zero_point` (int32) have shape () or, for one scale per slice along `axis`, [channels].
    `codes` are a constant's integers in the flatbuffer's layout (int4 one to a byte), None for an activation. `type`
    is LiteRT's: "int8", "int32".
    """

    type: str
    scale: np.ndarray
    zero_point: np.ndarray
    axis: int | None = None
    codes: np.ndarray | None = None


def strip(model: keras.Model) -> keras.Model:
    """The float model inside *model*, with the weights that training left it: a copy.

    Raises:
        SpecError: *model* is not one that `apply` gave.
    """
    quantized = _quantized(model)
    return copied(quantized.float_model, quantized.signature)


def extract(model: keras.Model) -> dict[str, dict[str, QuantizedTensor]]:
    """The quantized tensors of *model* by the path of their layer and their name in it: `kernel`, `bias`, `output`, or
    an inner tensor's name. A layer that is called several times has the path once for each call, `path`, `path@1`, ….

    Raises:
        SpecError: *model* is not one that `apply` gave, or a range was never observed.
    """
    quantized = _quantized(model)
    known = parameters(quantized)
    found: dict[str, dict[str, QuantizedTensor]] = {}
    for step in quantized.simulation.steps:
        tensors = {**dict(_activations(quantized, step, known)), **dict(_constants(quantized, step, known))}
        if tensors:
            found[_key(step.call.layer.path, found)] = tensors
    return found


def _quantized(model: keras.Model) -> QuantizedModel:
    if not isinstance(model, QuantizedModel):
        message, advice = "this model has no fake quantization", "`qspec.apply(spec, model, …)` gives one"
        raise SpecError([UNREADABLE_MODEL.at(Place(model.name), message, help=advice)])
    return model


def _key(path: str, taken: dict[str, dict[str, QuantizedTensor]]) -> str:
    key, number = path, 0
    while key in taken:
        number += 1
        key = f"{path}@{number}"
    return key


def _activations(
    model: QuantizedModel, step: Step, known: dict[int, Parameters]
) -> Iterator[tuple[str, QuantizedTensor]]:
    for slot, tensor in model.plan.ops.slots.items():
        planned = model.plan.ops.tensors[tensor]
        if slot.call == step.call.index and slot.kind in ("output", "inner") and tensor in known:
            if planned.constant:
                continue
            name = str(slot.key) if slot.kind == "inner" else f"output_{slot.key}" if slot.key else "output"
            yield name, QuantizedTensor(planned.type, known[tensor].scale, known[tensor].zero_point)


def _constants(
    model: QuantizedModel, step: Step, known: dict[int, Parameters]
) -> Iterator[tuple[str, QuantizedTensor]]:
    for (kind, key), value in model.corrected_constants(step).items():
        tensor = model.plan.ops.slots.get(Slot(step.call.index, kind, key))  # type: ignore[arg-type]  # kinds are Literals there
        decision = None if tensor is None else model.plan.decisions.get(tensor)
        if tensor is None or decision is None or decision.quantizer is None or decision.quantizer.is_float:
            continue
        planned, op = model.plan.ops.tensors[tensor], model.consumers[tensor][0]
        codes, used = constant_codes(op, planned, np.asarray(value), known)
        yield key, QuantizedTensor(planned.type, used.scale, used.zero_point, used.axis, codes)
