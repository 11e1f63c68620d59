"""Recurrent layers: LSTM as one op where LiteRT's can stand for it, the others written out step by step.

The input's part of every step is one product over the whole sequence, `inner["projected"]`, taken apart into
`inner["step_0/projected"]`, …; a step's tensors are named after it, and all steps read the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.graph.ops import Slot
from qspec.lowering.arguments import Arguments, flat_values
from qspec.lowering.fused_lstm import fused_lstm, lstm_cells, obstacle, reverse
from qspec.lowering.recurrent_cells import Cell, States, make_cell
from qspec.lowering.site import Site, UnknownShape, Unsupported
from qspec.lowering.writing import binary, concatenate, reshape, select, type_of

MAXIMUM_STEPS = 64
"""Longer sequences are not written out: a step is about a dozen ops."""


@dataclass(frozen=True)
class Ends:
    """Where the results of a recurrence go: the slot of the output, and of each last state, None for those that are no
    result of the layer."""

    output: Slot
    states: tuple[Slot | None, ...]


@dataclass(frozen=True)
class Settings:
    """What the config of a recurrent layer says beside its cell."""

    sequences: bool
    state: bool
    backwards: bool
    zero_output: bool

    @classmethod
    def of(cls, config: Node) -> Settings:
        """Read them."""
        if _true(config, "stateful"):
            advice = "let `initial_state` and `return_state` hand it in and out"
            raise Unsupported(f"it keeps its state from call to call; {advice}")
        flags = (
            _true(config, key) for key in ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask")
        )
        return cls(*flags)


def _true(config: Node, key: str) -> bool:
    node = config.get(key)
    return not node.is_none and node.boolean()


def recurrent(site: Site) -> tuple[int, ...]:
    """`LSTM`, `GRU`, `SimpleRNN`, `RNN` of Keras' own cells"""
    call = RecurrentCall.of(site)
    settings = Settings.of(site.config)
    output, states = _recurrence(site, call, settings, site.output, 1)
    return (output, *states) if settings.state else (output,)


def _recurrence(
    site: Site, call: RecurrentCall, settings: Settings, output: Slot, first: int, *, in_order: bool = False
) -> tuple[int, list[int]]:
    """One op where LiteRT has one, else the steps. The layer's results from the *first* on are the last states, if it
    gives them."""
    cells = lstm_cells(site)
    why = obstacle(site, cells, call.sequence) or call.obstacle(settings)
    if cells and why is None:
        turned = settings.backwards and site.shape(call.sequence)[1] != 1
        tensor = reverse(site, call.sequence, site.inner("reversed")) if turned else call.sequence
        turned = turned and in_order
        return fused_lstm(site, cells, tensor, output, sequences=settings.sequences, turned=turned), []
    try:
        cell = layer_cell(site, call.features(site))
        states = tuple(site.output_at(first + k) if settings.state else None for k in range(cell.states))
        return unrolled(site, cell, call, settings, Ends(output, states), in_order=in_order)
    except Unsupported as error:
        raise Unsupported(f"{error}, and it is not LiteRT's LSTM op, {why}" if cells else str(error)) from None


def layer_cell(site: Site, features: int) -> Cell:
    """The cell of a recurrent layer: of its `cell`, or of the layer's own settings."""
    config = site.config.get("cell")
    if config.is_none:
        return make_cell(replace(site, within=f"{site.within}cell."), features)
    return make_cell(site.layer_inside(config, "cell"), features)


@dataclass(frozen=True)
class RecurrentCall:
    """The tensors that a recurrent layer is called with."""

    sequence: int
    states: tuple[int, ...]
    mask: int | None

    @classmethod
    def of(cls, site: Site) -> RecurrentCall:
        """Read them from the call: the sequence, `initial_state`, `mask`."""
        arguments = Arguments(site)
        sequence = site.input()
        if type_of(site, sequence) != "float32":
            raise Unsupported(f"it reads a tensor of {type_of(site, sequence)}")
        given = arguments.raw(1, "initial_state")
        mask = arguments.raw(2, "mask")
        states, masks = flat_values(given), flat_values(mask)
        known = arguments.tensors
        return cls(sequence, tuple(known[value] for value in states), known[masks[0]] if masks else None)

    def obstacle(self, settings: Settings) -> str | None:
        """Why LiteRT's LSTM op cannot be called so; None if it can."""
        if self.mask is not None:
            return "which takes no mask"
        if self.states:
            return "whose first state is zeros"
        return "which does not give its last state" if settings.state else None

    def features(self, site: Site) -> int:
        """How many features a step has."""
        shape = site.shape(self.sequence)
        if len(shape) != 3 or shape[-1] is None:
            raise UnknownShape("the number of its features is unknown")
        return shape[-1]


def unrolled(
    site: Site, cell: Cell, call: RecurrentCall, settings: Settings, ends: Ends, *, in_order: bool = False
) -> tuple[int, list[int]]:
    """The output and the last states of a cell over a sequence. *in_order*: the outputs of a recurrence that goes
    backwards stand as the steps of its input do."""
    steps = _steps(site, call.sequence)
    projected = _projected(site, cell, call.sequence, steps)
    masks = None if call.mask is None else _masks(site, call.mask, steps, len(site.shape(projected[0])) - 1)
    order = list(range(steps))[:: -1 if settings.backwards else 1]
    states: States = list(call.states) or [None] * cell.states
    if len(states) != cell.states:
        raise Unsupported(f"it begins with {len(states)} states, and its cell has {cell.states}")
    # A masked step before any other gives zeros, while the states stay what they were at the beginning.
    apart = masks is not None and (settings.zero_output or bool(call.states))
    run = _Run(site, cell, settings, ends, order[-1], apart)
    outputs: list[int] = []
    for step in order:
        mask = None if masks is None else masks[step]
        output, new = run.step(step, projected[step], states, mask, outputs[-1] if outputs else None)
        outputs.append(output)
        states = list(new)
    last = [state for state in states if state is not None]
    for slot, state in zip(ends.states, last, strict=True):
        if slot is not None and site.draft.slots.get(slot) != state:
            site.draft.vanished[slot] = state  # the last state is the output
    if not settings.sequences:
        return outputs[-1], last
    if settings.backwards and in_order:
        outputs.reverse()
    return pack(site, outputs, ends.output), last


def _steps(site: Site, sequence: int) -> int:
    steps = site.shape(sequence)[1]
    if steps is None:
        raise Unsupported("its number of steps is unknown")
    if steps > MAXIMUM_STEPS:
        raise Unsupported(f"it takes {steps} steps, and at most {MAXIMUM_STEPS} are written out")
    return steps


def _projected(site: Site, cell: Cell, sequence: int, steps: int) -> tuple[int, ...]:
    """The input's part of each step. One product does for all: the steps are rows as the samples are."""
    batch, _, *item = site.shape(sequence)
    rows = None if batch is None else batch * steps
    flat = sequence
    if steps > 1:
        flat = reshape(site, sequence, (rows, *item), site.inner("rows"))
    elif steps == 1:
        flat = reshape(site, sequence, (batch, *item), site.inner("rows"))
    product = cell.project(flat, site.inner("projected" if steps > 1 else "step_0/projected"))
    if steps == 1:
        return (product,)
    shape = site.shape(product)[1:]
    apart = reshape(site, product, (batch, steps, *shape), site.inner("projected_steps"))
    return unpack(site, apart, [f"step_{step}/projected" for step in range(steps)])


def unpack(site: Site, tensor: int, names: Sequence[str]) -> tuple[int, ...]:
    """The steps of a sequence: UNPACK along the second axis."""
    shape = site.shape(tensor)
    part: Shape = (shape[0], *shape[2:])
    slots = [site.inner(name) for name in names]
    return site.write_several(
        "UNPACK", [tensor], [part] * len(names), slots, type_of(site, tensor), num=len(names), axis=1
    )


def pack(site: Site, steps: Sequence[int], slot: Slot) -> int:
    """A sequence of steps: PACK along a new second axis."""
    shape = site.shape(steps[0])
    result = (shape[0], len(steps), *shape[1:])
    if len(steps) == 1:
        return reshape(site, steps[0], result, slot)
    return site.write("PACK", steps, result, slot, axis=1, values_count=len(steps))


def _masks(site: Site, mask: int, steps: int, rank: int) -> tuple[int, ...]:
    """The mask of each step: whether it counts. It has *rank* axes of size 1 behind the batch, to broadcast."""
    if type_of(site, mask) != "bool" or len(site.shape(mask)) != 2:
        raise Unsupported("its mask is not one of booleans, [batch, steps]")
    batch, ones = site.shape(mask)[0], (1,) * rank
    if steps == 1:
        return (reshape(site, mask, (batch, *ones), site.inner("step_0/mask")),)
    column = reshape(site, mask, (batch, steps, *ones), site.inner("mask"))
    return unpack(site, column, [f"step_{step}/mask" for step in range(steps)])


@dataclass(frozen=True)
class _Run:
    """*last* is the step that comes last; *apart*: the outputs are not the states."""

    site: Site
    cell: Cell
    settings: Settings
    ends: Ends
    last: int
    apart: bool

    def step(
        self, step: int, projected: int, states: States, mask: int | None, before: int | None
    ) -> tuple[int, list[int]]:
        """A step's output and states. Where the mask says that it does not count, the states stay, and the output is
        the one before."""
        slots = self._slots(step)
        if mask is None:
            new = self.cell.advance(f"step_{step}/", projected, states, slots)
            return new[self.cell.output], new
        place = f"step_{step}/"
        fresh = [self.site.inner(f"{place}new_state_{number}") for number in range(self.cell.states)]
        new = self.cell.advance(place, projected, states, fresh)
        kept = []
        for value, old, slot in zip(new, states, slots, strict=True):
            kept.append(select(self.site, mask, value, self._or_zero(old), slot))
        if not self.apart:
            return kept[self.cell.output], kept
        output = new[self.cell.output]
        slot = self.ends.output if self._is_result(step) else self.site.inner(f"{place}output")
        instead = self._or_zero(None if self.settings.zero_output else before)
        return select(self.site, mask, output, instead, slot), kept

    def _is_result(self, step: int) -> bool:
        return step == self.last and not self.settings.sequences

    def _or_zero(self, old: int | None) -> int:
        if old is not None:
            return old
        zero = self.site.inner("zero")
        known = self.site.draft.slots.get(zero)
        return self.site.inner_constant("zero", (), 0.0) if known is None else known

    def _slots(self, step: int) -> list[Slot]:
        """Where the states behind a step go."""
        place = f"step_{step}/"
        names = ["state", "memory"] if self.cell.states == 2 else [f"state_{k}" for k in range(self.cell.states)]
        if self.cell.states == 1:
            names = ["state"]
        slots = [self.site.inner(f"{place}{name}") for name in names]
        if step != self.last:
            return slots
        for number, slot in enumerate(self.ends.states):
            slots[number] = slot or slots[number]
        if self._is_result(step) and not self.apart:
            slots[self.cell.output] = self.ends.output
        return slots


# ---- both ways


def bidirectional(site: Site) -> tuple[int, ...]:
    """`Bidirectional`: `inner["forward/…"]`, `inner["backward/…"]`, and what joins both"""
    config = site.config
    mode = config.get("merge_mode").value
    forward = site.layer_inside(config["layer"], "forward_layer").named("forward/")
    given = config.get("backward_layer")
    backward = site.layer_inside(config["layer"] if given.is_none else given, "backward_layer").named("backward/")
    call = RecurrentCall.of(site)
    half = len(call.states) // 2
    results: list[int] = []
    states: list[int] = []
    for number, (inside, first) in enumerate(((forward, call.states[:half]), (backward, call.states[half:]))):
        settings = Settings.of(inside.config)
        if number and given.is_none:
            settings = Settings(settings.sequences, settings.state, not settings.backwards, settings.zero_output)
        output = site.output_at(number) if mode is None else inside.inner("output")
        offset = (2 if mode is None else 1) + len(states)
        part = RecurrentCall(call.sequence, first, call.mask)
        result, ended = _recurrence(inside, part, settings, output, offset, in_order=bool(number))
        results.append(result)
        states += ended if settings.state else []
    joined = results if mode is None else [_merged(site, mode, results)]
    return (*joined, *states)


def _merged(site: Site, mode: str, results: Sequence[int]) -> int:
    left, right = results
    if mode == "concat":
        return concatenate(site, results, len(site.shape(left)) - 1, site.output)
    if mode == "sum":
        return binary(site, "ADD", left, right, site.output)
    if mode == "mul":
        return binary(site, "MUL", left, right, site.output)
    if mode == "ave":
        total = binary(site, "ADD", left, right, site.inner("sum"))
        return binary(site, "MUL", total, site.inner_constant("multiplier", (), 0.5), site.output)
    raise Unsupported(f"its `merge_mode` is `{mode}`")
