"""The version of an op in a file, and which of its operands gives it one that a table does not take."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from qspec.graph.ops import Op, OpGraph
from qspec.graph.versions import ABSENT, op_version, rescale_of
from qspec.schema.evaluate import UNKNOWN
from qspec.syntax import tree
from qspec.targets.scope import OpScope
from qspec.targets.verdict import Representation

_PLAIN = Representation("int8", "symmetric", "per_tensor")
_FLOAT = Representation()


def version_of(op: Op, graph: OpGraph, representation: Callable[[int], Representation]) -> int | None:
    """The version that a writer gives *op* with its tensors stored so; None for an op or a type that is not known."""
    inputs = [representation(tensor) if tensor >= 0 else None for tensor in op.inputs]
    outputs = [representation(tensor) for tensor in op.outputs]
    present = [stored for stored in (*inputs, *outputs) if stored is not None]
    scales = [stored.scale for stored in present] if len(present) == 3 else [None] * 3
    return op_version(
        op.kind,
        [stored.type if stored else ABSENT for stored in inputs],
        [stored.type for stored in outputs],
        op.attributes,
        [graph.tensors[tensor].shape if tensor >= 0 else None for tensor in op.inputs],
        per_channel=any(stored.granularity == "per_channel" for stored in present),
        rescale=rescale_of(*scales),
    )


def operand_behind(condition: tree.Expression, scope: OpScope) -> str:
    """The operand because of whose type the op has a version by which *condition*, decided last, is true or false.

    Stored as int8 with one scale it would give the op another version, and the condition the other answer; `output`
    stands for all operands, where only an op in float would. Empty where the condition does not ask for the version,
    or types do not decide it.
    """
    if not any(isinstance(node, tree.Path) and node.head.text == "version" for node, _ in scope.asked):
        return ""
    answer = replace(scope, asked=[]).holds(condition)
    operands = {name: {tensor.id for tensor in tensors} for name, tensors in scope.operands.items()}
    # Weights have quantizers of their own, an output has its layer's, and an input that of another layer.
    for name in sorted(operands, key=("weights", "output").__contains__, reverse=True):
        if _other_answer(condition, answer, scope, operands[name], _PLAIN):
            return name
    every = set[int]().union(*operands.values())
    return "output" if _other_answer(condition, answer, scope, every, _FLOAT) else ""


def _other_answer(
    condition: tree.Expression, answer: object, scope: OpScope, tensors: Collection[int], instead: Representation
) -> bool:
    """Whether *condition* would not have the *answer* if the quantized ones of *tensors* were stored otherwise."""

    def stored(tensor: int) -> Representation:
        known = scope.representation(tensor)
        return instead if tensor in tensors and known.is_quantized else known

    version = version_of(scope.op, scope.graph, stored)
    other = UNKNOWN if version is None else replace(scope, version=version, asked=[]).holds(condition)
    return other is not UNKNOWN and other is not answer
