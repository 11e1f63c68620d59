"""Which ops of a model run on an accelerator, in how many pieces, why the others do not, and what each costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qspec.graph.ops import CASTS, Op, OpGraph
from qspec.schema.evaluate import UNKNOWN
from qspec.targets.alike import Judge
from qspec.targets.cut import Amount, Coverage, Cut, Ledger, Obstacle, Pieces, coverage
from qspec.targets.scope import SameScale
from qspec.targets.table import Table
from qspec.targets.verdict import Outcome, Reason, Representation, Verdict


@dataclass(frozen=True, slots=True)
class PlacedOp:
    """Where an op runs. `why` is empty for an accelerated one.

    `verdict` is the accelerator's own answer: an op may be accepted and still run on the host, behind one that is not.
    `host` is the host's answer for what it has to run, None where there is no host or nothing to run. `macs` are the
    op's multiply-accumulates, None where they are not known; `parameters` the bytes of its constants, each counted
    where it is first read.
    """

    op: Op
    accelerated: bool
    verdict: Verdict
    host: Verdict | None = None
    why: tuple[Reason, ...] = ()
    edge: bool = False
    macs: int | None = 0
    parameters: int = 0

    @property
    def runs(self) -> bool:
        """Whether anything runs it."""
        return self.accelerated or (self.host is not None and self.host.accepted)


@dataclass(frozen=True, slots=True)
class Placement:
    """A whole model on a target. `parameter_bytes` are those of the accelerated ops' constants, `coverage` is in
    percent of the compute ops, `covered` the same and by other measures. `macs` and `total_parameters` are the whole
    model's. `obstacles` are what keeps ops off the accelerator, the first one first."""

    target: str
    ops: tuple[PlacedOp, ...]
    partitions: int
    coverage: float
    parameter_bytes: int
    model: Verdict
    covered: Coverage
    macs: int
    total_parameters: int
    obstacles: tuple[Obstacle, ...]

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
    judge: Judge | None = None,
) -> Placement:
    """Judge every op of *graph* and place it.

    *versions* are the op versions in the file, by op index, where there is one. *judge* keeps answers for a graph that
    is placed on several targets; it was made with the same other arguments.
    """
    return _Placing(table, graph, judge or Judge(graph, representation, versions, same_scale)).place()


class _Placing:
    def __init__(self, table: Table, graph: OpGraph, judge: Judge) -> None:
        self.table, self.graph, self.judge = table, graph, judge
        self.edges = edge_casts(graph)
        self.verdicts = [judge.judge(table, op) for op in graph.ops]
        self.pieces = Pieces(graph, prefix=table.definition.partition == "prefix")
        self.model = table.judge_model(graph, self._held() if table.asks_for_parameters else UNKNOWN)

    def place(self) -> Placement:
        graph, ledger = self.graph, Ledger()
        own, everything = self._obstacles(ledger)
        cut = Cut(graph.ops, self.pieces, ledger, own, everything, self._amounts())
        taken, blamed = cut.without(())
        placed = tuple(
            self._placed(op, verdict, fast, graph.ops[blamed.get(position, position)], parameters)
            for position, (op, verdict, fast, parameters) in enumerate(
                zip(graph.ops, self.verdicts, taken, _parameters(self.judge, taken), strict=True)
            )
        )
        covered = coverage(cut.amounts, taken)
        return Placement(
            self.table.name,
            placed,
            int(any(taken)) if self.pieces.prefix else partition_count(graph, taken),
            covered.ops,
            sum(op.parameters for op in placed if op.accelerated),
            self.model,
            covered,
            sum(amount.macs for amount in cut.amounts),
            sum(op.parameters for op in placed),
            tuple(cut.obstacles()),
        )

    def _held(self) -> int:
        """The bytes of parameters that the target has to hold, should it take the model."""
        taken, _ = self.pieces.taken([verdict.accepted for verdict in self.verdicts])
        return sum(size for size, fast in zip(_parameters(self.judge, taken), taken, strict=True) if fast)

    def _amounts(self) -> list[Amount]:
        """What each op counts for; the parameters that several read, at the first that the target takes."""
        accepted = [verdict.accepted for verdict in self.verdicts]
        return [
            Amount() if op.index in self.edges else Amount(1, self.judge.macs(op) or 0, parameters)
            for op, parameters in zip(self.graph.ops, _parameters(self.judge, accepted), strict=True)
        ]

    def _obstacles(self, ledger: Ledger) -> tuple[list[int | None], int | None]:
        """The obstacle that each op is, and the one that the whole model is."""
        everything = None
        if not self.model.accepted:
            everything = ledger.number("", self.model, self.table.host is not None)
        own = [
            None if verdict.accepted else ledger.number(op.kind, verdict, self._host_runs(op))
            for op, verdict in zip(self.graph.ops, self.verdicts, strict=True)
        ]
        return own, everything

    def _placed(self, op: Op, verdict: Verdict, fast: bool, cause: Op, parameters: int) -> PlacedOp:
        why: tuple[Reason, ...] = ()
        host = None
        if not fast:
            why = verdict.reasons or self.model.reasons or (self._behind(cause),)
            host = self._host_verdict(op)
        return PlacedOp(op, fast, verdict, host, why, op.index in self.edges, self.judge.macs(op), parameters)

    def _host_verdict(self, op: Op) -> Verdict | None:
        return self.judge.judge(self.table.host, op) if self.table.host else None

    def _host_runs(self, op: Op) -> bool:
        verdict = self._host_verdict(op)
        return verdict is not None and verdict.accepted

    def _behind(self, cause: Op) -> Reason:
        """Why an accepted op still runs on the host: what it depends on does."""
        where = f" of `{cause.layer}`" if cause.layer else ""
        message = f"it comes after {cause.kind}{where}, which does not run on `{self.table.name}`"
        return Reason(message, self.table.definition.span)


def edge_casts(graph: OpGraph) -> frozenset[int]:
    """The positions of the QUANTIZE and DEQUANTIZE ops that read a model input or write a model output."""
    ends = {*graph.inputs, *graph.outputs}
    return frozenset(op.index for op in graph.ops if op.kind in CASTS and ends.intersection((*op.inputs, *op.outputs)))


def partition_count(graph: OpGraph, accelerated: Sequence[bool]) -> int:
    """In how many pieces the accelerated ops run.

    LiteRT hands a graph to a delegate by turns (`tflite/graph_info.cc`): all ops of one side that are ready, then all
    of the other that have become ready, beginning with the side of the first op; what is taken in one turn is one
    piece. So each op has a level, the largest number of times that a path to it comes back to the side that began. The
    fewest pieces possible are those of a graph that begins on the host; one that begins with an accelerated op may have
    one more, for what it takes at first does not wait for what the host has to do.
    """
    left: dict[int, tuple[int, bool]] = {}  # tensor → the level of its producer, and whether that was accelerated
    levels: set[int] = set()
    begins = accelerated[0] if accelerated else False
    for op, fast in zip(graph.ops, accelerated, strict=True):
        reached = [left[tensor] for tensor in op.inputs if tensor in left]
        level = max((before + (came != fast and fast == begins) for before, came in reached), default=0)
        if fast:
            levels.add(level)
        left.update(dict.fromkeys(op.outputs, (level, fast)))
    return len(levels)


def _parameters(judge: Judge, taken: Sequence[bool]) -> list[int]:
    """The bytes of each op's constants. One that several ops read counts at the first accelerated one, else at the
    first."""
    readers: dict[int, tuple[int, int]] = {}  # constant → position of the op at which it counts, bytes
    for position, tensor, size in judge.constants:
        known = readers.get(tensor)
        if known is None or (taken[position] and not taken[known[0]]):
            readers[tensor] = position, size
    found = [0] * len(taken)
    for position, size in readers.values():
        found[position] += size
    return found
