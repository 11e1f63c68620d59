"""Activations of layers: as a layer's own `activation`, and the activation layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.graph.ops import Slot, Source
from qspec.lowering.activation_functions import FUNCTIONS, Function, Place, elu, leaky, rectifier, softmax_over
from qspec.lowering.arguments import Arguments
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import HIDDEN, select, type_of

Emit = Callable[[Slot], int]


def with_activation(site: Site, emit: Emit) -> int:
    """Write the layer's op and its own activation. *emit* writes the op into the slot it is given.

    The tensor between them is `inner["pre_activation"]`; fusion removes it again where the op takes the activation.
    """
    function = activation_function(site.config.get("activation"))
    if function is None:
        return emit(site.output)
    return function(Place(site, site.output, within="activation."), emit(site.inner("pre_activation")))


def activation_function(node: Node) -> Function | None:
    """What writes the activation that a config names; None for the one that does nothing.

    Keras writes its own functions by their names alone, activation layers inside a layer with their config.
    """
    name = activation_name(node)
    if name in _LAYERS:
        return _LAYERS[name](node["config"])
    if name != "linear" and name not in FUNCTIONS:
        raise Unsupported(f"its activation is `{name}`")
    return FUNCTIONS.get(name)


def activation_name(node: Node) -> str:
    """The name of a serialized activation, or the class of an activation layer; null is `linear`."""
    if node.is_none:
        return "linear"
    if isinstance(node.value, str):
        return {"swish": "silu", "hard_swish": "hard_silu"}.get(node.value, node.value)
    class_name, package, config = (node.get(key).value for key in ("class_name", "module", "config"))
    if class_name in _LAYERS and str(package).split(".")[0] == "keras":
        return str(class_name)
    # A function of the user's, or another layer.
    name = config if isinstance(config, str) else class_name
    told = f"`{name}`, which is not a name of Keras' own" if isinstance(name, str) else "a function of its own"
    raise Unsupported(f"its activation is {told}")


# ---- activation layers


def layer(class_name: str) -> Lowering:
    """An activation layer without a mask, as a layer of the model."""

    def lower(site: Site) -> int:
        tensor = site.single_input()
        function = _LAYERS[class_name](site.config)
        return site.vanish(tensor) if function is None else function(Place(site, site.output), tensor)

    return lower


def softmax(site: Site) -> int:
    """`Softmax`. What a mask hides is `HIDDEN` before, `inner["masked"]`, and 0 behind the `inner["unmasked"]`."""
    function = softmax_over(site.config.get("axis"))
    arguments = Arguments(site)
    tensor = arguments.tensor(0, "inputs")
    if arguments.raw(1, "mask") is None:
        return function(Place(site, site.output), site.single_input())
    condition = arguments.tensor(1, "mask")
    if type_of(site, condition) != "bool":
        raise Unsupported(f"its mask is of {type_of(site, condition)}, not bool")
    masked = select(site, condition, tensor, site.inner_constant("hidden", (), HIDDEN), site.inner("masked"))
    unmasked = function(Place(site, site.inner("unmasked")), masked)
    return select(site, condition, unmasked, site.inner_constant("zero", (), 0.0), site.output)


def slopes_shape(shape: Shape, shared: Node) -> Shape:
    """The shape of PReLU's variable."""
    axes = set() if shared.is_none else {axis.integer(1, len(shape) - 1) for axis in shared.items()}
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape) if axis)


def _activation(config: Node) -> Function | None:
    function = activation_function(config["activation"])
    if function is None:
        return None
    return lambda place, tensor: function(replace(place, within=f"{place.within}activation."), tensor)


def _re_lu(config: Node) -> Function:
    maximum = config.get("max_value")
    return rectifier(
        _number(config, "negative_slope"), None if maximum.is_none else maximum.number(), _number(config, "threshold")
    )


def _number(config: Node, key: str, default: float = 0.0) -> float:
    return config[key].number() if config.has(key) else default


def _p_re_lu(config: Node) -> Function:
    def write(place: Place, tensor: int) -> int:
        shape = slopes_shape(place.site.shape(tensor), config.get("shared_axes"))
        if None in shape:
            raise UnknownShape("the size of its slopes is unknown")
        slopes = place.site.weights("alpha", shape, Source(f"{place.within}alpha"))
        return place.site.write("PRELU", [tensor, slopes], place.site.shape(tensor), place.slot)

    return write


_LAYERS: dict[str, Callable[[Node], Function | None]] = {
    "Activation": _activation,
    "ReLU": _re_lu,
    "LeakyReLU": lambda config: leaky(config["negative_slope"].number()),
    "PReLU": _p_re_lu,
    "ELU": lambda config: elu(_number(config, "alpha", 1.0)),
    "Softmax": lambda config: softmax_over(config.get("axis")),
}
