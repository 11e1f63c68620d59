"""A layer computed op by op, as its lowering wrote it, so that each tensor between its ops can be looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from qspec.graph.layers import Call, Value
from qspec.graph.operands import operand_position
from qspec.graph.ops import Composition, Op, Slot, Source, Tensor
from qspec.keras.execution.computed_constants import constant_of
from qspec.keras.kernels.op_kernels import KERNELS, activated
from qspec.keras.kernels.tracing import read_alone

Constants = Mapping[tuple[str, str], Any]  # by a slot's kind and key
# Shows a tensor by its slot, and goes on with what comes back: one inside the layer, or a result that its ops read.
Inner = Callable[[Slot, Any], Any]
# What an op reads of a tensor of its composition, by its id there, and its value.
Read = Callable[[Op, int, Any], Any]
# What an op of the composition with these tensors gives for its operands.
Compute = Callable[[Op, Mapping[int, Tensor], Sequence[Any]], Any]
Behind = Callable[[Any], Any]  # takes a product with weights, without bias and activation, and goes on with the result


def _is_known(tensor: Tensor) -> bool:
    return tensor.source is not None or tensor.value is not None


def sourced_constants(layer: Any, composition: Composition) -> dict[tuple[str, str], Any]:
    """The float constants of *layer* by slot kind and key, in the flatbuffer's layout. A bias that no variable of the
    layer gives is left out."""
    return {
        (tensor.slot.kind, str(tensor.slot.key)): _constant(layer, tensor)
        for tensor in composition.tensors.values()
        if tensor.constant and tensor.slot is not None and _is_known(tensor)
    }


def _constant(layer: Any, tensor: Tensor) -> Any:
    source = tensor.source
    if source is None:
        value = np.asarray(tensor.value, np.float32)
        return tf.constant(np.broadcast_to(value, _sizes(tensor)))
    value = tf.convert_to_tensor(_variable(layer, source))
    if source.part is not None:
        axis, start, size = source.part
        begin = [start if position == axis else 0 for position in range(len(value.shape))]
        value = tf.slice(value, begin, [size if position == axis else -1 for position in range(len(value.shape))])
    if source.permutation is not None:
        value = tf.transpose(value, source.permutation)
    return tf.reshape(value, tensor.shape)


def _sizes(tensor: Tensor) -> list[int]:
    return [size or 0 for size in tensor.shape or ()]


def _variable(layer: Any, source: Source) -> Any:
    found = layer
    *path, last = source.variable.split(".")
    for name in path:
        found = found[int(name)] if name.isdigit() else getattr(found, name)
    return found[int(last)] if last.isdigit() else constant_of(found, last)


def in_float(op: Op, tensors: Mapping[int, Tensor], operands: Sequence[Any]) -> Any:
    """What LiteRT's float kernel gives."""
    return KERNELS[op.kind](op, *operands)


def as_it_is(op: Op, number: int, value: Any) -> Any:
    """What ops read where nothing is cast."""
    return value


def op_by_op(
    call: Call,
    composition: Composition,
    given: tuple[Any, Any],
    constants: Constants,
    inner: Inner,
    behind: Behind | None = None,
    compute: Compute = in_float,
    read: Read = as_it_is,
) -> Any:
    """What the ops of a call give for its arguments and keywords as *given*, each as *compute* has it. Each tensor that
    one of them reads is shown to *inner*, and comes to the op as *read* has it. *behind* takes the place of the bias of
    the last op with weights."""
    values: dict[int, Any] = dict(zip(composition.inputs, _tensors(call, *given), strict=True))
    for tensor in composition.tensors.values():
        if tensor.constant:
            values[tensor.id] = _operand(tensor, constants)
    weighted, internal = weighted_op(composition), _read(composition)
    folded_into = None if _has_bias(composition) else weighted
    for op in composition.ops:
        operands = [read(op, number, values.get(number)) for number in op.inputs]  # none is there of a state
        if op is folded_into:
            _add_folded_bias(op, operands, constants)
        if is_named(op, composition.tensors):
            operands = read_alone(operands)
        if behind is not None and op is weighted:
            results = _with_instead_of_bias(op, composition.tensors, operands, behind, compute)
        else:
            results = compute(op, composition.tensors, operands)
        results = results if isinstance(results, list | tuple) else [results]
        for number, value in zip(op.outputs, results, strict=True):
            values[number] = _shown(composition.tensors[number], value, inner, read=number in internal)
    outputs = [values[number] for number in composition.outputs]
    return outputs[0] if len(outputs) == 1 else outputs


def _with_instead_of_bias(
    op: Op, tensors: Mapping[int, Tensor], operands: list[Any], behind: Behind, compute: Compute
) -> Any:
    position = operand_position(op.kind, "bias")
    product = replace(op, attributes={**op.attributes, "fused_activation_function": "NONE"})
    without = [None if number == position else operand for number, operand in enumerate(operands)]
    return activated(op, behind(compute(product, tensors, without)))


def is_named(op: Op, tensors: Mapping[int, Tensor] | Sequence[Tensor]) -> bool:
    """Whether specs speak of a result of *op*: not of shapes, indices and conditions. Equal ops for these are left for
    the converter to join."""
    return any(tensors[number].slot is not None for number in op.outputs)


def _has_bias(composition: Composition) -> bool:
    """Whether the layer's ops read its own bias already."""
    slots = [tensor.slot for tensor in composition.tensors.values() if tensor.slot is not None]
    return any((slot.kind, slot.key) == ("bias", "bias") for slot in slots)


def weighted_op(composition: Composition) -> Op | None:
    """The last op with weights and a bias, which takes a batch normalization behind the layer."""
    weighted = [op for op in composition.ops if operand_position(op.kind, "bias") is not None]
    return weighted[-1] if weighted else None


def _tensors(call: Call, arguments: Any, keywords: Any) -> list[Any]:
    """The tensors among the arguments, in the order of the call's inputs."""
    asked = keras.tree.flatten((call.arguments, dict(call.keywords)))
    given = keras.tree.flatten((arguments, {key: keywords.get(key, value) for key, value in call.keywords.items()}))
    return [value for leaf, value in zip(asked, given, strict=True) if isinstance(leaf, Value)]


def _operand(tensor: Tensor, constants: Constants) -> Any:
    if tensor.slot is None:
        return np.asarray(tensor.value, tensor.type).reshape(_sizes(tensor))
    value = constants.get((tensor.slot.kind, str(tensor.slot.key)))
    return value if value is not None else np.zeros(_sizes(tensor), np.float32)


def _add_folded_bias(op: Op, operands: list[Any], constants: Constants) -> None:
    """Folding gives a bias to a layer that has none."""
    position = operand_position(op.kind, "bias")
    if position == len(operands) - 1 and operands[position] is None:
        operands[position] = constants.get(("bias", "bias"))


def _read(composition: Composition) -> set[int]:
    """What ops of the layer read: its results among them are integers for these ops as well."""
    return {number for op in composition.ops for number in op.inputs}


def _shown(tensor: Tensor, value: Any, inner: Inner, *, read: bool) -> Any:
    slot = tensor.slot
    if slot is None or not (slot.kind == "inner" or (slot.kind == "output" and read)):
        return value
    return inner(slot, value)
