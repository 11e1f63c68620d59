"""Ops that are alike get one answer, and are counted once.

A model of thousands of ops has few that differ in what a table can ask for. A verdict rests on nothing but the op
itself: its kind and attributes, its operands' shapes, types, values and parameters, its version, and which of its
tensors share a scale. Ops that agree in all of these are alike, and the second one's verdict is the first one's, with
its own tensors in the reasons. Few rows ask for shapes or values: where none was looked at, they may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, cast

from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.targets.constraints import ConstantChoice, Constraints
from qspec.targets.costs import multiply_accumulates, stored_bytes
from qspec.targets.scope import SameScale
from qspec.targets.table import Table
from qspec.targets.verdict import Reason, Representation, Verdict
from qspec.targets.versions import version_of

_Key = tuple[int, "int | None"]  # signature and version


class Judge:
    """Asks tables about the ops of one graph, and each table once about ops that are alike.

    *versions* and *same_scale* are as in `qspec.targets.place`.
    """

    def __init__(
        self,
        graph: OpGraph,
        representation: Callable[[int], Representation],
        versions: Mapping[int, int] | None = None,
        same_scale: SameScale | None = None,
    ) -> None:
        self.graph = graph
        self.representation = representation
        self.versions = versions or {}
        self.same_scale = same_scale
        self._signatures = _Signatures(graph, representation)
        self._known: dict[Hashable, dict[_Key, list[_Answer]]] = {}  # by table
        self._keys: dict[int, tuple[_Key, _Key]] = {}  # by op: with and without shapes and values
        self._own_versions: dict[int, int | None] = {}  # by signature: what a writer gives
        self._macs: dict[int, int | None] = {}  # by op

    def judge(self, table: Table, op: Op) -> Verdict:
        """The verdict of *table* on *op*."""
        known = self._known.setdefault((id(table.definition), tuple(table.options.items())), {})
        keys = self._keys.get(op.index)
        if keys is None:
            keys = self._keys[op.index] = self._new_keys(op)
        for key in keys:
            for answer in known.get(key, ()):
                if answer.holds_for(op, self.same_scale):
                    return answer.of(op)
        answer, looked = self._ask(table, op, keys[0][1])
        known.setdefault(keys[0 if looked else 1], []).append(answer)
        return answer.verdict

    def _new_keys(self, op: Op) -> tuple[_Key, _Key]:
        exact, rough = self._signatures.of(op)
        version = self.versions.get(op.index)
        if version is None:
            if exact not in self._own_versions:
                self._own_versions[exact] = version_of(op, self.graph, self.representation)
            version = self._own_versions[exact]
        return (exact, version), (rough, version)

    def macs(self, op: Op) -> int | None:
        """The multiply-accumulates of *op*, None where they are not known."""
        if op.index not in self._macs:
            self._macs[op.index] = multiply_accumulates(op, self.graph)
        return self._macs[op.index]

    @cached_property
    def constants(self) -> Sequence[tuple[int, int, int]]:
        """Every reading of a constant: the position of the op that reads it, the constant, and its bytes."""
        tensors = self.graph.tensors
        sizes = {
            tensor.id: stored_bytes(tensor.shape or (), self.representation(tensor.id).type)
            for tensor in tensors
            if tensor.constant
        }
        return [
            (position, tensor, sizes[tensor])
            for position, op in enumerate(self.graph.ops)
            for tensor in op.inputs
            if tensor in sizes
        ]

    def _ask(self, table: Table, op: Op, version: int | None) -> tuple[_Answer, bool]:
        """A new answer, and whether it rests on a shape or a value."""
        sharing: dict[tuple[int, int], bool | None] = {}
        remember: SameScale | None = None
        if self.same_scale is not None:
            known = self.same_scale

            def remember(one: int, other: int) -> bool | None:
                answer = sharing[first[one], first[other]] = known(one, other)
                return answer

        first = _first_positions(op)
        watched = _WatchedGraph(self.graph)
        verdict = table.judge(op, cast(OpGraph, watched), self.representation, version, remember)
        return _Answer(op, verdict, sharing), watched.looked


class _WatchedGraph:
    """A graph that notes whether anybody looks at a tensor's shape, or at a value that it has."""

    def __init__(self, graph: OpGraph) -> None:
        self.graph = graph
        self.looked = False

    @property
    def tensors(self) -> _WatchedGraph:
        return self

    def __getitem__(self, index: int) -> _WatchedTensor:
        return _WatchedTensor(self, self.graph.tensors[index])

    def __getattr__(self, name: str) -> Any:
        self.looked = True
        return getattr(self.graph, name)


class _WatchedTensor:
    def __init__(self, graph: _WatchedGraph, tensor: Tensor) -> None:
        self.graph, self.tensor = graph, tensor
        self.id, self.name, self.type, self.constant = tensor.id, tensor.name, tensor.type, tensor.constant
        if tensor.value is None:
            self.value = None

    def __getattr__(self, name: str) -> Any:
        self.graph.looked = True
        return getattr(self.tensor, name)


class _Answer:
    """A verdict, and what it rests on besides the signature: which operands, by position, share a scale."""

    def __init__(self, op: Op, verdict: Verdict, sharing: Mapping[tuple[int, int], bool | None]) -> None:
        self.verdict = verdict
        self.sharing = sharing
        self.positions = _first_positions(op)
        reasons = (*verdict.reasons, *verdict.warnings)
        self.names_tensors = any(reason.tensor is not None for reason in reasons)

    def holds_for(self, op: Op, same_scale: SameScale | None) -> bool:
        """Whether the same operands of *op* share a scale."""
        if not self.sharing or same_scale is None:
            return True
        tensors = (*op.inputs, *op.outputs)
        return all(same_scale(tensors[one], tensors[other]) == answer for (one, other), answer in self.sharing.items())

    def of(self, op: Op) -> Verdict:
        """The verdict with the tensors of *op*."""
        if not self.names_tensors:
            return self.verdict
        tensors = (*op.inputs, *op.outputs)

        def moved(reason: Reason) -> Reason:
            return reason if reason.tensor is None else replace(reason, tensor=tensors[self.positions[reason.tensor]])

        verdict = self.verdict
        return replace(verdict, reasons=(*map(moved, verdict.reasons),), warnings=(*map(moved, verdict.warnings),))


class KnownConstraints:
    """What a table asks of a plan, asked once for ops that are alike."""

    def __init__(self, table: Table, graph: OpGraph) -> None:
        self.table = table
        self.graph = graph
        self._signatures = _Signatures(graph)
        self._known: dict[int, tuple[Op, Constraints]] = {}

    def of(self, op: Op) -> Constraints:
        """What the table asks of a plan for *op*."""
        exact, rough = self._signatures.of(op)
        known = self._known.get(rough) or self._known.get(exact)
        if known is None:
            watched = _WatchedGraph(self.graph)
            known = op, self.table.constraints(op, cast(OpGraph, watched))
            self._known[exact if watched.looked else rough] = known
        asked, found = known
        if asked is op or not (found.same_scale or found.constants):
            return found
        positions, tensors = _first_positions(asked), (*op.inputs, *op.outputs)

        groups = {
            activation: tuple(tuple(tensors[positions[tensor]] for tensor in group) for group in groups)
            for activation, groups in found.same_scale.items()
        }
        choices = [
            ConstantChoice(tensors[positions[one.tensor]], one.activation, one.type, one.granularity, one.axis)
            for one in found.constants
        ]
        return Constraints(groups, found.fixed, tuple(choices))


class _Signatures:
    """Numbers for the ops of a graph: ops that are alike have the same."""

    def __init__(self, graph: OpGraph, representation: Callable[[int], Representation] | None = None) -> None:
        self.graph = graph
        self.representation = representation
        self._tensors: dict[int, tuple[int, int]] = {-1: (-1, -1)}
        self._ops: dict[int, tuple[int, int]] = {}
        self._numbers: dict[Hashable, int] = {}

    def of(self, op: Op) -> tuple[int, int]:
        """The number of all that a verdict can rest on but version and shared scales, and the same without shapes and
        values."""
        numbers = self._ops.get(op.index)
        if numbers is None:
            attributes, repeated = tuple(op.attributes.items()), _repeated(op)
            inputs, outputs = [*map(self._tensor, op.inputs)], [*map(self._tensor, op.outputs)]
            exact, rough = (
                self._number(
                    (
                        op.kind,
                        attributes,
                        repeated,
                        tuple(tensor[part] for tensor in inputs),
                        tuple(tensor[part] for tensor in outputs),
                    )
                )
                for part in (0, 1)
            )
            numbers = self._ops[op.index] = exact, rough
        return numbers

    def _tensor(self, index: int) -> tuple[int, int]:
        numbers = self._tensors.get(index)
        if numbers is None:
            tensor = self.graph.tensors[index]
            stored = None if self.representation is None else self.representation(index)
            rough = self._number((tensor.type, tensor.constant, tensor.value is None, stored))
            exact = self._number((rough, tensor.shape, tensor.value))
            numbers = self._tensors[index] = exact, rough
        return numbers

    def _number(self, key: Hashable) -> int:
        try:
            return self._numbers.setdefault(key, len(self._numbers))
        except TypeError:  # a value that cannot be looked up, as a list: like no other
            return self._numbers.setdefault(object(), len(self._numbers))


def _first_positions(op: Op) -> dict[int, int]:
    """Where each tensor of *op* stands first among its inputs and outputs."""
    found: dict[int, int] = {}
    for position, tensor in enumerate((*op.inputs, *op.outputs)):
        found.setdefault(tensor, position)
    return found


def _repeated(op: Op) -> tuple[int, ...]:
    """The first positions of all operands; empty where no tensor stands twice."""
    tensors = (*op.inputs, *op.outputs)
    if len(set(tensors)) == len(tensors):
        return ()
    found = _first_positions(op)
    return tuple(found[tensor] for tensor in tensors)
