"""Ranges from data: the float file is run on samples, and each group of tensors that shares a scale is observed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNUSABLE_DATA
from qspec.litert.float_file import FloatFile
from qspec.numerics import estimator
from qspec.plan.plan import Plan, RangeGroup

Progress = Callable[[int, int], None]  # done, of how many


@dataclass(frozen=True, slots=True)
class ObservedRange:
    """A calibrated range (`minimum`, `maximum`) and the extremes (`smallest`, `largest`) that were seen."""

    minimum: float
    maximum: float
    smallest: float
    largest: float


def calibrate(
    file: FloatFile, plan: Plan, inputs: Sequence[np.ndarray], progress: Progress | None = None
) -> dict[int, ObservedRange]:
    """The range of every group of `plan.ranges` that is not fixed, by its index.

    *inputs* are float32 arrays in the model's order, samples first.

    Raises:
        SpecError: the model's activations overflow on this data.
    """
    groups = {index: group for index, group in enumerate(plan.ranges) if group.fixed is None}
    estimators = {index: _estimator(group) for index, group in groups.items()}
    extremes = {index: _extremes(estimators[index]) for index in groups}
    producers = plan.ops.producers()
    sources = [
        (index, float_tensor(plan, producers, tensor)) for index, group in groups.items() for tensor in group.sources
    ]
    batches = list(fixed_batches(inputs, plan.batch))
    for done, values in enumerate(file.run(batches), 1):
        for index, tensor in sources:
            try:
                estimators[index].update(values[tensor])
                if extremes[index] is not estimators[index]:
                    extremes[index].update(values[tensor])
            except ValueError:
                raise _overflow(plan, tensor) from None
        if progress is not None:
            progress(done, len(batches))
    return {
        index: ObservedRange(*map(float, estimators[index].range()), *map(float, extremes[index].range()))
        for index in groups
    }


def fixed_batches(inputs: Sequence[np.ndarray], size: int | None) -> Iterator[list[np.ndarray]]:
    """*inputs* in batches of *size*, the last one filled up with samples that came before; 32 where any size goes."""
    total = len(inputs[0])
    step = size or 32
    for start in range(0, total, step):
        indices = np.arange(start, start + step) if size else np.arange(start, min(start + step, total))
        yield [np.ascontiguousarray(array[indices % total]) for array in inputs]


def _extremes(other: Estimator) -> Estimator:
    """The estimator of what was seen: *other* itself if that is what it estimates."""
    return other if type(other) is MinMax else MinMax()


def float_tensor(plan: Plan, producers: Mapping[int, Op], tensor: int) -> int:
    """The tensor of the float file whose values *tensor* holds: itself, or what a cast was made from."""
    while tensor >= len(plan.predicted.tensors):
        tensor = producers[tensor].inputs[0]
    return tensor


def _estimator(group: RangeGroup) -> Estimator:
    lowest, highest = group.quantizer.code_range
    symmetric = group.quantizer.scheme == "symmetric"
    method, arguments = group.quantizer.range.method, group.quantizer.range.arguments
    return estimator(method, arguments, lowest=lowest, highest=highest, symmetric=symmetric)


def _overflow(plan: Plan, tensor: int) -> SpecError:
    name = plan.ops.tensors[tensor].name
    message = f"the float model gives NaN or infinity at `{name}` on this data, so no range can be found"
    return SpecError([UNUSABLE_DATA.at(Place("data"), message, help="check the model and the scale of its inputs")])
