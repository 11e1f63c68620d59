"""The model, run call by call, with a look at every tensor that the plan speaks of.

One walk serves all: training fake-quantizes what it looks at, lowering returns it, verification compares it with the
interpreter's integers and goes on from those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras

from qspec.graph.layers import Call, Value
from qspec.graph.ops import Composition, Op, OpGraph, Slot, Tensor
from qspec.keras.execution.op_by_op import Behind, Constants, Inner, Read, as_it_is, in_float
from qspec.keras.execution.steps import Step, run_step, step_constants, takes_training
from qspec.keras.reading.live_model import LiveModel
from qspec.plan.plan import Plan
from qspec.plan.readings import readings


class Hooks:
    """What a walk does with the tensors it meets. This base looks and changes nothing: the float model."""

    def tensor(self, tensor: int, value: Any) -> Any:
        """A planned tensor was computed; what is returned takes its place."""
        return value

    def constants(self, step: Step, arguments: Sequence[Any]) -> Constants:
        """The constants that a step runs with, called with these *arguments*."""
        return step_constants(step)

    def behind(self, step: Step) -> Behind | None:
        """What takes the place of the bias of the step's product with weights; None to add the bias."""
        return None

    def compute(self, call: Call, op: Op, tensors: Mapping[int, Tensor], operands: Sequence[Any]) -> Any:
        """What an op of *call*, whose composition has these *tensors*, gives for its operands."""
        return in_float(op, tensors, operands)


@dataclass(frozen=True, eq=False)
class Simulation:
    """A model's steps in execution order, under a plan. `readings` are what the ops of a call read for a tensor (see
    `qspec.plan.readings`)."""

    live: LiveModel
    plan: Plan
    steps: tuple[Step, ...]
    readings: Mapping[tuple[int, int], Mapping[int, int]]

    def run(self, inputs: Sequence[Any], hooks: Hooks, training: bool | None = None) -> list[Any]:
        """The model's outputs for *inputs* (in the model's order, the batch first)."""
        return _Walk(self, hooks, {} if training is None else {"training": training}).run(inputs)

    def run_apart(self, inputs: Sequence[Any], hooks: Hooks) -> list[Any]:
        """The same outside a call of the model: at inference, and the losses of its layers do not stay with them."""
        with keras.StatelessScope(collect_losses=True):
            return _Walk(self, hooks, {"training": False}).run(inputs)


def make_simulation(live: LiveModel, plan: Plan) -> Simulation:
    """Pair every call of the plan's layer graph with its live layer."""
    batch_norms = {folded_into: call for call, folded_into in plan.ops.folded.items()}
    slots: dict[int, set[tuple[str, str | int]]] = {}
    for slot in plan.ops.slots:
        slots.setdefault(slot.call, set()).add((slot.kind, slot.key))

    def step(call: Call) -> Step:
        batch_norm = batch_norms.get(call.index)
        composition = plan.predicted.compositions.get(call.index)
        return Step(
            call,
            live.layers.get(call.layer.path),
            None if batch_norm is None else live.layers[plan.layers.calls[batch_norm].layer.path],
            call.index in plan.ops.folded,
            frozenset(slots.get(call.index, ())),
            composition,
            _passes(call.index, plan.predicted),
            {} if composition is None else _written(call, composition, plan.predicted),
        )

    return Simulation(live, plan, tuple(step(call) for call in plan.layers.calls), readings(plan))


def _passes(call: int, ops: OpGraph) -> bool:
    """Whether a call leaves no op of its own: the layer passes its input on, or an earlier one computes it."""
    vanished = Slot(call, "output", 0) in ops.fused and call not in ops.compositions
    return vanished or call in ops.absorbed


def _written(call: Call, composition: Composition, ops: OpGraph) -> dict[int, int]:
    """By the first result of each op of a call, the first result of the op of the model that it has become: an op may
    have been joined with the one that reads it."""
    found: dict[int, int] = {}
    readers = {number: op.outputs[0] for op in reversed(composition.ops) for number in op.inputs}
    for op in reversed(composition.ops):
        number = op.outputs[0]
        slot = composition.tensors[number].slot
        at = None if slot is None else Slot(call.index, slot.kind, slot.key)
        while at is not None and at not in ops.slots:
            at = ops.fused.get(at)
        written = found.get(readers.get(number, -1)) if at is None else ops.slots[at]
        if written is not None:
            found[number] = written
    return found


class _Walk:
    """One run: the value of every layer output so far, and which planned tensor each one is."""

    def __init__(self, simulation: Simulation, hooks: Hooks, mode: Mapping[str, Any] | None = None) -> None:
        self.simulation = simulation
        self.mode = mode or {}  # what layers are told that a model around them would tell
        self.ops = simulation.plan.ops
        self.hooks = hooks
        self.values: dict[Value, Any] = {}
        self.tensors: dict[Value, int | None] = {}
        self.cast_values: dict[int, Any] = {}

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        graph = self.simulation.plan.layers
        for reference, value in zip(graph.inputs, inputs, strict=True):
            self.keep(reference, value)
        for step in self.simulation.steps:
            if Value(step.call.index) not in self.values:
                self.execute(step)
        return [self.result(*each) for each in zip(graph.outputs, self.ops.outputs, strict=True)]

    def execute(self, step: Step) -> None:
        call = step.call
        arguments, keywords = self.given(call, lambda leaf: self.read(call.index, leaf))
        # A config holds the mode in which the model was once built, which is not that of this run.
        mode = self.mode if step.layer is not None and takes_training(step.layer) else {}
        constants = self.hooks.constants(step, arguments)
        behind, compute = self.hooks.behind(step), partial(self.hooks.compute, call)
        shown: set[str | int] = set()
        inner, read = self.shows(step, shown), self.reads(step) if step.runs_op_by_op else as_it_is
        if step.runs_op_by_op:
            arguments, keywords = self.given(call, self.values.__getitem__)
        keywords = {key: value for key, value in keywords.items() if key != "training"}
        result = run_step(step, arguments, {**keywords, **mode}, constants, inner, behind, compute, read)
        first: dict[int, Value] = {}
        for position, value in enumerate(keras.tree.flatten(result)):
            reference = Value(call.index, position)
            same = first.setdefault(id(value), reference)
            if same == reference:
                self.keep(reference, value, shown=position in shown)
            else:  # the last output of a recurrent layer is its state, too
                self.values[reference], self.tensors[reference] = self.values[same], self.tensors[same]

    def given(self, call: Call, value_of: Callable[[Value], Any]) -> tuple[Any, Any]:
        """The arguments and keywords of *call*, with values in place of the references to them."""
        return keras.tree.map_structure(  # type: ignore[no-any-return]
            lambda leaf: value_of(leaf) if isinstance(leaf, Value) else leaf, (call.arguments, dict(call.keywords))
        )

    def shows(self, step: Step, shown: set[str | int]) -> Inner:
        """Looks at the tensors between the ops of a step; *shown* takes in the results of the layer among them."""

        def inner(slot: Slot, value: Any) -> Any:
            tensor = self.ops.slots.get(Slot(step.call.index, slot.kind, slot.key))
            if tensor is None:
                return value
            if slot.kind == "output":
                shown.add(slot.key)
            return self.hooks.tensor(tensor, value)

        return inner

    def reads(self, step: Step) -> Read:
        """What the ops of a step read: each what the plan casts a tensor to for that op."""
        composition, call = step.composition, step.call
        assert composition is not None
        leaves = keras.tree.flatten((call.arguments, dict(call.keywords)))
        outside = [self.tensors[leaf] for leaf in leaves if isinstance(leaf, Value)]
        given = dict(zip(composition.inputs, outside, strict=True))

        def read(op: Op, number: int, value: Any) -> Any:
            slot = composition.tensors[number].slot if number in composition.tensors else None
            inside = None if slot is None else self.ops.slots.get(Slot(call.index, slot.kind, slot.key))
            tensor = given.get(number, inside)
            if tensor is None:
                return value
            return self.cast(call.index, tensor, value, step.written.get(op.outputs[0], -1))

        return read

    def keep(self, reference: Value, value: Any, *, shown: bool = False) -> None:
        """Look at a layer's output, unless it was *shown* already or fusion left no tensor for it."""
        slot = Slot(reference.call, "output", reference.output)
        tensor = self.ops.slots.get(slot)
        self.values[reference] = value if shown or tensor is None else self.hooks.tensor(tensor, value)
        self.tensors[reference] = tensor if tensor is not None else self.ops.slots.get(self.ops.fused.get(slot, slot))

    def read(self, call: int, reference: Value) -> Any:
        """What *call* reads there: the value, or what the plan casts it to for this call."""
        tensor = self.tensors[reference]
        value = self.values[reference]
        return value if tensor is None else self.cast(call, tensor, value)

    def cast(self, call: int, tensor: int, value: Any, written: int = -1) -> Any:
        """The *value* of a tensor as *call* reads it, or its op with that first result: cast, where the plan says so.

        An op that left no result of its own in the file reads what the first one reads.
        """
        found = self.simulation.readings.get((call, tensor))
        if found is None:
            return value
        first = next(iter(found.values()))
        return self.made(tensor, found.get(written, first), value)

    def made(self, source: int, cast: int, value: Any) -> Any:
        """The tensor that a cast makes of the *value* of its *source*, once; or that itself."""
        if cast == source:
            return value
        if cast not in self.cast_values:
            self.cast_values[cast] = self.hooks.tensor(cast, value)
        return self.cast_values[cast]

    def result(self, reference: Value, tensor: int) -> Any:
        """An output of the model, which is read from that tensor."""
        source = self.tensors[reference]
        return self.values[reference] if source is None else self.made(source, tensor, self.values[reference])
