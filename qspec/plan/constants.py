"""How finely constants are quantized: what the spec asks for, held against what the op takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import ADAPTED_GRANULARITY
from qspec.graph.ops import Op
from qspec.plan.draft import Draft
from qspec.plan.stored_weights import store_weights
from qspec.schema.quantizer import Granularity, Quantizer
from qspec.schema.target import Row
from qspec.targets import ConstantChoice

_COARSER: tuple[Granularity, ...] = ("per_channel", "per_tensor")


def adapt_constants(draft: Draft) -> None:
    """Give each constant a granularity that its op takes, and the axis of its channels.

    A quantizer that came by `default` goes from per block to per channel, and from per channel to per tensor where the
    op takes one scale only; one that a rule assigned stays, and the runtime's table reports it.
    """
    adapted: dict[Span, _Adapted] = {}
    casts: dict[int, int] = {}

    def adapt(op: Op, tensor: int, changed: Quantizer, reason: str) -> None:
        _adapt(draft, op, tensor, changed, reason, adapted)

    for op in draft.predicted.ops:
        if draft.integer(op):
            _adapt_op(draft, op, adapted)
        elif draft.in_float(op):
            store_weights(draft, op, casts, adapt)
    for note in adapted.values():
        draft.report(note.diagnostic())


@dataclass
class _Adapted:
    """One assignment in `default` that was adapted, the table's row, and the layers."""

    asked: Quantizer
    instead: Quantizer
    span: Span
    kind: str
    row: Row | None
    reason: str
    layers: dict[str, None] = field(default_factory=dict)

    def diagnostic(self) -> Diagnostic:
        names = ", ".join(f"`{layer}`" for layer in list(self.layers)[:5]) + (", …" if len(self.layers) > 5 else "")
        related = ((self.row.span, self.reason),) if self.row else ()
        message = f"`{self.asked.name}` is {_words(self.asked)}, and {_words(self.instead)} in {names}"
        return ADAPTED_GRANULARITY.at(self.span, message, related=related, layer=next(iter(self.layers)), op=self.kind)


def _adapt_op(draft: Draft, op: Op, adapted: dict[Span, _Adapted]) -> None:
    output = next(quantizer for tensor in op.outputs if (quantizer := draft.quantizer(tensor)))
    weights = None
    for tensor in draft.constants(op):
        quantizer = draft.quantizer(tensor)
        if quantizer is None or draft.is_bias(tensor):
            continue
        choices = draft.asked_by(op).granularities(tensor, output.type, quantizer.type)
        if choices and not _choose(draft, tensor, quantizer, choices):
            coarser = next((each for each in _COARSER if any(each == choice.granularity for choice in choices)), None)
            if draft.assigned[tensor].by_person or coarser is None:
                continue
            changed = replace(quantizer, granularity=coarser, block_size=None)
            _choose(draft, tensor, changed, choices)
            scales = "one scale for all channels" if coarser == "per_tensor" else "scales for whole channels"
            _adapt(draft, op, tensor, changed, f"{op.kind} takes {scales}", adapted)
        weights = tensor
    for tensor in draft.constants(op):
        if weights in draft.axes and draft.is_bias(tensor) and draft.quantizer(tensor) is not None:
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


def _adapt(draft: Draft, op: Op, tensor: int, changed: Quantizer, reason: str, adapted: dict[Span, _Adapted]) -> None:
    assigned = draft.assigned[tensor]
    assert assigned.quantizer is not None
    draft.assigned[tensor] = replace(assigned, quantizer=changed)
    draft.change(tensor, f"{_words(changed)}, since {reason}")
    if assigned.origin.span is not None:
        rows = draft.table.rows(op.kind)
        note = _Adapted(assigned.quantizer, changed, assigned.origin.span, op.kind, rows[0] if rows else None, reason)
        adapted.setdefault(assigned.origin.span, note).layers[op.layer] = None


def _words(quantizer: Quantizer) -> str:
    return quantizer.granularity.replace("_", " ")
