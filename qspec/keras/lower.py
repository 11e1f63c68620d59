"""A model's float flatbuffer as the converter makes it.

Its ops are what `check --exact` holds the prediction against, and what stands for layers whose ops are not known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import LOWERING_DIFFERS
from qspec.graph.ops import Composition, Op, OpGraph
from qspec.keras.execution.op_by_op import Constants, is_named
from qspec.keras.execution.simulation import Hooks
from qspec.keras.execution.steps import Step, step_constants
from qspec.keras.float_constants import own_operators
from qspec.keras.kernels.tracing import Alone, traced_for_a_file
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.litert.float_file import FloatFile
from qspec.litert.stitching import another_name, cut_name, input_name, stitch


class LoweringHooks(Hooks):
    """Constants become literals of the graph. Every planned tensor of the float file is kept, to be returned, and what
    reads it reads its placeholder: so the converter sees one op or a few at a time, and cannot fold across. For *own*,
    tensors of ops that the converter does not write, another op stands in."""

    def __init__(self, literals: dict[int, Constants], placeholders: dict[int, Any], own: Collection[int] = ()) -> None:
        self.literals, self.placeholders, self.own = literals, placeholders, own
        self.seen: dict[int, Any] = {}

    def tensor(self, tensor: int, value: Any) -> Any:
        """Keep *value*. Tensors that a cast adds, and the model's inputs, have no placeholder."""
        if tensor not in self.placeholders:
            return value
        if tensor in self.own:
            value = tf.abs(self.placeholders[tensor])
        self.seen.setdefault(tensor, value)  # an equal op of a later call is joined to the first
        return self.placeholders[tensor]

    def constants(self, step: Step, arguments: Sequence[Any]) -> Constants:
        """The step's folded constants as literals."""
        return {key: tf.constant(value) for key, value in self.literals[step.call.index].items()}


def _times(op: Op, predicted: OpGraph) -> int:
    """How often *op* is traced: once for each call whose ops it stands for, of which it is all that is left."""
    written = (predicted.compositions[call].ops for call in op.calls if call in predicted.compositions)
    return sum(any(each.kind == op.kind for each in ops) for ops in written)


class _Readers:
    """The ops that read each planned tensor, so that each can be given a placeholder of its own."""

    def __init__(self, predicted: OpGraph) -> None:
        found: dict[int, int] = {}
        for op in predicted.ops:
            if is_named(op, predicted.tensors):
                for tensor in {tensor for tensor in op.inputs if tensor >= 0}:
                    found[tensor] = found.get(tensor, 0) + _times(op, predicted)
        real = planned_tensors(predicted)
        # The first reads the tensor's own placeholder.
        self.names = [(tensor, reader) for tensor in sorted(real) for reader in range(1, found.get(tensor, 0))]

    def alone(self, tensors: Mapping[int, Any], others: Sequence[Any]) -> Alone:
        """What gives each reader of one of *tensors* another placeholder: itself first, then those among *others*."""
        left: dict[int, list[Any]] = {}
        for (tensor, _), other in zip(self.names, others, strict=True):
            left.setdefault(id(tensors[tensor]), [tensors[tensor]]).append(other)

        def alone(value: Any) -> Any:
            mine = left.get(id(value), [value])
            return mine.pop(0) if len(mine) > 1 else mine[0]

        return alone


def lower(model: QuantizedModel) -> FloatFile:
    """Trace the model with batch normalization folded and nothing quantized, and convert it.

    Raises:
        SpecError: the converter cannot lower the model.
    """
    literals = {step.call.index: _lasting(step) for step in model.simulation.steps}
    predicted = model.plan.predicted
    cuts = sorted(planned_tensors(predicted) - set(predicted.inputs))
    own = list(own_operators(predicted, literals))
    of_own = {each.op.outputs[0] for each in own}
    known = (*predicted.inputs, *cuts)
    readers = _Readers(predicted)

    def function(*arguments: Any) -> dict[str, Any]:
        tensors = dict(zip(known, arguments[: len(known)], strict=True))
        hooks = LoweringHooks(literals, {cut: tensors[cut] for cut in cuts}, of_own)
        with traced_for_a_file(readers.alone(tensors, arguments[len(known) :])):
            model.simulation.run_apart([tensors[number] for number in predicted.inputs], hooks)
        # Named in their order, so that it is the same whether it is kept or sorted on the way.
        return {cut_name(tensor): hooks.seen[tensor] for tensor in cuts}

    names = [*map(input_name, range(len(predicted.inputs))), *map(cut_name, cuts)]
    names += [another_name(tensor, reader) for tensor, reader in readers.names]
    signature = [
        tf.TensorSpec(predicted.tensors[tensor].shape, predicted.tensors[tensor].type, name=name)
        for name, tensor in zip(names, (*known, *(tensor for tensor, _ in readers.names)), strict=True)
    ]
    concrete = tf.function(function, autograph=False, input_signature=signature).get_concrete_function()
    literals.clear()  # the converter needs many times the size of the weights, which the graph has now
    return stitch(_convert(concrete, model.name), predicted.inputs, cuts, own)


def planned_tensors(predicted: OpGraph) -> set[int]:
    """The tensors that are cut: those with a slot that an op gives, or the model's inputs."""
    tensors = {number: predicted.tensors[number] for number in predicted.slots.values()}
    return {number for number, tensor in tensors.items() if not tensor.constant and not tensor.is_state}


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
        stopped = re.search(r"'tf\.(\w+)' op", str(error))
        where = f": it stops at {stopped[1]}" if stopped else ""
        advice = "this is a defect of qspec's lowering table: please report it with the model's config"
        message = f"the converter cannot lower `{name}` to LiteRT{where}"
        raise SpecError([LOWERING_DIFFERS.at(Place(name), message, help=advice)]) from error
    finally:
        logging.set_verbosity(verbosity)
