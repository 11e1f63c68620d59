"""Scales of weights that training learns (LSQ)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from qspec.graph.ops import Slot
from qspec.keras.execution.steps import Step, step_constants
from qspec.keras.kernels.constant_quantization import QuantizedConstant, quantize_constant, round_half_even
from qspec.keras.kernels.fake_quantize import Rounding, learned_quantize, round_half_away, round_steps
from qspec.keras.quantized_model.learned_ranges import LearnedValue, least_scale
from qspec.plan.plan import Decision, Plan

if TYPE_CHECKING:
    from qspec.keras.quantized_model.model import QuantizedModel


def learned_scales(plan: Plan, steps: tuple[Step, ...]) -> dict[int, LearnedValue]:
    """For every weight whose range is `learned`, by its tensor's id, its scale, which is 1 until calibration. That of a
    layer that is not trained is not trained either."""
    found: dict[int, LearnedValue] = {}
    for step in steps:
        for kind, key in step.slots:
            tensor = plan.ops.slots[Slot(step.call.index, kind, key)]  # type: ignore[arg-type]  # kinds are Literals there
            decision = plan.decisions.get(tensor)
            if kind == "weights" and decision is not None and tensor not in found and _is_learned(decision):
                assert decision.quantizer is not None
                shape = plan.ops.tensors[tensor].shape or ()
                sizes = tuple((size or 1) if axis == decision.axis else 1 for axis, size in enumerate(shape))
                least = least_scale(decision.quantizer.code_range)
                how: dict[str, Any] = {"relative": True, "trainable": step.layer.trainable}
                found[tensor] = LearnedValue(sizes, least, name=f"scale_{tensor}", **how)
    return found


def _is_learned(decision: Decision) -> bool:
    quantizer = decision.quantizer
    return quantizer is not None and quantizer.range.method == "learned" and decision.range is None


def quantize_learned(
    tensor: int, value: Any, decision: Decision, room: Any, learned: LearnedValue, rounding: Rounding = round_steps
) -> QuantizedConstant:
    """A constant on the grid of its *learned* scale, which is raised where the bias needs it (*room*, [channels])."""
    quantizer = decision.quantizer
    assert quantizer is not None
    codes = quantizer.code_range
    if quantizer.rounding == "half_even":
        rounding = round_half_even
    scale = learned.value()
    if room is not None:
        scale = ops.maximum(scale, ops.reshape(room, scale.shape) if np.prod(scale.shape) > 1 else ops.max(room))
    zero_point = ops.zeros_like(scale)
    if quantizer.scheme == "asymmetric":
        lowest, highest = codes
        low = ops.minimum(ops.min(ops.stop_gradient(value)), 0.0)
        zero_point = ops.clip(round_half_away(lowest - low / ops.stop_gradient(scale)), lowest, highest)
    count = int(np.prod(value.shape)) // int(np.prod(scale.shape))
    return QuantizedConstant(
        tensor, learned_quantize(value, scale, zero_point, codes, count, rounding), scale, zero_point
    )


def start_learning(model: QuantizedModel) -> None:
    """Set the learned scales from the weights as they are now: the smaller of what covers all of them, and of what the
    paper begins with, 2 mean|w| / sqrt(Q_P), which for few bits leaves out the largest (Esser et al. 2020, 2.1)."""
    for step in model.simulation.steps:
        for (kind, key), value in step_constants(step).items():
            tensor = model.plan.ops.slots.get(Slot(step.call.index, kind, key))  # type: ignore[arg-type]  # kinds are Literals there
            if tensor not in model.learned_scales:
                continue
            decision, learned = model.plan.decisions[tensor], model.learned_scales[tensor]
            assert decision.quantizer is not None
            covering = np.asarray(quantize_constant(tensor, value, decision, None).scale)
            axes = tuple(axis for axis, size in enumerate(learned.kept.shape) if size == 1)
            mean = np.abs(np.asarray(value)).mean(axes, keepdims=True)
            learned.start(np.minimum(covering, 2.0 * mean / np.sqrt(decision.quantizer.code_range[1])))
