"""Biases that make up for the rounding of the weights.

Rounding changes every weight a little, and with inputs that are not zero on average each output channel moves by a
constant: the sum of weight error times mean input. The bias takes it back (Nagel et al. 2019, "Data-Free Quantization
Through Weight Equalization and Bias Correction", https://arxiv.org/abs/1906.04721, section 4.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qspec.graph.operands import operand_of
from qspec.keras.execution.steps import step_constants
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.keras.quantized_model.ranges import KnownParameters
from qspec.litert.calibration import float_tensor


class InputMeans:
    """The mean of what each corrected op reads, channel by channel, over all runs that were shown."""

    def __init__(self, model: QuantizedModel) -> None:
        self.sources = {
            bias: float_tensor(model.plan, model.producers, operand_of(model.consumers[bias][0], "input"))
            for bias in model.corrections
        }
        self.sums: dict[int, Any] = {}
        self.runs = 0

    def update(self, values: Mapping[int, np.ndarray]) -> None:
        """Take a run's tensors into account, by the plan's ids."""
        self.runs += 1
        for tensor in set(self.sources.values()):
            mean = values[tensor].reshape(-1, values[tensor].shape[-1]).mean(0)
            self.sums[tensor] = self.sums.get(tensor, 0.0) + mean

    def of(self, bias: int) -> np.ndarray:
        """The mean input, [input channels], of the op that has this bias."""
        return np.asarray(self.sums[self.sources[bias]] / self.runs, np.float32)


def correct_biases(model: QuantizedModel, means: InputMeans) -> None:
    """Set the model's corrections from its weights as they are now, and their rounding.

    A bias whose integers are zeros stays so: a file holds all of a size once.
    """
    known = KnownParameters(model.ranges, model.least_scales)
    for step in model.simulation.steps:
        constants = model.quantized_constants(step, known)
        bias = constants.get(("bias", "bias"))
        if bias is None or bias.tensor not in model.corrections:
            continue
        if not np.any(np.asarray(bias.value)):
            continue
        raw = step_constants(step)
        op = model.consumers[bias.tensor][0]
        weights = model.plan.ops.tensors[operand_of(op, "weights")].slot
        assert weights is not None
        key = (weights.kind, str(weights.key))
        error = np.asarray(raw[key]) - np.asarray(constants[key].value)
        if op.kind == "TRANSPOSE_CONV":  # each result is a sum over one of so many weights
            error = error / (op.attributes["stride_h"] * op.attributes["stride_w"])
        shift = _shift(error, means.of(bias.tensor), depthwise=op.kind == "DEPTHWISE_CONV_2D")
        model.corrections[bias.tensor].assign(shift)


def _shift(error: np.ndarray, mean: np.ndarray, depthwise: bool) -> np.ndarray:
    """What the output channels lose: *error* as in the flatbuffer, (out, …, in) or, depthwise, (1, …, out), and *mean*,
    [input channels]. A depthwise kernel's outputs of one input channel stand together."""
    if depthwise:
        return np.asarray(error.sum(tuple(range(error.ndim - 1))) * np.repeat(mean, error.shape[-1] // mean.size))
    summed = error.sum(tuple(range(1, error.ndim - 1)))
    by_group = mean.reshape(-1, summed.shape[1])
    groups = np.arange(len(summed)) * len(by_group) // len(summed)
    return np.asarray(np.einsum("oi,oi->o", summed, by_group[groups]))
