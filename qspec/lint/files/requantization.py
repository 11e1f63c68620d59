"""QS605"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import REQUANTIZATION
from qspec.lint.files.facts import FileFacts, representation
from qspec.schema.names import a_few
from qspec.targets import Representation


def requantization(facts: FileFacts) -> Iterator[Diagnostic]:
    """QUANTIZE ops inside the model, from integers to integers."""
    graph, stored = facts.file.main.graph, representation(facts.file.main)
    ends = {*graph.inputs, *graph.outputs}
    found = []
    for op in graph.ops:
        inner = op.kind == "QUANTIZE" and op.inputs and op.outputs and not ends & {*op.inputs, *op.outputs}
        if inner and stored(op.inputs[0]).is_quantized:
            found.append(f"`{op.layer}` {_words(stored(op.inputs[0]))} → {_words(stored(op.outputs[0]))}")
    if found:
        verb = "op changes" if len(found) == 1 else "ops change"
        message = f"{len(found)} {verb} integers to other integers inside the model: {a_few(found)}"
        yield REQUANTIZATION.at(facts.place, message)


def _words(stored: Representation) -> str:
    return stored.type if stored.scale is None else f"{stored.type} {stored.scale:.4g}"
