"""From a draft to the plan: casts put between the ops, every tensor's type set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.plan.clamps import addition
from qspec.plan.draft import Draft
from qspec.plan.plan import Decision, Plan
from qspec.plan.scales import Groups, range_groups
from qspec.schema.quantizer import Quantizer


def finish(draft: Draft, groups: Groups, batch: int | None) -> Plan:
    """The plan that *draft* has come to."""
    ops = tuple(replace(op, index=index) for index, op in enumerate(_ops(draft)))
    order = list(_activation_order(draft, ops))
    ranges, numbers = range_groups(groups, [tensor for tensor in order if tensor not in draft.twins])
    numbers |= {twin: numbers[tensor] for twin, tensor in draft.twins.items()}
    graph = draft.predicted
    return Plan(
        spec=draft.spec,
        layers=draft.layers,
        predicted=graph,
        ops=OpGraph(
            tuple(_typed(tensor, draft.quantizer(tensor.id)) for tensor in draft.tensors),
            ops,
            tuple(draft.interface.get(tensor, tensor) for tensor in graph.inputs),
            tuple(draft.results.get(position, tensor) for position, tensor in enumerate(graph.outputs)),
            graph.slots,
            graph.fused,
            graph.folded,
            graph.shapes,
            absorbed=graph.absorbed,
        ),
        decisions={tensor: _decision(draft, tensor, numbers) for tensor in draft.assigned},
        casts={
            (op.outputs[0], tensor): result
            for op in graph.ops
            for tensor, result in draft.reads.get(op.index, {}).items()
        },
        ranges=ranges,
        batch=batch,
        diagnostics=tuple(draft.diagnostics.items),
        rewritten={op.outputs[0]: op.kind for op in graph.ops if op.index in draft.zeros},
        said_of_inputs={
            target: tuple(said) for target, said in draft.cascade.said.items() if not isinstance(target, int)
        },
        rules=draft.cascade.rules,
    )


def _ops(draft: Draft) -> Iterator[Op]:
    """The predicted ops with the casts before their first readers; those at the model's edges first and last."""
    for tensor, interface in draft.interface.items():
        source = draft.halves.get(interface, interface)
        if source != interface:
            yield Op(-1, "DEQUANTIZE", (interface,), (source,), layer=draft.path(tensor))
        if source != tensor:
            yield Op(-1, "QUANTIZE", (source,), (tensor,), layer=draft.path(tensor))
    written: set[int] = set()
    for op in draft.predicted.ops:
        reads = draft.reads.get(op.index, {})
        for result in dict.fromkeys(reads.values()):
            yield from _cast_ops(draft, result, written)
        inputs = tuple(reads.get(tensor, tensor) for tensor in op.inputs)
        planned = replace(op, inputs=inputs, attributes={**op.attributes, **_added_attributes(draft, op)})
        yield addition(planned, draft.zeros[op.index]) if op.index in draft.zeros else planned
    for result in dict.fromkeys(draft.results.values()):
        yield from _cast_ops(draft, result, written)


def _added_attributes(draft: Draft, op: Op) -> dict[str, Any]:
    """What the plan adds to an op's attributes. With 16 bits, ADD and SUB are not to take a scale that is nearly a
    power of two for one (LiteRT, tflite/kernels/add.cc)."""
    added = draft.attributes.get(op.index, {})
    quantizer = draft.quantizer(op.outputs[0])
    if op.kind in ("ADD", "SUB") and quantizer is not None and quantizer.type == "int16":
        return {**added, "pot_scale_int16": False}
    return added


def _cast_ops(draft: Draft, result: int, written: set[int]) -> Iterator[Op]:
    if result in written or result not in draft.casts:
        return
    written.add(result)
    cast = draft.casts[result]
    yield from _cast_ops(draft, cast.source, written)
    yield Op(-1, cast.kind, (cast.source,), (result,), layer=cast.layer)


def _activation_order(draft: Draft, ops: tuple[Op, ...]) -> Iterator[int]:
    """The quantized tensors that have a range, each once, in the order in which the file computes them."""
    seen: set[int] = set()
    graph = draft.predicted
    for tensor in (*graph.inputs, *(tensor for op in ops for tensor in (*op.inputs, *op.outputs))):
        quantizer = draft.quantizer(tensor)
        if tensor in seen or tensor < 0 or quantizer is None or quantizer.is_float:
            continue
        seen.add(tensor)
        if not draft.tensors[tensor].constant or tensor in draft.grouped_constants:
            yield tensor


def _typed(tensor: Tensor, quantizer: Quantizer | None) -> Tensor:
    return tensor if quantizer is None else replace(tensor, type=quantizer.type)


def _decision(draft: Draft, tensor: int, numbers: dict[int, int]) -> Decision:
    assigned = draft.assigned[tensor]
    changes = tuple(dict.fromkeys(draft.changes.get(tensor, ())))
    said = (*draft.cascade.said.get(tensor, ()), *draft.at_edges.get(tensor, ()))
    origin, range_by = assigned.origin, None
    if assigned.amended is not None:
        origin, range_by = assigned.amended.origin, assigned.origin if assigned.quantizer is not None else None
    axis, number = draft.axes.get(tensor), numbers.get(tensor)
    return Decision(assigned.quantizer, origin, axis, number, changes, said, range_by)
