"""QS314"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import SINGLE_CHANNEL
from qspec.lint.facts import Facts
from qspec.schema.names import a_few


def single_channel(facts: Facts) -> Iterator[Diagnostic]:
    """A rule asks for a scale per channel where all the weights that it speaks of have one channel."""
    plan = facts.plan
    layers = {call.index: call.layer.path for call in plan.layers.calls}
    channels: dict[Span, dict[str, int]] = {}
    for tensor, decision in plan.decisions.items():
        found = plan.ops.tensors[tensor] if tensor < len(plan.ops.tensors) else None
        if found is None or found.slot is None or found.shape is None or decision.axis is None:
            continue
        if found.slot.kind != "weights":  # a bias has the scales of its weights
            continue
        span, size = decision.origin.span, found.shape[decision.axis]
        if decision.origin.kind == "rule" and span is not None and size is not None:
            of_layers = channels.setdefault(span, {})
            path = layers[found.slot.call]
            of_layers[path] = max(size, of_layers.get(path, 0))
    for span, of_layers in channels.items():
        if set(of_layers.values()) == {1}:
            names = list(of_layers)
            yield SINGLE_CHANNEL.at(
                span,
                f"the weights of {a_few([f'`{name}`' for name in names])} have one output channel: a scale for each "
                "channel is one scale",
                help="`granularity = per_tensor` says the same",
                layer=names[0],
            )
