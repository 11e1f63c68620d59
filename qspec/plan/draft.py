"""A plan while it is being made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from qspec.diagnostics import Diagnostic, Diagnostics, Span
from qspec.graph.layers import LayerGraph
from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.plan.cascade import Cascade
from qspec.plan.places import Related
from qspec.plan.plan import Assigned, Origin
from qspec.plan.slots import Edge, SlotTable
from qspec.schema.quantizer import Quantizer
from qspec.schema.spec import Spec
from qspec.targets import Constraints, KnownConstraints, Table

BUILT_IN = Origin("built_in")


@dataclass(frozen=True, slots=True)
class Cast:
    """A QUANTIZE, DEQUANTIZE or CAST that the plan adds: from one tensor to a new one, for what `layer` does."""

    kind: str
    source: int
    result: int
    layer: str


@dataclass(frozen=True, slots=True)
class Loss:
    """A tensor that does not get what was assigned to it, and the rows of the table that say so."""

    tensor: int
    assigned: Assigned
    rows: Related


@dataclass
class Draft:
    """What has been decided so far. Tensor ids of `predicted` stay valid; casts add more behind them.

    `assigned` has every tensor of real numbers, `edges` what `input` slots say of a call's reading. `axes` are the
    channel axes of constants, `grouped_constants` those constants that share the scale of activations. `reads` says, by
    op index and tensor, which cast an op reads instead; `interface` which tensor feeds a model input, `results` which
    one each model output is read from; `twins` are the uint8 ones among them, with the int8 tensor whose scale they
    share; `halves` says which float32 tensor is made of an interface of float16.
    `zeros` are the constants that clamps add, by op index (see `clamps.py`). `shifted` are the tensors whose scale is a
    power of two, since their op shifts.
    `attributes` are what the plan adds to those of ops, by op index.
    `islands` are the ops that stay in float, by their first result, each with the reason.
    `changes` are what constraints made of what was assigned, in sentences. `losses` are, by the place where a person
    assigned it and the sentence, the tensors that do not get what they were given. `at_edges` is what the spec's
    `input` blocks say of tensors at the model's edges besides their ranges.
    """

    spec: Spec
    layers: LayerGraph
    predicted: OpGraph
    slots: SlotTable
    cascade: Cascade
    table: Table
    tensors: list[Tensor]
    assigned: dict[int, Assigned] = field(default_factory=dict)
    edges: dict[Edge, Assigned] = field(default_factory=dict)
    axes: dict[int, int] = field(default_factory=dict)
    reads: dict[int, dict[int, int]] = field(default_factory=dict)
    casts: dict[int, Cast] = field(default_factory=dict)
    interface: dict[int, int] = field(default_factory=dict)
    halves: dict[int, int] = field(default_factory=dict)
    results: dict[int, int] = field(default_factory=dict)
    twins: dict[int, int] = field(default_factory=dict)
    grouped_constants: set[int] = field(default_factory=set)
    zeros: dict[int, int] = field(default_factory=dict)
    attributes: dict[int, dict[str, Any]] = field(default_factory=dict)
    shifted: set[int] = field(default_factory=set)
    islands: Mapping[int, str] = field(default_factory=dict)
    changes: dict[int, list[str]] = field(default_factory=dict)
    losses: dict[tuple[Span, str], list[Loss]] = field(default_factory=dict)
    at_edges: dict[int, list[Assigned]] = field(default_factory=dict)
    diagnostics: Diagnostics = field(default_factory=Diagnostics)

    def quantizer(self, tensor: int) -> Quantizer | None:
        """The quantizer of a tensor as it stands; None for float and for what holds no real numbers."""
        assigned = self.assigned.get(tensor)
        return assigned.quantizer if assigned else None

    def is_real(self, tensor: int) -> bool:
        """Whether a tensor holds real numbers: not axes, shapes, indices."""
        return tensor >= 0 and self.tensors[tensor].type == "float32"

    def integer(self, op: Op) -> bool:
        """Whether *op* computes in integers: it does if a result of its is quantized."""
        return any(self.quantizer(tensor) is not None for tensor in op.outputs)

    def in_float(self, op: Op) -> bool:
        """Whether *op* computes in float. An op that gives no real numbers (a shape) does neither, unless it is left
        there for what it reads."""
        if op.outputs[0] in self.islands:
            return True
        return any(self.is_real(tensor) for tensor in op.outputs) and not self.integer(op)

    def activations(self, op: Op) -> Iterator[int]:
        """The tensors of real numbers that *op* reads and that are neither constants nor states of its own."""
        for tensor in dict.fromkeys(op.inputs):
            if self.is_real(tensor) and not self.tensors[tensor].constant and not self.tensors[tensor].is_state:
                yield tensor

    def constants(self, op: Op) -> Iterator[int]:
        """The constants of real numbers that *op* reads."""
        for tensor in dict.fromkeys(op.inputs):
            if self.is_real(tensor) and self.tensors[tensor].constant:
                yield tensor

    def read_by(self, op: Op, tensor: int) -> int:
        """The tensor that *op* reads in place of *tensor*: itself or a cast of it."""
        return self.reads.get(op.index, {}).get(tensor, tensor)

    def asked_by(self, op: Op) -> Constraints:
        """What the runtime asks of a plan for *op*."""
        if op.index not in self._constraints:
            self._constraints[op.index] = self._known_constraints.of(op)
        return self._constraints[op.index]

    @cached_property
    def _constraints(self) -> dict[int, Constraints]:
        return {}

    @cached_property
    def _known_constraints(self) -> KnownConstraints:
        return KnownConstraints(self.table, self.predicted)

    def cast(self, source: int, assigned: Assigned, layer: str) -> int:
        """A new tensor, cast from *source*, with this quantizer (None: float)."""
        result = len(self.tensors)
        kind = "DEQUANTIZE" if assigned.quantizer is None else "CAST" if assigned.quantizer.is_float else "QUANTIZE"
        origin = self.tensors[source]
        number = sum(cast.source == source for cast in self.casts.values())
        name = f"{origin.name}/{kind.lower()}{f'_{number}' if number else ''}"
        self.tensors.append(Tensor(result, name, origin.shape))
        self.assigned[result] = assigned
        self.casts[result] = Cast(kind, source, result, layer)
        return result

    def change(self, tensor: int, sentence: str) -> None:
        """Remember what a constraint made of a tensor's quantizer."""
        self.changes.setdefault(tensor, []).append(sentence)

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic."""
        self.diagnostics.add(diagnostic)

    def is_bias(self, tensor: int) -> bool:
        """Whether it is a bias of a layer."""
        slot = self.tensors[tensor].slot
        return slot is not None and slot.kind == "bias"

    def named(self, tensor: int) -> str:
        """A tensor for people: its slot and layer, or the layer that a cast was added for."""
        slot = self.tensors[tensor].slot
        return f"`{self.path(tensor)}`" if slot is None else self.slots.named(slot)

    def path(self, tensor: int) -> str:
        """The layer that a tensor belongs to, for people."""
        slot = self.tensors[tensor].slot
        if slot is not None:
            return self.slots.index.by_index[slot.call].layer.path
        return self.casts[tensor].layer if tensor in self.casts else self.tensors[tensor].name
