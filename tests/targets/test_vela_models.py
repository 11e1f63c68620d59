"""Placement on Ethos-U against Arm's own compiler, on Keras models that qspec quantizes: op by op, by output tensor,
and with the reason that Vela states.

    python -m pytest -m slow tests/targets/test_vela_models.py

takes some six minutes, most of it to quantize the models. Vela fuses and removes ops: an op of the file that is gone
runs on the NPU, for what runs on the CPU keeps its output. Figures stand behind pytest's report.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qspec.graph.tflite_file import parse_tflite
from qspec.lint.files.facts import representation
from qspec.targets import Table, place
from tests.targets.one_op import shipped
from tests.targets.vela_oracle import COMPARISONS, CONFIGURATIONS, Comparison, compiled
from tests.targets.vela_reasons import says_the_same

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
    "EfficientNetV2B0": 96,
    "DenseNet121": 96,
    "NASNetMobile": 224,
}
SMALL = ("convolutional", "perceptron", "pre_activation", "rows")
SEED, SAMPLED = 20261123, 100


def quantized(model: Any, folder: Path) -> bytes:
    """The file that qspec writes for *model*, with random data."""
    import qspec

    spec, path = folder / "spec.qspec", folder / "model.tflite"
    spec.write_text(SPEC)
    drawn = np.random.default_rng(0)
    data = [_values(source, drawn) for source in model.inputs]
    qspec.quantize(spec, model, data if len(data) > 1 else data[0], path)
    return path.read_bytes()


def _values(source: Any, drawn: np.random.Generator) -> np.ndarray[Any, Any]:
    """Two samples of an input: normal floats, small indices, truth values; unknown sizes are 1."""
    shape = (2, *(size or 1 for size in source.shape[1:]))
    if source.dtype == "bool":
        return drawn.integers(0, 2, shape) > 0
    return drawn.normal(size=shape).astype(source.dtype) if "float" in source.dtype else drawn.integers(0, 4, shape)


def compared(name: str, content: bytes, variant: str, folder: Path) -> list[str]:
    """The ops that the table places elsewhere than Vela does, or for another reason. A model that is refused whole, by
    one or by both, counts as one op."""
    body = parse_tflite(content, "model.tflite").main
    table = Table(shipped("ethos_u"), {"variant": variant})
    placement = place(table, body.graph, representation(body), body.versions)
    found = compiled(content, variant, folder)
    lines: list[str] = []
    ops = len(placement.ops)
    if found.error or placement.refused:
        ops = 1
        if not (found.error and placement.refused):
            lines.append(f"Vela: {found.error or 'compiles'}, the table: {placement.refused or 'takes it'}")
    else:
        for placed in placement.ops:
            outputs = {body.graph.tensors[tensor].name for tensor in placed.op.outputs}
            on_cpu = bool(outputs & found.cpu)
            stated = [found.reasons[output] for output in outputs if output in found.reasons]
            why = [reason.message for reason in placed.why]
            alike = on_cpu != placed.accelerated
            if not alike or (stated and not says_the_same(stated[0], why)):
                lines.append(f"{placed.op.kind} {outputs}: Vela says {stated or on_cpu}, the table {why or 'npu'}")
    COMPARISONS.append(Comparison(variant, ops, len(lines), bool(found.error)))
    return [f"{name}, {variant}: {line}" for line in lines]


def application(name: str) -> Any:
    import keras

    size = APPLICATIONS[name]
    return getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3))


def small(name: str) -> Any:
    from tests.keras import models

    return getattr(models, name)()


def one_layer_models() -> dict[str, Callable[[], Any]]:
    """All one-layer models of the lowering zoos, by zoo and name."""
    from tests.lowering import (
        lowering_zoo,
        zoo_activations,
        zoo_attention,
        zoo_convolutions,
        zoo_masks,
        zoo_movement,
        zoo_operations,
    )

    found: dict[str, Callable[[], Any]] = {
        f"{zoo.__name__.rpartition('_')[2]} {name}": make
        for zoo in (zoo_activations, zoo_attention, zoo_convolutions, zoo_masks, zoo_movement, zoo_operations)
        for name, make in zoo.models().items()
    }
    for name, (shape, layers) in lowering_zoo.single_layers().items():
        found[f"plain {name}"] = lambda shape=shape, layers=layers: lowering_zoo.chain(shape, layers())
    return found


def sampled() -> Iterator[tuple[str, Any]]:
    """Every plain layer, and a seeded sample of the larger zoos."""
    import keras

    models = one_layer_models()
    print("seed", SEED)
    others = random.Random(SEED).sample(sorted(name for name in models if not name.startswith("plain ")), SAMPLED)
    for name in (*(name for name in models if name.startswith("plain ")), *others):
        keras.utils.set_random_seed(0)
        yield name, models[name]()


@pytest.mark.parametrize("name", SMALL[:1])
def test_a_small_model(name: str, tmp_path: Path) -> None:
    assert [] == compared(name, quantized(small(name), tmp_path), "u55", tmp_path / "vela")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "name"), [*((small, name) for name in SMALL), *((application, name) for name in APPLICATIONS)]
)
def test_models(make: Callable[[str], Any], name: str, tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    content = quantized(make(name), tmp_path)

    assert [] == [line for variant in CONFIGURATIONS for line in compared(name, content, variant, tmp_path / variant)]


@pytest.mark.slow
def test_single_layers(tmp_path: Path) -> None:
    """Attention, normalization, masks, einsums and the rest, a model of its own for each layer."""
    from qspec.diagnostics import SpecError

    count, refused, found = 0, [], []
    for count, (name, model) in enumerate(sampled(), 1):
        (folder := tmp_path / str(count)).mkdir()
        try:
            content = quantized(model, folder)
        except SpecError as error:  # a layer that has no integer kernel
            refused.append(f"{name}: {error.diagnostics[0].message}")
            continue
        for variant in CONFIGURATIONS:
            found += compared(name, content, variant, folder / variant)
    print("not quantized", *refused, sep="\n")

    assert [] == found
    assert len(refused) < 0.1 * count
