"""QS512"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import DYNAMIC_SHAPE
from qspec.lint.files.facts import FileFacts, tensor_words
from qspec.schema.names import a_few


def dynamic_shape(facts: FileFacts) -> Iterator[Diagnostic]:
    """Tensors whose shape the file leaves open."""
    graph = facts.file.main.graph
    unknown = [tensor for tensor in graph.tensors if tensor.shape is None or None in tensor.shape]
    if not unknown:
        return
    inputs = [tensor for tensor in unknown if tensor.id in graph.inputs]
    if inputs:
        told = a_few([f"{tensor_words(tensor)} {shape_words(tensor.shape)}" for tensor in inputs])
        message = f"the input{'s'[: len(inputs) > 1]} {told} and what follows from it have open shapes"
    else:
        told = a_few([tensor_words(tensor) for tensor in unknown])
        message = f"{len(unknown)} tensors have open shapes, which data decide: {told}"
    yield DYNAMIC_SHAPE.at(facts.place, message)


def shape_words(shape: tuple[int | None, ...] | None) -> str:
    """`[1, ?, 3]`; `?` alone for a shape of which nothing is known."""
    return "?" if shape is None else f"[{', '.join('?' if size is None else str(size) for size in shape)}]"
