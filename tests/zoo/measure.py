"""One model the whole way: quantized after training, and trained with quantization; what came out, in figures."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np

import qspec
from qspec.diagnostics import SpecError
from qspec.graph.tflite_file import read_tflite_file
from qspec.litert.verify import sqnr
from qspec.lowering.one_batch import holds_for_one_batch
from tests.zoo.kernels import of_ops, of_outputs

SEED = 20261123
CALIBRATION, JUDGES, STEPS = 128, 16, 20

SPEC = """qspec 1
import "std/int8.qspec"
input { batch = 1 }
output { type = int8 }
default { weights = w8, output = a8 }
"""

CASTS = ("QUANTIZE", "DEQUANTIZE")

Figures = dict[str, Any]


def measure(make: Any, folder: Path, *, train: bool = True) -> Figures:
    """The figures of the model that *make* gives, after training (`post`) and with it (`trained`). An error that qspec
    gives stands under `error` in place of the rest."""
    keras.utils.set_random_seed(SEED)
    model = make()
    randomize(model)
    found: Figures = {"post": _guarded(lambda: _post_training(model, folder))}
    if train:
        found["trained"] = _guarded(lambda: _trained(model, folder))
    return found


def _guarded(run: Any) -> Figures:
    started = time.perf_counter()
    try:
        figures: Figures = run()
    except SpecError as error:
        figures = {
            "error": [f"{item.code} {item.message}" for item in error.diagnostics if item.severity.value == "error"]
        }
    except Exception as error:  # a line in the report, not its end
        figures = {"error": [f"{type(error).__name__}: {str(error)[:300]}"], "crashed": True}
    return {**figures, "seconds": round(time.perf_counter() - started, 2)}


# ---- the two ways


def _post_training(model: keras.Model, folder: Path) -> Figures:
    data, judges = samples(model, CALIBRATION, SEED), samples(model, JUDGES, SEED + 1)
    result = qspec.quantize(qspec.loads(SPEC), model, data, folder / "post.tflite", samples=judges)
    return {**_of_file(result, judges), "sqnr": _signal_to_noise(model, result, judges)}


def _trained(model: keras.Model, folder: Path) -> Figures:
    """20 steps on one batch towards what the same model computes with other weights, then export."""
    data, judges = samples(model, CALIBRATION, SEED), samples(model, JUDGES, SEED + 1)
    quantized = qspec.apply(qspec.loads(SPEC), model, calibration=data)
    batch = [array[:1] for array in judges] if holds_for_one_batch(quantized.plan.layers) else judges
    targets = _targets(model, batch)
    optimizer = keras.optimizers.Adam(1e-3)
    steps = STEPS if quantized.trainable_variables else 1  # then only ranges move
    losses = [_step(quantized, batch, targets, optimizer) for _ in range(steps)]
    result = qspec.export(quantized, folder / "trained.tflite", samples=judges)
    silent = losses[0] is None
    known = [float(loss) for loss in losses if loss is not None]
    training = {
        "losses": None if silent else [known[0], min(known[-5:])],
        "finite": bool(np.isfinite(known).all()),
        "falling": None if silent else bool(min(known[-5:]) < known[0]),
    }
    return {**_of_file(result, judges), **training, "sqnr": _signal_to_noise(quantized.float_model, result, judges)}


def _targets(model: keras.Model, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What the model gives with its weights up to a half off, which training can find again."""
    kept = [np.asarray(variable) for variable in model.trainable_variables]
    generator = np.random.default_rng(SEED + 2)
    for variable, value in zip(model.trainable_variables, kept, strict=True):
        variable.assign((value * (1 + 0.5 * generator.standard_normal(value.shape))).astype(value.dtype))
    found = keras.tree.flatten(model(structured(model, inputs), training=False))
    for variable, value in zip(model.trainable_variables, kept, strict=True):
        variable.assign(value)
    return [np.asarray(value) for value in found]


def _step(model: Any, inputs: Sequence[np.ndarray], targets: Sequence[np.ndarray], optimizer: Any) -> Any:
    """The loss of a training step (float32), None where no gradient reaches a variable."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        found = keras.tree.flatten(model(structured(model.float_model, inputs), training=True))
        pairs = [(a, b) for a, b in zip(found, targets, strict=True) if b.dtype.kind == "f"]
        loss = sum(tf.reduce_mean(tf.square(tf.cast(a, "float32") - b)) for a, b in pairs) if pairs else None
    if loss is None or not model.trainable_variables:
        return None
    gradients = tape.gradient(loss, model.trainable_variables)
    known = [(g, v) for g, v in zip(gradients, model.trainable_variables, strict=True) if g is not None]
    if not any(np.any(np.asarray(tf.convert_to_tensor(g))) for g, _ in known):
        return None
    optimizer.apply_gradients(known)
    return float(loss)


# ---- what a file is like


def _of_file(result: Any, inputs: Sequence[np.ndarray]) -> Figures:
    content = result.path.read_bytes()
    return {
        "ok": result.ok,
        "problems": [f"{item.code} {item.message}" for item in result.diagnostics if item.severity.value != "note"],
        "ops": len(read_tflite_file(result.path).main.graph.ops),
        **_floats(result),
        "parity": _by_op(result.parity.tensors),
        "sqnr_simulated": round(min(result.parity.sqnr, 200.0), 2),
        "kernels": of_outputs(content, inputs),
        "kernels_of_ops": of_ops(content, inputs),
    }


def _floats(result: Any) -> Figures:
    """The ops that compute in float, and for which of them the report gives no reason."""
    graph = read_tflite_file(result.path).main.graph
    kinds = [
        op
        for op in graph.ops
        if op.kind not in CASTS and any(graph.tensors[tensor].type.startswith("float") for tensor in op.outputs)
    ]
    plan = result.report.plan
    unexplained = [
        f"{op.kind} of {op.layer}"
        for op in plan.ops.ops
        for tensor in op.outputs
        if op.kind not in CASTS and plan.ops.tensors[tensor].type == "float32" and not plan.decisions[tensor].changes
    ]
    return {"float": sorted({op.kind for op in kinds}), "floats": len(kinds), "unexplained": unexplained}


def _by_op(tensors: Sequence[Any]) -> dict[str, list[float]]:
    """By kind of op: the largest difference in LSB, the lowest share of equal elements, and how many there were."""
    found: dict[str, list[float]] = {}
    for tensor in tensors:
        largest, equal, elements = found.get(tensor.op, (0, 1.0, 0))
        equal = min(equal, round(tensor.equal, 5))
        found[tensor.op] = [max(largest, tensor.largest), equal, max(elements, tensor.elements)]
    return found


def _signal_to_noise(model: keras.Model, result: Any, inputs: Sequence[np.ndarray]) -> float | None:
    """The lowest ratio among the outputs of reals, in dB, of the file against the float model; None without any."""
    given = list(inputs) if len(inputs) > 1 else inputs[0]
    pairs = zip(outputs(model, inputs), _list(result.predict(given)), strict=True)
    ratios = [sqnr(a.ravel(), np.asarray(b).ravel()) for a, b in pairs if a.dtype.kind == "f" and np.any(a)]
    return None if not ratios else round(min(min(ratios), 200.0), 2)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


# ---- data


def randomize(model: keras.Model) -> None:
    """Weights of both signs, small enough for deep models; scales and variances around 1."""
    generator = np.random.default_rng(SEED)
    for variable in model.variables:
        if "seed" in variable.path or not np.issubdtype(variable.dtype, np.floating):
            continue
        values = generator.uniform(0.5, 1.0, variable.shape)
        if len(variable.shape) > 1:
            values = generator.uniform(-1, 1, variable.shape) * np.sqrt(3 / np.prod(variable.shape[:-1]))
        variable.assign(values.astype(variable.dtype))


def samples(model: keras.Model, count: int, seed: int) -> list[np.ndarray]:
    """Random inputs in the model's order: reals in -2..2, integers in 0..3, also where a layer takes indices."""
    generator = np.random.default_rng(seed)
    made: list[np.ndarray] = []
    whole = any(
        isinstance(layer, (keras.layers.Embedding, keras.layers.CategoryEncoding)) for layer in model.layers[:2]
    )
    for tensor in keras.tree.flatten(model.input if not isinstance(model, keras.Sequential) else model.inputs):
        shape = [count, *(size or 1 for size in tensor.shape[1:])]
        if tensor.dtype.startswith("float") and whole:
            made.append(generator.integers(0, 4, shape).astype("float32"))
        elif tensor.dtype.startswith("float"):
            made.append(generator.uniform(-2, 2, shape).astype("float32"))
        else:
            made.append(generator.integers(0, 2 if tensor.dtype == "bool" else 4, shape).astype(tensor.dtype))
    return made


def structured(model: keras.Model, inputs: Sequence[np.ndarray]) -> Any:
    """*inputs* as the model takes them."""
    tensors = [keras.ops.convert_to_tensor(array) for array in inputs]
    if isinstance(model, keras.Sequential) or (len(tensors) == 1 and not isinstance(model.input, list | dict)):
        return tensors[0]
    return keras.tree.pack_sequence_as(model.input, tensors)


def outputs(model: keras.Model, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What the float model gives, in the order of its outputs; of each sample by itself, as the file computes it."""
    each = [
        [np.asarray(value) for value in keras.tree.flatten(model(structured(model, sample), training=False))]
        for sample in ([array[number : number + 1] for array in inputs] for number in range(len(inputs[0])))
    ]
    return [np.concatenate(values) for values in zip(*each, strict=True)]
