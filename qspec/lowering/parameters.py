"""The variables of layers: Keras' own names and shapes, known from the config alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qspec.graph.document import Malformed, Node
from qspec.graph.layers import Layer, Shape
from qspec.lowering.activations import slopes_shape
from qspec.lowering.geometry import numbers
from qspec.lowering.normalization import normalized_axis
from qspec.lowering.parameters_attention import VARIABLES as OF_ATTENTION
from qspec.lowering.parameters_recurrent import VARIABLES as OF_RECURRENT
from qspec.lowering.site import UnknownShape, Unsupported

Variables = dict[str, Shape]


def variables(layer: Layer, input_shapes: Sequence[Shape | None]) -> Mapping[str, Shape]:
    """The variables of a built-in layer called on tensors of these shapes, trainable or not; empty for layers without
    any, and where class, config or shapes do not tell. A size is None where an input's is unknown."""
    if not layer.built_in or not input_shapes:
        return {}
    try:
        if layer.class_name in _OF_SEVERAL:
            return _OF_SEVERAL[layer.class_name](Node(layer.config, "config"), input_shapes)
        if layer.class_name not in _VARIABLES or input_shapes[0] is None:
            return {}
        return _VARIABLES[layer.class_name](Node(layer.config, "config"), input_shapes[0])
    except (Malformed, IndexError, Unsupported, UnknownShape):
        return {}


def _convolution(rank: int) -> Callable[[Node, Shape], Variables]:
    def found(config: Node, shape: Shape) -> Variables:
        groups = config["groups"].integer(1) if config.has("groups") else 1
        channels, filters = _channels(config, shape), config["filters"].integer(1)
        depth = None if channels is None else channels // groups
        kernel = (*numbers(config["kernel_size"], rank), depth, filters)
        return {"kernel": kernel, **_bias(config, filters), **_low_rank(config, kernel)}

    return found


def _transposed_convolution(rank: int) -> Callable[[Node, Shape], Variables]:
    def found(config: Node, shape: Shape) -> Variables:
        channels, filters = _channels(config, shape), config["filters"].integer(1)
        return {"kernel": (*numbers(config["kernel_size"], rank), filters, channels), **_bias(config, filters)}

    return found


def _depthwise_convolution(rank: int) -> Callable[[Node, Shape], Variables]:
    def found(config: Node, shape: Shape) -> Variables:
        channels, multiplier = _channels(config, shape), config["depth_multiplier"].integer(1)
        outputs = None if channels is None else channels * multiplier
        return {"kernel": (*numbers(config["kernel_size"], rank), channels, multiplier), **_bias(config, outputs)}

    return found


def _separable_convolution(rank: int) -> Callable[[Node, Shape], Variables]:
    def found(config: Node, shape: Shape) -> Variables:
        channels, multiplier = _channels(config, shape), config["depth_multiplier"].integer(1)
        filters = config["filters"].integer(1)
        between = None if channels is None else channels * multiplier
        return {
            "depthwise_kernel": (*numbers(config["kernel_size"], rank), channels, multiplier),
            "pointwise_kernel": (*(1,) * rank, between, filters),
            **_bias(config, filters),
        }

    return found


def _dense(config: Node, shape: Shape) -> Variables:
    units = config["units"].integer(1)
    kernel = (shape[-1], units)
    return {"kernel": kernel, **_bias(config, units), **_low_rank(config, kernel)}


def _low_rank(config: Node, kernel: Shape) -> Variables:
    """The two factors that Keras trains in place of the kernel, if it is told to."""
    if not config.has("lora_rank"):
        return {}
    rank = config["lora_rank"].integer(1)
    return {"lora_kernel_a": (*kernel[:-1], rank), "lora_kernel_b": (rank, kernel[-1])}


def _batch_normalization(config: Node, shape: Shape) -> Variables:
    size = (shape[normalized_axis(config, len(shape))],)
    names = [name for name, key in (("gamma", "scale"), ("beta", "center")) if _true(config, key)]
    return dict.fromkeys((*names, "moving_mean", "moving_variance"), size)


def _p_re_lu(config: Node, shape: Shape) -> Variables:
    return {"alpha": slopes_shape(shape, config.get("shared_axes"))}


def _channels(config: Node, shape: Shape) -> int | None:
    return shape[1] if config.get("data_format").value == "channels_first" else shape[-1]


def _bias(config: Node, size: int | None) -> Variables:
    return {"bias": (size,)} if _true(config, "use_bias") else {}


def _true(config: Node, key: str) -> bool:
    value = config.get(key)
    return value.is_none or value.boolean()


_OF_SEVERAL = {**OF_ATTENTION, **OF_RECURRENT}

_VARIABLES: dict[str, Callable[[Node, Shape], Variables]] = {
    **{f"Conv{rank}D": _convolution(rank) for rank in (1, 2, 3)},
    **{f"Conv{rank}DTranspose": _transposed_convolution(rank) for rank in (1, 2, 3)},
    **{f"DepthwiseConv{rank}D": _depthwise_convolution(rank) for rank in (1, 2)},
    **{f"SeparableConv{rank}D": _separable_convolution(rank) for rank in (1, 2)},
    "Dense": _dense,
    "BatchNormalization": _batch_normalization,
    "PReLU": _p_re_lu,
    "LayerScale": lambda config, shape: {"gamma": (config["projection_dim"].integer(1),)},
}
