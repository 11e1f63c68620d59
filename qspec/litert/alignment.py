"""The float file held against the op graph that was predicted of it, op by op."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qspec.graph.layers import Shape
from qspec.graph.ops import OPAQUE, Op, OpGraph, Tensor
from qspec.graph.tflite_file import parse_tflite
from qspec.litert.float_file import FloatFile
from qspec.litert.pieces import Pieces


@dataclass(frozen=True, slots=True)
class Difference:
    """What the converter made otherwise than predicted, in a sentence, of the layer with the path *layer* (empty for an
    op that belongs to none)."""

    layer: str
    message: str


def differences(file: FloatFile, predicted: OpGraph) -> list[Difference]:
    """Every op that the file has and the prediction has not, or the other way round, or that differs in its kind, its
    attributes, its operands or the shape of its results. Of layers whose ops are not known nothing is compared."""
    return list(_Alignment(file, predicted).differences())


class _Alignment:
    def __init__(self, file: FloatFile, predicted: OpGraph) -> None:
        self.predicted = predicted
        self.graph = parse_tflite(file.content, "the float file").main.graph
        # Several of the plan's tensors may be one in the file: a layer that passes its input on.
        self.found = {
            **dict(zip(file.outputs, self.graph.outputs, strict=True)),
            **dict(zip(file.inputs, self.graph.inputs, strict=True)),
        }
        self.writers = {tensor: op for op in self.graph.ops for tensor in op.outputs}

    def differences(self) -> Iterator[Difference]:
        left = {op.index: op for op in self.graph.ops}
        pieces = Pieces(self.graph.ops, frozenset(self.found.values()))
        for op in reversed(self.predicted.ops):
            if op.kind == OPAQUE:
                inside = pieces.behind([self.found[tensor] for tensor in op.outputs])
                for other in inside:
                    left.pop(other.index, None)
                continue
            actual = self.writers.get(self.found.get(op.outputs[0], -1))
            if actual is None or actual.index not in left:
                yield Difference(op.layer, f"the converter drops its {op.kind}")
                continue
            del left[actual.index]
            self._follow(op, actual)
            for message in self._of_op(op, actual):
                yield Difference(op.layer, message)
        for other in left.values():
            yield Difference("", f"the converter adds {other.kind} (`{self.graph.tensors[other.outputs[0]].name}`)")

    def _follow(self, op: Op, actual: Op) -> None:
        """Find the tensors without a slot that an op reads: the plan knows no more of them."""
        for tensor, index in zip(op.inputs, actual.inputs, strict=False):
            if tensor >= 0 and (self.predicted.tensors[tensor].slot is None or self.predicted.tensors[tensor].is_state):
                self.found.setdefault(tensor, index)

    def _of_op(self, op: Op, actual: Op) -> Iterator[str]:
        if actual.kind != op.kind:
            yield f"the converter makes {actual.kind} of it, predicted was {op.kind}"
            return
        for name, value in op.attributes.items():
            if name in actual.attributes and not _same(value, actual.attributes[name]):
                yield f"`{name}` of its {op.kind} is {actual.attributes[name]}, predicted was {value}"
        fused = actual.attributes.get("fused_activation_function", "NONE")
        if "fused_activation_function" not in op.attributes and fused != "NONE":
            yield f"the converter fuses {fused} into its {op.kind}"
        wanted, have = _present(op.inputs), _present(actual.inputs)
        if len(wanted) != len(have):
            yield f"its {op.kind} has {len(have)} operands, predicted were {len(wanted)}"
            return
        for position, (tensor, index) in enumerate(zip(wanted, have, strict=True)):
            if (difference := self._of_operand(tensor, index)) is not None:
                yield f"operand {position} of its {op.kind} {difference}"
        for tensor, index in zip(op.outputs, actual.outputs, strict=False):
            planned, stored = self.predicted.tensors[tensor], self.graph.tensors[index]
            if planned.shape != stored.shape or planned.type != stored.type:
                yield f"its {op.kind} gives {_told(stored)}, predicted was {_told(planned)}"

    def _of_operand(self, tensor: int, index: int) -> str | None:
        if (tensor < 0) != (index < 0):
            return "is present in one of both only"
        if tensor < 0:
            return None
        planned, stored = self.predicted.tensors[tensor], self.graph.tensors[index]
        if not planned.constant:
            return None if self.found.get(tensor) == index else f"is another tensor (`{stored.name}`)"
        if not stored.constant:
            return f"is no constant (`{stored.name}`)"
        if planned.type != stored.type or _without_leading_ones(planned.shape) != _without_leading_ones(stored.shape):
            return f"is {_told(stored)}, predicted was {_told(planned)}"
        known = planned.slot is None and planned.value is not None and stored.value is not None
        if known and _flat(planned.value) != _flat(stored.value):
            return f"is {_flat(stored.value)}, predicted was {_flat(planned.value)}"
        return None


def _present(operands: Sequence[int]) -> tuple[int, ...]:
    """*operands* without absent ones at the end."""
    count = len(operands)
    while count and operands[count - 1] < 0:
        count -= 1
    return tuple(operands[:count])


def _same(planned: Any, stored: Any) -> bool:
    if isinstance(planned, float) and isinstance(stored, float):
        return bool(struct.pack("<f", planned) == struct.pack("<f", stored))
    if isinstance(planned, list | tuple) and isinstance(stored, list | tuple):
        return len(planned) == len(stored) and all(map(_same, planned, stored))
    return bool(planned == stored)


def _without_leading_ones(shape: Shape | None) -> Shape | None:
    if shape is None:
        return None
    start = next((position for position, size in enumerate(shape) if size != 1), len(shape))
    return shape[start:]


def _flat(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Mapping | str):
        raise TypeError(value)
    return tuple(item for each in value for item in _flat(each)) if isinstance(value, list | tuple) else (value,)


def _told(tensor: Tensor) -> str:
    return f"{tensor.type} {'of unknown shape' if tensor.shape is None else list(tensor.shape)}"
