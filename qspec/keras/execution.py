"""How one layer call runs when its constants are replaced and its inner tensors are looked at.

A step has constants (folded kernels and biases, by slot) and a body. `step_constants` computes the first from the
layer's variables, in whatever mode the caller is in (eager, or inside a traced function); `run_step` runs the second.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNSUPPORTED_LAYER
from qspec.graph.layers import Call

Constants = Mapping[tuple[str, str], Any]  # by a slot's kind and key
Inner = Callable[[str, Any], Any]  # shows an inner tensor by its slot's key, and goes on with what comes back


@dataclass(frozen=True, eq=False)
class Step:
    """A layer call and the live layer that it calls.

    `batch_norm` is the batch normalization folded into this layer's kernel. `folded` says that this call is itself a
    batch normalization that was folded away. `slots` are the kinds and keys of this call's slots in the op graph.
    """

    call: Call
    layer: Any
    batch_norm: Any
    folded: bool
    slots: frozenset[tuple[str, str | int]]


def channel_axes(layer: Any, key: str) -> tuple[int, ...]:
    """The axes of a constant, in Keras' layout, along which per-channel parameters vary: the output channels."""
    depthwise = isinstance(layer, (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)) and key == "kernel"
    return (-2, -1) if depthwise or key == "depthwise_kernel" else (-1,)


# ---- constants


def step_constants(step: Step) -> dict[tuple[str, str], Any]:
    """The step's float constants by slot kind and key, batch normalization folded in (Jacob et al. 2018, 3.2)."""
    layer = step.layer
    if isinstance(layer, keras.layers.BatchNormalization):
        multiplier, addend = _affine(layer)
        return {} if step.folded else {("inner", "multiplier"): multiplier, ("inner", "addend"): addend}
    if isinstance(layer, keras.layers.Rescaling):
        return _inner_constants(step, multiplier=layer.scale, addend=layer.offset)
    if isinstance(layer, keras.layers.Average):
        return _inner_constants(step, multiplier=1 / len(step.call.inputs))
    constants = _variables(step)
    if getattr(layer, "activation", None) is keras.activations.hard_sigmoid:
        constants |= _inner_constants(step, addend=3.0, multiplier=1 / 6)
    return constants


def has_bias(step: Step) -> bool:
    """Whether `step_constants` gives a bias: the layer's own, or the one of a batch normalization folded in."""
    own = getattr(step.layer, "bias", None) is not None
    return ("bias", "bias") in step.slots and (own or step.batch_norm is not None)


def _variables(step: Step) -> dict[tuple[str, str], Any]:
    keys = [str(key) for kind, key in step.slots if kind == "weights"]
    constants = {("weights", key): ops.convert_to_tensor(getattr(step.layer, key)) for key in keys}
    bias = getattr(step.layer, "bias", None)
    if step.batch_norm is not None:
        return _fold(step, constants, bias)
    if ("bias", "bias") in step.slots and bias is not None:
        constants["bias", "bias"] = ops.convert_to_tensor(bias)
    return constants


def _affine(batch_norm: Any) -> tuple[Any, Any]:
    """What the normalization multiplies by, gamma / sqrt(variance + epsilon), and adds, beta - mean * multiplier."""
    multiplier = 1.0 / ops.sqrt(batch_norm.moving_variance + batch_norm.epsilon)
    if batch_norm.scale:
        multiplier = multiplier * batch_norm.gamma
    addend = -batch_norm.moving_mean * multiplier
    return multiplier, addend + batch_norm.beta if batch_norm.center else addend


def _fold(step: Step, constants: dict[tuple[str, str], Any], bias: Any) -> dict[tuple[str, str], Any]:
    multiplier, addend = _affine(step.batch_norm)
    key = "pointwise_kernel" if ("weights", "pointwise_kernel") in constants else "kernel"
    kernel = constants["weights", key]
    axes = channel_axes(step.layer, key)
    constants["weights", key] = kernel * ops.reshape(multiplier, [kernel.shape[axis] for axis in axes])
    constants["bias", "bias"] = addend if bias is None else addend + bias * multiplier
    return constants


def _inner_constants(step: Step, **values: Any) -> dict[tuple[str, str], Any]:
    """Those of *values* for which lowering wrote an op."""
    present = {key: value for key, value in values.items() if ("inner", key) in step.slots}
    return {("inner", key): ops.convert_to_tensor(value, "float32") for key, value in present.items()}


# ---- running

# In Python's operators, not Keras': `keras.ops.add` takes a vector of the right size for a bias, and reshapes it.
_MERGES: dict[type, Callable[[Any, Any], Any]] = {
    keras.layers.Add: operator.add,
    keras.layers.Subtract: operator.sub,
    keras.layers.Multiply: operator.mul,
    keras.layers.Average: operator.add,
    keras.layers.Maximum: ops.maximum,
    keras.layers.Minimum: ops.minimum,
}


def run_step(step: Step, arguments: Any, keywords: Any, constants: Constants, inner: Inner) -> Any:
    """What the call gives for these *arguments*, with *constants* in place of the layer's own."""
    regularizer = getattr(step.layer, "activity_regularizer", None)
    if regularizer is None:
        return _run(step, arguments, keywords, constants, inner)
    # The layer may run without its activation, or not at all, and the regularizer is for what comes out in the end.
    with _changed(step.layer, "activity_regularizer", None):
        result = _run(step, arguments, keywords, constants, inner)
    # Keras' own doing: it divides the loss by the size of the batch since 3.14.
    regularized = keras.layers.Identity(activity_regularizer=regularizer)
    for output in keras.tree.flatten(result):
        with keras.StatelessScope(collect_losses=True) as scope:
            regularized(output)
        for loss in scope.losses:
            step.layer.add_loss(loss)
    return result


def _run(step: Step, arguments: Any, keywords: Any, constants: Constants, inner: Inner) -> Any:
    layer = step.layer
    if step.folded:
        return arguments[0]
    if isinstance(layer, (keras.layers.BatchNormalization, keras.layers.Rescaling)):
        return _multiply_add(arguments[0], constants, inner)
    if type(layer) in _MERGES:
        return _merge(step, arguments[0], constants, inner)
    if isinstance(layer, (keras.layers.Flatten, keras.layers.Reshape)):
        return _reshape(layer, arguments[0])
    if isinstance(layer, keras.layers.Activation):
        return _activate(step, layer.activation, arguments[0], constants, inner)
    if isinstance(layer, keras.layers.SeparableConv2D):
        value = _separable(layer, arguments[0], constants, inner)
        return _activate(step, layer.activation, value, constants, inner)
    if any(kind == "weights" for kind, _ in constants):
        with _changed(layer, "activation", keras.activations.linear):
            value = _with_variables(step, constants, arguments, keywords)
        return _activate(step, getattr(layer, "activation", None), value, constants, inner)
    return layer(*arguments, **keywords)


def _multiply_add(value: Any, constants: Constants, inner: Inner) -> Any:
    if ("inner", "multiplier") in constants:
        value = inner("multiplied", value * ops.cast(constants["inner", "multiplier"], value.dtype))
    if ("inner", "addend") in constants:
        value = value + ops.cast(constants["inner", "addend"], value.dtype)
    return value


def _merge(step: Step, values: Any, constants: Constants, inner: Inner) -> Any:
    """Two at a time from the left, as LiteRT's binary ops have it."""
    combine = _MERGES[type(step.layer)]
    result = values[0]
    for position, value in enumerate(values[1:], 1):
        result = inner(f"partial_{position}", combine(result, value))
    if ("inner", "multiplier") in constants:
        result = inner("sum", result) * ops.cast(constants["inner", "multiplier"], result.dtype)
    return result


def _reshape(layer: Any, value: Any) -> Any:
    """With -1 for a batch that is unknown. Keras reads it from the tensor (`Flatten` since 3.11), which becomes SHAPE,
    STRIDED_SLICE and PACK in the file."""
    shape = tuple(value.shape)
    wanted = (shape[0], *layer.compute_output_shape(shape)[1:])
    return value if wanted == shape else ops.reshape(value, [-1 if size is None else size for size in wanted])


def _separable(layer: Any, value: Any, constants: Constants, inner: Inner) -> Any:
    geometry = {"data_format": layer.data_format, "dilation_rate": layer.dilation_rate}
    kernels = (constants["weights", key] for key in ("depthwise_kernel", "pointwise_kernel"))
    depthwise, pointwise = (ops.cast(kernel, value.dtype) for kernel in kernels)
    value = ops.depthwise_conv(value, depthwise, strides=layer.strides, padding=layer.padding, **geometry)
    value = ops.conv(inner("depthwise", value), pointwise, padding="valid", data_format=layer.data_format)
    bias = constants.get(("bias", "bias"))
    return value if bias is None else value + ops.cast(bias, value.dtype)


def _with_variables(step: Step, constants: Constants, arguments: Any, keywords: Any) -> Any:
    """The layer's own call, its variables reading as *constants*."""
    layer = step.layer
    replaced, added = [], None
    for (kind, key), value in constants.items():
        variable = getattr(layer, key, None) if kind != "inner" else None
        if variable is not None:
            replaced.append((variable, value))
        elif kind == "bias":
            added = value  # folding gives a bias to a layer without one
    with _ReplacedVariables(replaced) as scope:
        value = layer(*arguments, **keywords)
    unread = [variable.name for variable, _ in replaced if id(variable) not in scope.read]
    if unread:
        message = f"layer `{step.call.layer.path}` does not read its variable `{unread[0]}` through Keras"
        advice = f'set `rule … match {type(layer).__name__} where path == "{step.call.layer.path}" {{ all = float }}`'
        raise SpecError([UNSUPPORTED_LAYER.at(Place(step.call.layer.path), message, help=advice)])
    for variable, update in scope.updates:
        variable.assign(update)
    for loss in scope.losses:
        layer.add_loss(loss)
    return value if added is None else value + ops.cast(added, value.dtype)


class _ReplacedVariables(keras.StatelessScope):  # type: ignore[misc]
    """Gives variables other values, and remembers which were read and what was written."""

    def __init__(self, replaced: list[tuple[Any, Any]]) -> None:
        super().__init__(replaced, collect_losses=True)
        self.read: set[int] = set()
        self.updates: list[tuple[Any, Any]] = []

    def get_current_value(self, variable: Any) -> Any:
        self.read.add(id(variable))
        return super().get_current_value(variable)

    def add_update(self, update: tuple[Any, Any]) -> None:
        self.updates.append(update)
        super().add_update(update)


@contextmanager
def _changed(layer: Any, attribute: str, value: Any) -> Iterator[None]:
    """The layer with another *value* of an attribute, if it has that and it is not None."""
    kept = getattr(layer, attribute, None)
    if kept is None:
        yield
        return
    setattr(layer, attribute, value)
    try:
        yield
    finally:
        setattr(layer, attribute, kept)


def _activate(step: Step, activation: Any, value: Any, constants: Constants, inner: Inner) -> Any:
    if activation is None or activation is keras.activations.linear:
        return value
    if ("inner", "pre_activation") in step.slots:
        value = inner("pre_activation", value)
    if activation is keras.activations.silu:
        return value * inner("sigmoid", ops.sigmoid(value))
    if activation is keras.activations.hard_sigmoid:
        shifted = inner("shifted", value + ops.cast(constants["inner", "addend"], value.dtype))
        clipped = inner("clipped", ops.relu6(shifted))
        return clipped * ops.cast(constants["inner", "multiplier"], value.dtype)
    return activation(value)
