"""What happens at every tensor of a simulated model: fake quantization, rounded as the kernels round."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from qspec.graph.layers import Call
from qspec.graph.operands import is_recurrence, operand_of
from qspec.graph.ops import Op, Tensor
from qspec.keras.execution.mixed_precision import COMPUTED_IN_HALF, computes_in_half, product_in_half
from qspec.keras.execution.op_by_op import Behind, Constants
from qspec.keras.execution.simulation import Hooks
from qspec.keras.execution.steps import Step, own_bias
from qspec.keras.kernels.comparisons import COMPARISONS, as_compared, compares_in_8_bits, planned_comparison
from qspec.keras.kernels.constant_quantization import round_to_float16
from qspec.keras.kernels.dynamic_quantization import quantized_operands
from qspec.keras.kernels.fake_quantize import (
    Rounding,
    round_at_random,
    round_mean_over_image,
    round_product,
    round_steps,
    round_twice,
    round_wide_product,
)
from qspec.keras.kernels.integer_resizing import resize_in_integers
from qspec.keras.kernels.kernel_rounding import clamped, rounding_of
from qspec.keras.kernels.poles import POLES, before_pole, bounded, finite_gradient
from qspec.keras.kernels.recurrence import GATE_WEIGHTS, LstmScales, integer_lstm
from qspec.keras.kernels.table_kernels import TABLES, look_up
from qspec.keras.quantized_model.attention_dropout import drops_probabilities, with_dropout
from qspec.keras.quantized_model.batch_norm import batch_constants, normalize_folded, training_multiplier
from qspec.keras.quantized_model.ranges import KnownParameters
from qspec.litert.interpreter import processors
from qspec.plan.stored_weights import weights_of

if TYPE_CHECKING:
    from qspec.keras.quantized_model.model import QuantizedModel


_CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"})
_AT_ONCE = 8  # channels
_ROUNDED_AS_PRODUCTS = _CONVOLUTIONS | {"FULLY_CONNECTED"}


class TrainingHooks(Hooks):
    """Fake quantization at every planned tensor. `seen` are the values that range groups take their extremes from."""

    def __init__(self, model: QuantizedModel, *, training: bool = False) -> None:
        self.model = model
        self.training = training
        self.seen: dict[int, list[Any]] = {}
        self.scales: dict[int | None, Any] = {}
        self.counted: set[int] = set()
        self.known = KnownParameters(model.ranges, model.least_scales)

    def tensor(self, tensor: int, value: Any) -> Any:
        """Fake-quantize *value*, and remember it if its group follows it."""
        decision = self.model.plan.decisions.get(tensor)  # none for a model's input of integers
        index = None if decision is None else decision.range
        if index is None:
            halved = decision is not None and decision.quantizer is not None
            return round_to_float16(tensor, value).value if halved else value
        producer = self.model.producers.get(tensor)
        if producer is not None and producer.kind in POLES:
            value = bounded(value, *self.model.ranges[index].ends(self.known[index]))
        self._see(tensor, index, value)
        quantized = self.model.ranges[index].on_grid(value, self.known[index], self.rounding(tensor, index))
        return finite_gradient(quantized) if before_pole(self.model.consumers.get(tensor, ())) else quantized

    def _constant_rounding(self, tensor: int) -> Rounding:
        return round_at_random(self.model.schedule.seed(tensor)) if self._by_chance(tensor) else round_steps

    def _by_chance(self, tensor: int) -> bool:
        quantizer = self.model.plan.decisions[tensor].quantizer
        return self.training and quantizer is not None and quantizer.rounding == "stochastic"

    def rounding(self, tensor: int, index: int) -> Rounding:
        """How the kernel that writes *tensor* rounds; in training by chance, if the spec says so."""
        if self._by_chance(tensor):
            return round_at_random(self.model.schedule.seed(tensor))
        producer = self.model.producers.get(tensor)
        if producer is None:
            return round_steps
        if producer.kind in _CONVOLUTIONS and self.model.ranges[index].type == "int16":
            return round_wide_product(self.product_ratio(producer, index))
        if self.model.ranges[index].type == "int8" and self._rounds_twice(producer):
            rounding = round_product(self.product_ratio(producer, index), self._together(producer))
            return clamped(producer, rounding, self.known[index][0])
        known = rounding_of(producer, lambda: [*map(self.scale, producer.inputs), self.known[index][0]])
        return known or round_steps

    def _rounds_twice(self, op: Op) -> bool:
        """Whether *op* is a product that a kernel of LiteRT's own computes: XNNPACK takes no weights of four bits but
        those of matrices, and of two bits only with a scale for each channel."""
        if op.kind not in _ROUNDED_AS_PRODUCTS:
            return False
        weights = operand_of(op, "weights")
        decision, kind = self.model.plan.decisions.get(weights), self.model.plan.ops.tensors[weights].type
        left = (kind == "int4" and op.kind in _CONVOLUTIONS) or (
            kind == "int2" and decision is not None and decision.axis is None
        )
        return self.built_in or left

    def _together(self, op: Op) -> int | None:
        """How many channels the kernel of a product computes at once; None: all of them."""
        if op.kind in ("DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"):
            return _AT_ONCE
        sizes = [(self.model.plan.ops.tensors[tensor].shape or (None,))[-1] for tensor in op.inputs[:2]]
        grouped = op.kind == "CONV_2D" and sizes[0] != sizes[1]
        # Grouped convolutions are left to the reference kernel, which computes one after the other.
        return sys.maxsize if grouped else None

    def product_ratio(self, op: Op, index: int) -> Any:
        """The scale of the sums of *op* over that of its result, [channels] or [1]."""
        weights = ops.reshape(self.scale(operand_of(op, "weights")), (-1,))
        return self.scale(operand_of(op, "input")) * weights / self.known[index][0]

    def scale(self, tensor: int) -> Any:
        """The scale of an activation, or of a constant that this walk has met; None for a float."""
        index = self.model.plan.decisions[tensor].range if tensor in self.model.plan.decisions else None
        return self.scales.get(tensor) if index is None else self.known[index][0]

    def constants(self, step: Step, arguments: Sequence[Any]) -> Constants:
        """The step's constants, fake-quantized; where a batch normalization follows the batch, for this batch."""
        raw = self.model.corrected_constants(step)
        if self._follows_batch(step.batch_norm):
            raw = self.model.corrected_constants(step, training_multiplier(step.batch_norm))
        elif self._follows_batch(step.layer) and not step.folded:
            raw |= batch_constants(step, arguments[0])
        constants = self.model.quantized_constants(step, self.known, raw, self._constant_rounding)
        self.scales |= {constant.tensor: constant.scale for constant in constants.values()}
        return {key: constant.value for key, constant in constants.items()}

    def behind(self, step: Step) -> Behind | None:
        """Normalization with the batch's statistics behind a product with folded weights, where it follows the batch.

        Its moving mean comes to hold what rounding the weights moves, which the correction of the bias must forget.
        """
        layer = step.batch_norm
        if not self._follows_batch(layer):
            return None
        if (bias := self.model.bias_of.get(step.call.index)) is not None:
            correction = self.model.corrections[bias]
            correction.assign(correction * layer.momentum)
        return lambda product: normalize_folded(layer, product, own_bias(step)[1])

    built_in = False  # whether these are the built-in kernels, or those that run by default

    def compute(self, call: Call, op: Op, tensors: Mapping[int, Tensor], operands: Sequence[Any]) -> Any:
        """What the kernel gives: one that reads integer weights beside activations in float quantizes these, and one
        that runs over steps rounds at each of them."""
        if op.kind in TABLES and (planned := self._in_integers(call, tensors[op.outputs[0]])):
            index = self.model.plan.decisions[planned.outputs[0]].range
            if index is not None and self.model.ranges[index].type == "int16":
                return look_up(op, operands[0], self.scale(planned.inputs[0]), self.known[index][0])
        if is_recurrence(op) and (planned := self._in_integers(call, tensors[op.outputs[0]])):
            return self._lstm(planned, operands)
        if op.kind in COMPARISONS:
            comparison = planned_comparison(self.model.plan, call.index, op)
            if comparison is not None and compares_in_8_bits(self.model.plan, comparison):
                scales = map(self.scale, comparison.inputs)
                operands = [as_compared(operand, scale) for operand, scale in zip(operands, scales, strict=True)]
        weights = weights_of(op)
        slot = tensors[weights].slot if weights >= 0 else None
        small = self.model.small_weights.get(call.index, {})
        quantizer = None if slot is None else small.get((slot.kind, str(slot.key)))
        if quantizer is not None:
            operands = quantized_operands(op, operands, quantizer, built_in=self.built_in)
        layer = self.model.simulation.live.layers.get(call.layer.path)
        if self.training and drops_probabilities(layer):
            operands = with_dropout(layer, op, tensors, operands)
        if self.training and op.kind in COMPUTED_IN_HALF and layer is not None and computes_in_half(layer):
            return product_in_half(op, operands, layer.compute_dtype)
        return super().compute(call, op, tensors, operands)

    def _in_integers(self, call: Call, result: Tensor) -> Op | None:
        """The plan's op that gives an op's *result*, if that is quantized."""
        assert result.slot is not None
        tensor = self.model.plan.ops.slots[replace(result.slot, call=call.index)]
        return None if self.model.plan.decisions[tensor].range is None else self.model.producers[tensor]

    def _lstm(self, op: Op, operands: Sequence[Any]) -> Any:
        result, cell = op.outputs[0], operand_of(op, "cell_state")
        index = self.model.plan.decisions[result].range
        assert index is not None
        scales = LstmScales(
            self.scale(operand_of(op, "input")),
            *self.known[index],
            self.scale(cell),
            *(ops.stack([ops.reshape(self.scale(each), ()) for each in op.inputs[part]]) for part in GATE_WEIGHTS),
        )
        computed = integer_lstm(operands, scales)
        self._see(result, index, computed.unlimited_output)
        self._see(cell, self.model.plan.decisions[cell].range, computed.unlimited_cell)
        return computed.output

    def _see(self, tensor: int, index: int | None, value: Any) -> None:
        """Remember *value* if the range group *index* follows *tensor*, which counts once."""
        group = None if index is None else self.model.plan.ranges[index]
        if index is None or group is None or group.fixed is not None or tensor not in group.sources:
            return
        if tensor not in self.counted:
            self.counted.add(tensor)
            self.seen.setdefault(index, []).append(value)

    def _follows_batch(self, layer: Any) -> bool:
        """Whether *layer* is a batch normalization that now takes the statistics of the batch, as it does in Keras."""
        normalizes = isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        return normalizes and self.training and self.model.spec.train.batch_norm != "fold"


class BuiltInHooks(TrainingHooks):
    """As in training, but for MEAN and for products with weights, which LiteRT's built-in kernels round twice and
    XNNPACK, the default, once."""

    built_in = True

    def compute(self, call: Call, op: Op, tensors: Mapping[int, Tensor], operands: Sequence[Any]) -> Any:
        """What the built-in kernel gives."""
        if op.kind == "RESIZE_BILINEAR" and self._in_integers(call, tensors[op.outputs[0]]) is not None:
            image, size = operands
            return resize_in_integers(image, size, op.attributes)
        return super().compute(call, op, tensors, operands)

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
