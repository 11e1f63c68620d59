"""Placement on Ethos-U against Arm's own compiler, on Keras models that qspec quantizes: op by op, by output tensor.

    python -m pytest -m slow tests/targets/test_vela_models.py

takes about half an hour, most of it to quantize the models. Vela fuses and removes ops: an op of the file that is gone
runs on the NPU, for what runs on the CPU keeps its output.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qspec.graph.tflite_file import parse_tflite
from qspec.lint.files.facts import representation
from qspec.targets import Table, place
from tests.targets.one_op import shipped
from tests.targets.vela_oracle import CONFIGURATIONS, compiled

pytestmark = [
    pytest.mark.skipif(find_spec("ethosu") is None, reason="ethos-u-vela has no wheel for this Python"),
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="the extra `tensorflow` is not installed"),
]

SPEC = """
qspec 1
import "std/int8.qspec"
input  { type = int8 }
output { type = int8 }
default { weights = w8, output = a8 }
"""
APPLICATIONS = {
    "MobileNet": 96,
    "MobileNetV2": 96,
    "MobileNetV3Small": 96,
    "ResNet50V2": 96,
    "EfficientNetB0": 96,
    "DenseNet121": 96,
    "NASNetMobile": 224,
}
SMALL = ("convolutional", "perceptron", "pre_activation", "rows")


def quantized(model: Any, folder: Path) -> bytes:
    """The file that qspec writes for *model*, with random data."""
    import qspec

    spec, path = folder / "spec.qspec", folder / "model.tflite"
    spec.write_text(SPEC)
    random = np.random.default_rng(0)
    data = [random.normal(size=(2, *source.shape[1:])).astype(np.float32) for source in model.inputs]
    qspec.quantize(spec, model, data if len(data) > 1 else data[0], path)
    return path.read_bytes()


def disagreements(content: bytes, variant: str, folder: Path) -> tuple[int, list[str]]:
    """How many ops the file has, and those that the table places elsewhere than Vela does."""
    body = parse_tflite(content, "model.tflite").main
    table = Table(shipped("ethos_u"), {"variant": variant})
    placement = place(table, body.graph, representation(body), body.versions)
    found = compiled(content, variant, folder)
    if found.error or placement.refused:
        agreed = bool(found.error) and bool(placement.refused)
        return 1, [] if agreed else [f"Vela: {found.error or 'compiles'}, the table: {placement.refused}"]
    lines = []
    for placed in placement.ops:
        outputs = {body.graph.tensors[tensor].name for tensor in placed.op.outputs}
        on_cpu = bool(outputs & found.cpu)
        if on_cpu == placed.accelerated:
            reasons = [found.reasons[name] for name in outputs if name in found.reasons]
            lines.append(f"{placed.op.kind} {outputs}: Vela says {reasons or 'npu'}, the table {placed.why or 'npu'}")
    return len(placement.ops), lines


def application(name: str) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    size = APPLICATIONS[name]
    return getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3))


def small(name: str) -> Any:
    from tests.keras import models

    return getattr(models, name)()


def single(name: str) -> Any:
    import keras

    from tests.lowering.lowering_zoo import single_layers

    keras.utils.set_random_seed(0)
    shape, make = single_layers()[name]
    source = value = keras.Input(shape)
    for layer in make():
        value = layer(value)
    return keras.Model(source, value)


@pytest.mark.parametrize("name", SMALL[:1])
def test_a_small_model(name: str, tmp_path: Path) -> None:
    assert [] == disagreements(quantized(small(name), tmp_path), "u55", tmp_path / "vela")[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "name"), [*((small, name) for name in SMALL), *((application, name) for name in APPLICATIONS)]
)
def test_models(make: Callable[[str], Any], name: str, tmp_path: Path) -> None:
    content = quantized(make(name), tmp_path)
    for variant in CONFIGURATIONS:
        ops, lines = disagreements(content, variant, tmp_path / variant)

        assert len(lines) <= 0.02 * ops, lines


@pytest.mark.slow
def test_single_layers(tmp_path: Path) -> None:
    """Of every layer that qspec quantizes, a model of its own."""
    from qspec.diagnostics import SpecError
    from tests.lowering.lowering_zoo import single_layers

    count, found = 0, []
    for name in single_layers():
        (folder := tmp_path / name).mkdir()
        try:
            content = quantized(single(name), folder)
        except SpecError:
            continue  # a layer that has no integer kernel
        for variant in CONFIGURATIONS:
            ops, lines = disagreements(content, variant, folder / variant)
            count += ops
            found += [f"{name}, {variant}: {line}" for line in lines]

    assert len(found) <= 0.02 * count, found
