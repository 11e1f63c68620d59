"""Recurrent cells that are layers of a model themselves: one step, from states that the model gives them."""

from __future__ import annotations

from qspec.lowering.arguments import Arguments, flat_values
from qspec.lowering.recurrent_cells import States, make_cell
from qspec.lowering.site import Site, UnknownShape, Unsupported


def single_cell(site: Site) -> tuple[int, ...]:
    """`LSTMCell`, `GRUCell`, `SimpleRNNCell`, `StackedRNNCells`: the output, which is one of the new states, and the
    new states. The tensors have the names that they have in a step of a recurrent layer: `projected`, `gates`, …"""
    tensor = site.input()
    shape = site.shape(tensor)
    if len(shape) != 2 or shape[-1] is None:
        raise UnknownShape("its input is not one of samples with a known number of features")
    arguments = Arguments(site)
    states: States = [arguments.tensors[value] for value in flat_values(arguments.raw(1, "states"))]
    cell = make_cell(site, shape[-1])
    if len(states) != cell.states:
        raise Unsupported(f"it is called with {len(states)} states, and has {cell.states}")
    slots = [site.output_at(1 + number) for number in range(cell.states)]
    same, slots[cell.output] = slots[cell.output], site.output
    new = cell.advance("", cell.project(tensor, site.inner("projected")), states, slots)
    site.draft.vanished[same] = new[cell.output]
    return (new[cell.output], *new)
