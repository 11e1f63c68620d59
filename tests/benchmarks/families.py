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
    for layer in model.layers:
        if type(layer).__name__ == "LayerScale":  # begins at 1e-6, as if its block were not there
            layer.gamma.assign(np.random.default_rng(seed).uniform(0.1, 0.5, layer.gamma.shape))
    for batch in range(4):
        model(pictures(model, 100 * seed + batch, 8), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    return model


def pictures(model: Any, seed: int, count: int) -> np.ndarray:
    """Pictures of the model's size: around 0, or pixels up to 255 where the model scales them itself."""
    around_zero = images(seed, count, model.input_shape[1])
    if not any(isinstance(layer, keras.layers.Rescaling) for layer in model.layers):
        return around_zero
    return np.clip(127.5 + 64 * around_zero, 0, 255)


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
    return {
        **post_training(model, seed),
        **{f"converter_{key}": value for key, value in converted(model, seed).items()},
    }


def post_training(model: Any, seed: int) -> dict[str, Any]:
    """qspec's file: SQNR, bytes, seconds without the verification, floats left, and parity by op."""
    calibration, judges = pictures(model, 1000 + seed, 32), pictures(model, 2000 + seed, 64)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        result = qspec.quantize(qspec.loads(SPEC), model, calibration, Path(folder) / "q.tflite", samples=judges[:16])
        elapsed = time.perf_counter() - started
        content = result.path.read_bytes()
    return {
        **judged(model, content, judges),
        "seconds": elapsed - result.seconds["verify"],
        "verify_seconds": result.seconds["verify"],
        "parity": parity(result),
    }


def converted(model: Any, seed: int) -> dict[str, Any]:
    """The converter's file of the same: SQNR, bytes, seconds, floats left."""
    calibration, judges = pictures(model, 1000 + seed, 32), pictures(model, 2000 + seed, 64)
    started = time.perf_counter()
    content = convert(model, calibration)
    return {**judged(model, content, judges), "seconds": time.perf_counter() - started}


def judged(model: Any, content: bytes, judges: np.ndarray) -> dict[str, Any]:
    found = sample_sqnr(model.predict(judges, verbose=0), content, judges)
    return {
        "sqnr": float(np.median(found)),
        "sqnr_of_samples": np.round(found, 3).tolist(),
        "size": len(content),
        "float_ops": float_ops(content),
    }


def train(name: str, seed: int, size: int) -> dict[str, Any]:
    """20 steps on one batch, then export; which ranges and variables moved."""
    model = make_model(name, seed, size)
    batch, judges = pictures(model, 3000 + seed, 8), pictures(model, 2000 + seed, 16)
    labels = np.arange(8) % 1000
    quantized = qspec.apply(qspec.loads(SPEC), model, calibration=pictures(model, 1000 + seed, 32))
    before = [(float(r.minimum), float(r.maximum)) if r.fixed is None else None for r in quantized.ranges]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    values = [np.asarray(variable) for variable in quantized.trainable_variables]
    # XLA would take longer to compile the step than 20 steps take.
    quantized.compile(keras.optimizers.Adam(1e-4), loss=loss, jit_compile=False)
    started = time.perf_counter()
    history = [quantized.train_on_batch(batch, labels) for _ in range(20)]
    step_seconds = (time.perf_counter() - started) / 20
    after = [(float(r.minimum), float(r.maximum)) if r.fixed is None else None for r in quantized.ranges]
    resting = (0.0, 6.0)  # a ReLU6 that reaches both of its bounds
    moved = [old is None or old != new or new == resting for old, new in zip(before, after, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        result = qspec.export(quantized, Path(folder) / "q.tflite", samples=judges)
        content = result.path.read_bytes()
    return {
        "loss": [float(np.ravel(history[0])[0]), float(np.ravel(history[-1])[0])],
        "finite": bool(np.isfinite([np.ravel(h)[0] for h in history]).all()),
        "still_ranges": [
            quantized.plan.ops.tensors[g.tensors[0]].name
            for g, m in zip(quantized.plan.ranges, moved, strict=True)
            if not m
        ],
        "still_variables": [
            variable.path
            for variable, value in zip(quantized.trainable_variables, values, strict=True)
            if np.array_equal(value, np.asarray(variable))
        ],
        "step_seconds": step_seconds,
        "float_ops": float_ops(content),
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


def float_ops(content: bytes) -> list[str]:
    """The kinds of the ops that give floats."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: key for key, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    return [
        names[codes[op.opcodeIndex]]
        for graph in model.subgraphs
        for op in graph.operators
        if any(graph.tensors[index].type == schema.TensorType.FLOAT32 for index in op.outputs)
    ]


if __name__ == "__main__":
    main()
