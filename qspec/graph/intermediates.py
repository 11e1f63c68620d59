"""Tensors that an op lists as its intermediates: none of them is stored, only their parameters are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qspec.graph.layers import Shape
from qspec.graph.operands import is_recurrence
from qspec.graph.ops import Op, OpGraph


@dataclass(frozen=True, slots=True)
class Intermediate:
    """One of them; `like` is the tensor whose scale and zero point it has, -1 for none."""

    name: str
    type: str
    like: int = -1
    shape: Shape = (0,)


def intermediates(op: Op, graph: OpGraph) -> tuple[Intermediate, ...]:
    """Those of *op*: five of an LSTM in integers, of which the kernel without normalization reads the last, what the
    hidden state has (LiteRT, tflite/kernels/unidirectional_sequence_lstm.cc, `PopulateQuantizedLstmParams8x8_16`)."""
    if not is_recurrence(op) or graph.tensors[op.outputs[0]].type == "float32":
        return ()
    return tuple(_of_lstm(op, graph))


def _of_lstm(op: Op, graph: OpGraph) -> Iterator[Intermediate]:
    output = graph.tensors[op.outputs[0]]
    for gate in ("input", "forget", "candidate", "output"):
        yield Intermediate(f"{output.name}/gate/{gate}", "int16")
    yield Intermediate(f"{output.name}/hidden", output.type, output.id)
