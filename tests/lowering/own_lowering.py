"""qspec's own lowering of a Keras model, held against the prediction and against the model itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np

import qspec
from qspec.diagnostics import SpecError
from qspec.graph.ops import OPAQUE
from qspec.graph.tflite_file import parse_tflite
from qspec.keras.float_file import float_file
from qspec.keras.lower import lower
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.litert.alignment import differences
from qspec.litert.float_file import FloatFile
from qspec.litert.interpreter import make_interpreter, run

SEED = 20261123


@dataclass(frozen=True)
class Comparison:
    """A prediction of so many ops that was held against the file, and how many disagreements there were."""

    ops: int
    disagreements: int


COMPARISONS: list[Comparison] = []
"""All since the process began; `conftest.py` sums them up by zoo."""


def disagreements(
    model: keras.Model, batch: int | str = 1, inputs: list[np.ndarray] | None = None, *, random_weights: bool = True
) -> list[str]:
    """What the float file has otherwise than predicted, and where its numbers are not the model's; none if all is well.

    *inputs* are samples (of *batch*, 2 where that is dynamic); without them, random ones are made.
    """
    if random_weights:
        randomize(model)
    spec = qspec.loads(f"qspec 1\ninput {{ batch = {batch} }}\n")
    try:
        quantized = QuantizedModel(model, spec)
        file = lower(quantized)
    except SpecError as error:
        return [item.message for item in error.diagnostics]
    predicted = quantized.plan.predicted
    found = [f"{item.layer}: {item.message}" for item in differences(file, predicted)]
    found += [f"{op.layer}: its ops are not known" for op in predicted.ops if op.kind == OPAQUE]
    if inputs is None:
        inputs = samples(predicted, 2 if batch == "dynamic" else int(batch))
    found += _number_differences(model, quantized, file, inputs)
    written = float_file(quantized)
    found += [f"written without the converter: {message}" for message in _of_written(written, file)]
    found += [f"written without the converter: {m}" for m in _number_differences(model, quantized, written, inputs)]
    COMPARISONS.append(Comparison(len(predicted.ops), len(found)))
    return found


def _of_written(written: FloatFile, file: FloatFile) -> Iterator[str]:
    """Where an op of the file that is written without the converter has other attributes, operands or results than the
    same op of the converter's."""
    ours, theirs = (parse_tflite(each.content, "file").main.graph for each in (written, file))
    of_theirs = dict(zip(file.outputs, theirs.outputs, strict=True))
    writers = theirs.producers()
    same = {index: of_theirs[tensor] for tensor, index in zip(written.outputs, ours.outputs, strict=True)}
    for op in ours.ops:
        other = writers.get(same.get(op.outputs[0], -1))
        if other is None:
            continue
        if (op.kind, dict(op.attributes)) != (other.kind, dict(other.attributes)):
            yield f"{op.kind} {dict(op.attributes)}, the converter's is {other.kind} {dict(other.attributes)}"
        for mine, yours in zip(op.inputs, other.inputs, strict=False):
            if min(mine, yours) >= 0 and ours.tensors[mine].type != theirs.tensors[yours].type:
                yield f"{op.kind} reads {ours.tensors[mine].type}, the converter's {theirs.tensors[yours].type}"


def randomize(model: keras.Model) -> None:
    """Weights that are neither 0 nor 1, so that nothing vanishes for its value; non-trainable ones stay positive."""
    print("seed", SEED)
    generator = np.random.default_rng(SEED)
    for variable in model.variables:
        if "seed" in variable.path or not np.issubdtype(variable.dtype, np.floating):
            continue
        values = generator.uniform(0.25, 1.0, variable.shape)
        if len(variable.shape) > 1:  # a kernel: of both signs, and small enough for deep models
            values = generator.uniform(-1, 1, variable.shape) * np.sqrt(3 / np.prod(variable.shape[:-1]))
        variable.assign(values.astype(variable.dtype))


def samples(predicted: Any, batch: int) -> list[np.ndarray]:
    """Random inputs of a model: reals in -1..1, integers in 0..3."""
    generator = np.random.default_rng(SEED)
    made = []
    for number in predicted.inputs:
        tensor = predicted.tensors[number]
        shape = [batch, *(size or 1 for size in tensor.shape[1:])]
        if tensor.type == "float32":
            made.append(generator.uniform(-1, 1, shape).astype("float32"))
        else:
            made.append(generator.integers(0, 2 if tensor.type == "bool" else 4, shape).astype(tensor.type))
    return made


def _number_differences(model: keras.Model, quantized: QuantizedModel, file: Any, inputs: list[np.ndarray]) -> Any:
    structured = inputs if len(inputs) > 1 else inputs[0]
    if len(inputs) > 1 and not isinstance(model, keras.Sequential):
        structured = keras.tree.pack_sequence_as(model.input, inputs)
    wanted = [np.asarray(value) for value in keras.tree.flatten(model(structured, training=False))]
    # Several threads of the built-in CONV_2D read past an input as large as the filter where SAME pads behind only
    # (measured with ai-edge-litert 2.3.0), which is not what is asked here.
    interpreter = make_interpreter(file.content, kernels="built_in", threads=1)
    values = dict(zip((*file.outputs, *file.inputs), (*run(interpreter, inputs), *inputs), strict=True))
    for position, (number, expected) in enumerate(zip(quantized.plan.predicted.outputs, wanted, strict=True)):
        actual = values[number]
        scale = max(float(np.abs(expected).max(initial=0)), 1e-3)
        if actual.shape != expected.shape:
            yield f"output {position} has shape {actual.shape}, the model's {expected.shape}"
        elif not np.allclose(actual, expected, rtol=1e-4, atol=1e-4 * scale):
            error = float(np.abs(actual - expected).max())
            yield f"output {position} is up to {error:.3g} off, of values up to {scale:.3g}"
