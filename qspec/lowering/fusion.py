"""What the converter joins: equal ops, paddings, batch normalizations and activations, in this order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Set
from typing import Any

from qspec.graph.operands import operand_position
from qspec.graph.ops import OPAQUE
from qspec.lowering.builder import Draft, DraftOp
from qspec.lowering.geometry import same_padding

Pass = Callable[[Draft], None]

FOLDING_KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED")
"""The ops into whose weights a batch normalization folds."""

ACTIVATED_KINDS = (
    "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "ADD", "SUB", "MUL", "DIV", "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
)  # fmt: skip
"""The ops that take an activation function (measured, TensorFlow 2.21: CONCATENATION does not get one)."""

FUSED_ACTIVATIONS = ("RELU", "RELU6", "RELU_N1_TO_1")


def drop_dead_ops(draft: Draft) -> None:
    """Remove ops whose results nobody reads: branches of nested models that the outer one does not use."""
    needed = set(draft.outputs)
    alive = []
    for op in reversed(draft.ops):
        if not needed.isdisjoint(op.outputs):
            needed.update(op.inputs)
            alive.append(op)
    draft.ops = alive[::-1]


def join_equal_ops(draft: Draft) -> None:
    """Ops of the same kind and attributes on the same tensors are one op; its output has the slots of all.

    Constants are the same if they come from the same variable of the same layer, or have the same integers. An
    addition or multiplication does not care for the order of its operands.
    """
    kept: dict[Any, DraftOp] = {}
    same: dict[int, int] = {}
    for op in draft.ops:
        op.inputs = [same.get(tensor, tensor) for tensor in op.inputs]
        first = kept.setdefault(_identity(draft, op), op)
        if first is not op:
            same.update(zip(op.outputs, first.outputs, strict=True))
            first.calls.extend(op.calls)
    draft.ops = list(kept.values())
    draft.equal.update(same)
    draft.outputs = [same.get(tensor, tensor) for tensor in draft.outputs]


def _identity(draft: Draft, op: DraftOp) -> Any:
    if op.kind == OPAQUE:
        return id(op)
    operands = [_operand_identity(draft, tensor) for tensor in op.inputs]
    if op.kind in ("ADD", "MUL", "MAXIMUM", "MINIMUM"):
        operands.sort(key=repr)
    return op.kind, tuple(operands), tuple(sorted(op.attributes.items()))


def _operand_identity(draft: Draft, number: int) -> Any:
    if number < 0 or not draft.tensors[number].constant:
        return number
    tensor = draft.tensors[number]
    return draft.owners.get(number, (tensor.value, tensor.shape))


def fuse_paddings(draft: Draft) -> None:
    """A PAD that adds just what SAME would add goes into the convolutions that read it, if all its readers are such."""
    readers, kept = draft.readers(), draft.kept()
    removed = set()
    for pad in [op for op in draft.ops if op.kind == "PAD"]:
        consumers = readers.get(pad.output, [])
        if pad.output in kept or not all(_takes_padding(draft, pad, op) for op in consumers):
            continue
        for op in consumers:
            op.inputs[0] = pad.inputs[0]
            op.attributes["padding"] = "SAME"
            op.calls.extend(pad.calls)
        removed.add(pad)
        draft.gone[pad.output] = pad.inputs[0]
    draft.remove(removed)


def _takes_padding(draft: Draft, pad: DraftOp, op: DraftOp) -> bool:
    if op.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D") or op.attributes["padding"] != "VALID":
        return False
    if op.inputs[0] != pad.output:
        return False
    shape = draft.tensors[pad.inputs[0]].shape
    weights = draft.tensors[op.inputs[1]].shape
    paddings = draft.tensors[pad.inputs[1]].value
    assert shape is not None
    assert weights is not None
    for axis, side in ((1, "h"), (2, "w")):
        size, window = shape[axis], weights[axis]
        if size is None or window is None:
            return False
        stride, dilation = op.attributes[f"stride_{side}"], op.attributes[f"dilation_{side}_factor"]
        if paddings[axis] != same_padding(size, window, stride, dilation):
            return False
    return True


def fold_normalizations(layers: Mapping[int, Any], add_bias: Callable[[Draft, DraftOp], int]) -> Pass:
    """Batch normalizations behind an op with weights go into them, if nothing else reads its result.

    *layers* gives each call's layer. A layer that is called several times has one kernel, so it is folded only if
    every call of it stands before a call of the same normalization.
    """

    def fold(draft: Draft) -> None:
        found = _foldable(draft)
        normalizations: dict[Any, set[Any]] = {}
        for call, producer in found.items():
            normalizations.setdefault(_weights(draft, producer), set()).add(layers[call])
        uses = Counter(_weights(draft, op) for op in draft.ops if op.kind in FOLDING_KINDS)
        ready = Counter(_weights(draft, producer) for producer in found.values())
        removed: set[DraftOp] = set()
        writers = draft.writers()
        for call, producer in found.items():
            weights = _weights(draft, producer)
            if len(normalizations[weights]) == 1 and uses[weights] == ready[weights]:
                removed.update(_fold(draft, writers, call, producer, add_bias))
        draft.remove(removed)

    return fold


def _weights(draft: Draft, op: DraftOp) -> Any:
    """The variable that an op's weights come from; the tensor, where they come from none."""
    return draft.owners.get(op.inputs[1], op.inputs[1])


def _foldable(draft: Draft) -> dict[int, DraftOp]:
    """For each batch normalization's call the op that could take it: along its channels, and with no other reader."""
    readers, writers, kept = draft.readers(), draft.writers(), draft.kept()
    found = {}
    for call, (multiply, add) in draft.pairs.items():
        if writers.get(multiply.output) is not multiply:
            continue
        axis = _varying_axis(draft, multiply)
        reader, tensor = multiply, multiply.inputs[0]
        alone = readers[multiply.output] == [add] and multiply.output not in kept
        while alone and axis is not None:
            producer = writers.get(tensor)
            alone = producer is not None and readers[tensor] == [reader] and tensor not in kept
            if producer is None or not producer.inputs or not alone:
                break
            if producer.kind in FOLDING_KINDS:
                if axis == len(draft.tensors[tensor].shape or ()) - 1 and _has_weights(draft, producer):
                    found[call] = producer
                break
            axis = _axis_before(draft, producer, axis)
            reader, tensor = producer, producer.inputs[0]
    return found


def _has_weights(draft: Draft, op: DraftOp) -> bool:
    """Whether a layer's variable stands behind the second operand, and not another tensor."""
    slot = draft.tensors[op.inputs[1]].slot
    return slot is not None and slot.kind == "weights"


def _varying_axis(draft: Draft, multiply: DraftOp) -> int | None:
    """The axis along which a normalization's constants differ."""
    rank = len(draft.tensors[multiply.inputs[0]].shape or ())
    constant = draft.tensors[multiply.inputs[1]].shape or ()
    if len(constant) == 1:
        return rank - 1
    axes = [axis for axis, size in enumerate(constant, start=rank - len(constant)) if size != 1]
    return axes[0] if len(axes) == 1 else None


def _axis_before(draft: Draft, op: DraftOp, axis: int) -> int | None:
    """Where an axis of what *op* gives lay in what it reads, if it only moves values and keeps that axis whole."""
    if not op.inputs:
        return None
    before, behind = (draft.tensors[tensor].shape or () for tensor in (op.inputs[0], op.output))
    if op.kind == "TRANSPOSE":
        return int(draft.tensors[op.inputs[1]].value[axis])
    if op.kind == "RESHAPE" and axis == len(behind) - 1 and before[-1:] == behind[-1:]:
        return len(before) - 1
    return None


def _fold(
    draft: Draft,
    writers: dict[int, DraftOp],
    call: int,
    producer: DraftOp,
    add_bias: Callable[[Draft, DraftOp], int],
) -> tuple[DraftOp, DraftOp]:
    """Fold one normalization; the ops that are no longer needed. *writers* follow."""
    multiply, add = draft.pairs[call]
    position = operand_position(producer.kind, "bias")
    assert position is not None
    if producer.inputs[position] < 0:
        producer.inputs[position] = add_bias(draft, producer)
    last = writers[multiply.inputs[0]]
    draft.gone[multiply.output] = add.output
    _write_instead(draft, last, add.output)
    writers[add.output] = last
    for op in {producer, last}:
        op.calls.extend(add.calls)
    draft.folded[call] = producer.calls[0]
    return multiply, add


def fuse_activations(draft: Draft) -> None:
    """RELU, RELU6 and RELU_N1_TO_1 go into the op before, if nothing else reads its result."""
    readers, writers, kept = draft.readers(), draft.writers(), draft.kept()
    sharing = Counter(call for op in draft.ops for call in op.calls)
    removed = set()
    for op in [op for op in draft.ops if op.kind in FUSED_ACTIVATIONS]:
        path = _path_before(op, readers, writers, kept)
        if path is None or (len(path) > 1 and not _is_absorbable(draft, op, path, sharing)):
            continue
        producer, last = path[0], path[-1]
        producer.attributes["fused_activation_function"] = op.kind
        if len(path) > 1:
            draft.absorbed[op.calls[0]] = producer
        _write_instead(draft, last, op.output)
        for each in {producer, last}:
            each.calls.extend(op.calls)
        writers[op.output] = last
        removed.add(op)
    draft.remove(removed)


def _path_before(
    op: DraftOp, readers: Mapping[int, list[DraftOp]], writers: Mapping[int, DraftOp], kept: Set[int]
) -> list[DraftOp] | None:
    """The ops from the one that can take the activation *op* to the last before it; all but the first only move
    values, and nobody else reads what any of them gives."""
    path: list[DraftOp] = []
    reader = op
    while True:
        tensor = reader.inputs[0]
        producer = writers.get(tensor)
        if producer is None or readers[tensor] != [reader] or tensor in kept:
            return None
        path.insert(0, producer)
        if producer.kind in ACTIVATED_KINDS:
            return path if producer.attributes["fused_activation_function"] == "NONE" else None
        if producer.kind not in ("RESHAPE", "TRANSPOSE"):
            return None
        reader = producer


def _is_absorbable(draft: Draft, op: DraftOp, path: list[DraftOp], sharing: Counter[int]) -> bool:
    """Whether an activation can go past the end of another layer: then that layer computes it, on the way to its
    result, and the activation's own must have nothing else to do."""
    layers = {call for each in path for call in each.calls if call not in draft.folded}
    return len(layers) == 1 and len(op.calls) == 1 and sharing[op.calls[0]] == 1


def _write_instead(draft: Draft, op: DraftOp, tensor: int) -> None:
    """Let an op write *tensor*; the one it wrote so far is gone."""
    draft.gone[op.output] = tensor
    op.outputs = [tensor]
