"""Searched ranges of weights (`mse`, `percentile`): found once, and held as shares of the weights' extremes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from qspec.graph.ops import Slot
from qspec.keras.execution.steps import step_constants
from qspec.numerics import SEARCHED, range_shares
from qspec.plan.plan import Decision, Plan

if TYPE_CHECKING:
    from qspec.keras.quantized_model.model import QuantizedModel


def searched_constants(plan: Plan) -> dict[int, tuple[int, int]]:
    """The shape, [2, channels or blocks], of the shares of every constant whose range is searched, by tensor id."""
    return {
        tensor: (2, _channels(plan, tensor, decision))
        for tensor, decision in plan.decisions.items()
        if _is_searched(plan, tensor, decision)
    }


def _is_searched(plan: Plan, tensor: int, decision: Decision) -> bool:
    quantizer = decision.quantizer
    if quantizer is None or decision.range is not None or not plan.ops.tensors[tensor].constant:
        return False
    return quantizer.range.method in SEARCHED


def _channels(plan: Plan, tensor: int, decision: Decision) -> int:
    shape, quantizer = plan.ops.tensors[tensor].shape or (), decision.quantizer
    if quantizer is not None and quantizer.block_size is not None:
        return math.prod(size or 1 for size in shape) // quantizer.block_size
    return 1 if decision.axis is None else shape[decision.axis] or 1


def search_weight_ranges(model: QuantizedModel) -> None:
    """Set the model's shares for its weights as they are now."""
    for step in model.simulation.steps:
        for (kind, key), value in step_constants(step).items():
            tensor = model.plan.ops.slots.get(Slot(step.call.index, kind, key))  # type: ignore[arg-type]  # kinds are Literals there
            if tensor in model.shares:
                decision = model.plan.decisions[tensor]
                model.shares[tensor].assign(_shares(np.asarray(value), decision))


def _shares(value: np.ndarray, decision: Decision) -> Any:
    quantizer, axis = decision.quantizer, decision.axis
    assert quantizer is not None
    lowest, highest = quantizer.code_range
    if quantizer.block_size is not None:
        rows = value.reshape(-1, quantizer.block_size)
    else:
        rows = value.reshape(1, -1) if axis is None else np.moveaxis(value, axis, 0).reshape(value.shape[axis], -1)
    method, arguments = quantizer.range.method, quantizer.range.arguments
    symmetric = quantizer.scheme == "symmetric"
    return range_shares(rows, method, arguments, lowest=lowest, highest=highest, symmetric=symmetric)
