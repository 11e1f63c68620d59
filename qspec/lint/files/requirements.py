"""QS407 and QS601 for files: what a spec demands of the file itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import FILE_DIFFERS_FROM_PLAN, UNDEFINED_NAME
from qspec.graph.ops import Tensor
from qspec.lint.files.facts import FileFacts, tensor_words
from qspec.lint.requirement_advice import ops_advice
from qspec.lint.requirement_failed import hold, path_words, placement_value
from qspec.schema.names import listed
from qspec.schema.spec import Boundary
from qspec.syntax import tree


def file_requirement_failed(facts: FileFacts) -> Iterator[Diagnostic]:
    """A `require` that the file does not meet: its `size` (bytes), `ops`, and each target's verdict are known."""
    for requirement in facts.spec.requirements:
        yield from hold(requirement, partial(_value, facts=facts), help=partial(_advice, facts))


def _value(path: tree.Path, facts: FileFacts) -> Any:
    words = path_words(path)
    if words == ["size"]:
        return facts.file.size
    if words == ["ops"]:
        return len(facts.file.main.graph.ops)
    return placement_value(words, facts.deployed)


def _advice(facts: FileFacts, quantities: Sequence[str]) -> str:
    return ops_advice(facts.file.main.graph) if "ops" in quantities else ""


def boundary_differs(facts: FileFacts) -> Iterator[Diagnostic]:
    """An input or output of the file has another type or batch than the spec says, or there is none of that name."""
    graph = facts.file.main.graph
    signature = next((found for found in facts.file.signatures if found.subgraph == 0), None)
    for side, blocks, ends, names in (
        ("input", facts.spec.inputs, graph.inputs, signature.inputs if signature else {}),
        ("output", facts.spec.outputs, graph.outputs, signature.outputs if signature else {}),
    ):
        for index in dict.fromkeys(ends):
            tensor = graph.tensors[index]
            known = {tensor.name, *(name for name, number in names.items() if number == index)}
            for block in _of(blocks, known):
                yield from _differences(facts, side, tensor, block)
        there = list(dict.fromkeys([*names, *(graph.tensors[index].name for index in ends)]))
        for block in blocks:
            if block.key not in (None, *there):
                message, hint = f"`{facts.file.path}` has no {side} `{block.key}`", f"its {side}s: {listed(there)}"
                yield UNDEFINED_NAME.at(block.span, message, help=hint if there else "remove it")


def _of(blocks: tuple[Boundary, ...], names: set[str]) -> tuple[Boundary, ...]:
    """The blocks that speak of an end with one of *names*: its own where there is one, before the general one."""
    own = tuple(block for block in blocks if block.key in names)
    return own or tuple(block for block in blocks if block.key is None)


def _differences(facts: FileFacts, side: str, tensor: Tensor, block: Boundary) -> Iterator[Diagnostic]:
    what, related = f"the {side} {tensor_words(tensor)} of `{facts.file.path}`", ((facts.place, "this file"),)
    if block.type is not None and block.type != tensor.type:
        message = f"{what} is {tensor.type}, not {block.type}"
        yield FILE_DIFFERS_FROM_PLAN.at(block.spans.get("type", block.span), message, related=related)
    batch = tensor.shape[0] if tensor.shape else None
    wanted = None if block.batch == "dynamic" else block.batch
    if block.batch is not None and tensor.shape and batch != wanted:
        found = "open" if batch is None else str(batch)
        message = f"the batch of {what} is {found}, not {block.batch}"
        yield FILE_DIFFERS_FROM_PLAN.at(block.spans.get("batch", block.span), message, related=related)
