"""How finely constants are quantized: what the spec asks for, held against what the op takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import ADAPTED_GRANULARITY, NOT_SUPPORTED_YET
from qspec.graph.ops import Op
from qspec.plan.cascade import Assigned
from qspec.plan.draft import Draft
from qspec.plan.start import FLOAT
from qspec.schema.quantizer import Quantizer
from qspec.schema.target import Row
from qspec.targets import ConstantChoice


def adapt_constants(draft: Draft) -> None:
    """Give each constant a granularity that its op takes, and the axis of its channels.

    A quantizer that came by `default` goes from per channel to per tensor where the op takes one scale only; one that
    a rule assigned stays, and the runtime's table reports it.
    """
    adapted: dict[Span, _Adapted] = {}
    for op in draft.predicted.ops:
        if draft.integer(op):
            _adapt_op(draft, op, adapted)
        else:
            _keep_float(draft, op)
    for note in adapted.values():
        draft.report(note.diagnostic())


@dataclass
class _Adapted:
    """One assignment in `default` that was adapted, the table's row, and the layers."""

    quantizer: Quantizer
    span: Span
    kind: str
    row: Row | None
    layers: dict[str, None] = field(default_factory=dict)

    def diagnostic(self) -> Diagnostic:
        names = ", ".join(f"`{layer}`" for layer in list(self.layers)[:5]) + (", …" if len(self.layers) > 5 else "")
        related = ((self.row.span, f"{self.kind} takes one scale for all channels"),) if self.row else ()
        message = f"`{self.quantizer.name}` is per channel, and per tensor in {names}"
        return ADAPTED_GRANULARITY.at(self.span, message, related=related, layer=next(iter(self.layers)), op=self.kind)


def _adapt_op(draft: Draft, op: Op, adapted: dict[Span, _Adapted]) -> None:
    output = next(quantizer for tensor in op.outputs if (quantizer := draft.quantizer(tensor)))
    weights = None
    for tensor in draft.constants(op):
        quantizer = draft.quantizer(tensor)
        if quantizer is None or _is_bias(draft, tensor):
            continue
        choices = draft.asked_by(op).granularities(tensor, output.type, quantizer.type)
        if choices and not _choose(draft, tensor, quantizer, choices):
            if draft.assigned[tensor].by_person or not any(c.granularity == "per_tensor" for c in choices):
                continue
            _to_per_tensor(draft, op, tensor, quantizer, adapted)
        weights = tensor
    for tensor in draft.constants(op):
        if weights in draft.axes and _is_bias(draft, tensor) and draft.quantizer(tensor) is not None:
            # One scale for each channel, like the weights'; a bias has one dimension.
            assigned = draft.assigned[tensor]
            assert assigned.quantizer is not None
            quantizer = replace(assigned.quantizer, granularity="per_channel")
            draft.assigned[tensor], draft.axes[tensor] = replace(assigned, quantizer=quantizer), 0


def _choose(draft: Draft, tensor: int, quantizer: Quantizer, choices: Iterable[ConstantChoice]) -> bool:
    """Take the first choice of the quantizer's own granularity, if there is one."""
    for choice in choices:
        if choice.granularity == quantizer.granularity:
            if choice.axis is not None:
                draft.axes[tensor] = choice.axis
            return True
    return False


def _to_per_tensor(draft: Draft, op: Op, tensor: int, quantizer: Quantizer, adapted: dict[Span, _Adapted]) -> None:
    assigned = draft.assigned[tensor]
    changed = replace(quantizer, granularity="per_tensor", block_size=None)
    draft.assigned[tensor] = replace(assigned, quantizer=changed)
    draft.change(tensor, f"per tensor, since {op.kind} takes one scale for all channels")
    if assigned.origin.span is not None:
        rows = draft.table.rows(op.kind)
        note = _Adapted(quantizer, assigned.origin.span, op.kind, rows[0] if rows else None)
        adapted.setdefault(assigned.origin.span, note).layers[op.layer] = None


def _is_bias(draft: Draft, tensor: int) -> bool:
    slot = draft.tensors[tensor].slot
    return slot is not None and slot.kind == "bias"


def _keep_float(draft: Draft, op: Op) -> None:
    """An op in float has float constants: its kernels would otherwise quantize the activations behind our back."""
    if not draft.in_float(op):
        return
    for tensor in draft.constants(op):
        assigned = draft.assigned[tensor]
        if assigned.quantizer is not None:
            _report_hybrid(draft, op, tensor, assigned)
            draft.assigned[tensor] = FLOAT


def _report_hybrid(draft: Draft, op: Op, tensor: int, assigned: Assigned) -> None:
    output = draft.assigned[op.outputs[0]]
    span = output.origin.span or assigned.origin.span
    if span is None:
        return
    path = draft.path(tensor)
    other = assigned.origin.span
    draft.report(
        NOT_SUPPORTED_YET.at(
            span,
            f"`{op.layer}` gives a float result, and its {draft.tensors[tensor].slot} would be "
            f"`{assigned.quantizer.name if assigned.quantizer else 'float'}`",
            related=((other, "the weights are quantized here"),) if other is not None and other is not span else (),
            help="write `all = float` for the whole layer (and for those fused with it), or quantize its output",
            layer=path,
            op=op.kind,
        )
    )
