"""LSTM layers as LiteRT's own op for them, UNIDIRECTIONAL_SEQUENCE_LSTM, which runs over the whole sequence.

The op has a matrix for each gate: `weights["kernel.input"]`, …, `weights["recurrent_kernel.output"]`. Its states are
variables of the file, `state["hidden"]` and `state["cell"]`, [batch, units], so the batch must be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qspec.graph.ops import Slot, Source
from qspec.lowering.site import Site, UnknownShape
from qspec.lowering.writing import reshape, strided_slice

GATES = ("input", "forget", "candidate", "output")
"""In the order of Keras' kernels, which is that of the op's operands."""


def lstm_cells(site: Site) -> tuple[Site, ...]:
    """The `LSTM` or `LSTMCell`s that a recurrent layer is made of, one reading the other; none where it has others."""
    cell = site.config.get("cell")
    if cell.is_none:
        own = replace(site, within=f"{site.within}cell.")
        return (own,) if site.call.layer.class_name == "LSTM" else ()
    inside = site.layer_inside(cell, "cell")
    if inside.call.layer.class_name == "StackedRNNCells" and inside.call.layer.built_in:
        cells = tuple(
            inside.layer_inside(config, f"cells.{number}").named(f"cell_{number}/")
            for number, config in enumerate(inside.config["cells"].items())
        )
    else:
        cells = (inside,)
    return cells if all(_is_cell(each) for each in cells) else ()


def _is_cell(site: Site) -> bool:
    return site.call.layer.class_name == "LSTMCell" and site.call.layer.built_in


def obstacle(site: Site, cells: Sequence[Site], sequence: int) -> str | None:
    """Why the op cannot stand for a layer of these *cells* over *sequence*; None if it can."""
    for cell in cells:
        for key, wanted in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
            if cell.config.get(key).value != wanted:
                return f"whose `{key}` is always {wanted}"
    if site.call.layer.path in site.draft.unrolled:
        return "which takes no integers but int8 activations and weights"
    if site.shape(sequence)[0] is None:
        return "whose state has a fixed batch (`input { batch = … }`)"
    return None


def fused_lstm(site: Site, cells: Sequence[Site], sequence: int, result: Slot, *, sequences: bool, turned: bool) -> int:
    """The op for each cell, the first one reading *sequence*. Of *sequences* all steps are the result, else the last.

    *turned*: it runs backwards, and its steps stand as those of its input do.
    """
    tensor = sequence
    for number, cell in enumerate(cells):
        last = number == len(cells) - 1
        tensor = _op(cell, tensor, result if last and sequences and not turned else cell.inner("sequence"))
    if not sequences:
        return _last_step(site, tensor, result)
    return reverse(site, tensor, result) if turned else tensor


def reverse(site: Site, tensor: int, slot: Slot) -> int:
    """A sequence with its last step first: REVERSE_V2 along the second axis."""
    return site.write("REVERSE_V2", [tensor, site.integers([1])], site.shape(tensor), slot)


def _last_step(site: Site, tensor: int, slot: Slot) -> int:
    batch, steps, units = site.shape(tensor)
    if steps == 1:
        return reshape(site, tensor, (batch, units), slot)
    if steps is not None:
        whole = (None, None, 1)
        return strided_slice(site, tensor, [whole, (steps - 1, steps, 1), whole], slot, dropped=(1,))
    bounds = [site.integers(values) for values in ((0, -1, 0), (0, 0, 0), (1, 1, 1))]
    return site.write(
        "STRIDED_SLICE",
        [tensor, *bounds],
        (batch, units),
        slot,
        begin_mask=0b101,
        end_mask=0b101,
        ellipsis_mask=0,
        new_axis_mask=0,
        shrink_axis_mask=0b10,
        offset=False,
    )


def _op(cell: Site, tensor: int, slot: Slot) -> int:
    batch, steps, features = cell.shape(tensor)
    if features is None:
        raise UnknownShape("the number of its features is unknown")
    units = cell.config["units"].integer(1)
    parts = [(number * units, units) for number in range(len(GATES))]
    kernels = [
        cell.weights(f"{key}.{gate}", (units, size), Source(key, (1, *part), (1, 0)))
        for key, size in (("kernel", features), ("recurrent_kernel", units))
        for gate, part in zip(GATES, parts, strict=True)
    ]
    biases = [
        cell.bias(units, f"bias.{gate}", Source("bias", (0, *part)) if cell.uses_bias else None)
        for gate, part in zip(GATES, parts, strict=True)
    ]
    states = [cell.state(key, (batch, units)) for key in ("hidden", "cell")]
    peepholes, projection, normalization = [-1] * 3, [-1] * 2, [-1] * 4
    return cell.write(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        [tensor, *kernels, *peepholes, *biases, *projection, *states, *normalization],
        (batch, steps, units),
        slot,
        fused_activation_function="TANH",
        cell_clip=0.0,
        proj_clip=0.0,
        time_major=False,
        asymmetric_quantize_inputs=False,
        diagonal_recurrent_tensors=False,
    )
