"""`ConvLSTM1D`, `ConvLSTM2D`, `ConvLSTM3D`: recurrent layers over images, written out step by step.

A row is an image of height 1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qspec.graph.layers import Shape
from qspec.graph.ops import Slot, Source
from qspec.lowering.convolutions import convolution_window
from qspec.lowering.geometry import Window
from qspec.lowering.recurrent import Ends, RecurrentCall, Settings, unrolled
from qspec.lowering.recurrent_cells import GatedMemory, Products
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import binary, reshape

_SIDES = ("d", "h", "w")


def convolutional(rank: int) -> Lowering:
    """The layer of so many spatial dimensions."""

    def lower(site: Site) -> tuple[int, ...]:
        call, settings = RecurrentCall.of(site), Settings.of(site.config)
        if site.config.get("data_format").value == "channels_first":
            raise Unsupported('its data format is "channels_first"')
        shape = site.shape(call.sequence)
        if len(shape) != rank + 3 or shape[-1] is None:
            raise UnknownShape("the number of its channels is unknown")
        if rank > 1:
            return _unrolled(site, call, settings, rank, shape[-1])
        return _of_rows(site, call, settings, shape)

    return lower


def _unrolled(
    site: Site, call: RecurrentCall, settings: Settings, rank: int, channels: int, ends: Ends | None = None
) -> tuple[int, ...]:
    states = tuple(site.output_at(1 + number) if settings.state else None for number in range(2))
    cell = GatedMemory(site, _products(replace(site, within=f"{site.within}cell."), rank, channels))
    output, last = unrolled(site, cell, call, settings, ends or Ends(site.output, states))
    return (output, *last) if settings.state else (output,)


def _of_rows(site: Site, call: RecurrentCall, settings: Settings, shape: Shape) -> tuple[int, ...]:
    """As images of one row, `inner["image_…"]`, and their results as rows again."""
    batch, steps, size, channels = shape
    assert channels is not None
    sequence = reshape(site, call.sequence, (batch, steps, 1, size, channels), site.inner("image_sequence"))
    states = []
    for number, state in enumerate(call.states):
        rows, width, depth = site.shape(state)
        states.append(reshape(site, state, (rows, 1, width, depth), site.inner(f"image_initial_{number}")))
    ended = tuple(site.inner(f"image_state_{number}") if settings.state else None for number in range(2))
    ends = Ends(site.inner("image_output"), ended)
    results = _unrolled(site, RecurrentCall(sequence, tuple(states), call.mask), settings, 1, channels, ends)
    made: dict[int, int] = {}
    for number, result in enumerate(results):
        if result in made:
            site.draft.vanished[site.output_at(number)] = made[result]
            continue
        *leading, _, width, depth = site.shape(result)
        made[result] = reshape(site, result, (*leading, width, depth), site.output_at(number))
    return tuple(made[result] for result in results)


def _products(site: Site, rank: int, channels: int) -> Products:
    filters = site.config["filters"].integer(1)
    window = convolution_window(site.config, rank)
    inner = Window(window.size, (1,) * rank, (1,) * rank, "SAME")
    kernel = _kernel(site, "kernel", window.size, channels, 4 * filters)
    recurrent = _kernel(site, "recurrent_kernel", window.size, filters, 4 * filters)
    if rank == 3:
        return Products(
            lambda tensor, slot, _: _projected_volume(site, tensor, kernel, window, slot),
            lambda tensor, step: _convolution(
                site, tensor, [recurrent], 4 * filters, inner, site.inner(f"{step}recurrent")
            ),
        )
    bias = site.own_bias(4 * filters)

    def recur(tensor: int, step: str) -> int:
        operands = [recurrent, site.bias(4 * filters, f"{step}recurrent_bias")]
        return _convolution(site, tensor, operands, 4 * filters, inner, site.inner(f"{step}recurrent"))

    return Products(
        lambda tensor, slot, _: _convolution(site, tensor, [kernel, bias], 4 * filters, window, slot), recur
    )


def _projected_volume(site: Site, tensor: int, kernel: int, window: Window, slot: Slot) -> int:
    """CONV_3D, which the converter gives no bias; that is an ADD behind `inner["convolved"]`."""
    filters = 4 * site.config["filters"].integer(1)
    if not site.uses_bias:
        return _convolution(site, tensor, [kernel], filters, window, slot)
    convolved = _convolution(site, tensor, [kernel], filters, window, site.inner("convolved"))
    addend = site.inner_constant("addend", (filters,), source=Source("bias"))
    return binary(site, "ADD", convolved, addend, slot)


def _kernel(site: Site, key: str, size: tuple[int, ...], channels: int, filters: int) -> int:
    rank = len(size)
    if rank == 3:
        return site.weights(key, (*size, channels, filters), Source(key))
    plane = (1, *size) if rank == 1 else size
    return site.weights(key, (filters, *plane, channels), Source(key, permutation=(rank + 1, *range(rank + 1))))


def _convolution(site: Site, tensor: int, operands: list[int], filters: int, window: Window, slot: Slot) -> int:
    flat = window.over_row() if len(window.size) == 1 else window
    batch, *sizes, _ = site.shape(tensor)
    sides = _SIDES[-len(flat.size) :]
    attributes: dict[str, Any] = {"padding": flat.padding, "fused_activation_function": "NONE"}
    for side, stride, dilation in zip(sides, flat.strides, flat.dilation, strict=True):
        attributes |= {f"stride_{side}": stride, f"dilation_{side}_factor": dilation}
    kind = "CONV_3D" if len(flat.size) == 3 else "CONV_2D"
    return site.write(kind, [tensor, *operands], (batch, *flat.over(tuple(sizes)), filters), slot, **attributes)
