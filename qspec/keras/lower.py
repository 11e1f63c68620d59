"""From a quantized model to the float flatbuffer: the one thing that the converter is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import LOWERING_DIFFERS
from qspec.litert.float_file import FloatFile
from qspec.keras.execution import Constants, Step, step_constants
from qspec.keras.model import QuantizedModel
from qspec.keras.simulation import Hooks


class LoweringHooks(Hooks):
    """Constants become literals of the graph; every planned tensor of the float file is kept, to be returned."""

    def __init__(self, literals: dict[int, Constants], planned: int) -> None:
        self.literals, self.planned = literals, planned
        self.seen: dict[int, Any] = {}

    def tensor(self, tensor: int, value: Any) -> Any:
        """Keep *value*. Tensors that a cast adds do not exist in the float file."""
        if tensor < self.planned:
            self.seen[tensor] = value
        return value

    def constants(self, step: Step) -> Constants:
        """The step's folded constants as literals."""
        return {key: tf.constant(value) for key, value in self.literals[step.call.index].items()}


def lower(model: QuantizedModel) -> FloatFile:
    """Trace the model with batch normalization folded and nothing quantized, and convert it.

    Raises:
        SpecError: the converter cannot lower the model.
    """
    literals: dict[int, Constants] = {
        step.call.index: {key: _lasting(key, np.asarray(value)) for key, value in step_constants(step).items()}
        for step in model.simulation.steps
    }
    predicted = model.plan.predicted
    hooks = LoweringHooks(literals, len(predicted.tensors))

    def function(*inputs: Any) -> list[Any]:
        model.simulation.run(inputs, hooks)
        return [value for tensor, value in hooks.seen.items() if tensor not in predicted.inputs]

    signature = [
        tf.TensorSpec(predicted.tensors[tensor].shape, tf.float32, name=f"input_{position}")
        for position, tensor in enumerate(predicted.inputs)
    ]
    concrete = tf.function(function, autograph=False, input_signature=signature).get_concrete_function()
    outputs = tuple(tensor for tensor in hooks.seen if tensor not in predicted.inputs)
    return FloatFile(_convert(concrete, model.name), tuple(predicted.inputs), outputs)


# What the converter drops: x + 0, x * 1, a bias of zeros. A value far below any scale keeps the op.
_NEUTRAL = {"addend": (0.0, 1e-30), "bias": (0.0, 1e-30), "multiplier": (1.0, 1.0 + 2.0**-23)}


def _lasting(slot: tuple[str, str], value: np.ndarray) -> np.ndarray:
    """*value*, so that the converter keeps its op: the plan follows the layers, not their values."""
    neutral, instead = _NEUTRAL.get(slot[1], (None, None))
    return np.full_like(value, instead) if neutral is not None and (value == neutral).all() else value


def _convert(concrete: Any, name: str) -> bytes:
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    try:
        return bytes(converter.convert())
    except Exception as error:  # the converter raises whatever its passes raise
        message = f"the converter cannot lower `{name}` to LiteRT: {str(error).strip().splitlines()[0][:200]}"
        raise SpecError([LOWERING_DIFFERS.at(Place(name), message)]) from error
