"""QS607 and QS608: what is to be said of data that can be used."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic, Place
from qspec.diagnostics.catalogue import DATA_MISFIT
from qspec.graph.ops import Slot
from qspec.keras.data import Samples, unused_names
from qspec.keras.fixed_inputs import data_misfits
from qspec.plan.plan import Plan


def data_doubts(plan: Plan, samples: Samples | None, calibration: Samples | None = None) -> Iterator[Diagnostic]:
    """A warning for each name in the *samples* that judge, or in those of *calibration*, that nothing reads; and for
    data that do not fit fixed ranges, or from which no range can be found."""
    given = [each for each in (calibration, samples) if each is not None]
    yield from unused_names(dict.fromkeys(name for each in given for name in each.unused), plan.layers.input_names)
    if given:
        yield from data_misfits(plan, given[0])
    if calibration is not None:
        yield from _too_few(plan, calibration)
        yield from _constant(plan, calibration)


def _too_few(plan: Plan, samples: Samples) -> Iterator[Diagnostic]:
    calibrate = plan.spec.calibrate
    if calibrate.samples is not None and len(samples) < calibrate.samples:
        yield DATA_MISFIT.at(
            calibrate.spans.get("samples") or Place(plan.spec.path),
            f"the data has {len(samples):,} samples of the {calibrate.samples:,} that are to find ranges",
            help="give more samples, or ask for fewer",
        )


def _constant(plan: Plan, samples: Samples) -> Iterator[Diagnostic]:
    for name, value, array in zip(plan.layers.input_names, plan.layers.inputs, samples.inputs, strict=True):
        tensor = plan.ops.slots.get(Slot(value.call, "output", value.output))
        decision = None if tensor is None else plan.decisions.get(tensor)
        quantizer = None if decision is None else decision.quantizer
        if quantizer is not None and quantizer.range.estimated and array.min() == array.max():
            number = float(array.min()) + 0.0  # which is no -0
            yield DATA_MISFIT.at(
                Place("data"),
                f"the input `{name}` is {number:.4g} throughout, and no range can be known from that",
                help="calibrate with samples as the model meets them in use",
            )
