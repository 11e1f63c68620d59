"""The tensors behind the slots of a spec: `weights`, `bias`, `input`, `output`, `state`, `inner` and `all`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qspec.graph.layers import Call, Value
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

    def known(self, call: Call) -> Iterator[str]:
        """The slots that *call* has, as a spec writes them."""
        for slot, _ in self._by_call.get(call.index, ()):
            yield str(slot)
        if call.inputs:
            yield "input"

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
            entering = [(call, value) for call, value in entering if value in _named(call, key)]
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


def _named(call: Call, key: str) -> list[Value]:
    """The tensors in the argument called *key*, or under that key of a dictionary of inputs."""
    found = list(_values(call.keywords.get(key)))
    for argument in call.arguments:
        if isinstance(argument, Mapping):
            found += _values(argument.get(key))
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
