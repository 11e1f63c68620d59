"""Who decided what, and why: the plan's own records, layer by layer.

`Explainer(plan)` answers for `qspec explain`, for an editor and for Python: what each slot of each call has, everything
that was said of it, what constraints made of that, and for each rule whether it applies to a call or why not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from qspec.graph.layers import Call, Value
from qspec.graph.ops import Op, Slot
from qspec.plan.ends import ends
from qspec.plan.explain_rules import RuleExplanation, effect, explain_rule
from qspec.plan.explain_words import traits
from qspec.plan.index import LayerIndex
from qspec.plan.plan import Assigned, Decision, Origin, Plan
from qspec.plan.readings import Readings
from qspec.plan.slots import SlotTable
from qspec.schema.quantizer import Quantizer

_ORDER = ("weights", "bias", "state", "inner", "output")
_LANGUAGE = Origin("built_in")


@dataclass(frozen=True, slots=True)
class SlotExplanation:
    """What one slot of one call has.

    `slot` is written as in a spec. `quantizer` is the one in effect, None for float; `origin` is who decided it, and
    `range_by` who decided its range, where that is another. `said` is everything that was assigned to the slot, in
    order, `default` first. `changes` tell what a constraint then made of it, and why, a sentence each; `casts` what a
    QUANTIZE or DEQUANTIZE makes of it for an op of the same layer; `same_scale` are the slots with which it has one
    scale and zero point; `notes` are further remarks: what the language gives to a slot that nobody spoke of, where an
    input comes from, and what the file takes or gives. `held` is the slot that holds the value, in words, where this
    one has no tensor of its own; of such a slot the quantizer is that one's.
    """

    slot: str
    quantizer: Quantizer | None
    origin: Origin
    said: tuple[Assigned, ...] = ()
    changes: tuple[str, ...] = ()
    casts: tuple[str, ...] = ()
    same_scale: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    held: str = ""
    range_by: Origin | None = None

    @property
    def kind(self) -> str:
        """The word of the slot: `weights` of `weights["kernel"]`."""
        return self.slot.split("[")[0]

    @property
    def overridden(self) -> tuple[Assigned, ...]:
        """What was said and is not in effect, in order: all but the last word, and that too where a constraint put
        another's quantizer in its place."""
        stands = bool(self.said) and self.said[-1].origin == self.origin
        return self.said[:-1] if stands else self.said


@dataclass(frozen=True, slots=True)
class CallExplanation:
    """One call of a layer: the `number`-th of `calls`, from 1. `layer` is the path. `fused` tells in a sentence where
    the layer went that leaves no op of its own."""

    layer: str
    class_name: str
    call: int
    number: int
    calls: int
    slots: tuple[SlotExplanation, ...]
    fused: str = ""


class Explainer:
    """Answers from *plan*. It is made in a few milliseconds; each answer takes the time of one layer."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._index = LayerIndex(plan.layers)
        self._slots = SlotTable(self._index, plan.predicted)
        self._readings = Readings(plan)

    def layers(self) -> tuple[str, ...]:
        """The paths of all layers, each once, in execution order."""
        return tuple(self._calls_of)

    def all(self) -> Iterator[CallExplanation]:
        """Every call, in execution order."""
        return map(self._call, self.plan.layers.calls)

    def layer(self, path: str) -> tuple[CallExplanation, ...]:
        """Each call of the layer at *path*; empty if there is none."""
        return tuple(map(self._call, self._calls_of.get(path, ())))

    def rules(self, path: str, number: int = 1) -> tuple[RuleExplanation, ...]:
        """What each rule of the spec, in order, does for the *number*-th call of the layer at *path*."""
        calls = self._calls_of.get(path, ())
        if not 0 < number <= len(calls):
            return ()
        call = calls[number - 1]
        targets = {each.slot: each.said for each in self._call(call).slots if each.said}
        return tuple(explain_rule(applied, call, targets, self._index) for applied in self.plan.rules)

    def effects(self) -> tuple[str, ...]:
        """What became of each rule of the spec, in order, in a sentence."""
        slots = [slot for call in self.all() for slot in call.slots if slot.said and not slot.held]
        return tuple(effect(applied, [slot.said for slot in slots]) for applied in self.plan.rules)

    def slot(self, path: str, slot: str, number: int = 1) -> SlotExplanation | None:
        """One slot of the *number*-th call of the layer at *path*, None if it has no such slot. *slot* is written as in
        a spec: `output`, `weights["kernel"]`, `input[1]`; of several that go by one word (`weights`) the first."""
        calls = self.layer(path)
        if not 0 < number <= len(calls):
            return None
        found = calls[number - 1].slots
        exact = (each for each in found if each.slot == slot)
        return next(exact, next((each for each in found if each.kind == slot), None))

    # ---- what a call has

    @cached_property
    def _calls_of(self) -> dict[str, list[Call]]:
        found: dict[str, list[Call]] = {}
        for call in self.plan.layers.calls:
            found.setdefault(call.layer.path, []).append(call)
        return found

    @cached_property
    def _slots_of(self) -> dict[int, list[Slot]]:
        found: dict[int, list[Slot]] = {}
        for slot in self.plan.predicted.slots:
            found.setdefault(slot.call, []).append(slot)
        return found

    @cached_property
    def _ends_of(self) -> dict[int, list[str]]:
        """What the file takes for a tensor, or gives of it, where that is of another type."""
        found: dict[int, list[str]] = {}
        for end in ends(self.plan):
            if end.tensor == end.inner:
                continue
            if end.side == "input":
                made = f"{self._makers(end.tensor, end.inner)} it of the file's input `{end.name}`, which is {end.type}"
            else:
                made = f"{self._makers(end.inner, end.tensor)} {end.type} of it for the file's output `{end.name}`"
            found.setdefault(end.inner, []).append(made)
        return found

    @cached_property
    def _computing(self) -> dict[int, Op]:
        """The ops that compute a call besides the one they stand for."""
        return {call: op for op in reversed(self.plan.predicted.ops) for call in op.calls[1:]}

    def _call(self, call: Call) -> CallExplanation:
        calls = self._calls_of[call.layer.path]
        slots = (*self._inputs(call), *self._own(call), *self._gone(call))
        name = f'Operation("{call.layer.class_name}")' if call.layer.operation else call.layer.class_name
        number = calls.index(call) + 1
        return CallExplanation(call.layer.path, name, call.index, number, len(calls), slots, self._fused(call))

    def _own(self, call: Call) -> Iterator[SlotExplanation]:
        """The slots that have tensors, as they come in a spec."""
        slots = self._slots_of.get(call.index, ())
        tensors = self.plan.predicted.slots
        for slot in sorted(slots, key=lambda slot: (_ORDER.index(slot.kind), tensors[slot])):
            decision = self.plan.decision(slot)
            if decision is not None:
                tensor = self.plan.ops.slots[slot]
                yield SlotExplanation(
                    str(slot),
                    decision.quantizer,
                    decision.origin,
                    decision.said,
                    decision.changes,
                    tuple(self._casts(call, tensor, tensor)),
                    tuple(self._shared(tensor, decision)),
                    (*self._unset(decision, slot), *self._ends_of.get(tensor, ())),
                    range_by=decision.range_by,
                )

    def _casts(self, call: Call, tensor: int, told: int) -> Iterator[str]:
        """What ops of *call* read for *tensor*, besides *told*."""
        for read, ops in self._readings.of(call.index, tensor).items():
            readers = ", ".join(self._result(call, op) for op in ops)
            if read == tensor != told:
                yield f"read as it is given for {readers}"
            elif read != told:
                decision = self.plan.decisions[read]
                made = f"{self._makers(tensor, read)} {traits(decision.quantizer)} of it for {readers}"
                yield ", ".join((made, *decision.changes))

    def _result(self, call: Call, op: Op) -> str:
        """What *op* computes, in words."""
        slot = self.plan.ops.tensors[op.outputs[0]].slot
        if slot is None:
            return op.kind
        return f"`{slot}`" if slot.call == call.index else self._slots.named(slot)

    def _makers(self, source: int, result: int) -> str:
        kinds = self._readings.casts(source, result)
        return f"a {' and a '.join(kinds)} make{'' if len(kinds) > 1 else 's'}"

    def _unset(self, decision: Decision, slot: Slot) -> Iterator[str]:
        """What the language itself says of a slot that nobody spoke of."""
        if decision.changes:
            return
        if slot.kind == "bias" and decision.quantizer is not None and not decision.quantizer.is_float:
            yield "its scale is that of the input times that of the weights"
        elif not decision.said and decision.origin.kind == "built_in":
            yield "unset: int16" if slot.kind == "state" and decision.quantizer else "unset: float"
        elif not decision.said:
            yield "unset: as `output`" if slot.kind in ("inner", "state") else "unset: as the layer's output"

    def _shared(self, tensor: int, decision: Decision) -> Iterator[str]:
        """The other slots that share the scale of a tensor."""
        if decision.range is not None:
            for other in self.plan.ranges[decision.range].tensors:
                slot = self.plan.ops.tensors[other].slot
                if other != tensor and slot is not None:
                    yield self._slots.named(slot)

    def _inputs(self, call: Call) -> Iterator[SlotExplanation]:
        values = tuple(dict.fromkeys(call.inputs))
        for value in values:
            name = "input" if len(values) == 1 else f"input[{call.inputs.index(value)}]"
            holder = self._slots.holder(Slot(value.call, "output", value.output))
            if holder is not None and holder.call < call.index:
                yield self._input(name, call, value, self.plan.ops.slots[holder])

    def _input(self, name: str, call: Call, value: Value, tensor: int) -> SlotExplanation:
        read = next(iter(self._readings.of(call.index, tensor)), tensor)
        said = self.plan.said_of_inputs.get((call.index, tensor), ())
        decision = self.plan.decisions.get(read)
        giver = self._index.producer(value).layer.path
        if decision is None:
            return SlotExplanation(name, None, _LANGUAGE, said, notes=(f"what `{giver}` gives, which are integers",))
        same = read == tensor
        return SlotExplanation(
            name,
            decision.quantizer,
            decision.origin,
            said,
            () if same else (f"{self._makers(tensor, read)} it of what `{giver}` gives", *decision.changes),
            tuple(self._casts(call, tensor, read)),
            notes=(f"as `{giver}` gives it",) if same else (),
            range_by=decision.range_by,
        )

    # ---- what fusion removed

    def _gone(self, call: Call) -> Iterator[SlotExplanation]:
        """The outputs without a tensor of their own."""
        shapes = self.plan.predicted.shapes.get(call.index, (None,))
        for position in range(max(1, len(shapes))):
            slot = Slot(call.index, "output", position)
            holder = self._slots.holder(slot)
            if slot in self.plan.predicted.slots or holder is None:
                continue
            decision = self.plan.decision(holder)
            if decision is not None:
                yield self._held(slot, holder, decision)

    def _held(self, slot: Slot, holder: Slot, decision: Decision) -> SlotExplanation:
        named = self._slots.named(holder)
        why = "fusion removes this tensor" if holder.call > slot.call else "this layer leaves no tensor of its own"
        note = f"{why}: the value is in {named}"
        return SlotExplanation(
            str(slot),
            decision.quantizer,
            decision.origin,
            decision.said,
            notes=(note,),
            held=named,
            range_by=decision.range_by,
        )

    def _fused(self, call: Call) -> str:
        graph = self.plan.predicted
        if call.index in graph.folded:
            return f"folded into the weights of `{self._index.by_index[graph.folded[call.index]].layer.path}`"
        op = self._computing.get(call.index)
        return "" if op is None else f"computed by the {op.kind} of `{op.layer}`"
