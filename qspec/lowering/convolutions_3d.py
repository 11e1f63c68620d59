"""Conv3D and Conv3DTranspose, whose ops LiteRT has in float only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qspec.graph.layers import Shape
from qspec.graph.ops import Slot, Source
from qspec.lowering.activations import with_activation
from qspec.lowering.convolutions import convolution_window
from qspec.lowering.geometry import Window
from qspec.lowering.layout import channels_last
from qspec.lowering.site import Lowering, Site, Unsupported
from qspec.lowering.transposed_convolutions import output_shape, transposed_sizes, undilated
from qspec.lowering.writing import concatenate


def _convolution_3d(site: Site) -> int:
    tensor = site.single_input()
    channels = site.image(tensor, 5)[-1] or 0
    groups = site.config.get("groups")
    count = 1 if groups.is_none else groups.integer(1)
    if channels % count or site.config["filters"].integer(1) % count:
        raise Unsupported(f"its {channels} input channels do not divide into {count} groups")

    def emit(slot: Slot) -> int:
        return _grouped(site, tensor, slot, count)

    return with_activation(site, lambda slot: _with_addend(site, slot, emit))


def _grouped(site: Site, tensor: int, slot: Slot, count: int) -> int:
    filters = site.config["filters"].integer(1)
    if count == 1:
        return _conv_3d(site, tensor, slot, "kernel", Source("kernel"), filters)
    *sizes, channels = site.shape(tensor)
    axis = site.draft.constant(4, ())
    parts = site.write_several(
        "SPLIT",
        [axis, tensor],
        [(*sizes, (channels or 0) // count)] * count,
        [site.inner(f"group_{number}") for number in range(count)],
        num_splits=count,
    )
    each = filters // count
    results = [
        _conv_3d(
            site, part, site.inner(f"convolved_{number}"), f"kernel_{number}",
            Source("kernel", part=(4, number * each, each)), each,
        )
        for number, part in enumerate(parts)
    ]  # fmt: skip
    return concatenate(site, results, 4, slot)


def _conv_3d(site: Site, tensor: int, slot: Slot, key: str, source: Source, filters: int) -> int:
    window = convolution_window(site.config, 3)
    batch, *sizes, channels = site.shape(tensor)
    weights = site.weights(key, (*window.size, channels, filters), source)
    shape = (batch, *window.over(tuple(sizes)), filters)
    return site.write("CONV_3D", [tensor, weights, -1], shape, slot, **_attributes(window))


def _convolution_3d_transpose(site: Site) -> int:
    tensor = site.single_input()
    batch, *sizes, channels = site.image(tensor, 5)
    variable, window = undilated(convolution_window(site.config, 3))
    filters = site.config["filters"].integer(1)
    shape = (batch, *transposed_sizes(site.config, window, tuple(sizes)), filters)
    weights = site.weights("kernel", (*window.size, filters, channels), Source(variable))
    operands = [output_shape(site, tensor, shape), weights, tensor, -1]
    attributes = _attributes(window)

    def emit(slot: Slot) -> int:
        return site.write("CONV_3D_TRANSPOSE", operands, shape, slot, **attributes)

    return with_activation(site, lambda slot: _with_addend(site, slot, emit))


def _with_addend(site: Site, slot: Slot, emit: Callable[[Slot], int]) -> int:
    """The bias as an ADD with `inner["addend"]`, as the converter leaves it; before it `inner["convolved"]`."""
    if not site.uses_bias:
        return emit(slot)
    convolved = emit(site.inner("convolved"))
    shape: Shape = site.shape(convolved)
    addend = site.inner_constant("addend", (shape[-1],), source=Source("bias"))
    return site.write("ADD", [convolved, addend], shape, slot, fused_activation_function="NONE")


def _attributes(window: Window) -> dict[str, Any]:
    sides = dict(zip("dhw", range(3), strict=True))
    return {
        "padding": window.padding,
        **{f"stride_{side}": window.strides[index] for side, index in sides.items()},
        **{f"dilation_{side}_factor": window.dilation[index] for side, index in sides.items()},
        "fused_activation_function": "NONE",
    }


convolution_3d: Lowering = channels_last(_convolution_3d)
"""`Conv3D`: CONV_3D, a grouped one between SPLIT and CONCATENATION, and an ADD for the bias."""

convolution_3d_transpose: Lowering = channels_last(_convolution_3d_transpose)
"""`Conv3DTranspose`: CONV_3D_TRANSPOSE and an ADD for the bias."""
