"""The model that `qspec.apply` returns: the float model inside, fake quantization at every tensor of the plan."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from qspec.diagnostics import Diagnostic, Place, SpecError
from qspec.diagnostics.catalogue import UNSUPPORTED_LAYER
from qspec.graph.operands import bias_of_weights, operand_of, weights_of_bias
from qspec.graph.ops import Op, Slot
from qspec.keras.execution.custom_layers import false_claims
from qspec.keras.execution.mixed_precision import computes_in_float16
from qspec.keras.execution.simulation import Simulation, make_simulation
from qspec.keras.execution.steps import Step, has_bias, step_constants
from qspec.keras.kernels.constant_quantization import (
    QuantizedConstant,
    quantize_bias,
    quantize_constant,
    round_to_float16,
)
from qspec.keras.kernels.fake_quantize import Rounding, round_steps
from qspec.keras.quantized_model.batch_norm import renormalizing
from qspec.keras.quantized_model.hooks import TrainingHooks
from qspec.keras.quantized_model.learned_ranges import range_of
from qspec.keras.quantized_model.learned_weights import learned_scales, quantize_learned
from qspec.keras.quantized_model.least_scales import least_scales
from qspec.keras.quantized_model.left_out_of_training import left_out_of_training
from qspec.keras.quantized_model.ranges import KnownParameters, extremes
from qspec.keras.quantized_model.schedule import CountEpochs, Schedule
from qspec.keras.quantized_model.several_workers import TrainedBySeveralWorkers
from qspec.keras.quantized_model.weight_ranges import searched_constants
from qspec.keras.reading.copying import freeze, frozen_layers, serialized
from qspec.keras.reading.live_model import read_model
from qspec.keras.reading.recording import is_graph
from qspec.keras.reading.signatures import Signature, signature_of
from qspec.numerics.bias import LARGEST_BIAS_CODE
from qspec.plan.layer_classes import named_classes
from qspec.plan.make import make_plan
from qspec.plan.plan import Decision
from qspec.plan.stored_weights import small_weights
from qspec.schema import loads, valid
from qspec.schema.spec import Spec


@keras.saving.register_keras_serializable(package="qspec")
class QuantizedModel(TrainedBySeveralWorkers):
    """A Keras model that computes what its integer file will compute.

    `float_model` is the original, with its own layers and variables, which training updates. The plan follows from the
    spec and that model, so that a saved file needs to carry only these two and the ranges.
    """

    def __init__(self, model: keras.Model, spec: Spec, signature: Signature | None = None, **kwargs: Any) -> None:
        self.signature = signature or (None if is_graph(model) else signature_of(model))
        live = read_model(model, named_classes(spec), self.signature)
        kwargs.setdefault("name", model.name)
        super().__init__(dtype="float32", autocast=False, **kwargs)
        self.float_model = model
        self.spec = spec
        self.plan = make_plan(spec, live.graph)
        errors = [item for item in self.plan.diagnostics if item.severity.value == "error"]
        if errors:
            raise SpecError(self.plan.diagnostics)
        self.simulation: Simulation = make_simulation(live, self.plan)
        problems = false_claims(self.simulation.steps, live.graph.path) + renormalizing(live.layers, spec)
        if problems:
            raise SpecError(problems)
        self.ranges = [range_of(group, name=f"range_{i}") for i, group in enumerate(self.plan.ranges)]
        self.least_scales = least_scales(self.plan)
        self.learned_scales = learned_scales(self.plan, self.simulation.steps)
        self.schedule = Schedule(spec.train.freeze_ranges_after, name="schedule")
        self.input_names = list(live.graph.input_names)
        self.output_names = list(live.graph.output_names)
        self.producers = self.plan.ops.producers()
        self.consumers = self.plan.ops.consumers()
        self.small_weights = small_weights(self.plan)
        self.bias_of = {step.call.index: bias for step in self.simulation.steps for bias in self._integer_bias(step)}
        self.corrections = {bias: self._correction(bias) for bias in self.bias_of.values()}
        self.shares = {
            tensor: self.add_weight(name=f"share_{tensor}", shape=shape, initializer="ones", trainable=False)
            for tensor, shape in searched_constants(self.plan).items()
        }
        # Keras saves a layer without where its random numbers stand. As the model's own variables they are saved, so
        # that a run that goes on from a saved model is the one that was not interrupted.
        self.seed_states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
        # `tf.train.Checkpoint` does not look into the lists and dicts of a Keras model.
        self.checkpointed = tf.Module()
        self.checkpointed.state = list(self.variables)
        self._told = False
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

    def compile(self, optimizer: Any = "rmsprop", *args: Any, auto_scale_loss: bool = True, **kwargs: Any) -> None:
        """As `keras.Model.compile`, which scales the loss of a model whose policy is `mixed_float16`: here, of one
        whose layers' is."""
        optimizer = keras.optimizers.get(optimizer)
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if auto_scale_loss and not scaled and computes_in_float16(self.simulation.live.layers.values()):
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        super().compile(optimizer, *args, auto_scale_loss=auto_scale_loss, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """As Keras' own, which leaves models with a `compile` of their own alone."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The simulated outputs, in the float model's structure; in training, ranges follow the batch."""
        if training and not self._told:
            self._told = True
            self._tell_what_is_left_out()
        hooks = TrainingHooks(self, training=bool(training))
        outputs = self.simulation.run(self.flat_inputs(inputs), hooks, training)
        if training:
            self._follow(hooks)
        return self.simulation.live.packed(outputs)

    def _tell_what_is_left_out(self) -> None:
        follows_batch = self.spec.train.batch_norm != "fold"
        left_out = left_out_of_training(self.simulation.steps, follows_batch=follows_batch)
        if left_out:
            told = ", ".join(left_out)
            warnings.warn(
                f"training goes without {told}: these layers are computed by their ops, as at inference", stacklevel=2
            )

    def flat_inputs(self, inputs: Any) -> list[Any]:
        """Inputs (one, a list, or a dict by name) in the model's order, as float32 where the model takes floats; of
        float16, if that is what the file takes."""
        if isinstance(inputs, Mapping):
            inputs = [inputs[name] for name in self.input_names]
        flat = list(inputs) if isinstance(inputs, Sequence) else [inputs]
        types = [self.plan.predicted.tensors[tensor].type for tensor in self.plan.predicted.inputs]
        taken = [self.plan.ops.tensors[tensor].type for tensor in self.plan.ops.inputs]
        flat = [
            ops.cast(value, "float16") if kind == "float16" else value for value, kind in zip(flat, taken, strict=True)
        ]
        return [ops.cast(value, type_) for value, type_ in zip(flat, types, strict=True)]

    def _follow(self, hooks: TrainingHooks) -> None:
        frozen = self.schedule.frozen()
        # Normalization by the batch gives other values than calibration saw, which normalized as inference does.
        most_decay = 1.0 if self.spec.train.batch_norm == "fold" else self.schedule.most_decay()
        for index, seen in extremes(hooks.seen, most_decay).items():
            self.ranges[index].follow(seen, frozen)
        for learned in self.learned_scales.values():
            learned.follow(frozen)
        self.schedule.advance()

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.fit`; counts its epochs.

        Raises:
            SpecError: the code of a layer adds losses, which the simulation has not.
        """
        if self.simulation.live.adding_losses:
            raise SpecError([_lost_losses(self)])
        given = inspect.signature(super().fit).bind(*args, **kwargs).arguments
        callbacks = given.pop("callbacks", None)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = callbacks.callbacks
        return super().fit(**given, callbacks=[CountEpochs(self.schedule), *keras.tree.flatten(callbacks or [])])

    def quantized_constants(
        self,
        step: Step,
        known: KnownParameters,
        raw: Mapping[tuple[str, str], Any] | None = None,
        rounding: Callable[[int], Rounding] = lambda tensor: round_steps,
    ) -> dict[tuple[str, str], QuantizedConstant]:
        """A step's constants by slot kind and key, each with its fake-quantized value, scale and zero point; *raw* are
        the float ones, where they are not those of inference. *rounding* is how each tensor is rounded.

        A bias has the product of its op's input and weight scales, and zero point 0. A constant that shares the scale
        of activations has theirs.
        """
        raw = self.corrected_constants(step) if raw is None else raw
        found: dict[tuple[str, str], QuantizedConstant] = {}
        for (kind, key), value in sorted(raw.items(), key=lambda item: item[0][0] == "bias"):
            tensor = self.plan.ops.slots.get(Slot(step.call.index, kind, key))  # type: ignore[arg-type]  # kinds are Literals there
            decision = None if tensor is None else self.plan.decisions.get(tensor)
            if tensor is None or decision is None or decision.quantizer is None:
                found[kind, key] = QuantizedConstant(tensor, value, None, None)
            elif decision.quantizer.is_float:
                found[kind, key] = round_to_float16(tensor, value)
            elif decision.range is not None:
                shared = self.ranges[decision.range].on_grid(value, known[decision.range], rounding(tensor))
                found[kind, key] = QuantizedConstant(tensor, shared, *known[decision.range])
            elif kind == "bias":
                found[kind, key] = quantize_bias(tensor, value, self._accumulator_scale(tensor, found, known))
            else:
                room = self._bias_room(tensor, raw, known)
                found[kind, key] = self._quantize_weights(tensor, value, decision, room, rounding(tensor))
        return found

    def corrected_constants(self, step: Step, multiplier: Any = None) -> dict[tuple[str, str], Any]:
        """A step's float constants, its bias corrected for the rounding of its weights. *multiplier* as
        `step_constants` has it."""
        constants = step_constants(step, multiplier)
        bias = self.bias_of.get(step.call.index)
        if bias is not None:
            constants["bias", "bias"] = constants["bias", "bias"] + self.corrections[bias]
        return constants

    def _quantize_weights(
        self, tensor: int, value: Any, decision: Decision, room: Any, rounding: Rounding
    ) -> QuantizedConstant:
        if tensor in self.learned_scales:
            return quantize_learned(tensor, value, decision, room, self.learned_scales[tensor], rounding)
        return quantize_constant(tensor, value, decision, room, self.shares.get(tensor), rounding)

    def _accumulator_scale(
        self, bias: int, constants: Mapping[tuple[str, str], QuantizedConstant], known: KnownParameters
    ) -> Any:
        """The scale of a bias, [channels] or [1]: its op's input scale times its weights'."""
        op = self.consumers[bias][0]
        weights = self.plan.ops.tensors[weights_of_bias(op, bias)].slot
        assert weights is not None
        return self._input_scale(op, known) * ops.reshape(constants[weights.kind, str(weights.key)].scale, (-1,))

    def _input_scale(self, op: Op, known: KnownParameters) -> Any:
        source = operand_of(op, "input")
        index = self.plan.decisions[source].range
        assert index is not None, "the plan quantizes no bias behind a float input"
        return ops.stop_gradient(known[index][0])

    def _bias_room(self, weights: int, raw: Mapping[tuple[str, str], Any], known: KnownParameters) -> Any:
        """The smallest scale of *weights*, [channels], at which its op's bias still fits an int32; None without one."""
        op = self.consumers[weights][0]
        bias = bias_of_weights(op, weights)
        decision = self.plan.decisions.get(bias)
        slot = self.plan.ops.tensors[bias].slot if bias >= 0 else None
        if slot is None or decision is None or decision.quantizer is None or decision.quantizer.bits > 32:
            return None
        if (slot.kind, str(slot.key)) not in raw:
            return None  # the op has a bias of zeros that no layer owns
        value = ops.stop_gradient(raw[slot.kind, str(slot.key)])
        return ops.abs(value) / (self._input_scale(op, known) * LARGEST_BIAS_CODE)

    def get_config(self) -> dict[str, Any]:
        """The float model, what it takes if no graph says so, and the spec's texts; everything else follows."""
        return {
            "name": self.name,
            "model": serialized(self.float_model),
            "frozen": frozen_layers(self.float_model),
            "spec": {"path": self.spec.path, "sources": dict(self.spec.sources)},
            "signature": None if self.signature is None else self.signature.config(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> QuantizedModel:
        """Raises SpecError if this version of qspec no longer takes the spec inside."""
        sources = dict(config["spec"]["sources"])
        path = config["spec"]["path"]
        spec = valid(loads(sources.pop(path), path, imports=sources))
        model = keras.saving.deserialize_keras_object(config["model"], custom_objects=custom_objects)
        signature = None if config.get("signature") is None else Signature.from_config(config["signature"])
        read_model(model, signature=signature)  # builds what was not
        freeze(model, config["frozen"])
        return cls(model, spec, signature, name=config["name"])


def _lost_losses(model: QuantizedModel) -> Diagnostic:
    """What the code of a layer adds to the loss is not among the calls that stand for it."""
    class_name = model.simulation.live.adding_losses[0]
    message = f"`{class_name}` adds a loss in its code, which the simulation would train without"
    advice = "compute the loss from the model's outputs; without training, the model can be exported as it is"
    return UNSUPPORTED_LAYER.at(Place(model.plan.layers.path), message, help=advice)
