"""QS607: data that do not fit the range that the spec fixes for an input."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qspec.diagnostics import Diagnostic, Place, Span
from qspec.diagnostics.catalogue import DATA_MISFIT
from qspec.graph.ops import Slot
from qspec.keras.data import Samples
from qspec.plan.plan import Decision, Plan
from qspec.schema.quantizer import Quantizer

_LEAST_STEPS = 4  # between the least and the largest number: with fewer, nothing of an input is left but two bits
_MOST_OUTSIDE = 0.1  # of all numbers: a range that cuts off outliers on purpose leaves far fewer outside


def data_misfits(plan: Plan, samples: Samples) -> Iterator[Diagnostic]:
    """A warning for each input with a fixed range of which the data reach a few steps only, or that cuts off many of
    them. Data that are one constant tell nothing."""
    for name, value, array in zip(plan.layers.input_names, plan.layers.inputs, samples.inputs, strict=True):
        tensor = plan.ops.slots.get(Slot(value.call, "output", value.output))
        decision = None if tensor is None else plan.decisions.get(tensor)
        quantizer = None if decision is None else decision.quantizer
        if decision is None or quantizer is None or quantizer.range is None or quantizer.range.method != "fixed":
            continue
        message = _misfit(array, quantizer)
        if message:
            yield DATA_MISFIT.at(
                _place(plan, name, decision),
                f"the input `{name}` has {message}",
                label=f"the data run from {array.min():.4g} to {array.max():.4g}",
                help="give the range of what goes into the model, or preprocess the data as in training",
            )


def _misfit(array: np.ndarray, quantizer: Quantizer) -> str:
    """In what way data do not fit; empty where they do."""
    assert quantizer.range is not None
    low, high = quantizer.range.arguments
    lowest, highest = quantizer.code_range
    step = (high - low) / (highest - lowest)
    least, largest = float(array.min()), float(array.max())
    if least == largest:
        return ""
    outside = float(np.mean((array < low - step) | (array > high + step)))
    if outside > _MOST_OUTSIDE:
        return f"a fixed range, and {outside:.0%} of the data lie outside"
    if largest - least < _LEAST_STEPS * step:
        covered = (largest - least) / (high - low)
        return f"a fixed range of which the data cover {100 * covered:.2g}%"
    return ""


def _place(plan: Plan, name: str, decision: Decision) -> Span | Place:
    """Where the range stands: in an `input` block, else in the quantizer."""
    blocks = sorted((block for block in plan.spec.inputs if block.key in (name, None)), key=lambda one: one.key is None)
    spans = [block.spans["range"] for block in blocks if "range" in block.spans]
    quantizer = decision.quantizer
    if quantizer is not None and "range" in quantizer.spans:
        spans.append(quantizer.spans["range"])
    return next(iter(spans), decision.origin.span) or Place(plan.spec.path)
