"""Activation functions: alone, as a layer's own `activation`, and the activation layers."""

from __future__ import annotations

from collections.abc import Callable

from qspec.graph.document import Node
from qspec.graph.ops import Slot, Source
from qspec.lowering.site import Site, Unsupported

Emit = Callable[[Slot], int]


def with_activation(site: Site, emit: Emit) -> int:
    """Write the layer's op and its own activation. *emit* writes the op into the slot it is given.

    The tensor between them is `inner["pre_activation"]`; fusion removes it again where the op takes the activation.
    """
    name = activation_name(site.config.get("activation"))
    if name == "linear":
        return emit(site.output)
    if name not in ACTIVATIONS:
        raise _unknown(name)
    return ACTIVATIONS[name](site, emit(site.inner("pre_activation")))


def activation_name(node: Node) -> str:
    """The name of a serialized activation; null is `linear`. Keras' own functions are written by their names alone."""
    if node.is_none:
        return "linear"
    if isinstance(node.value, str):
        return {"swish": "silu", "hard_swish": "hard_silu"}.get(node.value, node.value)
    # A function of the user's, or an activation layer inside the layer.
    inner = node.get("config")
    raise Unsupported(f"its activation is {_object_name(node, inner)}")


def _object_name(node: Node, inner: Node) -> str:
    name = inner.value if isinstance(inner.value, str) else node.get("class_name").value
    return f"`{name}`, which is not a name of Keras' own" if isinstance(name, str) else "a function of its own"


def _unknown(name: str) -> Unsupported:
    return Unsupported(f"its activation is `{name}`")


def activation(site: Site) -> int:
    """`Activation("…")`"""
    name = activation_name(site.config["activation"])
    if name == "linear":
        return site.vanish(site.single_input())
    if name not in ACTIVATIONS:
        raise _unknown(name)
    return ACTIVATIONS[name](site, site.single_input())


def re_lu(site: Site) -> int:
    """`ReLU`: RELU, RELU6 with `max_value = 6`, LEAKY_RELU with a slope."""
    maximum, slope, threshold = (site.config.get(key) for key in ("max_value", "negative_slope", "threshold"))
    limit = None if maximum.is_none else maximum.number()
    steepness = 0.0 if slope.is_none else slope.number()
    if not threshold.is_none and threshold.number() != 0:
        raise Unsupported("its `threshold` is not 0")
    if limit not in (None, 6) or (limit is not None and steepness):
        raise Unsupported("its `max_value` is not 6, and becomes several ops")
    tensor = site.single_input()
    if steepness:
        return _leaky(site, tensor, steepness)
    return _unary(site, "RELU" if limit is None else "RELU6", tensor)


def leaky_re_lu(site: Site) -> int:
    """`LeakyReLU`"""
    return _leaky(site, site.single_input(), site.config["negative_slope"].number())


def elu(site: Site) -> int:
    """`ELU` with `alpha = 1`"""
    if site.config.has("alpha") and site.config["alpha"].number() != 1:
        raise Unsupported("its `alpha` is not 1, and becomes several ops")
    return _unary(site, "ELU", site.single_input())


def softmax(site: Site) -> int:
    """`Softmax` over the last axis"""
    tensor = site.single_input()
    rank = len(site.shape(tensor))
    axis = site.config.get("axis")
    if not axis.is_none and not isinstance(axis.value, int):
        raise Unsupported("it normalizes over several axes")
    if not axis.is_none and axis.integer(-rank, rank - 1) % rank != rank - 1:
        raise Unsupported("its `axis` is not the last, and becomes several ops")
    return _softmax(site, tensor)


def p_re_lu(site: Site) -> int:
    """`PReLU`: its slopes have the input's shape without the batch, 1 on shared axes."""
    tensor = site.single_input()
    shape = slopes_shape(site.shape(tensor), site.config.get("shared_axes"))
    return site.write("PRELU", [tensor, site.weights("alpha", shape, Source("alpha"))], site.shape(tensor), site.output)


def slopes_shape(shape: tuple[int | None, ...], shared: Node) -> tuple[int | None, ...]:
    """The shape of PReLU's variable."""
    axes = set() if shared.is_none else {axis.integer(1, len(shape) - 1) for axis in shared.items()}
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape) if axis)


def _unary(site: Site, kind: str, tensor: int) -> int:
    return site.write(kind, [tensor], site.shape(tensor), site.output)


def _simple(kind: str) -> Callable[[Site, int], int]:
    return lambda site, tensor: _unary(site, kind, tensor)


def _leaky(site: Site, tensor: int, slope: float) -> int:
    return site.write("LEAKY_RELU", [tensor], site.shape(tensor), site.output, alpha=slope)


def _softmax(site: Site, tensor: int) -> int:
    return site.write("SOFTMAX", [tensor], site.shape(tensor), site.output, beta=1.0)


def _gelu(site: Site, tensor: int) -> int:
    return site.write("GELU", [tensor], site.shape(tensor), site.output, approximate=False)


def _silu(site: Site, tensor: int) -> int:
    shape = site.shape(tensor)
    sigmoid = site.write("LOGISTIC", [tensor], shape, site.inner("sigmoid"))
    return site.write("MUL", [tensor, sigmoid], shape, site.output, fused_activation_function="NONE")


def _hard_sigmoid(site: Site, tensor: int) -> int:
    """relu6(x + 3) · 1/6 (`keras/src/backend/tensorflow/nn.py`)"""
    shape = site.shape(tensor)
    three = site.inner_constant("addend", (), 3.0)
    shifted = site.write("ADD", [tensor, three], shape, site.inner("shifted"), fused_activation_function="NONE")
    clipped = site.write("RELU6", [shifted], shape, site.inner("clipped"))
    sixth = site.inner_constant("multiplier", (), 1 / 6)
    return site.write("MUL", [clipped, sixth], shape, site.output, fused_activation_function="NONE")


ACTIVATIONS: dict[str, Callable[[Site, int], int]] = {
    "relu": _simple("RELU"),
    "relu6": _simple("RELU6"),
    "hard_tanh": _simple("RELU_N1_TO_1"),
    "sigmoid": _simple("LOGISTIC"),
    "tanh": _simple("TANH"),
    "elu": _simple("ELU"),
    "exponential": _simple("EXP"),
    "log_softmax": _simple("LOG_SOFTMAX"),
    "softmax": _softmax,
    "gelu": _gelu,
    "silu": _silu,
    "hard_silu": _simple("HARD_SWISH"),
    "hard_sigmoid": _hard_sigmoid,
    "leaky_relu": lambda site, tensor: _leaky(site, tensor, 0.2),
}
"""Keras' activation functions by name. `leaky_relu` as a function has the slope 0.2."""
