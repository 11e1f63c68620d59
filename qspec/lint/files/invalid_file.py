"""QS507"""

from __future__ import annotations

import math
from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import INVALID_FILE
from qspec.graph.ops import OpGraph, Tensor
from qspec.graph.tflite_file import Subgraph
from qspec.lint.files.facts import FileFacts, and_more, op_words, tensor_words

BITS = {
    **dict.fromkeys(("float64", "int64", "uint64", "complex64"), 64),
    **dict.fromkeys(("float32", "int32", "uint32"), 32),
    **dict.fromkeys(("float16", "bfloat16", "int16", "uint16"), 16),
    **dict.fromkeys(("int8", "uint8", "bool", "float8_e4m3fn", "float8_e5m2"), 8),
    **dict.fromkeys(("int4", "uint4"), 4),
    "complex128": 128,
    "int2": 2,
}
"""Of each type whose elements all take the same room."""


def invalid_file(facts: FileFacts) -> Iterator[Diagnostic]:
    """The file can be read, and no runtime can run it: ops read what nothing has written, or constants lack bytes."""
    found: dict[str, list[str]] = {}
    for number, body in enumerate(facts.file.subgraphs):
        where = f"subgraph {number}: " if number else ""
        for problem, sentence in (*order_problems(body), *_size_problems(body)):
            found.setdefault(problem, []).append(where + sentence)
    for first, *others in found.values():
        yield INVALID_FILE.at(facts.place, first + and_more(len(others), "like this" if others else ""))


def order_problems(body: Subgraph) -> Iterator[tuple[str, str]]:
    """Where ops are not in an order in which they could run: the kind of problem, and a sentence for each."""
    graph = body.graph
    later = {tensor for op in graph.ops for tensor in op.outputs}
    ready = {*graph.inputs, *body.variables, *(tensor.id for tensor in graph.tensors if tensor.constant)}
    given = set(ready)
    for op in graph.ops:
        for tensor in dict.fromkeys(op.inputs):
            if tensor >= 0 and tensor not in ready and not _empty(graph.tensors[tensor]):
                why = "which is written only behind it" if tensor in later else "which nothing writes"
                yield why, f"op {op.index}, {op_words(op)}, reads {tensor_words(graph.tensors[tensor])}, {why}"
        for tensor in dict.fromkeys(op.outputs):
            if tensor in ready and tensor not in body.variables:
                why = "which is a constant or an input" if tensor in given else "which is written before"
                yield why, f"op {op.index}, {op_words(op)}, writes {tensor_words(graph.tensors[tensor])}, {why}"
        ready.update(op.outputs)
    yield from _missing_outputs(graph, ready)


def _missing_outputs(graph: OpGraph, ready: set[int]) -> Iterator[tuple[str, str]]:
    for tensor in dict.fromkeys(graph.outputs):
        if tensor not in ready and not _empty(graph.tensors[tensor]):
            yield "output", f"nothing writes the output {tensor_words(graph.tensors[tensor])}"


def _empty(tensor: Tensor) -> bool:
    """Whether there is nothing to write: of such a constant many writers leave the buffer out."""
    return tensor.shape is not None and 0 in tensor.shape


def _size_problems(body: Subgraph) -> Iterator[tuple[str, str]]:
    for index, size in body.stored.items():
        tensor = body.graph.tensors[index]
        bits = BITS.get(tensor.type)
        if bits is None or tensor.shape is None or None in tensor.shape:
            continue
        wanted = math.ceil(math.prod(length or 0 for length in tensor.shape) * bits / 8)
        if wanted != size:
            shape = f"{tensor.type}{list(tensor.shape)}"
            yield "size", f"the constant {tensor_words(tensor)}, {shape}, takes {wanted:,} bytes and has {size:,}"
