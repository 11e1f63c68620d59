"""The op graph while it is being made: ops and tensors that passes may still join or remove."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from qspec.graph.layers import Shape
from qspec.graph.ops import OPAQUE, Composition, Op, OpGraph, Slot, Source, Tensor


@dataclass(eq=False)
class DraftOp:
    """An op that is not final yet. `calls` are the layer calls in it, the first being the one it stands for."""

    kind: str
    inputs: list[int]
    outputs: list[int]
    attributes: dict[str, Any]
    calls: list[int]

    @property
    def output(self) -> int:
        """The first output; most ops have no other."""
        return self.outputs[0]


@dataclass
class Draft:
    """Ops in execution order, tensors by id, and where the values of vanished tensors are found.

    `slots` names tensors, gone ones too: `equal` leads from a tensor to the one that it turned out to be, `gone` from
    one that no longer exists to the one that holds its value. `vanished` are the results of layers without an op.
    `owners` names, for a constant with a slot, the variable it is made from, so that shared layers' constants count as
    equal. `pairs` are the multiply and add of each batch normalization. `absorbed` are the calls of activations that an
    op inside another layer took, and that op. `unrolled` are the paths of recurrent layers that are to be written out.
    """

    tensors: list[Tensor] = field(default_factory=list)
    ops: list[DraftOp] = field(default_factory=list)
    slots: dict[Slot, int] = field(default_factory=dict)
    vanished: dict[Slot, int] = field(default_factory=dict)
    equal: dict[int, int] = field(default_factory=dict)
    gone: dict[int, int] = field(default_factory=dict)
    owners: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    pairs: dict[int, tuple[DraftOp, DraftOp]] = field(default_factory=dict)
    folded: dict[int, int] = field(default_factory=dict)
    absorbed: dict[int, DraftOp] = field(default_factory=dict)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    unrolled: frozenset[str] = frozenset()

    def tensor(self, shape: Shape | None, slot: Slot | None, name: str = "", type: str = "float32") -> int:
        """A new tensor that an op will write."""
        return self._add(Tensor(len(self.tensors), name, shape, type, slot=slot))

    def constant(self, value: Any, shape: Shape, type: str = "int32", name: str = "") -> int:
        """A constant of integers that no spec speaks of: axes, paddings, a shape."""
        return self._add(Tensor(len(self.tensors), name, shape, type, constant=True, value=_frozen(value)))

    def variable(
        self,
        shape: Shape | None,
        slot: Slot,
        owner: tuple[Any, ...],
        source: Source | None = None,
        value: Any = None,
    ) -> int:
        """A float constant made from a layer's variables or config; *owner* tells which."""
        number = len(self.tensors)
        added = self._add(Tensor(number, "", shape, constant=True, slot=slot, value=_frozen(value), source=source))
        self.owners[added] = owner
        return added

    def _add(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        if tensor.slot is not None:
            if tensor.slot in self.slots:
                raise ValueError(f'a layer has two tensors called {tensor.slot.kind}["{tensor.slot.key}"]')
            self.slots[tensor.slot] = tensor.id
        return tensor.id

    def readers(self) -> dict[int, list[DraftOp]]:
        """The readers of every tensor."""
        found: dict[int, list[DraftOp]] = {}
        for op in self.ops:
            for tensor in dict.fromkeys(op.inputs):
                found.setdefault(tensor, []).append(op)
        return found

    def kept(self) -> frozenset[int]:
        """The tensors that fusion must leave: outputs of the model, and what layers of unknown ops read."""
        read = (tensor for op in self.ops if op.kind == OPAQUE for tensor in op.inputs)
        return frozenset((*self.outputs, *read))

    def remove(self, ops: Set[DraftOp]) -> None:
        """Drop ops that passes have joined to others."""
        self.ops = [op for op in self.ops if op not in ops]

    def writers(self) -> dict[int, DraftOp]:
        """The op that writes each tensor."""
        return {tensor: op for op in self.ops for tensor in op.outputs}

    def composition(
        self, ops: Sequence[DraftOp], inputs: Sequence[int], outputs: Sequence[int], path: str
    ) -> Composition:
        """A call's *ops* as they are now."""
        kept = tuple(
            Op(index, op.kind, tuple(op.inputs), tuple(op.outputs), dict(op.attributes), tuple(op.calls), path)
            for index, op in enumerate(ops)
        )
        used = {tensor for op in kept for tensor in (*op.inputs, *op.outputs) if tensor >= 0}
        return Composition({number: self.tensors[number] for number in used}, kept, tuple(inputs), tuple(outputs))

    def activated(self, composition: Composition, op: DraftOp) -> Composition:
        """*composition* with the activation that its op *op* has taken since."""
        changed = [
            replace(each, attributes=dict(op.attributes)) if each.outputs == tuple(op.outputs) else each
            for each in composition.ops
        ]
        return replace(composition, ops=tuple(changed))

    def forget(self, ops: int, tensors: int) -> None:
        """Drop the ops and tensors that were added since there were so many."""
        for tensor in self.tensors[tensors:]:
            if tensor.slot is not None:
                self.slots.pop(tensor.slot, None)
            self.owners.pop(tensor.id, None)
        del self.ops[ops:], self.tensors[tensors:]

    def finish(
        self,
        paths: Sequence[str],
        shapes: Mapping[int, tuple[Shape | None, ...]],
        compositions: Mapping[int, Composition],
    ) -> OpGraph:
        """The final graph: dead tensors dropped, the rest numbered in order of appearance. *paths* are the calls'."""
        numbers: dict[int, int] = {-1: -1}
        for tensor in self._order():
            numbers.setdefault(tensor, len(numbers) - 1)
        del numbers[-1]
        names: dict[str, int] = {}
        tensors = tuple(self._named(self.tensors[old], new, paths, names) for old, new in numbers.items())
        numbers[-1] = -1
        ops = tuple(
            Op(
                index,
                op.kind,
                tuple(numbers[tensor] for tensor in op.inputs),
                tuple(numbers[tensor] for tensor in op.outputs),
                op.attributes,
                tuple(dict.fromkeys(op.calls)),
                paths[op.calls[0]],
            )
            for index, op in enumerate(self.ops)
        )
        slots, fused = {}, {}
        for slot, tensor in [*self.slots.items(), *self.vanished.items()]:
            holder, removed = self._holder(tensor)
            if holder not in numbers:
                continue
            if not removed and slot not in self.vanished:
                slots[slot] = numbers[holder]
            elif (name := tensors[numbers[holder]].slot) is not None:
                fused[slot] = name
        return OpGraph(
            tensors,
            ops,
            tuple(numbers[tensor] for tensor in self.inputs),
            tuple(numbers[tensor] for tensor in self.outputs),
            slots,
            fused,
            dict(self.folded),
            shapes,
            compositions,
            frozenset(self.absorbed),
        )

    def _order(self) -> Iterator[int]:
        """The tensors that are left, in order of appearance."""
        yield from self.inputs
        for op in self.ops:
            yield from (*op.inputs, *op.outputs)
        yield from self.outputs

    def _holder(self, tensor: int) -> tuple[int, bool]:
        """The tensor that holds a value, and whether the one asked for is gone."""
        removed = False
        while tensor in self.equal or tensor in self.gone:
            removed = removed or tensor in self.gone
            tensor = self.gone[tensor] if tensor in self.gone else self.equal[tensor]
        return tensor, removed

    def _named(self, tensor: Tensor, number: int, paths: Sequence[str], names: dict[str, int]) -> Tensor:
        """The tensor with its final number and a name that no other has; *names* counts those that are taken."""
        name = tensor.name
        if not name and tensor.slot is not None:
            suffix = "" if tensor.slot == Slot(tensor.slot.call, "output", 0) else f"/{tensor.slot.key}"
            name = f"{paths[tensor.slot.call]}{suffix}"
        name = base = name or f"constant_{number}"
        while name in names:
            names[base] += 1
            name = f"{base}_{names[base]}"
        names[name] = 0
        return replace(tensor, id=number, name=name)


def _frozen(value: Any) -> Any:
    """Nested lists as tuples, so that constants can be compared."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
