"""How one layer call runs when its constants are replaced and its inner tensors are looked at.

A step has constants (folded kernels and biases, by slot) and a body. `step_constants` computes the first from the
layer's variables, in whatever mode the caller is in (eager, or inside a traced function); `run_step` runs the second.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import ops

from qspec.graph.layers import Call
from qspec.graph.operands import operand_of
from qspec.graph.ops import Composition
from qspec.keras.execution.computed_constants import batch_norm_addend, batch_norm_multiplier
from qspec.keras.execution.live_arguments import live_arguments
from qspec.keras.execution.mixed_precision import in_float32
from qspec.keras.execution.op_by_op import (
    Behind,
    Compute,
    Constants,
    Inner,
    Read,
    as_it_is,
    in_float,
    op_by_op,
    sourced_constants,
    weighted_op,
)


@dataclass(frozen=True, eq=False)
class Step:
    """A layer call and the live layer that it calls.

    `batch_norm` is the batch normalization folded into this layer's kernel. `folded` says that this call is itself a
    batch normalization that was folded away. `slots` are the kinds and keys of this call's slots in the op graph.
    `composition` are the ops that stand for the layer; None for one that `passes` its input on at inference, and for
    one whose ops are not known. `written` tells, by the first result of each of these ops, the first result of the op
    of the model that it has become.
    """

    call: Call
    layer: Any
    batch_norm: Any
    folded: bool
    slots: frozenset[tuple[str, str | int]]
    composition: Composition | None = None
    passes: bool = False
    written: Mapping[int, int] = field(default_factory=dict)

    @property
    def runs_op_by_op(self) -> bool:
        """Whether the layer's ops are computed one by one, and not the layer as a whole."""
        return self.composition is not None and not self.folded and not self.passes


# ---- constants


def step_constants(step: Step, multiplier: Any = None) -> dict[tuple[str, str], Any]:
    """The step's float constants by slot kind and key, in the flatbuffer's layout, batch normalization folded in (Jacob
    et al. 2018, 3.2). *multiplier*, [channels], takes the place of the normalization's own at the weights."""
    if step.composition is None or step.folded:
        return {}
    constants = sourced_constants(step.layer, step.composition)
    return constants if step.batch_norm is None else _fold(step, step.composition, constants, multiplier)


def has_bias(step: Step) -> bool:
    """Whether `step_constants` gives a bias: the layer's own, or the one of a batch normalization folded in."""
    own = getattr(step.layer, "bias", None) is not None
    return ("bias", "bias") in step.slots and (own or step.batch_norm is not None)


def own_bias(step: Step) -> tuple[tuple[str, str], Any]:
    """The kind and key under which a folded step has its bias, and the layer's own, [channels], or None."""
    assert step.composition is not None
    op = weighted_op(step.composition)
    assert op is not None
    given = step.composition.tensors.get(operand_of(op, "bias"))
    key = ("bias", "bias") if given is None or given.slot is None else (given.slot.kind, str(given.slot.key))
    return key, sourced_constants(step.layer, step.composition).get(key)


def _fold(
    step: Step, composition: Composition, constants: dict[tuple[str, str], Any], instead: Any
) -> dict[tuple[str, str], Any]:
    """Fold the normalization behind into the layer's last op with weights, whose multiplier there is *instead*, if that
    is given."""
    multiplier, addend = batch_norm_multiplier(step.batch_norm), batch_norm_addend(step.batch_norm)
    op = weighted_op(composition)
    assert op is not None
    weights = composition.tensors[op.inputs[1]].slot
    assert weights is not None
    key = (weights.kind, str(weights.key))
    # The output channels come first in the flatbuffer, but for the depthwise kernel, where they come last.
    along = (-1,) if op.kind == "DEPTHWISE_CONV_2D" else (-1, *[1] * (len(constants[key].shape) - 1))
    constants[key] = constants[key] * ops.reshape(multiplier if instead is None else instead, along)
    own, bias = own_bias(step)
    constants[own] = addend if bias is None else addend + bias * multiplier
    return constants


# ---- running


def run_step(
    step: Step,
    arguments: Any,
    keywords: Any,
    constants: Constants,
    inner: Inner,
    behind: Behind | None = None,
    compute: Compute = in_float,
    read: Read = as_it_is,
) -> Any:
    """What the call gives for these *arguments*, with *constants* in place of the layer's own, and *behind* in place of
    the bias. What its ops read of them, and of each other's results, is as *read* has it."""
    regularizer = getattr(step.layer, "activity_regularizer", None)
    if regularizer is None:
        return _run(step, arguments, keywords, constants, inner, behind, compute, read)
    # The layer may run without its activation, or not at all, and the regularizer is for what comes out in the end.
    with _changed(step.layer, "activity_regularizer", None):
        result = _run(step, arguments, keywords, constants, inner, behind, compute, read)
    # Keras' own doing: it divides the loss by the size of the batch since 3.14.
    regularized = keras.layers.Identity(activity_regularizer=regularizer)
    for output in keras.tree.flatten(result):
        with keras.StatelessScope(collect_losses=True) as scope:
            regularized(output)
        for loss in scope.losses:
            step.layer.add_loss(loss)
    return result


def takes_training(layer: Any) -> bool:
    """Whether a layer does something else in training, and wants to be told."""
    return "training" in inspect.signature(layer.call).parameters


def _run(
    step: Step,
    arguments: Any,
    keywords: Any,
    constants: Constants,
    inner: Inner,
    behind: Behind | None,
    compute: Compute,
    read: Read,
) -> Any:
    layer = step.layer
    if step.folded:
        return arguments[0]
    if step.passes and (keywords.get("training") is False or not takes_training(layer)):
        return arguments[0]
    if step.composition is None:
        return in_float32(layer(*live_arguments(arguments, layer), **live_arguments(keywords, layer)))
    return op_by_op(step.call, step.composition, (arguments, keywords), constants, inner, behind, compute, read)


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
