"""Graphs of a few ops by hand, for tests of the capability tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from qspec.diagnostics import Diagnostics, Source
from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.schema.shipped import shipped_target
from qspec.schema.target import TargetDefinition
from qspec.schema.targets import read_target
from qspec.syntax import parse, tree
from qspec.targets import Representation, Table, Verdict


@dataclass(frozen=True)
class T:
    """A tensor: its type and shape, whether it is constant, its integer value, and how its scales are laid out. A
    variable keeps its value from run to run, and is zero at first."""

    type: str
    shape: tuple[int | None, ...]
    constant: bool = False
    value: Any = None
    axis: int | None = None
    scale: float | None = 0.1
    zero_point: int = 0
    scheme: str = "symmetric"
    scales: tuple[float, ...] = ()  # per channel, where they differ
    variable: bool = False

    @property
    def representation(self) -> Representation:
        bias = self.type in ("int32", "int64") and self.constant and self.scale is not None
        quantized = bias or self.type in ("int8", "uint8", "int16", "int4", "int2")
        per_channel = self.axis is not None
        return Representation(
            self.type,
            self.scheme if quantized else None,  # type: ignore[arg-type]
            ("per_channel" if per_channel else "per_tensor") if quantized else None,
            self.axis,
            self.scale if quantized and not per_channel else None,
            self.zero_point if quantized else None,
            self.scales or (self.scale,) * (self.shape[self.axis] or 0) if per_channel and self.scale else (),
        )


def weights(type: str, *shape: int, axis: int | None = None, scale: float = 0.01) -> T:
    return T(type, shape, True, axis=axis, scale=scale)


def integers(value: Any) -> T:
    shape: list[int] = []
    part = value
    while isinstance(part, tuple):
        shape.append(len(part))
        part = part[0]
    return T("int32", tuple(shape), True, value, scale=None)


@dataclass
class Builder:
    """Ops added one by one; tensors are named by letters or any text."""

    tensors: dict[str, T] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)

    def id(self, name: str) -> int:
        return list(self.tensors).index(name)

    def tensor(self, name: str, tensor: T) -> None:
        self.tensors[name] = tensor

    def op(self, kind: str, inputs: str, outputs: str, **attributes: Any) -> None:
        for name in (*inputs.split(), *outputs.split()):
            self.tensors.setdefault(name, T("int8", (1, 4, 4, 8)))
        read, written = (tuple(self.id(name) for name in names.split()) for names in (inputs, outputs))
        self.ops.append(Op(len(self.ops), kind, read, written, attributes, layer=f"layer_{len(self.ops)}"))

    def graph(self, inputs: str, outputs: str) -> OpGraph:
        tensors = tuple(
            Tensor(index, name, made.shape, made.type, made.constant, None, made.value)
            for index, (name, made) in enumerate(self.tensors.items())
        )
        ends = (tuple(self.id(name) for name in names.split()) for names in (inputs, outputs))
        return OpGraph(tensors, tuple(self.ops), *ends)

    def representation(self, tensor: int) -> Representation:
        return list(self.tensors.values())[tensor].representation


def one_op(
    kind: str, inputs: Sequence[T | None], outputs: Sequence[T], attributes: Mapping[str, Any] | None = None
) -> tuple[OpGraph, list[T]]:
    """A graph of one op and its tensors in the order of their ids; None is an absent operand."""
    made = [tensor for tensor in inputs if tensor is not None] + list(outputs)
    tensors = tuple(
        Tensor(index, f"t{index}", tensor.shape, tensor.type, tensor.constant, None, tensor.value)
        for index, tensor in enumerate(made)
    )
    present = iter(range(len(made)))
    read = tuple(-1 if tensor is None else next(present) for tensor in inputs)
    written = tuple(present)
    op = Op(0, kind, read, written, attributes or {})
    sources = tuple(index for index in read if index >= 0 and not made[index].constant and not made[index].variable)
    return OpGraph(tensors, (op,), sources, written), made


@cache
def shipped(name: str) -> TargetDefinition:
    definition = shipped_target(name)
    assert definition is not None
    return definition


def judge(
    target: str,
    kind: str,
    inputs: Sequence[T | None],
    outputs: Sequence[T],
    attributes: Mapping[str, Any] | None = None,
    version: int | None = None,
    **options: Any,
) -> Verdict:
    """The verdict of a shipped table on one op."""
    graph, made = one_op(kind, inputs, outputs, attributes)
    table = Table(shipped(target), options)
    return table.judge(graph.ops[0], graph, lambda tensor: made[tensor].representation, version)


def table_of(text: str, **options: Any) -> Table:
    """The table of a `target` statement."""
    file, diagnostics = parse(Source("test.qspec", f"qspec 1\n{text}\n"))
    found = Diagnostics()
    (node,) = (statement for statement in file.statements if isinstance(statement, tree.Target))
    definition = read_target(node, None, found)
    assert [] == [*diagnostics, *found.items]
    if node.relation == "on" and node.base is not None:
        definition = replace(definition, host=shipped(node.base.text))
    return Table(definition, options)
