"""QS313"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import CLIPPED_INPUT
from qspec.graph.layers import Call
from qspec.lint.facts import Facts
from qspec.plan.plan import Plan
from qspec.schema.quantizer import Range
from qspec.schema.spec import Boundary

_LEAST = 0.1  # the share of a range that any input is expected to fill behind the model's own rescaling


def clipped_input(facts: Facts) -> Iterator[Diagnostic]:
    """An `input` has the range of data that is rescaled already, and the model begins with rescaling it itself."""
    plan = facts.plan
    for name, value in zip(plan.layers.input_names, plan.layers.inputs, strict=True):
        block = _block(plan, name)
        if block is None or block.range is None or block.range.method != "fixed":
            continue
        for call in plan.layers.calls:
            scale = _scale(call)
            if value in call.inputs and scale is not None and _width(block.range) * scale < _LEAST:
                yield _reported(block, name, call, scale)


def _block(plan: Plan, name: str) -> Boundary | None:
    """What the spec says of the input *name*: a block of its own before the one for all."""
    named = [block for block in plan.spec.inputs if block.key == name]
    return next(iter(named or [block for block in plan.spec.inputs if block.key is None]), None)


def _scale(call: Call) -> float | None:
    """By what a Rescaling multiplies; None of any other layer."""
    scale = call.layer.config.get("scale") if call.layer.class_name == "Rescaling" else None
    return abs(scale) if isinstance(scale, int | float) and scale else None


def _width(range_: Range) -> float:
    low, high = range_.arguments
    return high - low


def _reported(block: Boundary, name: str, call: Call, scale: float) -> Diagnostic:
    high = block.range.arguments[1] if block.range is not None else 0
    layer = call.layer.path
    return CLIPPED_INPUT.at(
        block.spans.get("range", block.span),
        f"the input `{name}` is cut off at {high:g}, and the model's first layer divides it by {1 / scale:g}",
        label=f"as if `{layer}` were not there",
        help="give the range of the data that go into the model, `fixed(0, 255)` of pixels, or take the layer out",
        layer=layer,
    )
