"""Ops that the runtime has no integer kernel for: what `default` quantizes in general stays in float there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from qspec.diagnostics import Diagnostic, Place, Span
from qspec.diagnostics.catalogue import LEFT_IN_FLOAT
from qspec.graph.ops import CASTS, OPAQUE, Op
from qspec.plan.alternatives import runs_in_float
from qspec.plan.plan import Plan
from qspec.schema.quantizer import Quantizer
from qspec.targets import Table, Verdict


def is_usual(quantizer: Quantizer | None) -> bool:
    """Whether LiteRT has kernels at large for activations stored so: int8, or int16 with the zero point 0. Where
    `default` asks for something else, the quantizer is at fault, and not the op."""
    if quantizer is None or quantizer.type == "int8":
        return True
    return quantizer.type == "int16" and quantizer.scheme == "symmetric"


@dataclass(frozen=True, slots=True)
class Island:
    """An op that stays in float: its kind and layer, `why` in the words of the runtime's table, where the table says
    so, and the quantizer of `default` that the op does not get."""

    kind: str
    layer: str
    why: str
    said: Span
    asked: Span | None

    @property
    def sentence(self) -> str:
        """The same for people who look at one tensor."""
        return f"float, since LiteRT has no integer kernel for this {self.kind}: {self.why}"


def islands(plan: Plan, table: Table, verdicts: Iterable[tuple[Op, Verdict]]) -> dict[int, Island]:
    """The ops that *table* takes in float alone, by their first result. What a person assigned to the layer in
    particular stays, and is an error."""
    return {
        op.outputs[0]: Island(
            op.kind,
            op.layer,
            "; ".join(reason.message for reason in verdict.reasons),
            verdict.reasons[0].span,
            _asked(plan, op),
        )
        for op, verdict in verdicts
        if not verdict.accepted
        and _in_general(plan, op)
        and _by_activations(plan, verdict)
        and runs_in_float(plan, table, op)
    }


def _asked(plan: Plan, op: Op) -> Span | None:
    """The quantizer of a result, or of what an op reads that gives no real numbers."""
    spans = (plan.decisions[tensor].origin.span for tensor in (*op.outputs, *op.inputs) if tensor in plan.decisions)
    return next((span for span in spans if span is not None), None)


def _in_general(plan: Plan, op: Op) -> bool:
    """Whether no rule assigns anything to what *op* reads, to its constants or its results."""
    if op.kind == OPAQUE or op.kind in CASTS:
        return False
    read = [plan.ops.tensors[tensor] for tensor in op.inputs if tensor >= 0]
    casts = len(plan.predicted.tensors)  # what a rule gives an `input` slot is a cast
    given = [tensor.id for tensor in read if tensor.constant or tensor.is_state or tensor.id >= casts]
    own = [plan.decisions[tensor] for tensor in (*given, *op.outputs) if tensor in plan.decisions]
    results = [plan.decisions[tensor].quantizer for tensor in op.outputs if tensor in plan.decisions]
    return all(decision.in_general for decision in own) and all(map(is_usual, results))


def _by_activations(plan: Plan, verdict: Verdict) -> bool:
    """Whether it is neither the weights alone that do not fit, nor a type that no kernel reads: for others there would
    be a kernel."""
    named = [reason.tensor for reason in verdict.reasons if reason.tensor is not None]
    activations = [tensor for tensor in named if not _is_of_layer(plan, tensor)]
    known = [plan.decisions[tensor].quantizer for tensor in activations if tensor in plan.decisions]
    return all(map(is_usual, known)) and (bool(activations) or len(named) < len(verdict.reasons))


def _is_of_layer(plan: Plan, tensor: int) -> bool:
    """Whether a layer holds it: weights, not a number that an op compares with."""
    slot = plan.ops.tensors[tensor].slot
    return plan.ops.tensors[tensor].constant and slot is not None and slot.kind in ("weights", "bias")


def island_reports(plan: Plan, table: Table, found: Mapping[int, Island]) -> Iterator[Diagnostic]:
    """A warning for each kind of op and reason, with all the layers."""
    alike: dict[tuple[str, str], list[Island]] = {}
    for island in found.values():
        alike.setdefault((island.kind, island.why), []).append(island)
    for (kind, why), same in alike.items():
        layers = ", ".join(f"`{layer}`" for layer in dict.fromkeys(island.layer for island in same))
        first = same[0]
        yield LEFT_IN_FLOAT.at(
            first.asked or Place(plan.layers.path),
            f"{kind} of {layers} stays in float, since {table.name} has no integer kernel for it: {why}",
            related=((first.said, f"what {table.name} takes"),),
            help="`all = float` in a rule for the layer says that this is meant",
            layer=first.layer,
            op=kind,
            target=table.name,
        )
