"""Activation functions, each in ops that have integer kernels where there are such.

`keras/src/activations/activations.py` and `keras/src/backend/tensorflow/nn.py` say what Keras computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.graph.ops import Slot
from qspec.lowering.geometry import product
from qspec.lowering.site import Site, UnknownShape, Unsupported
from qspec.lowering.writing import axis_in, binary, cumulated, reduce, reshape, select, transpose, unary


@dataclass(frozen=True, slots=True)
class Place:
    """Where an activation is written: its result has *slot*, the names of the tensors before it begin with *prefix*,
    and *within* leads from the layer to the activation's own variables (`activation.`)."""

    site: Site
    slot: Slot
    prefix: str = ""
    within: str = ""

    def inner(self, key: str) -> Slot:
        """The slot of a tensor inside the activation."""
        return self.site.inner(self.prefix + key)

    def constant(self, key: str, value: Any, shape: Shape = ()) -> int:
        """A constant of the activation."""
        return self.site.inner_constant(self.prefix + key, shape, value)

    def at(self, key: str) -> Place:
        """The place of a function whose result is an inner tensor of this one."""
        return replace(self, slot=self.inner(key))


Function = Callable[[Place, int], int]
"""Writes a function of a tensor; its result is the tensor in the place's slot."""


def rectifier(slope: float = 0.0, maximum: float | None = None, threshold: float = 0.0) -> Function:
    """`relu(x, slope, maximum, threshold)`: x above the threshold, slope · (x - threshold) below, at most *maximum*."""
    if not threshold and not slope and maximum == 6:
        return _simple("RELU6")
    function = _simple("RELU")
    if threshold or slope:
        function = _thresholded(slope, threshold) if threshold else leaky(slope)
    if maximum is None:
        return function
    return lambda place, tensor: _by("MINIMUM", place, function(place.at("rectified"), tensor), "maximum", maximum)


def _thresholded(slope: float, threshold: float) -> Function:
    def write(place: Place, tensor: int) -> int:
        limit = place.constant("threshold", threshold)
        above = binary(place.site, "GREATER", tensor, limit, None, "bool")
        if not slope:
            return select(place.site, above, tensor, place.constant("zero", 0.0), place.slot)
        shifted = _by("SUB", place.at("shifted"), tensor, "subtrahend", threshold)
        return select(place.site, above, tensor, _by("MUL", place.at("sloped"), shifted, "slope", slope), place.slot)

    return write


def leaky(slope: float) -> Function:
    """`leaky_relu(x, slope)`"""
    return _simple("LEAKY_RELU", alpha=slope)


def elu(alpha: float = 1.0) -> Function:
    """`elu(x, alpha)`: alpha · (exp(x) - 1) below 0, which is ELU and a slope."""
    if alpha == 1:
        return _simple("ELU")
    return lambda place, tensor: leaky(alpha)(place, _simple("ELU")(place.at("elu"), tensor))


def softmax_over(axis: Node) -> Function:
    """`softmax(x, axis)` along one axis, or over several together."""
    if axis.is_none:
        raise Unsupported("it normalizes over the batch, too")
    axes = [item.integer(-16) for item in axis.items()] if isinstance(axis.value, list | tuple) else [axis.integer(-16)]
    return along(_simple("SOFTMAX", beta=1.0), axes)


def along(function: Function, axes: Sequence[int]) -> Function:
    """A function of the last axis, over other axes, several being taken as one: with a TRANSPOSE and a RESHAPE before
    and behind, as far as they are needed."""

    def write(place: Place, tensor: int) -> int:
        site, shape = place.site, place.site.shape(tensor)
        rank = len(shape)
        last = sorted({axis_in(axis, rank) for axis in axes})
        order = [axis for axis in range(rank) if axis not in last] + last
        moved = order != list(range(rank))
        if moved:
            tensor = transpose(site, tensor, order, place.inner("transposed"))
        apart = site.shape(tensor)
        joined = (*apart[: rank - len(last)], product(apart[rank - len(last) :]))
        if len(last) > 1:
            tensor = reshape(site, tensor, joined, place.inner("joined"))
        result = place.at("probabilities") if moved or len(last) > 1 else place
        tensor = function(result, tensor)
        if len(last) > 1:
            tensor = reshape(site, tensor, apart, place.inner("parted") if moved else place.slot)
        back = sorted(range(rank), key=order.__getitem__)
        return transpose(site, tensor, back, place.slot) if moved else tensor

    return write


# ---- building blocks


def _simple(kind: str, **attributes: Any) -> Function:
    return lambda place, tensor: unary(place.site, kind, tensor, place.slot, **attributes)


def _by(kind: str, place: Place, tensor: int, key: str, value: float) -> int:
    """An op of a tensor and a constant."""
    return binary(place.site, kind, tensor, place.constant(key, value), place.slot)


def _both(kind: str, place: Place, left: int, right: int) -> int:
    return binary(place.site, kind, left, right, place.slot)


# ---- functions by name


def _softplus(place: Place, tensor: int) -> int:
    """relu(x) - log(sigmoid(|x|)), whose parts neither overflow nor need a wide range."""
    positive = _simple("RELU")(place.at("positive"), tensor)
    return _both("SUB", place, positive, _log_sigmoid_of_magnitude(place, tensor))


def _log_sigmoid(place: Place, tensor: int) -> int:
    """min(x, 0) + log(sigmoid(|x|))"""
    negative = _by("MINIMUM", place.at("negative"), tensor, "zero", 0.0)
    return _both("ADD", place, negative, _log_sigmoid_of_magnitude(place, tensor))


def _log_sigmoid_of_magnitude(place: Place, tensor: int) -> int:
    magnitude = _simple("ABS")(place.at("magnitude"), tensor)
    return _simple("LOG")(place.at("logarithm"), _simple("LOGISTIC")(place.at("sigmoid"), magnitude))


def _softsign(place: Place, tensor: int) -> int:
    """x / (1 + |x|)"""
    magnitude = _simple("ABS")(place.at("magnitude"), tensor)
    return _both("DIV", place, tensor, _by("ADD", place.at("denominator"), magnitude, "addend", 1.0))


def _mish(place: Place, tensor: int) -> int:
    """x · tanh(softplus(x))"""
    return _both("MUL", place, tensor, _simple("TANH")(place.at("tanh"), _softplus(place.at("softplus"), tensor)))


def _selu(place: Place, tensor: int) -> int:
    """scale · elu(x, alpha) (Klambauer et al. 2017, the constants as in TensorFlow's `tf.nn.selu`)"""
    return _by("MUL", place, elu(1.6732632423543772)(place.at("sloped"), tensor), "multiplier", 1.0507009873554805)


def _silu(place: Place, tensor: int) -> int:
    return _both("MUL", place, tensor, _simple("LOGISTIC")(place.at("sigmoid"), tensor))


def _glu(place: Place, tensor: int) -> int:
    return gated(place, tensor, len(place.site.shape(tensor)) - 1)


def gated(place: Place, tensor: int, axis: int) -> int:
    """The first half along an axis times the sigmoid of the second."""
    site, shape = place.site, place.site.shape(tensor)
    size = shape[axis]
    if size is None or size % 2:
        raise Unsupported(f"its axis of {size} does not divide into two halves")
    half = (*shape[:axis], size // 2, *shape[axis + 1 :])
    operands = [site.draft.constant(axis, ()), tensor]
    slots = [place.inner("linear"), place.inner("gate")]
    linear, gate = site.write_several("SPLIT", operands, [half, half], slots, num_splits=2)
    return _both("MUL", place, linear, _simple("LOGISTIC")(place.at("sigmoid"), gate))


def _hard_sigmoid(place: Place, tensor: int) -> int:
    """relu6(x + 3) · 1/6"""
    shifted = _by("ADD", place.at("shifted"), tensor, "addend", 3.0)
    return _by("MUL", place, _simple("RELU6")(place.at("clipped"), shifted), "multiplier", 1 / 6)


def _sparse_sigmoid(place: Place, tensor: int) -> int:
    """1/2 + 1/2 · x, x held between -1 and 1"""
    return _by("ADD", place, _half_of_clipped(place, tensor)[1], "addend", 0.5)


def _sparse_plus(place: Place, tensor: int) -> int:
    """With c, x held between -1 and 1: (1/2 + c/2)² + relu(x - c)"""
    clipped, halved = _half_of_clipped(place, tensor)
    shifted = _by("ADD", place.at("shifted"), halved, "addend", 0.5)
    squared = _both("MUL", place.at("squared"), shifted, shifted)
    above = _simple("RELU")(place.at("above"), _both("SUB", place.at("outside"), tensor, clipped))
    return _both("ADD", place, squared, above)


def _half_of_clipped(place: Place, tensor: int) -> tuple[int, int]:
    clipped = _simple("RELU_N1_TO_1")(place.at("clipped"), tensor)
    return clipped, _by("MUL", place.at("halved"), clipped, "multiplier", 0.5)


def soft_shrink(threshold: float = 0.5) -> Function:
    """x - x held between -threshold and threshold"""

    def write(place: Place, tensor: int) -> int:
        below = _by("MINIMUM", place.at("below"), tensor, "maximum", threshold)
        return _both("SUB", place, tensor, _by("MAXIMUM", place.at("clipped"), below, "minimum", -threshold))

    return write


def hard_shrink(threshold: float = 0.5) -> Function:
    """x where |x| > threshold, else 0"""

    def write(place: Place, tensor: int) -> int:
        magnitude = _simple("ABS")(place.at("magnitude"), tensor)
        large = binary(place.site, "GREATER", magnitude, place.constant("threshold", threshold), None, "bool")
        return select(place.site, large, tensor, place.constant("zero", 0.0), place.slot)

    return write


def celu(alpha: float = 1.0) -> Function:
    """max(x, 0) + alpha · (exp(min(x, 0) / alpha) - 1): alpha · elu(x / alpha)"""
    if alpha == 1:
        return _simple("ELU")
    if alpha == 0:
        raise Unsupported("its `alpha` is 0")

    def write(place: Place, tensor: int) -> int:
        shrunk = _by("MUL", place.at("shrunk"), tensor, "divisor", 1 / alpha)
        return _by("MUL", place, _simple("ELU")(place.at("elu"), shrunk), "multiplier", alpha)

    return write


def _tanh_shrink(place: Place, tensor: int) -> int:
    """x - tanh(x)"""
    return _both("SUB", place, tensor, _simple("TANH")(place.at("tanh"), tensor))


def squareplus(b: float = 4.0) -> Function:
    """1/2 · (x + sqrt(x² + b))"""

    def write(place: Place, tensor: int) -> int:
        squared = _both("MUL", place.at("squared"), tensor, tensor)
        root = _simple("SQRT")(place.at("root"), _by("ADD", place.at("shifted"), squared, "addend", b))
        return _by("MUL", place, _both("ADD", place.at("sum"), tensor, root), "multiplier", 0.5)

    return write


def _sparsemax(place: Place, tensor: int) -> int:
    """relu(x - t) with Keras' own t: of values x₁ ≥ x₂ ≥ … those count for which k · xₖ > x₁ + … + xₖ - 1, and t is the
    sum of their cumulated sums, less 1, divided by their number.

    Martins and Astudillo 2016 have the last of these sums, and not their sum.
    """
    site, shape = place.site, place.site.shape(tensor)
    size = shape[-1]
    if size is None:
        raise UnknownShape("the size of its last axis is unknown")
    last = [len(shape) - 1]
    ordered = site.write("TOPK_V2", [tensor, site.draft.constant(size, ())], shape, place.inner("sorted"))
    site.ops[-1].outputs.append(site.draft.tensor(shape, None, type="int32"))
    total = cumulated(site, ordered, last[0], place.inner("cumulated"))
    shares = place.constant("multiplier", tuple(1 / count for count in range(1, size + 1)), (size,))
    mean = binary(site, "MUL", _by("SUB", place.at("excess"), total, "one", 1.0), shares, place.inner("mean"))
    above = _both("SUB", place.at("above"), ordered, mean)
    counts = binary(site, "GREATER", above, place.constant("zero", 0.0), None, "bool")
    types = {"in_data_type": "BOOL", "out_data_type": "FLOAT32"}
    support = site.write("CAST", [counts], shape, place.inner("support"), **types)
    number = reduce(site, "SUM", support, last, place.inner("number"), keep=True)
    counted = select(site, counts, total, place.constant("nothing", 0.0), place.inner("counted"))
    collected = _by(
        "SUB", place.at("collected"), reduce(site, "SUM", counted, last, place.inner("sum"), keep=True), "less", 1.0
    )
    threshold = _both("DIV", place.at("threshold"), collected, number)
    return _simple("RELU")(place, _both("SUB", place.at("difference"), tensor, threshold))


FUNCTIONS: dict[str, Function] = {
    "relu": _simple("RELU"),
    "relu6": _simple("RELU6"),
    "hard_tanh": _simple("RELU_N1_TO_1"),
    "sigmoid": _simple("LOGISTIC"),
    "tanh": _simple("TANH"),
    "elu": elu(),
    "celu": celu(),
    "exponential": _simple("EXP"),
    "log_softmax": _simple("LOG_SOFTMAX"),
    "softmax": _simple("SOFTMAX", beta=1.0),
    "gelu": _simple("GELU", approximate=False),
    "hard_silu": _simple("HARD_SWISH"),
    "leaky_relu": leaky(0.2),
    "silu": _silu,
    "glu": _glu,
    "selu": _selu,
    "mish": _mish,
    "softplus": _softplus,
    "softsign": _softsign,
    "squareplus": squareplus(),
    "log_sigmoid": _log_sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "sparse_sigmoid": _sparse_sigmoid,
    "sparse_plus": _sparse_plus,
    "sparsemax": _sparsemax,
    "soft_shrink": soft_shrink(),
    "hard_shrink": hard_shrink(),
    "tanh_shrink": _tanh_shrink,
}
"""Keras' activation functions by name, with the arguments that they have then: `leaky_relu` a slope of 0.2."""
