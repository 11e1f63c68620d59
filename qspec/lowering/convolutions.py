"""Conv2D, DepthwiseConv2D and SeparableConv2D."""

from __future__ import annotations

from typing import Any

from qspec.graph.ops import Slot, Source
from qspec.lowering.activations import with_activation
from qspec.lowering.geometry import padding_name, pair, windowed
from qspec.lowering.site import Site, Unsupported


def conv_2d(site: Site) -> int:
    """`Conv2D`: CONV_2D; a grouped one too, its kernel having a group's channels."""
    filters, groups = site.config["filters"].integer(1), _groups(site)
    padding, strides, kernel, dilation = _window(site)
    tensor = site.single_input()
    batch, height, width, channels = site.image(tensor)
    if channels is None or channels % groups or filters % groups:
        raise Unsupported(f"its {channels} input channels do not divide into {groups} groups")
    shape = (
        batch,
        windowed(height, kernel[0], strides[0], dilation[0], padding),
        windowed(width, kernel[1], strides[1], dilation[1], padding),
        filters,
    )
    weights = site.weights("kernel", (filters, *kernel, channels // groups), Source("kernel", permutation=(3, 0, 1, 2)))
    operands = [tensor, weights, site.own_bias(filters)]
    attributes = _attributes(padding, strides, dilation)
    _refuse_dynamic(site, batch, dilation)
    return with_activation(site, lambda slot: site.write("CONV_2D", operands, shape, slot, **attributes))


def depthwise_conv_2d(site: Site) -> int:
    """`DepthwiseConv2D`: DEPTHWISE_CONV_2D"""

    def emit(slot: Slot) -> int:
        return _depthwise(site, slot, "kernel", "bias")

    return with_activation(site, emit)


def separable_conv_2d(site: Site) -> int:
    """`SeparableConv2D`: DEPTHWISE_CONV_2D, whose result is `inner["depthwise"]`, and a CONV_2D of size 1.

    The depthwise half has no bias variable; LiteRT's op has a bias of zeros nevertheless, `bias["depthwise_bias"]`.
    """
    filters = site.config["filters"].integer(1)
    depthwise = _depthwise(site, site.inner("depthwise"), "depthwise_kernel", "depthwise_bias")
    batch, height, width, channels = site.shape(depthwise)
    source = Source("pointwise_kernel", permutation=(3, 0, 1, 2))
    weights = site.weights("pointwise_kernel", (filters, 1, 1, channels), source)
    operands = [depthwise, weights, site.own_bias(filters)]
    attributes = _attributes("VALID", (1, 1), (1, 1))
    shape = (batch, height, width, filters)
    return with_activation(site, lambda slot: site.write("CONV_2D", operands, shape, slot, **attributes))


def _depthwise(site: Site, slot: Slot, kernel_name: str, bias_name: str) -> int:
    multiplier = site.config["depth_multiplier"].integer(1)
    padding, strides, kernel, dilation = _window(site)
    tensor = site.single_input()
    batch, height, width, channels = site.image(tensor)
    assert channels is not None
    outputs = channels * multiplier
    shape = (
        batch,
        windowed(height, kernel[0], strides[0], dilation[0], padding),
        windowed(width, kernel[1], strides[1], dilation[1], padding),
        outputs,
    )
    _refuse_dynamic(site, batch, dilation)
    bias = site.own_bias(outputs) if bias_name == "bias" else site.bias(outputs, bias_name)
    operands = [tensor, site.weights(kernel_name, (1, *kernel, outputs), Source(kernel_name)), bias]
    attributes = _attributes(padding, strides, dilation) | {"depth_multiplier": multiplier}
    return site.write("DEPTHWISE_CONV_2D", operands, shape, slot, **attributes)


def _groups(site: Site) -> int:
    groups = site.config.get("groups")
    return 1 if groups.is_none else groups.integer(1)


def _window(site: Site) -> tuple[str, tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Padding, strides, kernel size and dilation."""
    config = site.config
    strides, kernel = pair(config["strides"]), pair(config["kernel_size"])
    dilation = pair(config["dilation_rate"]) if config.has("dilation_rate") else (1, 1)
    return padding_name(config["padding"]), strides, kernel, dilation


def _refuse_dynamic(site: Site, batch: int | None, dilation: tuple[int, int]) -> None:
    if batch is None and dilation != (1, 1):
        raise Unsupported("it is dilated, which becomes several ops where the batch is dynamic")


def _attributes(padding: str, strides: tuple[int, int], dilation: tuple[int, int]) -> dict[str, Any]:
    return {
        "padding": padding,
        "stride_w": strides[1],
        "stride_h": strides[0],
        "dilation_w_factor": dilation[1],
        "dilation_h_factor": dilation[0],
        "fused_activation_function": "NONE",
    }
