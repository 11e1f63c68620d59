"""From the pieces that the converter lowered to one float file.

The model is lowered cut at every tensor that the plan speaks of: what reads such a tensor reads an input of the graph
instead, so that nothing the converter does can reach across. Here each of these inputs becomes the tensor again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qspec.litert.flatbuffer import pack, unpack
from qspec.litert.float_file import FloatFile
from qspec.litert.own_operators import OwnOperator, write_in_stead

_INPUT, _CUT, _ANOTHER = "input", "cut", "another"


def input_name(position: int) -> str:
    """The name of a real input of the cut function."""
    return f"{_INPUT}_{position:06}"


def cut_name(tensor: int) -> str:
    """The name of the input that stands for a tensor of the plan."""
    return f"{_CUT}_{tensor:06}"


def another_name(tensor: int, reader: int) -> str:
    """The name of an input that stands for a tensor of the plan, or an input of it, for one of its readers alone."""
    return f"{_ANOTHER}_{reader:06}_{tensor:06}"


def stitch(content: bytes, inputs: Sequence[int], outputs: Sequence[int], own: Sequence[OwnOperator] = ()) -> FloatFile:
    """The whole float file of a cut one.

    *inputs* and *outputs* are the plan's tensor ids, in the order of the function's own inputs and outputs. Each
    operator that writes a result of one of *own* stands in for that."""
    model = unpack(content)
    body = model.subgraphs[0]
    written = dict(zip(outputs, map(int, body.outputs), strict=True))
    names = {index: _read_name(body.tensors[index].name) for index in map(int, body.inputs)}
    real = {number: index for index, (kind, number) in names.items() if kind == _INPUT}
    written |= {tensor: real[position] for position, tensor in enumerate(inputs)}
    stand_ins = {int(index): operator for operator in body.operators for index in operator.outputs}
    for each in own:
        write_in_stead(each, stand_ins[written[each.op.outputs[0]]], model, written)
    instead = {index: written[number] for index, (kind, number) in names.items() if kind != _INPUT}
    instead = {index: _followed(tensor, instead) for index, tensor in instead.items()}
    body.inputs = [real[position] for position in range(len(inputs))]
    for operator in body.operators:
        operator.inputs = [instead.get(int(index), int(index)) for index in operator.inputs]
    body.outputs = [instead.get(int(index), int(index)) for index in body.outputs]
    body.operators = _in_order(body.operators)
    model.signatureDefs = []
    return FloatFile(pack(model), tuple(inputs), tuple(outputs), tuple(own))


def _followed(tensor: int, instead: Mapping[int, int]) -> int:
    """Where *tensor* comes from: a layer that passes its input on writes nothing of its own."""
    while tensor in instead:
        tensor = instead[tensor]
    return tensor


def _read_name(name: Any) -> tuple[str, int]:
    """What `cut_000012:0` and the like stand for, and the number of that."""
    *kinds, number = (name.decode() if isinstance(name, bytes) else name).split(":")[0].split("_")
    return (_INPUT if kinds[-1] == _INPUT else _CUT), int(number)


def _in_order(operators: Sequence[Any]) -> list[Any]:
    """Every operator behind those that write what it reads, otherwise as they stood."""
    producer = {int(index): position for position, op in enumerate(operators) for index in op.outputs}
    ordered: list[Any] = []
    done: set[int] = set()
    for position in range(len(operators)):
        pending = [position]
        while pending:
            current = pending[-1]
            sources = {producer[index] for index in operators[current].inputs if index in producer}
            waiting = [source for source in sources if source not in done]
            if waiting:
                pending += waiting
                continue
            pending.pop()
            if current not in done:
                done.add(current)
                ordered.append(operators[current])
    return ordered
