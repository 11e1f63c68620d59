"""What the converter joins: equal ops, paddings, batch normalizations and activations, in this order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from qspec.graph.ops import OPAQUE
from qspec.lowering.builder import Draft, DraftOp
from qspec.lowering.geometry import same_padding

Pass = Callable[[Draft], None]

FOLDING_KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""The ops into whose weights a batch normalization folds."""

ACTIVATED_KINDS = (
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL", "DIV", "MAX_POOL_2D", "AVERAGE_POOL_2D",
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
        for call, producer in found.items():
            weights = _weights(draft, producer)
            if len(normalizations[weights]) == 1 and uses[weights] == ready[weights]:
                removed.update(_fold(draft, call, producer, add_bias))
        draft.remove(removed)

    return fold


def _weights(draft: Draft, op: DraftOp) -> Any:
    """The variable that an op's weights come from."""
    return draft.owners[op.inputs[1]]


def _foldable(draft: Draft) -> dict[int, DraftOp]:
    """For each batch normalization's call the op that could take it: along its channels, and with no other reader."""
    readers, writers, kept = draft.readers(), draft.writers(), draft.kept()
    found = {}
    for call, (multiply, add) in draft.pairs.items():
        producer = writers.get(multiply.inputs[0])
        if producer is None or producer.kind not in FOLDING_KINDS or writers.get(multiply.output) is not multiply:
            continue
        constant = draft.tensors[multiply.inputs[1]].shape
        alone = readers[producer.output] == [multiply] and readers[multiply.output] == [add]
        free = producer.output not in kept and multiply.output not in kept
        if alone and free and constant is not None and len(constant) == 1:
            found[call] = producer
    return found


def _fold(
    draft: Draft, call: int, producer: DraftOp, add_bias: Callable[[Draft, DraftOp], int]
) -> tuple[DraftOp, DraftOp]:
    """Fold one normalization; the ops that are no longer needed."""
    multiply, add = draft.pairs[call]
    if producer.inputs[2] < 0:
        producer.inputs[2] = add_bias(draft, producer)
    draft.gone[multiply.output] = add.output
    _write_instead(draft, producer, add.output)
    producer.calls.extend(add.calls)
    draft.folded[call] = producer.calls[0]
    return multiply, add


def fuse_activations(draft: Draft) -> None:
    """RELU, RELU6 and RELU_N1_TO_1 go into the op before, if nothing else reads its result."""
    readers, writers, kept = draft.readers(), draft.writers(), draft.kept()
    removed = set()
    for op in draft.ops:
        producer = writers.get(op.inputs[0])
        if op.kind not in FUSED_ACTIVATIONS or producer is None or producer.kind not in ACTIVATED_KINDS:
            continue
        free = producer.attributes["fused_activation_function"] == "NONE"
        if not free or readers[producer.output] != [op] or producer.output in kept:
            continue
        producer.attributes["fused_activation_function"] = op.kind
        _write_instead(draft, producer, op.output)
        producer.calls.extend(op.calls)
        writers[op.output] = producer
        removed.add(op)
    draft.remove(removed)


def _write_instead(draft: Draft, op: DraftOp, tensor: int) -> None:
    """Let an op write *tensor*; the one it wrote so far is gone."""
    draft.gone[op.output] = tensor
    op.outputs = [tensor]
