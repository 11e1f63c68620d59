"""QS315"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import NEEDLESS_PRECISION
from qspec.graph.ops import CASTS, Op
from qspec.lint.facts import Facts
from qspec.plan.plan import Plan
from qspec.schema.names import a_few

_NARROW = ("int8", "uint8")


@dataclass
class _Region:
    """Ops that hand 16-bit tensors to each other, and the QUANTIZE ops around them. `closed`: nothing but QUANTIZE ops
    from and to 8 bits leads in and out."""

    ops: list[Op] = field(default_factory=list)
    tensors: set[int] = field(default_factory=set)
    casts: set[int] = field(default_factory=set)
    closed: bool = True


def needless_precision(facts: Facts) -> Iterator[Diagnostic]:
    """An op computes in 16 bits between tensors of 8: its operands have 8 bits, and its result is rounded to 8."""
    plan = facts.plan
    found: dict[Span, tuple[list[Op], int, int]] = {}
    for region in _regions(plan):
        computing = [op for op in region.ops if _computes(plan, op)]
        span = _assigned(plan, computing[0]) if region.closed and len(computing) == 1 else None
        if span is not None:
            ops, casts, size = found.get(span, ([], 0, 0))
            found[span] = [*ops, *computing], casts + len(region.casts), size + _elements(plan, region)
    for span, (ops, casts, size) in found.items():
        layers = a_few(list(dict.fromkeys(f"`{op.layer}`" for op in ops)))
        yield NEEDLESS_PRECISION.at(
            span,
            f"16 bits gain nothing in {layers}: what goes in has 8 bits, and what comes out is rounded to 8 at once",
            label=f"costs {casts} QUANTIZE ops" + (f" and {size:,} bytes of activations" if size else ""),
            help="give the layers around it 16 bits, too, or this one 8",
            layer=ops[0].layer,
            op=ops[0].kind,
        )


def _regions(plan: Plan) -> list[_Region]:
    """The ops on 16-bit activations, joined by the tensors that they share."""
    regions: dict[int, _Region] = {}  # by tensor
    for op in plan.ops.ops:
        wide = [tensor for tensor in (*op.inputs, *op.outputs) if tensor >= 0 and _is_wide(plan, tensor)]
        if not wide or op.kind == "QUANTIZE":
            continue
        joined = _Region([op], set(wide))
        for old in {id(regions[tensor]): regions[tensor] for tensor in wide if tensor in regions}.values():
            joined.ops = [*old.ops, *joined.ops]
            joined.tensors |= old.tensors
        regions |= dict.fromkeys(joined.tensors, joined)
    for op in plan.ops.ops:
        narrow = op.kind == "QUANTIZE" and all(
            _type(plan, end) in (*_NARROW, "int16") for end in (*op.inputs, *op.outputs)
        )
        for tensor in (*op.inputs, *op.outputs):
            if tensor in regions and narrow:
                regions[tensor].casts.add(op.index)
            elif tensor in regions and op.kind in CASTS:
                regions[tensor].closed = False
    for tensor in (*plan.ops.inputs, *plan.ops.outputs):
        if tensor in regions:
            regions[tensor].closed = False
    distinct = {id(region): region for region in regions.values()}.values()
    return [region for region in distinct if all(_is_wide_only(plan, op) for op in region.ops)]


def _type(plan: Plan, tensor: int) -> str:
    return plan.ops.tensors[tensor].type


def _is_wide(plan: Plan, tensor: int) -> bool:
    return _type(plan, tensor) == "int16" and not plan.ops.tensors[tensor].constant


def _is_wide_only(plan: Plan, op: Op) -> bool:
    """Whether all activations of *op* are wide: the states of an LSTM are, beside those that are not."""
    return all(
        _is_wide(plan, tensor) or plan.ops.tensors[tensor].constant
        for tensor in (*op.inputs, *op.outputs)
        if tensor >= 0
    )


def _computes(plan: Plan, op: Op) -> bool:
    """Whether *op* gives values of its own; what moves or selects values keeps their range."""
    ranges = {decision.range for tensor in op.inputs if (decision := plan.decisions.get(tensor)) is not None}
    decision = plan.decisions.get(op.outputs[0])
    return decision is None or decision.range is None or decision.range not in ranges


def _assigned(plan: Plan, op: Op) -> Span | None:
    """Where a person gave the result of *op* 16 bits."""
    decision = plan.decisions.get(op.outputs[0])
    return decision.origin.span if decision is not None and decision.origin.kind in ("rule", "default") else None


def _elements(plan: Plan, region: _Region) -> int:
    """How many values the 16-bit tensors hold, a byte more each; 0 where a shape is open."""
    shapes = [plan.ops.tensors[tensor].shape for tensor in region.tensors]
    if any(shape is None or None in shape for shape in shapes):
        return 0
    return sum(math.prod(size or 0 for size in shape) for shape in shapes if shape is not None)
