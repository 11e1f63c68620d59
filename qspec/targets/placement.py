"""Which ops of a model run on an accelerator, in how many pieces, and why the others do not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from qspec.graph.ops import Op, OpGraph
from qspec.targets.scope import SameScale
from qspec.targets.table import Table
from qspec.targets.verdict import Outcome, Reason, Representation, Verdict

_CASTS = frozenset({"QUANTIZE", "DEQUANTIZE"})
_BITS = {"int64": 64, "int32": 32, "float32": 32, "float16": 16, "int16": 16, "int4": 4, "int2": 2}


@dataclass(frozen=True, slots=True)
class PlacedOp:
    """Where an op runs. `why` is empty for an accelerated one.

    `verdict` is the accelerator's own answer: an op may be accepted and still run on the host, behind one that is not.
    `host` is the host's answer for what it has to run, None where there is no host or nothing to run.
    """

    op: Op
    accelerated: bool
    verdict: Verdict
    host: Verdict | None = None
    why: tuple[Reason, ...] = ()
    edge: bool = False

    @property
    def runs(self) -> bool:
        """Whether anything runs it."""
        return self.accelerated or (self.host is not None and self.host.accepted)


@dataclass(frozen=True, slots=True)
class Placement:
    """A whole model on a target. `coverage` is in percent of the compute ops; the QUANTIZE and DEQUANTIZE ops at the
    model's edges are not counted. `parameter_bytes` are those of the accelerated ops' constants."""

    target: str
    ops: tuple[PlacedOp, ...]
    partitions: int
    coverage: float
    parameter_bytes: int
    model: Verdict

    @property
    def refused(self) -> tuple[Reason, ...]:
        """Why the whole model is rejected; empty if it is not."""
        verdicts = (self.model, *(placed.verdict for placed in self.ops))
        return tuple(reason for verdict in verdicts if verdict.outcome is Outcome.REFUSED for reason in verdict.reasons)


def place(
    table: Table,
    graph: OpGraph,
    representation: Callable[[int], Representation],
    versions: Mapping[int, int] | None = None,
    same_scale: SameScale | None = None,
) -> Placement:
    """Judge every op of *graph* and place it. *versions* are the op versions in the file, by op index, where there is
    one."""
    known = versions or {}
    model = table.judge_model(graph)
    verdicts = [table.judge(op, graph, representation, known.get(op.index), same_scale) for op in graph.ops]
    edges = edge_casts(graph)
    taken = [model.accepted and verdict.accepted for verdict in verdicts]
    if table.definition.partition == "prefix":
        taken = _prefix(graph, taken, edges)
    placed = []
    for op, verdict, accelerated in zip(graph.ops, verdicts, taken, strict=True):
        why: tuple[Reason, ...] = ()
        host = None
        if not accelerated:
            why = verdict.reasons or model.reasons or (_behind(op, graph, taken, table),)
            host = table.host.judge(op, graph, representation, known.get(op.index), same_scale) if table.host else None
        placed.append(PlacedOp(op, accelerated, verdict, host, why, op.index in edges))
    return Placement(
        table.name,
        tuple(placed),
        partition_count(graph, taken),
        _coverage(placed),
        _parameter_bytes(graph, taken, representation),
        model,
    )


def edge_casts(graph: OpGraph) -> frozenset[int]:
    """The positions of the QUANTIZE and DEQUANTIZE ops that read a model input or write a model output."""
    ends = {*graph.inputs, *graph.outputs}
    return frozenset(op.index for op in graph.ops if op.kind in _CASTS and ends.intersection((*op.inputs, *op.outputs)))


def partition_count(graph: OpGraph, accelerated: Iterable[bool]) -> int:
    """How few pieces the accelerated ops can run in.

    Two accelerated ops cannot share a piece if a path from one to the other leads through a host op, for the piece
    would then wait for itself. So each op gets a level, the largest number of ways back from the host to the
    accelerator on any path to it; ops of one level, and only those, form a piece. This is what LiteRT does when it
    hands a graph to a delegate (`tflite/core/subgraph.cc`, `tflite/graph_info.cc`: it alternates between all ops ready
    on one side and all ready on the other), and no partition has fewer pieces, since a path that crosses over k times
    needs k of them.
    """
    left: dict[int, tuple[int, bool]] = {}  # tensor → the level of its producer, and whether that was accelerated
    levels: set[int] = set()
    for op, fast in zip(graph.ops, accelerated, strict=True):
        reached = [left[tensor] for tensor in op.inputs if tensor in left]
        # A host op after level n makes its consumers wait for n, hence n + 1.
        level = max((before + (came_fast and not fast) for before, came_fast in reached), default=0)
        if fast:
            levels.add(level)
        left.update(dict.fromkeys(op.outputs, (level, fast)))
    return len(levels)


def _prefix(graph: OpGraph, taken: list[bool], edges: frozenset[int]) -> list[bool]:
    """Of the ops taken, those that nothing on the host comes before.

    A QUANTIZE that turns the model's float input into integers may run on the host without cutting anything off.
    """
    host_tensors: set[int] = set()
    kept = []
    for op, accepted in zip(graph.ops, taken, strict=True):
        fast = accepted and host_tensors.isdisjoint(op.inputs)
        if not fast and not (op.index in edges and set(op.inputs) <= set(graph.inputs)):
            host_tensors.update(op.outputs)
        kept.append(fast)
    return kept


def _behind(op: Op, graph: OpGraph, taken: list[bool], table: Table) -> Reason:
    """Why an accepted op still runs on the host: the op before it does."""
    producers = graph.producers()
    fast = {other.index: flag for other, flag in zip(graph.ops, taken, strict=True)}
    before = [producers[tensor] for tensor in op.inputs if tensor in producers]
    cause = next((other for other in before if not fast[other.index]), op)
    where = f" of `{cause.layer}`" if cause.layer else ""
    return Reason(f"it comes after {cause.kind}{where}, which does not run on `{table.name}`", table.definition.span)


def _coverage(placed: list[PlacedOp]) -> float:
    compute = [op for op in placed if not op.edge]
    return 100.0 * sum(op.accelerated for op in compute) / len(compute) if compute else 100.0


def _parameter_bytes(graph: OpGraph, taken: list[bool], representation: Callable[[int], Representation]) -> int:
    used = {tensor for op, fast in zip(graph.ops, taken, strict=True) if fast for tensor in op.inputs if tensor >= 0}
    constants = [tensor for tensor in graph.tensors if tensor.id in used and tensor.constant]
    return sum(_bytes(tensor.shape or (), representation(tensor.id).type) for tensor in constants)


def _bytes(shape: tuple[int | None, ...], type: str) -> int:
    return math.ceil(math.prod(size or 0 for size in shape) * _BITS.get(type, 8) / 8)
