"""QS511"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import FLOAT_ISLAND
from qspec.graph.ops import CASTS, Op, OpGraph
from qspec.lint.files.facts import FileFacts, op_words
from qspec.schema.names import a_few
from qspec.targets.verdict import QUANTIZED_TYPES


def float_island(facts: FileFacts) -> Iterator[Diagnostic]:
    """Ops of a quantized model that compute in float."""
    graph = facts.file.main.graph
    floating = [op for op in graph.ops if op.kind not in CASTS and _activation_types(op, graph) & {"float32"}]
    if not floating or not any(_is_integer(op, graph) for op in graph.ops):
        return
    islands = _islands(floating)
    ops = f"{len(floating)} ops in {islands} islands" if islands > 1 else f"{len(floating)} ops in 1 island"
    count = ops if len(floating) > 1 else "1 op"
    verb = "compute" if len(floating) > 1 else "computes"
    yield FLOAT_ISLAND.at(
        facts.place,
        f"{count} of this quantized model {verb} in float: {a_few([op_words(op) for op in floating])}",
        layer=floating[0].layer,
        op=floating[0].kind,
    )


def _activation_types(op: Op, graph: OpGraph) -> set[str]:
    tensors = [graph.tensors[index] for index in (*op.inputs, *op.outputs) if index >= 0]
    return {tensor.type for tensor in tensors if not tensor.constant}


def _is_integer(op: Op, graph: OpGraph) -> bool:
    """Whether it computes on quantized activations alone."""
    types = _activation_types(op, graph)
    return op.kind not in CASTS and bool(types & QUANTIZED_TYPES) and "float32" not in types


def _islands(ops: list[Op]) -> int:
    """How many groups *ops* form, those in a group joined by tensors that one writes and another reads."""
    island: dict[int, int] = {}  # tensor → a tensor of the same island, or itself

    def root(tensor: int) -> int:
        while island.setdefault(tensor, tensor) != tensor:
            island[tensor] = island[island[tensor]]
            tensor = island[tensor]
        return tensor

    written = {tensor for op in ops for tensor in op.outputs}
    joined = [[*op.outputs, *(tensor for tensor in op.inputs if tensor in written)] for op in ops]
    for tensors in joined:
        for tensor in tensors[1:]:
            island[root(tensor)] = root(tensors[0])
    return len({root(tensors[0]) if tensors else -1 for tensors in joined})
