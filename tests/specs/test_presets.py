"""The presets of `specs/std/`: what each defines, that all go together, and what each makes of real models."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from keras import layers

import qspec
from qspec._resources import resource
from qspec.schema import loads
from qspec.schema.imports import PRESETS
from qspec.syntax import parse, read_source, tree
from tests.specs import example_models

DEFAULTS = {
    "int8": "weights = w8, output = a8",
    "int16x8": "weights = w8, output = a16",
    "w4a8": "weights = w4, output = a8",
    "dynamic": "weights = w8",
    "float16": "weights = f16",
}
# Bits of a weight and of an activation; the type of the weights in the file.
BITS = {"int8": (8, 8), "int16x8": (8, 16), "w4a8": (4, 8), "dynamic": (8, 32), "float16": (16, 32)}
BIASES = 2048  # bytes of the largest bias: 256 of 64 bits
STORED = {"int8": "INT8", "int16x8": "INT8", "w4a8": "INT4", "dynamic": "INT8", "float16": "FLOAT16"}


def spec_of(preset: str, edges: str = "") -> str:
    """A spec that is nothing but the preset."""
    return f'qspec 1\nimport "std/{preset}.qspec"\n{edges}default {{ {DEFAULTS[preset]} }}\n'


def test_the_list_of_presets_is_what_the_files_define():
    defined = {}
    for path in (resource("specs") / "std").glob("*.qspec"):
        file, problems = parse(read_source(path))
        assert not problems
        quantizers = [item.name.text for item in file.statements if isinstance(item, tree.Quantizer)]
        defined[f"std/{path.name}"] = tuple(quantizers)

    assert defined == PRESETS
    assert {f"std/{preset}.qspec" for preset in DEFAULTS} == set(PRESETS)


def test_presets_go_together_in_any_order():
    for several in itertools.permutations(PRESETS):
        text = "".join(f'import "{preset}"\n' for preset in several)
        spec, problems = loads(f"qspec 1\n{text}default {{ weights = w4, output = a16 }}\n")

        assert not problems
        assert sorted(name for names in PRESETS.values() for name in names) == sorted(spec.quantizers)


@pytest.mark.parametrize(
    ("name", "kind", "scheme", "granularity", "codes"),
    [  # as LiteRT's specification of 8-bit quantization has them, for other widths alike
        ("w8", "int8", "symmetric", "per_channel", (-127, 127)),
        ("w8_tensor", "int8", "symmetric", "per_tensor", (-127, 127)),
        ("a8", "int8", "asymmetric", "per_tensor", (-128, 127)),
        ("a16", "int16", "symmetric", "per_tensor", (-32768, 32767)),
        ("w4", "int4", "symmetric", "per_channel", (-7, 7)),
        ("w4_tensor", "int4", "symmetric", "per_tensor", (-7, 7)),
        ("w4_blocks", "int4", "symmetric", "per_block", (-8, 7)),
    ],
)
def test_quantizers_are_those_of_the_specification(name, kind, scheme, granularity, codes):
    (preset,) = [preset for preset, names in PRESETS.items() if name in names]
    spec, _ = loads(f'qspec 1\nimport "{preset}"\n')
    found = spec.quantizers[name]

    assert (kind, scheme, granularity) == (found.type, found.scheme, found.granularity)
    assert codes == found.code_range


def convolutional() -> keras.Model:
    """Convolutions, depthwise ones and a wide hidden layer."""
    image = keras.Input((32, 32, 3), name="image")
    value = example_models.normalized_convolution(image, 32, 3, "stem", 2)
    value = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(value)
    value = layers.ReLU(6.0)(layers.BatchNormalization()(value))
    value = example_models.normalized_convolution(value, 64, 1, "pointwise")
    value = layers.Dense(256, activation="relu", name="hidden")(layers.GlobalAveragePooling2D()(value))
    return keras.Model(image, layers.Dense(10, name="classes")(value), name="convolutional")


def recurrent() -> keras.Model:
    """An LSTM and two fully connected layers."""
    series = keras.Input((40, 16), name="series")
    value = layers.Dense(128, activation="relu", name="hidden")(layers.LSTM(64, name="memory")(series))
    return keras.Model(series, layers.Dense(32, name="classes")(value), name="recurrent")


def transformer() -> keras.Model:
    """The encoder of the examples."""
    return example_models.encoder()


def wide() -> keras.Model:
    """Nearly nothing but weights: half a million."""
    row = keras.Input((512,), name="row")
    value = layers.Dense(512, activation="relu", use_bias=False)(row)
    return keras.Model(row, layers.Dense(512, use_bias=False)(value), name="wide")


def samples_for(model: keras.Model, seed: int, count: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, *model.inputs[0].shape[1:])).astype(np.float32)


def quantized(make, preset: str, folder, edges: str = ""):
    keras.utils.set_random_seed(0)
    model = make()
    data = samples_for(model, 0)
    result = qspec.quantize(qspec.loads(spec_of(preset, edges)), model, data, folder / "m.tflite", samples=data[:8])
    assert result.ok
    return model, result


def stored(path: Path) -> list[tuple[str, int]]:
    """The type of each tensor of a file, and how many bytes of constant data it has."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    kinds = {value: name for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    data = [model.buffers[tensor.buffer].data for tensor in tensors]
    return [(kinds[tensor.type], 0 if held is None else len(held)) for tensor, held in zip(tensors, data, strict=True)]


@pytest.mark.parametrize(
    ("preset", "make", "decibels"),
    [
        ("int8", convolutional, 25),
        ("int8", recurrent, 25),
        ("int8", transformer, 25),
        ("int16x8", convolutional, 40),
        ("int16x8", transformer, 35),
        ("w4a8", convolutional, 15),
        ("dynamic", convolutional, 35),
        ("dynamic", recurrent, 35),
        ("float16", convolutional, 60),
        ("float16", recurrent, 60),
    ],
)
def test_a_preset_quantizes_the_whole_model(preset, make, decibels, tmp_path):
    integers = BITS[preset][1] < 32
    edges = f"input {{ type = int{BITS[preset][1]} }}\noutput {{ type = int{BITS[preset][1]} }}\n" if integers else ""
    model, result = quantized(make, preset, tmp_path, edges)
    data = samples_for(model, 0)  # that it was calibrated with: of others, 16 bits would mostly show what is cut off
    expected, found = model.predict(data, verbose=0), result.predict(data)

    assert 10 * math.log10(np.sum(expected**2) / np.sum((expected - found) ** 2)) >= decibels
    tensors = stored(result.path)
    assert {STORED[preset]} == {kind for kind, size in tensors if size > BIASES}
    left = [item for item in result.report.diagnostics if item.code == "QS310"]
    if integers and not left:
        assert "FLOAT32" not in [kind for kind, _ in tensors]
    if left:
        # No 16-bit kernel computes a reciprocal square root: in front of it and behind it, in each LayerNormalization.
        assert ("int16x8", transformer) == (preset, make)
        assert 4 * 2 == [kind for kind, _ in tensors].count("FLOAT32")


@pytest.mark.parametrize("preset", DEFAULTS)
def test_the_file_is_smaller_by_the_bits_of_its_weights(preset, tmp_path):
    model, result = quantized(wide, preset, tmp_path)

    parameters = model.count_params()
    assert result.size == pytest.approx(parameters * BITS[preset][0] / 8, rel=0.05)
