"""What happens at every tensor of a simulated model: fake quantization, rounded as the kernels round."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qspec.keras.execution import Step
from qspec.keras.fake_quantize import Rounding, round_codes, round_mean_over_image, round_steps, round_twice
from qspec.keras.op_execution import Constants
from qspec.keras.ranges import KnownParameters
from qspec.keras.simulation import Hooks
from qspec.litert.interpreter import processors

if TYPE_CHECKING:
    from qspec.keras.model import QuantizedModel


class TrainingHooks(Hooks):
    """Fake quantization at every planned tensor. `seen` are the values that range groups take their extremes from."""

    def __init__(self, model: QuantizedModel) -> None:
        self.model = model
        self.seen: dict[int, list[Any]] = {}
        self.scales: dict[int | None, Any] = {}
        self.known = KnownParameters(model.ranges)

    def tensor(self, tensor: int, value: Any) -> Any:
        """Fake-quantize *value*, and remember it if its group follows it."""
        plan = self.model.plan
        decision = plan.decisions.get(tensor)  # none for a model's input of integers
        index = None if decision is None else decision.range
        if index is None:
            return value
        group = plan.ranges[index]
        if group.fixed is None and tensor in group.sources:
            self.seen.setdefault(index, []).append(value)
        return self.model.ranges[index].on_grid(value, self.known[index], self.rounding(tensor, index))

    def rounding(self, tensor: int, index: int) -> Rounding:
        """How the kernel that writes *tensor* rounds."""
        producer = self.model.producers.get(tensor)
        if producer is not None and producer.kind == "AVERAGE_POOL_2D":
            return round_codes
        if producer is not None and producer.kind in ("QUANTIZE", "MUL"):
            scales = [self.scale(source) for source in producer.inputs]
            if all(scale is not None for scale in scales):
                return round_twice(math.prod(scales) / self.known[index][0])
        return round_steps

    def scale(self, tensor: int) -> Any:
        """The scale of an activation, or of a constant that this walk has met; None for a float."""
        index = self.model.plan.decisions[tensor].range if tensor in self.model.plan.decisions else None
        return self.scales.get(tensor) if index is None else self.known[index][0]

    def constants(self, step: Step) -> Constants:
        """The step's constants, fake-quantized."""
        constants = self.model.quantized_constants(step, self.known)
        self.scales |= {constant.tensor: constant.scale for constant in constants.values()}
        return {key: constant.value for key, constant in constants.items()}


class BuiltInHooks(TrainingHooks):
    """As in training, but for MEAN, which LiteRT's built-in kernel rounds twice and XNNPACK, the default, once."""

    def rounding(self, tensor: int, index: int) -> Rounding:
        """How the built-in kernel that writes *tensor* rounds."""
        producer = self.model.producers.get(tensor)
        source = None if producer is None or producer.kind != "MEAN" else self.scale(producer.inputs[0])
        if producer is None or source is None:
            return super().rounding(tensor, index)
        shape = self.model.plan.ops.tensors[producer.inputs[0]].shape or ()
        axes = self.model.plan.ops.tensors[producer.inputs[1]].value
        count = math.prod(shape[axis] or 1 for axis in axes)
        ratio = source / self.known[index][0]
        if producer.attributes["keep_dims"] and len(shape) == 4 and sorted(axes) == [1, 2]:
            range_ = self.model.plan.decisions[producer.inputs[0]].range
            assert range_ is not None
            return round_mean_over_image(ratio, self.known[range_][1], count, processors())
        return round_twice(ratio, count)
