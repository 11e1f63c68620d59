"""Five families of keras.applications at 224 by 224, against the converter's own post-training quantization.

    python tests/benchmarks/families.py [--models MobileNetV2 …] [--seeds 3] [--train]

Random weights, batch-normalization statistics made sane by a few training-mode passes, 32 samples to calibrate and 64
others to judge. Prints a line of JSON for every model and seed. With `--train`, also takes 20 training steps with
quantization and exports.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import qspec
from qspec.litert.predict import predict
from qspec.litert.verify import sqnr

FAMILIES = ("MobileNet", "MobileNetV2", "NASNetMobile", "ResNet50", "ResNet50V2")
SPEC = """
qspec 1
import "std/int8.qspec"
input  { type = int8 }
output { type = int8 }
default { weights = w8, output = a8 }
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", nargs="+", default=FAMILIES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--train", action="store_true")
    arguments = parser.parse_args()
    for name in arguments.models:
        for seed in range(arguments.seeds):
            figures = {"model": name, "seed": seed, **measure(name, seed, arguments.size)}
            if arguments.train:
                figures["training"] = train(name, seed, arguments.size)
            print(json.dumps(figures), flush=True)


def make_model(name: str, seed: int, size: int) -> Any:
    """The model with random weights, its batch normalizations having seen a few batches."""
    keras.utils.set_random_seed(seed)
    make = getattr(keras.applications, name)
    model = make(weights=None, input_shape=(size, size, 3), classifier_activation=None)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.5
    for batch in range(4):
        model(images(100 * seed + batch, 8, size), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    return model


def images(seed: int, count: int, size: int) -> np.ndarray:
    """Smooth random pictures around 0: noise at several scales, as photographs have structure at several scales."""
    generator = np.random.default_rng(seed)
    picture = np.zeros((count, size, size, 3), np.float32)
    for cells in (4, 16, 64):
        coarse = generator.normal(size=(count, cells, cells, 3)).astype(np.float32)
        picture += np.asarray(tf.image.resize(coarse, (size, size)))
    return picture / 3


def measure(name: str, seed: int, size: int) -> dict[str, Any]:
    model = make_model(name, seed, size)
    calibration, judges = images(1000 + seed, 32, size), images(2000 + seed, 64, size)
    reference = model.predict(judges, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        result = qspec.quantize(qspec.loads(SPEC), model, calibration, Path(folder) / "q.tflite", samples=judges[:16])
        elapsed = time.perf_counter() - started
        ours = result.path.read_bytes()
    started = time.perf_counter()
    theirs = convert(model, calibration)
    converter_seconds = time.perf_counter() - started
    our_sqnr, their_sqnr = (sample_sqnr(reference, content, judges) for content in (ours, theirs))
    return {
        "sqnr": float(np.median(our_sqnr)),
        "converter_sqnr": float(np.median(their_sqnr)),
        "sqnr_of_samples": [np.round(our_sqnr, 3).tolist(), np.round(their_sqnr, 3).tolist()],
        "size": len(ours),
        "converter_size": len(theirs),
        "seconds": elapsed - result.seconds["verify"],
        "verify_seconds": result.seconds["verify"],
        "converter_seconds": converter_seconds,
        "float_tensors": float_tensors(ours),
        "parity": parity(result),
    }


def train(name: str, seed: int, size: int) -> dict[str, Any]:
    """20 steps on one batch, then export; which ranges moved, which variables had a gradient."""
    model = make_model(name, seed, size)
    batch, judges = images(3000 + seed, 8, size), images(2000 + seed, 16, size)
    labels = np.arange(8) % 1000
    quantized = qspec.apply(qspec.loads(SPEC), model, calibration=images(1000 + seed, 32, size))
    before = [(float(r.minimum), float(r.maximum)) if r.fixed is None else None for r in quantized.ranges]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        value = loss(labels, quantized(batch, training=True))
    gradients = tape.gradient(value, quantized.trainable_variables)
    silent = [
        variable.path
        for variable, gradient in zip(quantized.trainable_variables, gradients, strict=True)
        if gradient is None or not np.any(np.asarray(gradient))
    ]
    quantized.compile(keras.optimizers.Adam(1e-4), loss=loss)
    started = time.perf_counter()
    history = [quantized.train_on_batch(batch, labels) for _ in range(20)]
    step_seconds = (time.perf_counter() - started) / 20
    after = [(float(r.minimum), float(r.maximum)) if r.fixed is None else None for r in quantized.ranges]
    resting = (0.0, 6.0)  # a ReLU6 that reaches both of its bounds
    moved = [old is None or old != new or new == resting for old, new in zip(before, after, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        result = qspec.export(quantized, Path(folder) / "q.tflite", samples=judges)
    return {
        "loss": [float(np.ravel(history[0])[0]), float(np.ravel(history[-1])[0])],
        "finite": bool(np.isfinite([np.ravel(h)[0] for h in history]).all()),
        "still_ranges": [
            quantized.plan.ops.tensors[g.tensors[0]].name
            for g, m in zip(quantized.plan.ranges, moved, strict=True)
            if not m
        ],
        "without_gradient": silent,
        "step_seconds": step_seconds,
        "sqnr_simulated": result.parity.sqnr,
        "parity": parity(result),
    }


def parity(result: Any) -> dict[str, Any]:
    return {op: [worst.largest, round(worst.equal, 5), worst.elements] for op, worst in result.parity.by_op().items()}


def convert(model: Any, calibration: np.ndarray) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def sample_sqnr(reference: np.ndarray, content: bytes, judges: np.ndarray) -> np.ndarray:
    """The signal-to-noise ratio of each sample's logits, in dB."""
    outputs = np.asarray(predict(content, judges))
    return np.asarray([sqnr(a, b) for a, b in zip(reference, outputs, strict=True)])


def float_tensors(content: bytes) -> int:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    return sum(tensor.type == schema.TensorType.FLOAT32 for tensor in model.subgraphs[0].tensors)


if __name__ == "__main__":
    main()
