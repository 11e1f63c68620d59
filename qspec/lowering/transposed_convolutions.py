"""Transposed convolutions of one and two spatial dimensions."""

from __future__ import annotations

from dataclasses import replace

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.graph.ops import Slot, Source
from qspec.lowering.activations import with_activation
from qspec.lowering.convolutions import convolution_window
from qspec.lowering.geometry import Window, numbers
from qspec.lowering.layout import channels_last, on_image
from qspec.lowering.site import Lowering, Site, UnknownShape


def transposed_convolution(rank: int) -> Lowering:
    """`Conv1DTranspose`, `Conv2DTranspose`: TRANSPOSE_CONV. Where the batch is dynamic, its `output_shape` is made of
    the input's by SHAPE, STRIDED_SLICE and PACK."""

    def lower(site: Site) -> int:
        return on_image(site, rank, lambda site, image: _transposed(site, image, rank))

    return channels_last(lower)


def _transposed(site: Site, image: int, rank: int) -> int:
    window = convolution_window(site.config, rank)
    filters = site.config["filters"].integer(1)
    variable, window = undilated(window)
    batch, height, width, channels = site.shape(image)
    sizes = transposed_sizes(site.config, window, (height, width)[-rank:])
    shape: Shape = (batch, *((1,) if rank == 1 else ()), *sizes, filters)
    kernel = (1,) * (2 - rank) + window.size
    # A single row is not multiplied: its stride is 1, and the result has one row, too.
    strides = (1,) * (2 - rank) + window.strides
    source = Source(variable, permutation=(rank, *range(rank), rank + 1))
    operands = [
        output_shape(site, image, shape),
        site.weights("kernel", (filters, *kernel, channels), source),
        image,
        site.own_bias(filters) if site.uses_bias else -1,
    ]

    def emit(slot: Slot) -> int:
        return site.write(
            "TRANSPOSE_CONV",
            operands,
            shape,
            slot,
            padding=window.padding,
            stride_w=strides[1],
            stride_h=strides[0],
            fused_activation_function="NONE",
        )

    return with_activation(site, emit)


def undilated(window: Window) -> tuple[str, Window]:
    """The variable that is the kernel, and its window without a dilation, which no transposed convolution of LiteRT
    has: a dilated kernel is written out, with zeros between its values."""
    if set(window.dilation) == {1}:
        return "kernel", window
    size = tuple((size - 1) * step + 1 for size, step in zip(window.size, window.dilation, strict=True))
    return "dilated_kernel", replace(window, size=size, dilation=(1,) * len(size))


def transposed_sizes(config: Node, window: Window, sizes: Shape) -> tuple[int, ...]:
    """The spatial sizes that a transposed convolution gives (`keras/src/backend/common/backend_utils.py`,
    `_get_output_shape_given_tf_padding`)."""
    rank = len(window.size)
    extra = numbers(config["output_padding"], rank, least=0) if config.has("output_padding") else (None,) * rank
    steps = zip(sizes, window.size, window.strides, extra, strict=True)
    return tuple(_transposed_size(window.padding, *each) for each in steps)


def _transposed_size(padding: str, size: int | None, kernel: int, stride: int, extra: int | None) -> int:
    if size is None:
        raise UnknownShape("its spatial sizes are unknown")
    if padding == "VALID":
        return (size - 1) * stride + kernel + (max(kernel, stride) - kernel if extra is None else extra)
    return size * stride if extra is None else (size - 1) * stride + kernel % 2 + extra


def output_shape(site: Site, tensor: int, shape: Shape) -> int:
    """The operand that tells the result's *shape*, of which the batch may be unknown: then it is that of *tensor*.

    Where all sizes are those of *tensor*, the converter reads them there."""
    batch, *sizes = shape
    if batch is not None:
        return site.integers(shape)
    given = site.shape(tensor)
    whole = site.write("SHAPE", [tensor], (len(given),), None, type="int32", out_type="INT32")
    if given == shape:
        return whole
    bounds = [site.integers([value]) for value in (0, 1, 1)]
    masks = dict.fromkeys(("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask"), 0)
    first = site.write(
        "STRIDED_SLICE", [whole, *bounds], (), None, type="int32", **masks, shrink_axis_mask=1, offset=False
    )
    rest = [site.draft.constant(size, ()) for size in sizes]
    return site.write("PACK", [first, *rest], (len(shape),), None, type="int32", values_count=len(shape), axis=0)
