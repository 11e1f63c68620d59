"""Ranges from data: the float file is run on samples, and each group of tensors that shares a scale is observed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNUSABLE_DATA
from qspec.graph.ops import Op
from qspec.litert.float_file import FloatFile
from qspec.numerics import estimator
from qspec.plan.plan import Plan, RangeGroup

Progress = Callable[[int, int], None]  # done, of how many

_ANY_SIZE = 32  # samples in one run of a file that takes any number of them


@dataclass(frozen=True, slots=True)
class ObservedRange:
    """A calibrated range (`minimum`, `maximum`) and the extremes (`smallest`, `largest`) that were seen."""

    minimum: float
    maximum: float
    smallest: float
    largest: float


def calibrate(
    file: FloatFile,
    plan: Plan,
    inputs: Sequence[np.ndarray],
    progress: Progress | None = None,
    watch: Callable[[Mapping[int, np.ndarray]], None] | None = None,
) -> dict[int, ObservedRange]:
    """The range of every group of `plan.ranges` that is not fixed, by its index.

    *inputs* are float32 arrays in the model's order, samples first. *watch* is shown every run's tensors.

    Raises:
        SpecError: the model's activations overflow on this data.
    """
    groups = {index: group for index, group in enumerate(plan.ranges) if group.fixed is None}
    batch = plan.spec.calibrate.batch
    size = plan.batch or batch or _ANY_SIZE
    runs = max(1, round((batch or size) / size))
    producers = plan.ops.producers()
    observed = {
        index: _Observed(group, [float_tensor(plan, producers, tensor) for tensor in group.sources], runs)
        for index, group in groups.items()
    }
    total = -(-len(inputs[0]) // size)
    states = {tensor for group in observed.values() for tensor in group.sources if plan.ops.tensors[tensor].is_state}
    for done, values in enumerate(file.run(fixed_batches(inputs, plan.batch, size), states), 1):
        for group in observed.values():
            unusable = group.update(values)
            if unusable is not None:
                raise _overflow(plan, unusable)
        if watch is not None:
            watch(values)
        if progress is not None:
            progress(done, total)
    return {index: group.range() for index, group in observed.items()}


def fixed_batches(
    inputs: Sequence[np.ndarray], size: int | None, otherwise: int = _ANY_SIZE
) -> Iterator[list[np.ndarray]]:
    """*inputs* in batches of *size*, the last one filled up with samples that came before; where any size goes, in
    batches of at most *otherwise*."""
    total = len(inputs[0])
    step = size or otherwise
    for start in range(0, total, step):
        if start + step <= total or not size:
            yield [np.ascontiguousarray(array[start : start + step]) for array in inputs]
        else:
            yield [np.ascontiguousarray(array[np.arange(start, start + step) % total]) for array in inputs]


def float_tensor(plan: Plan, producers: Mapping[int, Op], tensor: int) -> int:
    """The tensor of the float file whose values *tensor* holds: itself, or what a cast was made from."""
    while tensor >= len(plan.predicted.tensors):
        tensor = producers[tensor].inputs[0]
    return tensor


class _Observed:
    """What was seen of one range group in the tensors *sources* of the float file.

    A moving average takes the extremes of all its group's sources in *runs* runs for one batch.
    """

    def __init__(self, group: RangeGroup, sources: Sequence[int], runs: int) -> None:
        lowest, highest = group.quantizer.code_range
        self.sources, self.runs, self.method = sources, runs, group.quantizer.range.method
        codes: dict[str, Any] = {
            "lowest": lowest,
            "highest": highest,
            "symmetric": group.quantizer.scheme == "symmetric",
        }
        self.extremes = estimator("minmax", **codes)
        self.chosen = estimator(self.method, group.quantizer.range.arguments, **codes)
        self.batch: list[float] = []
        self.runs_in_batch = 0

    def update(self, values: Mapping[int, np.ndarray]) -> int | None:
        """Take a run's tensors into account; a tensor that holds NaN or infinity is what comes back."""
        for tensor in self.sources:
            try:
                self.extremes.update(values[tensor])
            except ValueError:
                return tensor
            if self.method == "ema":
                self.batch += [float(values[tensor].min()), float(values[tensor].max())]
            elif self.method != "minmax":
                self.chosen.update(values[tensor])
        self.runs_in_batch += 1
        if self.runs_in_batch == self.runs:
            self._end_batch()
        return None

    def _end_batch(self) -> None:
        if self.batch:
            self.chosen.update(self.batch)
        self.batch, self.runs_in_batch = [], 0

    def range(self) -> ObservedRange:
        """The range that the group's method finds, and the extremes."""
        self._end_batch()
        extremes = self.extremes.range()
        chosen = extremes if self.method == "minmax" else self.chosen.range()
        return ObservedRange(*map(float, chosen), *map(float, extremes))


def _overflow(plan: Plan, tensor: int) -> SpecError:
    name = plan.ops.tensors[tensor].name
    message = f"the float model gives NaN or infinity at `{name}` on this data, so no range can be found"
    return SpecError([UNUSABLE_DATA.at(Place("data"), message, help="check the model and the scale of its inputs")])
