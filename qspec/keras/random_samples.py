"""Samples for a model of which none were given."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from qspec.numerics import Parameters
from qspec.plan.plan import Plan

FEW = 8
"""As many samples as are drawn, or taken of others, where nobody says how many."""


def random_samples(plan: Plan, known: Mapping[int, Parameters]) -> list[np.ndarray]:
    """An array for each input: uniform over its range (by *known*, else -1 to 1), the same every time. Integers are 0
    and 1, which every index takes."""
    generator = np.random.default_rng(0)
    inputs = []
    for number in plan.predicted.inputs:
        tensor = plan.predicted.tensors[number]
        shape = (FEW, *(size or 1 for size in (tensor.shape or ())[1:]))
        if tensor.type == "float32":
            inputs.append(generator.uniform(*_ends(known.get(number)), shape).astype(np.float32))
        else:
            inputs.append(generator.integers(0, 2, shape).astype(tensor.type))
    return inputs


def _ends(parameters: Parameters | None) -> tuple[float, float]:
    if parameters is None:
        return -1.0, 1.0
    lowest, highest = (
        float(parameters.scale * (code - parameters.zero_point)) for code in (parameters.lowest, parameters.highest)
    )
    return lowest, highest
