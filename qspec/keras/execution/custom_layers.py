"""Layers of the user's own that a spec, or a registration, says to compute as something known: is it so?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from qspec.diagnostics import Diagnostic, Place
from qspec.diagnostics.catalogue import LOWERING_DIFFERS, UNSUPPORTED_LAYER
from qspec.graph.layers import Value
from qspec.graph.ops import Composition
from qspec.keras.execution.steps import Step, run_step, step_constants
from qspec.keras.kernels.op_kernels import KERNELS

# Of the largest value; kernels sum in other orders, and float32 has 24 bits.
_TOLERANCE = 1e-3


def false_claims(steps: Sequence[Step], path: str) -> list[Diagnostic]:
    """An error for each layer of a class that is not Keras' own whose own call gives other numbers, on a random input,
    than the ops that were said to stand for it. *path* names the model."""
    claimed = [step for step in steps if step.composition is not None and not step.call.layer.built_in]
    return [problem for step in claimed if (problem := _false_claim(step, path)) is not None]


def _false_claim(step: Step, path: str) -> Diagnostic | None:
    assert step.composition is not None
    call, composition = step.call, step.composition
    unknown = next((op.kind for op in composition.ops if op.kind not in KERNELS), None)
    if unknown is not None:
        return UNSUPPORTED_LAYER.at(
            Place(path),
            f"`{call.layer.class_name}` at `{call.layer.path}` is said to become {unknown}, which cannot be simulated",
            help="write it with other ops in its `qspec.register_lowering`, or leave it in float",
            layer=call.layer.path,
        )
    values = iter(_random_inputs(composition))
    arguments, keywords = keras.tree.map_structure(
        lambda leaf: next(values) if isinstance(leaf, Value) else leaf, (call.arguments, dict(call.keywords))
    )
    with keras.StatelessScope():
        own = keras.tree.flatten(step.layer(*arguments, **keywords))
        said = keras.tree.flatten(run_step(step, arguments, keywords, step_constants(step), lambda key, value: value))
    if all(_agree(np.asarray(left), np.asarray(right)) for left, right in zip(own, said, strict=False)):
        return None
    kinds = ", ".join(dict.fromkeys(op.kind for op in composition.ops))
    return LOWERING_DIFFERS.at(
        Place(path),
        f"`{call.layer.class_name}` at `{call.layer.path}` computes something else than {kinds}, which was said of it",
        help="correct its `layer … as …` statement or `qspec.register_lowering`, or leave it in float",
        layer=call.layer.path,
    )


def _random_inputs(composition: Composition) -> list[Any]:
    generator = np.random.default_rng(0)
    tensors = [composition.tensors[number] for number in composition.inputs]
    shapes = [[size or 1 for size in tensor.shape or ()] for tensor in tensors]
    return [keras.ops.convert_to_tensor(generator.normal(size=shape), "float32") for shape in shapes]


def _agree(own: np.ndarray, said: np.ndarray) -> bool:
    if own.shape != said.shape:
        return False
    largest = float(np.abs(own).max(initial=0))
    return bool(np.allclose(own, said, rtol=_TOLERANCE, atol=_TOLERANCE * max(largest, 1e-6)))
