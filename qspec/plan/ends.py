"""The model's own inputs and outputs: what a spec says of them, and what they are in the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

from qspec.graph.layers import LayerGraph
from qspec.plan.plan import Origin, Plan
from qspec.schema.quantizer import CountType
from qspec.schema.spec import Boundary, Spec

Side = Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class End:
    """An input or output of the file. `name` is the model's own name for it, `type` the one that the file takes or
    gives, `inside` the one that the model's first or last op computes in. `origin` is who decided the type. `tensor`
    and `inner` are the ids of the tensors of these types, one where nothing is cast."""

    side: Side
    name: str
    type: str
    inside: str
    origin: Origin
    tensor: int
    inner: int


def boundary(spec: Spec, layers: LayerGraph, side: Side, position: int) -> Boundary | None:
    """What *spec* says of a model input or output: its own block over the general one, attribute by attribute."""
    blocks = spec.inputs if side == "input" else spec.outputs
    names = layers.input_names if side == "input" else layers.output_names
    found: Boundary | None = None
    for block in (*(b for b in blocks if b.key is None), *(b for b in blocks if b.key == names[position])):
        if found is not None:
            spans = {**found.spans, **block.spans}
            block = replace(block, type=block.type or found.type, range=block.range or found.range, spans=spans)
        found = block
    return found


def real_type(block: Boundary | None) -> str | None:
    """The type that a block gives an end which holds real numbers; None where it gives none that can hold them."""
    return block.type if block is not None and block.type not in get_args(CountType) else None


def ends(plan: Plan) -> Iterator[End]:
    """The inputs, then the outputs of the file, in the model's order."""
    sides: tuple[tuple[Side, tuple[str, ...], tuple[int, ...], tuple[int, ...]], ...] = (
        ("input", plan.layers.input_names, plan.ops.inputs, plan.predicted.inputs),
        ("output", plan.layers.output_names, plan.ops.outputs, plan.predicted.outputs),
    )
    for side, names, outside, inside in sides:
        for position, (name, outer, inner) in enumerate(zip(names, outside, inside, strict=True)):
            block, type_ = boundary(plan.spec, plan.layers, side, position), plan.ops.tensors[outer].type
            said = block is not None and block.type == type_
            origin = Origin("boundary", side, block.spans["type"]) if block and said else Origin("built_in")
            yield End(side, name, type_, plan.ops.tensors[inner].type, origin, outer, inner)
