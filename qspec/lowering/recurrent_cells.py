"""What a recurrent cell does in one step, in ops.

A cell projects its input, all steps of a sequence at once where they are known, and goes on from there with its states.
In the first step a state is None, and zero: the ops that would read it are left out. The names of the tensors of a step
begin with the step's own, `step_3/`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.graph.ops import Slot, Source
from qspec.lowering.activation_functions import Function, Place
from qspec.lowering.activations import activation_function
from qspec.lowering.site import Site, Unsupported
from qspec.lowering.writing import binary, fully_connected

States = list[int | None]


class Cell(Protocol):
    """A cell of a site, whose `within` and `prefix` are the cell's own."""

    @property
    def states(self) -> int:
        """How many states it has."""

    @property
    def output(self) -> int:
        """Which of its states is its output."""

    def project(self, tensor: int, slot: Slot, step: str = "") -> int:
        """What the cell makes of its input alone; the rows of *tensor* may be steps, samples, or both. A *step* whose
        input has a scale of its own is named."""

    def advance(self, step: str, projected: int, states: States, results: Sequence[Slot]) -> list[int]:
        """The states behind a step, written into the slots *results*."""


@dataclass(frozen=True)
class Products:
    """How a cell multiplies by its kernels: matrices, or convolutions. `project` multiplies the input and adds the
    bias, which a step has for itself if it is named; `recur` the state, into the tensor `recurrent` of a step."""

    project: Callable[[int, Slot, str], int]
    recur: Callable[[int, str], int]


def make_cell(site: Site, channels: int) -> Cell:
    """The cell that the site's config describes, for an input of that many features."""
    cells: dict[str, Callable[[Site, int], Cell]] = {
        "LSTMCell": _lstm,
        "LSTM": _lstm,
        "GRUCell": _gru,
        "GRU": _gru,
        "SimpleRNNCell": _simple,
        "SimpleRNN": _simple,
        "StackedRNNCells": _stacked,
    }
    layer = site.call.layer
    if layer.class_name not in cells or not layer.built_in:
        raise Unsupported(f"its cell is `{layer.class_name}`, which is not one of Keras' own")
    return cells[layer.class_name](site, channels)


def _matrices(site: Site, channels: int, gates: int) -> Products:
    units = site.config["units"].integer(1)
    kernel = site.weights("kernel", (gates * units, channels), Source("kernel", permutation=(1, 0)))
    recurrent = _recurrent_kernel(site, units, 0, gates)
    bias = _biases(site, gates * units, "bias")
    return Products(
        lambda tensor, slot, step: fully_connected(site, tensor, kernel, slot, bias(step)),
        lambda tensor, step: fully_connected(site, tensor, recurrent, site.inner(f"{step}recurrent")),
    )


def _biases(site: Site, size: int, variable: str) -> Callable[[str], int]:
    """The bias of the projections: as quantized it has the scale of their input, so each step that has one of its own
    has such a bias, too."""

    @cache
    def bias(step: str) -> int:
        return site.bias(size, f"{step}bias", Source(variable)) if site.uses_bias else -1

    return bias


def _recurrent_kernel(site: Site, units: int, first: int, gates: int, key: str = "recurrent_kernel") -> int:
    """The recurrent kernel of some gates, from the *first* one on."""
    part = (1, first * units, gates * units)
    return site.weights(key, (gates * units, units), Source("recurrent_kernel", part, (1, 0)))


def _activation(config: Node, key: str) -> Function | None:
    return activation_function(config.get(key))


def split_gates(site: Site, tensor: int, names: Sequence[str]) -> tuple[int, ...]:
    """SPLIT of the last axis, as many parts as there are names."""
    shape = site.shape(tensor)
    size = shape[-1] or 0
    part: Shape = (*shape[:-1], size // len(names))
    operands = [site.draft.constant(len(shape) - 1, ()), tensor]
    slots = [site.inner(name) for name in names]
    return site.write_several("SPLIT", operands, [part] * len(names), slots, num_splits=len(names))


@dataclass(frozen=True)
class _Writer:
    """Writes the tensors of one step."""

    site: Site
    step: str

    def slot(self, key: str) -> Slot:
        return self.site.inner(f"{self.step}{key}")

    def both(self, kind: str, left: int, right: int, slot: Slot) -> int:
        return binary(self.site, kind, left, right, slot)

    def activated(self, function: Function | None, key: str, tensor: int) -> int:
        """The activation of a tensor that is there; itself where there is none."""
        return tensor if function is None else function(self._place(key, self.slot(key)), tensor)

    def emitted(self, function: Function | None, key: str, emit: Callable[[Slot], int], slot: Slot) -> int:
        """The activation of what *emit* writes, in a slot."""
        if function is None:
            return emit(slot)
        return function(self._place(key, slot), emit(self.slot(f"pre_{key}")))

    def _place(self, key: str, slot: Slot) -> Place:
        return Place(self.site, slot, f"{self.step}{key}/")


# ---- the cells


@dataclass(frozen=True)
class GatedMemory:
    """LSTM, of features or of images: c' = f · c + i · candidate, h' = o · activation(c')."""

    site: Site
    products: Products
    states: int = 2
    output: int = 0

    def project(self, tensor: int, slot: Slot, step: str = "") -> int:
        """The input's part of all gates."""
        return self.products.project(tensor, slot, step)

    def advance(self, step: str, projected: int, states: States, results: Sequence[Slot]) -> list[int]:
        """`recurrent`, `gates`, their parts `in_i` … `in_o`, `gate_i`, `gate_f`, `candidate`, `gate_o`, and on."""
        write, config = _Writer(self.site, step), self.site.config
        inner, outer = _activation(config, "activation"), _activation(config, "recurrent_activation")
        hidden, memory = states
        gates = projected
        if hidden is not None:
            recurrent = self.products.recur(hidden, step)
            gates = write.both("ADD", projected, recurrent, write.slot("gates"))
        parts = split_gates(self.site, gates, [f"{step}in_{name}" for name in "ifco"])
        gate_i = write.activated(outer, "gate_i", parts[0])
        candidate = write.activated(inner, "candidate", parts[2])
        gate_o = write.activated(outer, "gate_o", parts[3])
        if memory is None:
            kept = write.both("MUL", gate_i, candidate, results[1])
        else:
            gate_f = write.activated(outer, "gate_f", parts[1])
            old = write.both("MUL", gate_f, memory, write.slot("kept"))
            new = write.both("MUL", gate_i, candidate, write.slot("added"))
            kept = write.both("ADD", old, new, results[1])
        shown = write.activated(inner, "memory_activated", kept)
        return [write.both("MUL", gate_o, shown, results[0]), kept]


@dataclass(frozen=True)
class _Simple:
    """SimpleRNN: h' = activation(W x + U h + b)"""

    site: Site
    products: Products
    states: int = 1
    output: int = 0

    def project(self, tensor: int, slot: Slot, step: str = "") -> int:
        return self.products.project(tensor, slot, step)

    def advance(self, step: str, projected: int, states: States, results: Sequence[Slot]) -> list[int]:
        write = _Writer(self.site, step)
        function, (hidden,) = _activation(self.site.config, "activation"), states
        if hidden is None:
            if function is None:
                raise Unsupported("its activation is linear, and its first state zero")
            return [function(Place(self.site, results[0], f"{step}state/"), projected)]

        def emit(slot: Slot) -> int:
            return write.both("ADD", projected, self.products.recur(hidden, step), slot)

        return [write.emitted(function, "state", emit, results[0])]


@dataclass(frozen=True)
class _GatedUnit:
    """GRU: h' = candidate + z · (h - candidate).

    With `reset_after` the candidate is activation(x + r · (U h + b)), else activation(x + U (r · h)).
    """

    site: Site
    products: Products
    units: int
    states: int = 1
    output: int = 0

    def project(self, tensor: int, slot: Slot, step: str = "") -> int:
        return self.products.project(tensor, slot, step)

    @property
    def reset_after(self) -> bool:
        node = self.site.config.get("reset_after")
        return node.is_none or node.boolean()

    def advance(self, step: str, projected: int, states: States, results: Sequence[Slot]) -> list[int]:
        """`in_z`, `in_r`, `in_h` of the input, `re_z`, `re_r`, `re_h` of the state; `gate_z`, `gate_r`, `candidate`."""
        write, config = _Writer(self.site, step), self.site.config
        outer, inner = _activation(config, "recurrent_activation"), _activation(config, "activation")
        (hidden,) = states
        parts = split_gates(self.site, projected, [f"{step}in_{name}" for name in "zrh"])
        recurrent = self._initial() if hidden is None else self._recurrent(write, hidden)
        gates = []
        for name, part, other in zip("zr", parts, recurrent, strict=False):
            gates.append(self._gate(write, outer, name, part, other))
        reset = None
        if len(recurrent) > 2 and recurrent[2] is not None:
            reset = write.both("MUL", gates[1], recurrent[2], write.slot("reset"))
        elif hidden is not None:
            reset = self._reset_before(write, gates[1], hidden)
        candidate = self._candidate(write, inner, parts[2], reset)
        if hidden is None:
            taken = write.both("MUL", gates[0], candidate, write.slot("left_out"))
            return [write.both("SUB", candidate, taken, results[0])]
        difference = write.both("SUB", hidden, candidate, write.slot("difference"))
        kept = write.both("MUL", gates[0], difference, write.slot("kept"))
        return [write.both("ADD", candidate, kept, results[0])]

    def _gate(self, write: _Writer, function: Function | None, name: str, part: int, other: int | None) -> int:
        if other is not None:
            part = write.both("ADD", part, other, write.slot(f"pre_gate_{name}"))
        return write.activated(function, f"gate_{name}", part)

    def _candidate(self, write: _Writer, function: Function | None, part: int, reset: int | None) -> int:
        if reset is not None:
            part = write.both("ADD", part, reset, write.slot("pre_candidate"))
        return write.activated(function, "candidate", part)

    def _recurrent(self, write: _Writer, hidden: int) -> Sequence[int | None]:
        """The state's part of z, r and, if the reset comes after the product, of the candidate."""
        product = self.products.recur(hidden, write.step)
        names = "zrh" if self.reset_after else "zr"
        return split_gates(self.site, product, [f"{write.step}re_{name}" for name in names])

    def _initial(self) -> Sequence[int | None]:
        """The same of a state of zeros: the recurrent bias, where there is one."""
        if not (self.reset_after and self.site.uses_bias):
            return (None, None)
        return [
            self.site.inner_constant(
                f"recurrent_bias_{name}", (self.units,), source=Source("bias.1", (0, place * self.units, self.units))
            )
            for place, name in enumerate("zrh")
        ]

    def _reset_before(self, write: _Writer, gate: int, hidden: int) -> int:
        state = write.both("MUL", gate, hidden, write.slot("reset_state"))
        slot = Slot(self.site.call.index, "weights", f"{self.site.prefix}candidate_kernel")
        kernel = self.site.draft.slots.get(slot)
        if kernel is None:
            kernel = _recurrent_kernel(self.site, self.units, 2, 1, "candidate_kernel")
        return fully_connected(self.site, state, kernel, write.slot("reset"))


@dataclass(frozen=True)
class _Stacked:
    """Cells one on the other, their states in that order; the output is the last cell's."""

    site: Site
    cells: tuple[Cell, ...]

    @property
    def states(self) -> int:
        return sum(cell.states for cell in self.cells)

    @property
    def output(self) -> int:
        return self.states - self.cells[-1].states + self.cells[-1].output

    def project(self, tensor: int, slot: Slot, step: str = "") -> int:
        return self.cells[0].project(tensor, slot, step)

    def advance(self, step: str, projected: int, states: States, results: Sequence[Slot]) -> list[int]:
        new: list[int] = []
        for number, cell in enumerate(self.cells):
            if number:
                slot = self.site.inner(f"cell_{number}/{step}projected")
                below = self.cells[number - 1]
                projected = cell.project(new[len(new) - below.states + below.output], slot, step)
            span = slice(len(new), len(new) + cell.states)
            new += cell.advance(step, projected, states[span], results[span])
        return new


def _lstm(site: Site, channels: int) -> Cell:
    return GatedMemory(site, _matrices(site, channels, 4))


def _simple(site: Site, channels: int) -> Cell:
    return _Simple(site, _matrices(site, channels, 1))


def _gru(site: Site, channels: int) -> Cell:
    units = site.config["units"].integer(1)
    after = site.config.get("reset_after")
    reset_after = after.is_none or after.boolean()
    kernel = site.weights("kernel", (3 * units, channels), Source("kernel", permutation=(1, 0)))
    bias = _biases(site, 3 * units, "bias.0" if reset_after else "bias")
    recurrent = _recurrent_kernel(site, units, 0, 3 if reset_after else 2)

    def recur(tensor: int, step: str) -> int:
        # Each step's state has a scale of its own, and so has the bias that is added to its product.
        own = site.bias(3 * units, f"{step}recurrent_bias", Source("bias.1")) if reset_after and site.uses_bias else -1
        return fully_connected(site, tensor, recurrent, site.inner(f"{step}recurrent"), own)

    products = Products(lambda tensor, slot, step: fully_connected(site, tensor, kernel, slot, bias(step)), recur)
    return _GatedUnit(site, products, units)


def _stacked(site: Site, channels: int) -> Cell:
    cells: list[Cell] = []
    for number, config in enumerate(site.config["cells"].items()):
        inside = site.layer_inside(config, f"cells.{number}").named(f"cell_{number}/")
        cells.append(make_cell(inside, channels))
        channels = inside.config["units"].integer(1)
    if not cells:
        raise Unsupported("it has no cells")
    return _Stacked(site, tuple(cells))
