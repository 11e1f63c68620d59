"""Raw operations of neural networks: activation functions, convolutions, pooling, normalizations, images."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from qspec.graph.document import Node
from qspec.lowering import pooling
from qspec.lowering.activation_functions import (
    FUNCTIONS,
    Function,
    Place,
    along,
    celu,
    elu,
    gated,
    hard_shrink,
    leaky,
    soft_shrink,
    softmax_over,
    squareplus,
)
from qspec.lowering.arguments import Arguments, Operand, constant, real
from qspec.lowering.geometry import Window, numbers, padding_name
from qspec.lowering.layout import channels_last
from qspec.lowering.literals import Literal
from qspec.lowering.operations_products import constant_weights
from qspec.lowering.operations_reductions import named_axes
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import axis_in, binary, reduce, reshape, unary


def function(name: str) -> Lowering:
    """An activation function without arguments."""
    return _with(lambda config: FUNCTIONS[name])


def _with(made: Callable[[Node], Function]) -> Lowering:
    """An activation function whose arguments are in the config."""

    def lower(site: Site) -> int:
        function = made(site.config)
        return function(Place(site, site.output), real(site, Arguments(site).tensor()))

    return lower


def _gelu(config: Node) -> Function:
    approximate = config.get("approximate").value is not False
    return lambda place, tensor: unary(place.site, "GELU", tensor, place.slot, approximate=approximate)


def _leaky(config: Node) -> Function:
    return leaky(config["negative_slope"].number())


def _elu(config: Node) -> Function:
    return elu(config["alpha"].number() if config.has("alpha") else 1.0)


def _by_number(function: Callable[[float], Function], key: str, default: float) -> Callable[[Node], Function]:
    """A function with a number for an argument."""
    return lambda config: function(config[key].number() if config.has(key) else default)


def _over_axis(name: str) -> Callable[[Node], Function]:
    """A function of the last axis, along the one of the config."""

    def made(config: Node) -> Function:
        axis = config.get("axis")
        return along(FUNCTIONS[name], [-1 if axis.is_none else axis.integer(-16)])

    return made


def _glu(config: Node) -> Function:
    """Its two halves may lie along another axis than the last."""
    axis = config.get("axis")
    position = -1 if axis.is_none else axis.integer(-16)
    return lambda place, tensor: gated(place, tensor, axis_in(position, len(place.site.shape(tensor))))


# ---- windows


def pool(kind: str) -> Lowering:
    """`max_pool`, `average_pool`: as the layers"""

    def lower(site: Site) -> int | tuple[int, ...]:
        rank = len(site.shape(Arguments(site).tensor())) - 2
        if rank not in (1, 2, 3):
            raise Unsupported(f"its input has {rank + 2} dimensions")
        return pooling.pooling(kind, rank)(site)

    return lower


def convolution(site: Site) -> int:
    """`conv` with a constant kernel, in one or two spatial dimensions: CONV_2D"""
    tensor, kernel, window = _image_and_kernel(site)
    channels, kernel_channels = site.shape(tensor)[-1], kernel.shape[2]
    if channels is None or channels % kernel_channels:
        raise UnknownShape("the number of channels is unknown, or does not fit the kernel")
    weights = constant_weights(site, "kernel", kernel.transposed((3, 0, 1, 2)))
    operands = [tensor, weights, site.bias(kernel.shape[3])]
    return _windowed(site, "CONV_2D", operands, window, kernel.shape[3])


def depthwise_convolution(site: Site) -> int:
    """`depthwise_conv` with a constant kernel: DEPTHWISE_CONV_2D"""
    tensor, kernel, window = _image_and_kernel(site)
    height, width, channels, multiplier = kernel.shape
    outputs = channels * multiplier
    weights = constant_weights(site, "kernel", kernel.reshaped((1, height, width, outputs)))
    operands = [tensor, weights, site.bias(outputs)]
    return _windowed(site, "DEPTHWISE_CONV_2D", operands, window, outputs, depth_multiplier=multiplier)


def _image_and_kernel(site: Site) -> tuple[int, Literal, Window]:
    """The input as an image, `inner["row"]` of a sequence, and the constant kernel with its window."""
    arguments = Arguments(site)
    tensor, kernel = real(site, arguments.tensor(0, "inputs")), arguments.operand(1, "kernel")
    if not isinstance(kernel, Literal):
        raise Unsupported("its kernel is not a constant")
    rank = len(site.shape(tensor)) - 2
    if rank not in (1, 2) or len(kernel.shape) != rank + 2:
        raise Unsupported(f"its input has {rank + 2} dimensions")
    strides, dilation = (numbers(site.config[key], rank) for key in ("strides", "dilation_rate"))
    window = Window(kernel.shape[:rank], strides, dilation, padding_name(site.config["padding"]))
    if rank == 2:
        return tensor, kernel, window
    batch, steps, channels = site.shape(tensor)
    row = reshape(site, tensor, (batch, 1, steps, channels), site.inner("row"))
    return row, kernel.reshaped((1, *kernel.shape)), window.over_row()


def _windowed(site: Site, kind: str, operands: list[int], window: Window, outputs: int, **more: Any) -> int:
    batch, height, width, _ = site.shape(operands[0])
    shape = (batch, *window.over((height, width)), outputs)
    sequence = len(site.shape(Arguments(site).tensor(0, "inputs"))) == 3
    slot = site.inner("result_row") if sequence else site.output
    result = site.write(kind, operands, shape, slot, **window.attributes(), **more)
    return reshape(site, result, (shape[0], *shape[2:]), site.output) if sequence else result


# ---- normalizations


def normalize(site: Site) -> int:
    """`normalize`: x times RSQRT of the sum of squares, which is at least the square of epsilon; with `order = 1` x by
    the sum of the magnitudes, which is at least epsilon."""
    tensor = real(site, Arguments(site).tensor())
    epsilon = site.config["epsilon"].number() if site.config.has("epsilon") else 1e-7
    axes = named_axes(site.config.get("axis"), len(site.shape(tensor)))
    if site.config["order"].value == 1:
        magnitude = unary(site, "ABS", tensor, site.inner("magnitude"))
        total = reduce(site, "SUM", magnitude, axes, site.inner("sum"), keep=True)
        least = site.inner_constant("epsilon", (), epsilon)
        return binary(site, "DIV", tensor, binary(site, "MAXIMUM", total, least, site.inner("bounded")), site.output)
    if site.config["order"].value != 2:
        raise Unsupported("its `order` is neither 1 nor 2")
    squared = unary(site, "SQUARE", tensor, site.inner("squared"))
    total = reduce(site, "SUM", squared, axes, site.inner("sum"), keep=True)
    least = site.inner_constant("epsilon", (), epsilon * epsilon)
    bounded = binary(site, "MAXIMUM", total, least, site.inner("bounded"))
    root = unary(site, "RSQRT", bounded, site.inner("reciprocal"))
    return binary(site, "MUL", tensor, root, site.output)


def layer_norm(site: Site) -> int:
    """`layer_normalization` over the last axis, with constants for gamma and beta or without"""
    arguments = Arguments(site)
    tensor = real(site, arguments.tensor())
    if site.config.get("rms_scaling").value:
        return _by_variance(site, tensor)
    axes = named_axes(site.config["axis"], len(site.shape(tensor)))
    mean = reduce(site, "MEAN", tensor, axes, site.inner("mean"), keep=True)
    squared = binary(site, "SQUARED_DIFFERENCE", tensor, mean, site.inner("squared_difference"))
    variance = reduce(site, "MEAN", squared, axes, site.inner("variance"), keep=True)
    root = _reciprocal_root(site, variance)
    centered = binary(site, "SUB", tensor, mean, site.inner("centered"))
    scaling = [("MUL", "gamma", arguments.optional(1, "gamma")), ("ADD", "beta", arguments.optional(2, "beta"))]
    return _scaled(site, "MUL", centered, root, scaling)


def _by_variance(site: Site, tensor: int) -> int:
    """`layer_normalization` with `rms_scaling`: x · gamma / sqrt(variance + epsilon), the mean left in"""
    axes = named_axes(site.config["axis"], len(site.shape(tensor)))
    mean = reduce(site, "MEAN", tensor, axes, site.inner("mean"), keep=True)
    squared = binary(site, "SQUARED_DIFFERENCE", tensor, mean, site.inner("squared_difference"))
    variance = reduce(site, "MEAN", squared, axes, site.inner("variance"), keep=True)
    scaling = [("MUL", "gamma", Arguments(site).optional(1, "gamma"))]
    return _scaled(site, "MUL", tensor, _reciprocal_root(site, variance), scaling)


def rms_norm(site: Site) -> int:
    """`rms_normalization`, with a constant scale or without"""
    arguments = Arguments(site)
    tensor = real(site, arguments.tensor())
    axes = named_axes(site.config["axis"], len(site.shape(tensor)))
    squared = unary(site, "SQUARE", tensor, site.inner("squared"))
    mean = reduce(site, "MEAN", squared, axes, site.inner("mean"), keep=True)
    return _scaled(
        site, "MUL", tensor, _reciprocal_root(site, mean), [("MUL", "scale", arguments.optional(1, "scale"))]
    )


def _reciprocal_root(site: Site, tensor: int) -> int:
    epsilon = site.config["epsilon"].number() if site.config.has("epsilon") else 1e-7
    shifted = binary(site, "ADD", tensor, site.inner_constant("epsilon", (), epsilon), site.inner("shifted"))
    return unary(site, "RSQRT", shifted, site.inner("reciprocal"))


def _scaled(site: Site, kind: str, left: int, right: int, scaling: list[tuple[str, str, Operand | None]]) -> int:
    """An op, and those with the operands that are given."""
    given = [(kind, key, operand) for kind, key, operand in scaling if operand is not None]
    result = binary(site, kind, left, right, site.inner("normalized") if given else site.output)
    for position, (kind, key, operand) in enumerate(given, 1):
        assert operand is not None
        factor = constant(site, operand, "float32", key) if isinstance(operand, Literal) else real(site, operand, key)
        slot = site.output if position == len(given) else site.inner("scaled")
        result = binary(site, kind, result, factor, slot)
    return result


def batch_norm(site: Site) -> int:
    """`batch_normalization` with constants: one MUL and one ADD"""
    arguments = Arguments(site)
    tensor = real(site, arguments.tensor())
    shape = site.shape(tensor)
    axis = named_axes(site.config["axis"], len(shape))[0]
    mean, variance = arguments.operand(1, "mean"), arguments.operand(2, "variance")
    offset, scale = arguments.optional(3, "offset"), arguments.optional(4, "scale")
    given = [mean, variance, *(each for each in (offset, scale) if each is not None)]
    if not all(isinstance(each, Literal) and len(each.shape) == 1 for each in given):
        raise Unsupported("its statistics are not constants")
    epsilon = site.config["epsilon"].number()
    scales = scale.flat if isinstance(scale, Literal) else [1.0] * (shape[axis] or 0)
    offsets = offset.flat if isinstance(offset, Literal) else [0.0] * len(scales)
    assert isinstance(mean, Literal)
    assert isinstance(variance, Literal)
    factors = [each / (spread + epsilon) ** 0.5 for each, spread in zip(scales, variance.flat, strict=True)]
    addends = [each - center * factor for each, center, factor in zip(offsets, mean.flat, factors, strict=True)]
    sizes = (len(factors), *(1,) * (len(shape) - axis - 1))
    multiplier = constant(
        site, Literal(tuple(factors), (len(factors),), "float32").reshaped(sizes), "float32", "multiplier"
    )
    addend = constant(site, Literal(tuple(addends), (len(addends),), "float32").reshaped(sizes), "float32", "addend")
    return binary(site, "ADD", binary(site, "MUL", tensor, multiplier, site.inner("multiplied")), addend, site.output)


# ---- images


def depth_to_space(kind: str) -> Lowering:
    """`depth_to_space`, `space_to_depth`"""

    def lower(site: Site) -> int:
        tensor = real(site, Arguments(site).tensor())
        batch, height, width, channels = site.image(tensor)
        block = site.config["block_size"].integer(2)
        if height is None or width is None or channels is None:
            raise UnknownShape("its sizes are unknown")
        if kind == "DEPTH_TO_SPACE":
            shape = (batch, height * block, width * block, channels // (block * block))
        else:
            shape = (batch, height // block, width // block, channels * block * block)
        if prod(size or 1 for size in shape) != prod(size or 1 for size in site.shape(tensor)):
            raise Unsupported(f"its block size {block} does not fit {height} by {width} by {channels}")
        return site.write(kind, [tensor], shape, site.output, block_size=block)

    return lower


NEURAL: dict[str, Lowering] = {
    "Relu": function("relu"),
    "Relu6": function("relu6"),
    "Sigmoid": function("sigmoid"),
    "SparseSigmoid": function("sparse_sigmoid"),
    "Softplus": function("softplus"),
    "Softsign": function("softsign"),
    "SparsePlus": function("sparse_plus"),
    "Silu": function("silu"),
    "LogSigmoid": function("log_sigmoid"),
    "HardSigmoid": function("hard_sigmoid"),
    "HardSilu": function("hard_silu"),
    "HardTanh": function("hard_tanh"),
    "TanhShrink": function("tanh_shrink"),
    "Selu": function("selu"),
    "Gelu": _with(_gelu),
    "LeakyRelu": _with(_leaky),
    "Elu": _with(_elu),
    "Celu": _with(_by_number(celu, "alpha", 1.0)),
    "Glu": _with(_glu),
    "SoftShrink": _with(_by_number(soft_shrink, "threshold", 0.5)),
    "HardShrink": _with(_by_number(hard_shrink, "threshold", 0.5)),
    "Squareplus": _with(_by_number(squareplus, "b", 4.0)),
    "Sparsemax": _with(_over_axis("sparsemax")),
    "Softmax": _with(lambda config: softmax_over(config.get("axis"))),
    "LogSoftmax": _with(_over_axis("log_softmax")),
    "MaxPool": pool("MAX_POOL_2D"),
    "AveragePool": pool("AVERAGE_POOL_2D"),
    "Conv": channels_last(convolution),
    "DepthwiseConv": channels_last(depthwise_convolution),
    "Normalize": normalize,
    "LayerNorm": layer_norm,
    "RMSNorm": rms_norm,
    "BatchNorm": batch_norm,
    "DepthToSpace": depth_to_space("DEPTH_TO_SPACE"),
    "SpaceToDepth": depth_to_space("SPACE_TO_DEPTH"),
}
"""By the class of the operation."""
