"""From a quantized model to the float flatbuffer: the one thing that the converter is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import LOWERING_DIFFERS
from qspec.graph.ops import Composition
from qspec.keras.convolution_kernels import traced_for_a_file
from qspec.keras.execution import Step, step_constants
from qspec.keras.model import QuantizedModel
from qspec.keras.op_execution import Constants
from qspec.keras.simulation import Hooks
from qspec.litert.float_file import FloatFile
from qspec.litert.stitching import cut_name, input_name, stitch


class LoweringHooks(Hooks):
    """Constants become literals of the graph. Every planned tensor of the float file is kept, to be returned, and what
    reads it reads its placeholder: so the converter sees one op or a few at a time, and cannot fold across."""

    def __init__(self, literals: dict[int, Constants], placeholders: dict[int, Any]) -> None:
        self.literals, self.placeholders = literals, placeholders
        self.seen: dict[int, Any] = {}

    def tensor(self, tensor: int, value: Any) -> Any:
        """Keep *value*. Tensors that a cast adds, and the model's inputs, have no placeholder."""
        if tensor not in self.placeholders:
            return value
        self.seen[tensor] = value
        return self.placeholders[tensor]

    def constants(self, step: Step) -> Constants:
        """The step's folded constants as literals."""
        return {key: tf.constant(value) for key, value in self.literals[step.call.index].items()}


def lower(model: QuantizedModel) -> FloatFile:
    """Trace the model with batch normalization folded and nothing quantized, and convert it.

    Raises:
        SpecError: the converter cannot lower the model.
    """
    literals = {step.call.index: _lasting(step) for step in model.simulation.steps}
    predicted = model.plan.predicted
    planned = {tensor for tensor in predicted.slots.values() if not predicted.tensors[tensor].constant}
    cuts = sorted(planned - set(predicted.inputs))

    def function(*arguments: Any) -> dict[str, Any]:
        inputs, placeholders = arguments[: len(predicted.inputs)], arguments[len(predicted.inputs) :]
        hooks = LoweringHooks(literals, dict(zip(cuts, placeholders, strict=True)))
        model.simulation.run_apart(inputs, hooks)
        # Named in their order, so that it is the same whether it is kept or sorted on the way.
        return {cut_name(tensor): hooks.seen[tensor] for tensor in cuts}

    names = [*map(input_name, range(len(predicted.inputs))), *map(cut_name, cuts)]
    signature = [
        tf.TensorSpec(predicted.tensors[tensor].shape, predicted.tensors[tensor].type, name=name)
        for name, tensor in zip(names, (*predicted.inputs, *cuts), strict=True)
    ]
    with traced_for_a_file():
        concrete = tf.function(function, autograph=False, input_signature=signature).get_concrete_function()
    literals.clear()  # the converter needs many times the size of the weights, which the graph has now
    return stitch(_convert(concrete, model.name), predicted.inputs, cuts)


def _lasting(step: Step) -> Constants:
    """The step's constants, so that the converter keeps every op: the plan follows the layers, not their values.

    It drops x + 0, x * 1 and a bias of zeros. A value far below any scale keeps the op.
    """
    constants = {key: np.asarray(value) for key, value in step_constants(step).items()}
    neutral = {key: (0.0, 1e-30) for key in constants if key[0] == "bias"}
    if step.composition is not None:
        neutral |= _neutral_operands(step.composition)
    for key, (value, instead) in neutral.items():
        if key in constants and (constants[key] == value).all():
            constants[key] = np.full_like(constants[key], instead)
    return constants


_NEUTRAL = {"ADD": (0.0, 1e-30), "SUB": (0.0, 1e-30), "MUL": (1.0, 1.0 + 2.0**-23), "DIV": (1.0, 1.0 + 2.0**-23)}


def _neutral_operands(composition: Composition) -> dict[tuple[str, str], tuple[float, float]]:
    """The value with which each constant of an elementwise op does nothing, and what to write instead."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for op in composition.ops:
        for tensor in op.inputs:
            slot = composition.tensors[tensor].slot if tensor >= 0 and op.kind in _NEUTRAL else None
            if slot is not None:
                found[slot.kind, str(slot.key)] = _NEUTRAL[op.kind]
    return found


def _convert(concrete: Any, name: str) -> bytes:
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)  # the converter warns of its own deprecations
    try:
        return bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())
    except Exception as error:  # the converter raises whatever its passes raise
        message = f"the converter cannot lower `{name}` to LiteRT: {str(error).strip().splitlines()[0][:200]}"
        raise SpecError([LOWERING_DIFFERS.at(Place(name), message)]) from error
    finally:
        logging.set_verbosity(verbosity)
