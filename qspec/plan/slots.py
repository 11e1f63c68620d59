"""The tensors behind the slots of a spec: `weights`, `bias`, `input`, `output`, `state`, `inner` and `all`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qspec.graph.layers import Call, Value
from qspec.graph.masks import TENSORS_BY_NAME
from qspec.graph.ops import OpGraph, Slot
from qspec.plan.index import LayerIndex
from qspec.schema.spec import SlotReference

Edge = tuple[int, int]  # (call index, tensor id): what a call reads there
Target = int | Edge  # a tensor, or one reading of it


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a slot names in one match: tensors and edges, each with the call through which it was reached, and the
    slots that fusion removed, with those that hold the values instead."""

    targets: tuple[tuple[Target, int], ...] = ()
    fused: tuple[tuple[Slot, Slot], ...] = ()


class SlotTable:
    """Looks slots up in the op graph of a layer graph."""

    def __init__(self, index: LayerIndex, ops: OpGraph) -> None:
        self.index = index
        self.ops = ops
        self._by_call: dict[int, list[tuple[Slot, int]]] = {}
        for slot, tensor in ops.slots.items():
            self._by_call.setdefault(slot.call, []).append((slot, tensor))
        self._read = {(call, tensor) for op in ops.ops for call in op.calls for tensor in op.inputs}
        self._calls_of_layer: dict[int, list[Call]] = {}
        for call in index.graph.calls:
            self._calls_of_layer.setdefault(id(call.layer), []).append(call)

    def holder(self, slot: Slot) -> Slot | None:
        """The slot whose tensor holds the value of *slot*: itself, or the one that fusion left; None if none does."""
        seen = set()
        while slot not in self.ops.slots:
            if slot in seen or slot not in self.ops.fused:
                return None
            seen.add(slot)
            slot = self.ops.fused[slot]
        return slot

    def of_call(self, call: Call, kind: str, key: str | int | None = None) -> Iterator[int]:
        """The tensors of *call* behind `kind` or `kind[key]`, and the parts of that; a shared layer's weights and bias
        through any call."""
        calls = self._calls_of_layer[id(call.layer)] if kind in ("weights", "bias") else [call]
        for each in calls:
            for slot, tensor in self._by_call.get(each.index, ()):
                if slot.kind == kind and (key in (None, slot.key) or str(slot.key).startswith((f"{key}/", f"{key}."))):
                    yield tensor

    def named(self, slot: Slot) -> str:
        """A slot with its layer, for people; of a layer that is called more than once, with the number of the call."""
        call = self.index.by_index[slot.call]
        calls = self._calls_of_layer[id(call.layer)]
        number = f" (call {calls.index(call) + 1})" if len(calls) > 1 else ""
        return f"`{slot}` of `{call.layer.path}`{number}"

    def known(self, call: Call) -> Iterator[str]:
        """The slots that *call* has, as a spec writes them."""
        for slot, _ in self._by_call.get(call.index, ()):
            yield str(slot)
        if call.inputs:
            yield "input"
        yield from (f'input["{name}"]' for name in named_inputs(call))

    def resolve(self, slot: SlotReference, calls: tuple[Call, ...]) -> Resolved:
        """What *slot* names in a match, or in the part of one, that holds *calls*."""
        match slot.kind:
            case "output":
                return self._outputs(calls[-1], slot.key)
            case "input":
                return self._inputs(calls, slot.key)
            case "all":
                return Resolved(tuple(target for call in calls for target in self._everything(call)))
        found = ((tensor, call.index) for call in calls for tensor in self.of_call(call, slot.kind, slot.key))
        return Resolved(tuple(dict.fromkeys(found)))

    def _output_slots(self, call: Call) -> list[Slot]:
        # A result that no other layer reads may be read inside, as the last state of a recurrent layer is.
        written = (slot.key for slot, _ in self._by_call.get(call.index, ()) if slot.kind == "output")
        count = max(1, len(self.ops.shapes.get(call.index, ())), *(int(key) + 1 for key in written))
        return [Slot(call.index, "output", position) for position in range(count)]

    def _outputs(self, call: Call, key: str | int | None) -> Resolved:
        targets, fused = [], []
        for slot in self._output_slots(call):
            holder = self.holder(slot)
            if key not in (None, slot.key) or holder is None:
                continue
            # A layer that leaves nothing behind (dropout) passes its input on: the same tensor under another name.
            if holder.call <= slot.call:
                targets.append((self.ops.slots[holder], call.index))
            else:
                fused.append((slot, holder))
        return Resolved(tuple(targets), tuple(fused))

    def _everything(self, call: Call) -> Iterator[tuple[Target, int]]:
        yield from ((tensor, call.index) for _, tensor in self._by_call.get(call.index, ()))
        for slot in self._output_slots(call):
            holder = self.holder(slot)
            # An op computes in float or in integers as a whole, so what was fused in behind goes along.
            if holder is not None and holder.call > slot.call:
                yield self.ops.slots[holder], call.index

    def _inputs(self, calls: tuple[Call, ...], key: str | int | None) -> Resolved:
        inside = {call.index for call in calls}
        entering = [(call, value) for call in calls for value in call.inputs if value.call not in inside]
        if isinstance(key, int):
            entering = entering[key : key + 1] if key >= 0 else []
        elif key is not None:
            entering = [(call, value) for call, value in entering if value in named_inputs(call).get(key, ())]
        targets, fused = [], []
        for call, value in entering:
            slot = Slot(value.call, "output", value.output)
            holder = self.holder(slot)
            if holder is None:
                continue
            edge = (call.index, self.ops.slots[holder])
            if holder.call >= call.index:
                fused.append((slot, holder))
            elif edge in self._read:
                targets.append((edge, call.index))
        return Resolved(tuple(targets), tuple(fused))


def named_inputs(call: Call) -> Mapping[str, list[Value]]:
    """The tensors that enter a call, by the arguments that they are given as, or by the keys of a dictionary."""
    names = TENSORS_BY_NAME.get(call.layer.class_name, ()) if call.layer.built_in else ()
    by_key = (item for argument in call.arguments if isinstance(argument, Mapping) for item in argument.items())
    found: dict[str, list[Value]] = {}
    for name, argument in (*zip(names, call.arguments, strict=False), *call.keywords.items(), *by_key):
        entering = [value for value in _values(argument) if value in call.inputs]
        if entering:
            found.setdefault(name, []).extend(entering)
    if "key" in names and "value" in found:
        found.setdefault("key", found["value"])  # without a key, an attention takes the value for it
    return found


def _values(argument: Any) -> Iterable[Value]:
    if isinstance(argument, Value):
        yield argument
    elif isinstance(argument, Mapping):
        for item in argument.values():
            yield from _values(item)
    elif isinstance(argument, list | tuple):
        for item in argument:
            yield from _values(item)
