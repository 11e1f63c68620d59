"""The cost of training with quantization: MobileNetV2 at 96 by 96 in batches of 32, against the float model.

    python tests/benchmarks/training_step.py [--batch-norm fold track keep] [--steps 15] [--alpha 1.0] [--xla]

Float and quantized steps take turns in one process, so that whatever else the machine does burdens both; the figures
are medians and their ratios. `apply` is told as time of the processor, with its calibration and without: until the
model is there, its ranges empty. Prints a line of JSON for every way of batch normalization.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import qspec
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.keras.reading.copying import copied

SPEC = """
qspec 1
import "std/int8.qspec"
default {{ weights = w8, output = a8 }}
train {{ batch_norm = {batch_norm} }}
"""
SIZE, BATCH, CLASSES = 96, 32, 100


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-norm", nargs="+", default=("fold", "track", "keep"))
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--xla", action="store_true", help="let XLA compile both, as Keras does by default")
    arguments = parser.parse_args()
    for batch_norm in arguments.batch_norm:
        print(json.dumps(measure(batch_norm, arguments.steps, arguments.alpha, arguments.xla)), flush=True)


def measure(batch_norm: str, steps: int, alpha: float, xla: bool) -> dict[str, Any]:
    """The figures for one way of batch normalization."""
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2((SIZE, SIZE, 3), alpha=alpha, weights=None, classes=CLASSES)
    generator = np.random.default_rng(0)
    images = generator.uniform(-1, 1, (BATCH, SIZE, SIZE, 3)).astype(np.float32)
    labels = generator.integers(0, CLASSES, BATCH)
    spec = qspec.loads(SPEC.format(batch_norm=batch_norm))
    bare = [_seconds(lambda: QuantizedModel(copied(model), spec), time.process_time) for _ in range(4)]
    started = time.process_time()
    quantized = qspec.apply(spec, model, calibration=images)
    whole = time.process_time() - started
    steps_of = {
        "float": _step(model, images, labels, xla=xla),
        "quantized": _step(quantized, images, labels, xla=xla),
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps_of}
    for _ in range(3):
        for step in steps_of.values():
            step()
    for _ in range(steps):
        for name, step in steps_of.items():
            seconds[name].append(_seconds(step))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "batch_norm": batch_norm,
        "xla": xla,
        "fake_quantizations": fake_quantizations(quantized),
        "apply_seconds": round(statistics.median(bare), 3),
        "apply_with_calibration_seconds": round(whole, 3),
        **{f"{name}_milliseconds": round(1000 * value, 1) for name, value in medians.items()},
        "ratio": round(medians["quantized"] / medians["float"], 3),
        "ratio_of_fastest": round(min(seconds["quantized"]) / min(seconds["float"]), 3),
    }


def fake_quantizations(model: QuantizedModel) -> dict[str, int]:
    """How many tensors the model quantizes: activations, weights and biases."""
    tensors = model.plan.ops.tensors
    found = {"activations": 0, "weights": 0, "biases": 0}
    for number, decision in model.plan.decisions.items():
        if decision.quantizer is None or decision.quantizer.is_float:
            continue
        slot = tensors[number].slot
        constant = tensors[number].constant and slot is not None
        found["activations" if not constant else "biases" if slot.kind == "bias" else "weights"] += 1
    return found


def _step(model: keras.Model, images: np.ndarray, labels: np.ndarray, *, xla: bool) -> Callable[[], Any]:
    model.compile(keras.optimizers.SGD(1e-4), loss="sparse_categorical_crossentropy", jit_compile=xla)
    return lambda: model.train_on_batch(images, labels)


def _seconds(function: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    started = clock()
    function()
    return clock() - started


if __name__ == "__main__":
    main()
