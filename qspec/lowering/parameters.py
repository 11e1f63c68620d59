"""The variables of layers: Keras' own names and shapes, known from the config alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qspec.graph.document import Malformed, Node
from qspec.graph.layers import Layer, Shape
from qspec.lowering.activations import slopes_shape
from qspec.lowering.geometry import pair
from qspec.lowering.normalization import normalized_axis

Variables = dict[str, Shape]


def variables(layer: Layer, input_shapes: Sequence[Shape | None]) -> Mapping[str, Shape]:
    """The variables of a built-in layer called on tensors of these shapes, trainable or not; empty for layers without
    any, and where class, config or shapes do not tell. A size is None where an input's is unknown."""
    if not layer.built_in or layer.class_name not in _VARIABLES or not input_shapes or input_shapes[0] is None:
        return {}
    try:
        return _VARIABLES[layer.class_name](Node(layer.config, "config"), input_shapes[0])
    except (Malformed, IndexError):
        return {}


def _conv_2d(config: Node, shape: Shape) -> Variables:
    groups = config["groups"].integer(1) if config.has("groups") else 1
    channels = _channels(config, shape)
    filters = config["filters"].integer(1)
    depth = None if channels is None else channels // groups
    return {"kernel": (*pair(config["kernel_size"]), depth, filters), **_bias(config, filters)}


def _depthwise_conv_2d(config: Node, shape: Shape) -> Variables:
    channels, multiplier = _channels(config, shape), config["depth_multiplier"].integer(1)
    outputs = None if channels is None else channels * multiplier
    return {"kernel": (*pair(config["kernel_size"]), channels, multiplier), **_bias(config, outputs)}


def _separable_conv_2d(config: Node, shape: Shape) -> Variables:
    channels, multiplier = _channels(config, shape), config["depth_multiplier"].integer(1)
    filters = config["filters"].integer(1)
    between = None if channels is None else channels * multiplier
    return {
        "depthwise_kernel": (*pair(config["kernel_size"]), channels, multiplier),
        "pointwise_kernel": (1, 1, between, filters),
        **_bias(config, filters),
    }


def _dense(config: Node, shape: Shape) -> Variables:
    units = config["units"].integer(1)
    return {"kernel": (shape[-1], units), **_bias(config, units)}


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


_VARIABLES: dict[str, Callable[[Node, Shape], Variables]] = {
    "Conv2D": _conv_2d,
    "DepthwiseConv2D": _depthwise_conv_2d,
    "SeparableConv2D": _separable_conv_2d,
    "Dense": _dense,
    "BatchNormalization": _batch_normalization,
    "PReLU": _p_re_lu,
}
