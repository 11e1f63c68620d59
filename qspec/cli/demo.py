"""`qspec demo`: the whole way on real data, by the public surface alone."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import qspec
from qspec._resources import resource
from qspec.cli.frameworks import import_frameworks
from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import MISSING_EXTRA

_HELD_BACK = 600
_CALIBRATION = 128


def run(arguments: argparse.Namespace) -> int:
    """Train, check, quantize, train quantized, export, verify, and print one table."""
    with _folder(arguments.keep) as folder:
        figures = _demo(arguments.seed, folder)
    print(json.dumps(figures, indent=2) if arguments.json else _table(figures))
    return 0


def _demo(seed: int, folder: Path) -> dict[str, Any]:
    with _stage("load TensorFlow, and the digits that scikit-learn ships"):
        import_frameworks()
        images, labels, test_images, test_labels = _digits(seed)
        calibration, judges = images[:_CALIBRATION], images[_CALIBRATION:]  # the latter judge parity
    with _stage("train the float network"):
        model = _network(seed)
        _fit(model, images, labels, epochs=25, rate=4e-3)
        model.save(folder / "digits.keras")

    with _stage("check the spec against the model and three targets"):
        spec = qspec.load(resource("specs") / "examples" / "digits.qspec")
        report = qspec.check(spec, folder / "digits.keras")
    with _stage("quantize after training, write, verify"):
        after = qspec.quantize(spec, model, calibration, folder / "digits_after.tflite", samples=judges)
    with _stage("train with quantization"):
        quantized = qspec.apply(spec, model, calibration=calibration)
        _fit(quantized, images, labels, epochs=5, rate=2e-4)
        quantized.save(folder / "digits_trained.keras")
    with _stage("export, verify"):
        trained = qspec.export(quantized, folder / "digits_trained.tflite", samples=judges)

    with _stage("run the files"):
        float_file = _float_file(model)
        float_outputs = model.predict(test_images, verbose=0)
        simulated = quantized.predict(test_images, verbose=0)
        outputs = trained.predict(test_images)
        figures = {
            "float": _figures(float_outputs, test_labels, float_file),
            "post-training": _figures(after.predict(test_images), test_labels, after.path.read_bytes()),
            "trained": _figures(outputs, test_labels, trained.path.read_bytes()),
        }
    for name, result in (("post-training", after), ("trained", trained)):
        worst = result.parity.by_op()
        figures[name]["parity"] = {op: {"lsb": tensor.largest, "equal": tensor.equal} for op, tensor in worst.items()}
    return {
        "seed": seed,
        "test_samples": len(test_labels),
        "files": figures,
        "same_class_as_simulated": float((outputs.argmax(-1) == simulated.argmax(-1)).mean()),
        "coverage": {deployed.deploy.name: deployed.placement.coverage for deployed in report.placement},
    }


# ---- data and network


def _digits(seed: int) -> tuple[Any, ...]:
    """1,797 grey images of 8 by 8 pixels in 0..1, shuffled; the last ones are held back for the test."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        message = "the demo needs scikit-learn, which is not installed"
        raise SpecError([MISSING_EXTRA.at(Place("demo"), message, help="pip install 'qspec[demo]'")]) from None
    import numpy as np

    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    images, labels = (digits.images[order, :, :, None] / 16).astype(np.float32), digits.target[order]
    return images[:-_HELD_BACK], labels[:-_HELD_BACK], images[-_HELD_BACK:], labels[-_HELD_BACK:]


def _network(seed: int) -> Any:
    """Convolutions with batch normalization, a depthwise one inside a residual block, a dense head with softmax."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)

    def block(value: Any, layer: Any) -> Any:
        return layers.ReLU()(layers.BatchNormalization()(layer(value)))

    image = keras.Input((8, 8, 1), name="image")
    value = block(image, layers.Conv2D(32, 3, padding="same", use_bias=False))
    shortcut = value = block(value, layers.Conv2D(32, 3, padding="same", use_bias=False))
    value = block(value, layers.DepthwiseConv2D(3, padding="same", use_bias=False))
    value = layers.BatchNormalization()(layers.Conv2D(32, 1, use_bias=False)(value))
    value = layers.ReLU()(layers.Add()([shortcut, value]))
    value = block(layers.MaxPooling2D()(value), layers.Conv2D(64, 3, padding="same", use_bias=False))
    value = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(value))
    return keras.Model(image, layers.Dense(10, activation="softmax", name="digit")(value), name="digits")


def _fit(model: Any, images: Any, labels: Any, epochs: int, rate: float) -> None:
    import keras

    schedule = keras.optimizers.schedules.CosineDecay(rate, decay_steps=epochs * len(images) // 32)
    optimizer = keras.optimizers.Adam(schedule)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, labels, batch_size=32, epochs=epochs, verbose=0)


# ---- figures


def _float_file(model: Any) -> bytes:
    import tensorflow

    with contextlib.redirect_stdout(io.StringIO()):  # it reports on its temporary files
        return bytes(tensorflow.lite.TFLiteConverter.from_keras_model(model).convert())


def _figures(outputs: Any, labels: Any, content: bytes) -> dict[str, Any]:
    accuracy = float((outputs.argmax(-1) == labels).mean())
    return {"accuracy": accuracy, "size": len(content), "milliseconds": _milliseconds(content)}


def _milliseconds(content: bytes, runs: int = 200) -> float:
    """The median time of one inference on one thread, with the interpreter's default kernels."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        interpreter.invoke()
        times.append(time.perf_counter() - started)
    return 1000 * sorted(times)[runs // 2]


# ---- printing


@contextlib.contextmanager
def _stage(name: str) -> Iterator[None]:
    print(f"{name} …", end=" ", file=sys.stderr, flush=True)
    started = time.perf_counter()
    yield
    print(f"{time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _folder(kept: str | None) -> Iterator[Path]:
    if kept is not None:
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary)


def _table(figures: dict[str, Any]) -> str:
    lines = ["", f"{'':14} {'accuracy':>9} {'size':>9} {'ms':>7}  worst parity"]
    for name, row in figures["files"].items():
        told = _worst(row.get("parity", {}))
        lines.append(f"{name:14} {row['accuracy']:9.2%} {row['size']:9,} {row['milliseconds']:7.3f}  {told}")
    lines.append("")
    lines.append(f"same class as simulated: {figures['same_class_as_simulated']:.2%} of {figures['test_samples']}")
    for target, coverage in figures["coverage"].items():
        lines.append(f"{target}: {coverage:.0f} % of the ops accelerated")
    return "\n".join(lines)


def _worst(parity: dict[str, Any]) -> str:
    if not parity:
        return ""
    op, row = max(parity.items(), key=lambda item: (item[1]["lsb"], -item[1]["equal"]))
    return f"{row['lsb']} LSB, {row['equal']:.2%} equal ({op})"
