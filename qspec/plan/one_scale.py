"""An activation has one scale and zero point: what is finer than that is for constants."""

from __future__ import annotations

from dataclasses import replace

from qspec.diagnostics import Span
from qspec.diagnostics.catalogue import ADAPTED_GRANULARITY, NOT_ACCEPTED
from qspec.plan.draft import Draft
from qspec.plan.places import defined
from qspec.plan.plan import Assigned


def one_scale(draft: Draft) -> None:
    """Make every activation's quantizer per tensor: with a note where it came by `default`, an error where a person
    wrote it for the layer."""
    reported: set[Span] = set()
    for tensor, assigned in draft.assigned.items():
        if not draft.tensors[tensor].constant:
            draft.assigned[tensor] = _per_tensor(draft, assigned, draft.path(tensor), reported)
            if draft.assigned[tensor] is not assigned:
                draft.change(tensor, "per tensor, since an activation has one scale")
    for (call, tensor), assigned in draft.cascade.edges.items():
        path = draft.slots.index.by_index[call].layer.path
        draft.edges[call, tensor] = _per_tensor(draft, assigned, path, reported)


def _per_tensor(draft: Draft, assigned: Assigned, path: str, reported: set[Span]) -> Assigned:
    quantizer = assigned.quantizer
    if quantizer is None or quantizer.granularity == "per_tensor":
        return assigned
    span = assigned.origin.span
    if span is not None and span not in reported:
        reported.add(span)
        code = NOT_ACCEPTED if assigned.by_person else ADAPTED_GRANULARITY
        message = f"`{quantizer.name}` is {quantizer.granularity.replace('_', ' ')}, and an activation has one scale"
        draft.report(code.at(span, message, label=f"of `{path}`", related=defined(quantizer, span), layer=path))
    return replace(assigned, quantizer=replace(quantizer, granularity="per_tensor", block_size=None))
