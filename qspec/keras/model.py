"""The model that `qspec.apply` returns: the float model inside, fake quantization at every tensor of the plan."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from qspec.diagnostics import SpecError
from qspec.graph.operands import operand_of
from qspec.graph.ops import Op, Slot
from qspec.keras.constant_quantization import QuantizedConstant, quantize_bias, quantize_constant
from qspec.keras.custom_layers import false_claims
from qspec.keras.execution import Step, has_bias, step_constants
from qspec.keras.fake_quantize import fake_quantize
from qspec.keras.hooks import TrainingHooks
from qspec.keras.live_model import read_model
from qspec.keras.ranges import ActivationRange, KnownParameters
from qspec.keras.simulation import Simulation, make_simulation
from qspec.numerics.bias import LARGEST_BIAS_CODE
from qspec.plan.make import make_plan
from qspec.schema import loads, valid
from qspec.schema.spec import Spec


@keras.saving.register_keras_serializable(package="qspec")
class QuantizedModel(keras.Model):  # type: ignore[misc]
    """A Keras model that computes what its integer file will compute.

    `float_model` is the original, with its own layers and variables, which training updates. The plan follows from the
    spec and that model, so that a saved file needs to carry only these two and the ranges.
    """

    def __init__(self, model: keras.Model, spec: Spec, **kwargs: Any) -> None:
        live = read_model(model)
        kwargs.setdefault("name", model.name)
        super().__init__(**kwargs)
        self.float_model = model
        self.spec = spec
        self.plan = make_plan(spec, live.graph)
        errors = [item for item in self.plan.diagnostics if item.severity.value == "error"]
        if errors:
            raise SpecError(self.plan.diagnostics)
        self.simulation: Simulation = make_simulation(live, self.plan)
        claims = false_claims(self.simulation.steps, live.graph.path)
        if claims:
            raise SpecError(claims)
        self.ranges = [ActivationRange(group, name=f"range_{i}") for i, group in enumerate(self.plan.ranges)]
        counter: dict[str, Any] = {"shape": (), "initializer": "zeros", "trainable": False}
        self.steps_seen = self.add_weight(name="steps_seen", dtype="int32", **counter)
        self.ranges_frozen = self.add_weight(name="ranges_frozen", dtype="float32", **counter)
        self.input_names = list(live.graph.input_names)
        self.output_names = list(live.graph.output_names)
        self.producers = self.plan.ops.producers()
        self.consumers = self.plan.ops.consumers()
        self.bias_of = {step.call.index: bias for step in self.simulation.steps for bias in self._integer_bias(step)}
        self.corrections = {bias: self._correction(bias) for bias in self.bias_of.values()}
        self.built = True

    def _integer_bias(self, step: Step) -> list[int]:
        """The tensor of a step's bias, if it has one that becomes integers."""
        bias = self.plan.ops.slots.get(Slot(step.call.index, "bias", "bias"))
        quantizer = self.plan.decisions[bias].quantizer if bias is not None and has_bias(step) else None
        return [] if bias is None or quantizer is None or quantizer.is_float else [bias]

    def _correction(self, bias: int) -> Any:
        """What a bias makes up for: zero until calibration."""
        shape = self.plan.ops.tensors[bias].shape
        return self.add_weight(name=f"correction_{bias}", shape=shape, initializer="zeros", trainable=False)

    def build(self, input_shape: Any = None) -> None:
        """Everything is built from the start."""
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The simulated outputs, in the float model's structure; in training, ranges follow the batch."""
        hooks = TrainingHooks(self)
        outputs = self.simulation.run(self.flat_inputs(inputs), hooks, training)
        if training:
            self._follow(hooks)
        if isinstance(self.float_model, keras.Sequential):
            return outputs[0]
        return keras.tree.pack_sequence_as(self.float_model.output, outputs)

    def flat_inputs(self, inputs: Any) -> list[Any]:
        """Inputs (one, a list, or a dict by name) in the model's order, as float32 where the model takes floats."""
        if isinstance(inputs, Mapping):
            inputs = [inputs[name] for name in self.input_names]
        flat = list(inputs) if isinstance(inputs, Sequence) else [inputs]
        types = [self.plan.predicted.tensors[tensor].type for tensor in self.plan.predicted.inputs]
        return [ops.cast(value, type_) for value, type_ in zip(flat, types, strict=True)]

    def _follow(self, hooks: TrainingHooks) -> None:
        limit = self.spec.train.freeze_ranges_after
        frozen = self.ranges_frozen > 0
        if limit is not None and limit[0] == "steps":
            frozen = ops.logical_or(frozen, self.steps_seen >= limit[1])
        for index, values in hooks.seen.items():
            self.ranges[index].follow(values, frozen)
        self.steps_seen.assign_add(1)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.fit`; freezes the ranges at the epoch that the spec names, if it names one."""
        limit = self.spec.train.freeze_ranges_after
        if limit is None or limit[0] != "epochs":
            return super().fit(*args, **kwargs)
        given = inspect.signature(super().fit).bind(*args, **kwargs).arguments
        callbacks = given.pop("callbacks", None)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = callbacks.callbacks
        return super().fit(**given, callbacks=[*keras.tree.flatten(callbacks or []), _FreezeRanges(self, limit[1])])

    def quantized_constants(self, step: Step, known: KnownParameters) -> dict[tuple[str, str], QuantizedConstant]:
        """A step's constants by slot kind and key, each with its fake-quantized value, scale and zero point.

        A bias has the product of its op's input and weight scales, and zero point 0. A constant that shares the scale
        of activations has theirs.
        """
        raw = self.corrected_constants(step)
        found: dict[tuple[str, str], QuantizedConstant] = {}
        for (kind, key), value in sorted(raw.items(), key=lambda item: item[0][0] == "bias"):
            tensor = self.plan.ops.slots.get(Slot(step.call.index, kind, key))  # type: ignore[arg-type]  # kinds are Literals there
            decision = None if tensor is None else self.plan.decisions.get(tensor)
            if tensor is None or decision is None or decision.quantizer is None or decision.quantizer.is_float:
                found[kind, key] = QuantizedConstant(tensor, value, None, None)
            elif decision.range is not None:
                scale, zero_point = known[decision.range]
                shared = fake_quantize(value, scale, zero_point, self.ranges[decision.range].codes)
                found[kind, key] = QuantizedConstant(tensor, shared, scale, zero_point)
            elif kind == "bias":
                found[kind, key] = quantize_bias(tensor, value, self._accumulator_scale(tensor, found, known))
            else:
                room = self._bias_room(tensor, raw, known)
                found[kind, key] = quantize_constant(tensor, value, decision, room)
        return found

    def corrected_constants(self, step: Step) -> dict[tuple[str, str], Any]:
        """A step's float constants, its bias corrected for the rounding of its weights."""
        constants = step_constants(step)
        bias = self.bias_of.get(step.call.index)
        if bias is not None:
            constants["bias", "bias"] = constants["bias", "bias"] + self.corrections[bias]
        return constants

    def _accumulator_scale(
        self, bias: int, constants: Mapping[tuple[str, str], QuantizedConstant], known: KnownParameters
    ) -> Any:
        """The scale of a bias, [channels] or [1]: its op's input scale times its weights'."""
        op = self.consumers[bias][0]
        weights = self.plan.ops.tensors[op.inputs[1]].slot
        assert weights is not None
        return self._input_scale(op, known) * ops.reshape(constants[weights.kind, str(weights.key)].scale, (-1,))

    def _input_scale(self, op: Op, known: KnownParameters) -> Any:
        source = operand_of(op, "input")
        index = self.plan.decisions[self.plan.casts.get((op.calls[0], source), source)].range
        assert index is not None, "the plan quantizes no bias behind a float input"
        return ops.stop_gradient(known[index][0])

    def _bias_room(self, weights: int, raw: Mapping[tuple[str, str], Any], known: KnownParameters) -> Any:
        """The smallest scale of *weights*, [channels], at which its op's bias still fits an int32; None without one."""
        op = self.consumers[weights][0]
        bias = operand_of(op, "bias")
        decision = self.plan.decisions.get(bias)
        slot = self.plan.ops.tensors[bias].slot if bias >= 0 else None
        if slot is None or decision is None or decision.quantizer is None or decision.quantizer.bits > 32:
            return None
        if (slot.kind, str(slot.key)) not in raw:
            return None  # the op has a bias of zeros that no layer owns
        value = ops.stop_gradient(raw[slot.kind, str(slot.key)])
        return ops.abs(value) / (self._input_scale(op, known) * LARGEST_BIAS_CODE)

    def get_config(self) -> dict[str, Any]:
        """The float model and the spec's texts; everything else follows."""
        return {
            "name": self.name,
            "model": keras.saving.serialize_keras_object(self.float_model),
            "spec": {"path": self.spec.path, "sources": dict(self.spec.sources)},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> QuantizedModel:
        """Raises SpecError if this version of qspec no longer takes the spec inside."""
        sources = dict(config["spec"]["sources"])
        path = config["spec"]["path"]
        spec = valid(loads(sources.pop(path), path, imports=sources))
        model = keras.saving.deserialize_keras_object(config["model"], custom_objects=custom_objects)
        return cls(model, spec, name=config["name"])


class _FreezeRanges(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, model: QuantizedModel, epoch: int) -> None:
        super().__init__()
        self.quantized, self.epoch = model, epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch >= self.epoch:
            self.quantized.ranges_frozen.assign(1.0)
