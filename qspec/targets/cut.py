"""What keeps ops off an accelerator: which ops block, for which reason, and what it would bring to change them.

An obstacle is a set of ops that the target does not take for the same reasons, given by the same lines of its table. On
a target of `partition = prefix`, which runs one piece of the model, it also keeps off what comes later.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from qspec.graph.ops import Op, OpGraph
from qspec.targets.verdict import Outcome, Reason, Verdict

# What an obstacle costs is found by placing the model without it; of very many, for the first ones only.
_MOST_OPS_PLACED_AGAIN = 200_000
_FEWEST_OBSTACLES = 8


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a model is accelerated, in percent: of its compute ops, of their multiply-accumulates, and of the
    bytes of their parameters. The QUANTIZE and DEQUANTIZE ops at the model's edges do not count, nor do
    multiply-accumulates that are not known. Of nothing, all is covered."""

    ops: float = 100.0
    macs: float = 100.0
    parameters: float = 100.0


@dataclass(frozen=True, slots=True)
class Gain:
    """What it would bring if an obstacle were gone. `follow` is how many ops would be accelerated besides its own,
    `alone` what would then be covered, and `in_turn` what would be covered if all obstacles before it were gone too."""

    follow: int
    alone: Coverage
    in_turn: Coverage


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Ops that are not taken for the same reasons; without ops, the model as a whole is not taken.

    `verdict` is that on the first of them, `runs` whether the host runs them. `gain` is None where there are so many
    obstacles that it was not asked.
    """

    verdict: Verdict
    ops: tuple[Op, ...]
    runs: bool
    gain: Gain | None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why these are not taken, each reason once."""
        return tuple({reason.message: reason for reason in self.verdict.reasons}.values())

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of these ops, each once."""
        return tuple(dict.fromkeys(op.kind for op in self.ops))

    @property
    def layers(self) -> tuple[str, ...]:
        """The paths of the layers whose ops these are, each once."""
        return tuple(dict.fromkeys(op.layer for op in self.ops if op.layer))


@dataclass(frozen=True, slots=True)
class Amount:
    """What an op counts for: 1 (or 0, at an edge), its multiply-accumulates, and the bytes of its parameters."""

    ops: int = 0
    macs: int = 0
    parameters: int = 0


def coverage(amounts: Sequence[Amount], taken: Iterable[bool]) -> Coverage:
    """The share of *amounts* that belongs to accelerated ops."""
    fast = [amount for amount, accelerated in zip(amounts, taken, strict=True) if accelerated]
    return Coverage(
        _percent((amount.ops for amount in fast), (amount.ops for amount in amounts)),
        _percent((amount.macs for amount in fast), (amount.macs for amount in amounts)),
        _percent((amount.parameters for amount in fast), (amount.parameters for amount in amounts)),
    )


def _percent(part: Iterable[int], whole: Iterable[int]) -> float:
    total = sum(whole)
    return 100.0 * sum(part) / total if total else 100.0


class Pieces:
    """Which ops run on the accelerator, of those that it takes, and which op is to blame for each of the others.

    Of a target of `partition = prefix`, an op stays on the host if it depends on a host op that itself depends on an
    accelerated one: the model would come back to the accelerator. What the host does before cuts nothing off (the Edge
    TPU's compiler: of google-coral/test_data, movenet_single_pose_lightning_ptq begins with a CAST and a QUANTIZE on
    the host, and all behind them is mapped).
    """

    def __init__(self, graph: OpGraph, *, prefix: bool) -> None:
        self.graph = graph
        self.prefix = prefix

    @cached_property
    def sources(self) -> Sequence[Sequence[int]]:
        """The positions of the ops whose results each op reads; of what a later op writes, none."""
        producers: dict[int, int] = {}
        sources = []
        for position, op in enumerate(self.graph.ops):
            sources.append([producers[tensor] for tensor in op.inputs if tensor in producers])
            producers.update(dict.fromkeys(op.outputs, position))
        return sources

    def taken(self, accepted: Sequence[bool]) -> tuple[Sequence[bool], Mapping[int, int]]:
        """The accelerated ops, and for each accepted op that is not, by position, the position of the one to blame."""
        if not self.prefix:
            return accepted, {}
        taken: list[bool] = []
        blamed: dict[int, int] = {}  # of ops behind a cut
        for position, (ok, sources) in enumerate(zip(accepted, self.sources, strict=True)):
            behind = next((blamed[source] for source in sources if source in blamed), None)
            if behind is None and not ok and any(taken[source] for source in sources):
                behind = position
            if behind is not None:
                blamed[position] = behind
            taken.append(ok and behind is None)
        return taken, blamed


@dataclass
class Ledger:
    """The obstacles found so far, numbered in the order of their first ops."""

    numbers: dict[Hashable, int] = field(default_factory=dict)
    verdicts: list[tuple[Verdict, bool]] = field(default_factory=list)

    def number(self, kind: str, verdict: Verdict, runs: bool) -> int:
        """The number of the obstacle that ops of *kind* with this verdict are; *runs* is whether the host runs them.

        Ops of several kinds are one obstacle if the same lines of the table speak against them, as those of `op any`.
        """
        messages = dict.fromkeys(reason.message for reason in verdict.reasons)
        lines = frozenset((reason.message, reason.span) for reason in verdict.reasons)
        known = [(one, (*messages,), verdict.unverified, runs) for one in (kind, lines)]
        number = next((self.numbers[key] for key in known if key in self.numbers), len(self.verdicts))
        self.numbers.update(dict.fromkeys(known, number))
        if number == len(self.verdicts):
            self.verdicts.append((verdict, runs))
        return number


@dataclass(frozen=True)
class Cut:
    """Where a model is cut. `own` is the number of the obstacle that each op is, `everything` of the one that the whole
    model is, `amounts` what each op counts for."""

    ops: Sequence[Op]
    pieces: Pieces
    ledger: Ledger
    own: Sequence[int | None]
    everything: int | None
    amounts: Sequence[Amount]

    def without(self, gone: Container[int]) -> tuple[Sequence[bool], Mapping[int, int]]:
        """What `Pieces.taken` says if the obstacles *gone* were not there."""
        if self.everything is not None and self.everything not in gone:
            return [False] * len(self.own), {}
        return self.pieces.taken([number is None or number in gone for number in self.own])

    def obstacles(self) -> Iterator[Obstacle]:
        """Every obstacle with what it costs. Ops at the model's edges are none, unless others wait behind them or the
        whole model is refused for them."""
        members: list[list[int]] = [[] for _ in self.ledger.verdicts]
        for position, number in enumerate(self.own):
            if number is not None:
                members[number].append(position)
        taken, blamed = self.without(())
        blockers = {*blamed.values()}
        most = max(_MOST_OPS_PLACED_AGAIN // max(len(self.ops), 1), _FEWEST_OBSTACLES)
        for number, (verdict, runs) in enumerate(self.ledger.verdicts):
            mine = members[number]
            counts = not mine or verdict.outcome is Outcome.REFUSED
            if not counts and not any(self.amounts[position].ops or position in blockers for position in mine):
                continue
            gain = self._gain(number, taken, mine) if number < most else None
            ops = tuple(self.ops[position] for position in mine)
            yield Obstacle(verdict, ops, runs, gain)

    def _gain(self, number: int, taken: Sequence[bool], mine: Sequence[int]) -> Gain:
        alone, _ = self.without((number,))
        in_turn = self.without(range(number + 1))[0] if number else alone
        own = frozenset(mine)
        followers = (
            self.amounts[position].ops
            for position, (before, after) in enumerate(zip(taken, alone, strict=True))
            if after and not before and position not in own
        )
        return Gain(sum(followers), coverage(self.amounts, alone), coverage(self.amounts, in_turn))
