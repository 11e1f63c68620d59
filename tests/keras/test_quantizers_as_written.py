"""What a spec asks for is in the file, or `check` says why not: random quantizers for every kind of layer."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np

import qspec
from qspec.diagnostics import Severity
from qspec.graph.tflite_file import read_tflite_file
from qspec.plan.file_size import predicted_size
from qspec.schema import loads
from qspec.schema.quantizer import Quantizer

LAYERS = {
    "Dense": lambda: ((64,), keras.layers.Dense(6)),
    "Dense relu": lambda: ((64,), keras.layers.Dense(6, activation="relu")),
    "Dense rank 3": lambda: ((3, 32), keras.layers.Dense(8)),
    "Conv1D": lambda: ((9, 4), keras.layers.Conv1D(6, 3)),
    "Conv2D": lambda: ((7, 7, 4), keras.layers.Conv2D(6, 3, padding="same")),
    "Conv2D grouped": lambda: ((7, 7, 4), keras.layers.Conv2D(6, 3, groups=2)),
    "DepthwiseConv2D": lambda: ((7, 7, 4), keras.layers.DepthwiseConv2D(3, depth_multiplier=2)),
    "Conv2DTranspose": lambda: ((5, 5, 4), keras.layers.Conv2DTranspose(6, 3, strides=2)),
    "Conv3D": lambda: ((5, 5, 5, 2), keras.layers.Conv3D(3, 2)),
    "EinsumDense": lambda: ((3, 32), keras.layers.EinsumDense("abc,cd->abd", output_shape=(None, 8))),
    "Embedding": lambda: ((6,), keras.layers.Embedding(20, 32)),
}
# What is seldom right comes seldom, so that about half of the cases give a file.
TYPES = ("int8", "int8", "int8", "int4", "int4", "int4", "int2", "int2", "float16", "float16", "int16", "uint8", "int3")
SCHEMES = ("", "", "", "", "symmetric", "asymmetric")
GRANULARITIES = ("", "per_tensor", "per_channel", "per_channel", "per_channel", "per_block(32)", "per_block(16)")
RANGES = ("", "", "minmax", "minmax", "mse", "mse", "percentile(99)", "fixed(-2, 2)", "exact(1/64, 0)", "learned", "kl")
OUTPUTS = {
    "a8": "int8",
    "a16": "int16",
    "a8(range = kl)": "int8",
    "a8(range = mse, scheme = symmetric)": "int8",
    "a8(type = int4)": "int4",
    "float": "float32",
    "": "float32",
}


@dataclass(frozen=True)
class Case:
    layer: str
    attributes: str
    by_rule: bool
    output: str

    @property
    def text(self) -> str:
        output = f", output = {self.output}" if self.output else ""
        weights = "weights = w8" if self.by_rule else "weights = q"
        rule = 'rule r match any where name == "layer" { weights = q }\n' if self.by_rule else ""
        return (
            'qspec 1\nimport "std/int8.qspec"\nquantizer a16 extends a8 { type = int16, scheme = symmetric }\n'
            f"quantizer q {{ {self.attributes} }}\ndefault {{ {weights}{output} }}\n{rule}"
        )


def random_case(seed: int) -> Case:
    chance = random.Random(seed)
    chosen = {
        "type": chance.choice(TYPES),
        "scheme": chance.choice(SCHEMES),
        "granularity": chance.choice(GRANULARITIES),
        "range": chance.choice(RANGES),
        "narrow": chance.choice(("", "true", "false")),
        "rounding": chance.choice(("", "", "", "", "half_even")),
    }
    if chosen["type"] == "float16":
        chosen = {"type": "float16"}
    attributes = ", ".join(f"{name} = {value}" for name, value in chosen.items() if value)
    return Case(chance.choice(sorted(LAYERS)), attributes, chance.random() < 0.5, chance.choice(list(OUTPUTS)))


def model_of(layer: str) -> tuple[keras.Model, np.ndarray]:
    keras.utils.set_random_seed(3)
    shape, made = LAYERS[layer]()
    made.name = "layer"
    chance = np.random.default_rng(4)
    if layer == "Embedding":
        samples = chance.integers(0, 20, (16, *shape)).astype("int32")
        inputs = keras.Input(shape, dtype="int32")
    else:
        samples = chance.normal(size=(16, *shape)).astype("float32")
        inputs = keras.Input(shape)
    return keras.Model(inputs, made(inputs)), samples


@pytest.mark.parametrize("seed", [*range(20), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(20, 200))])
def test_a_quantizer_is_in_the_file_or_an_error(tmp_path, seed: int):
    case = random_case(seed)
    print(f"seed {seed}: {case}")
    spec, found = loads(case.text)
    if any(item.severity is Severity.ERROR for item in found):
        return
    model, samples = model_of(case.layer)
    report = qspec.check(spec, model)
    print([(item.code, item.message) for item in report.diagnostics])
    if not report.ok:
        return

    result = qspec.quantize(spec, model, samples, tmp_path / "m.tflite")

    assert result.ok
    assert result.parity.largest <= 1
    # Of nothing but zeros no noise can be measured.
    assert all(product.sqnr > 60 or product.sqnr == -np.inf for product in result.parity.products)
    assert result.parity.sqnr_fast > 20 or result.parity.sqnr_fast == -np.inf
    assert abs(predicted_size(report.plan) - result.size) <= 16
    asked = spec.quantizers["q"]
    codes = {item.code for item in report.diagnostics}
    if case.layer == "Embedding" and codes & {"QS306", "QS307"}:
        return  # its table shares the scale of the output
    assert_weights(result.path, model, asked, codes)
    (output,) = (one for one in read_tflite_file(result.path).main.graph.tensors if one.name == "layer")
    assert "QS310" in codes or OUTPUTS[case.output] == output.type


def assert_weights(path, model: keras.Model, asked: Quantizer, codes: set[str]) -> None:
    """The file's weights have the type, the scales and the range that were asked for; what differs was told."""
    kernel = np.asarray(model.get_layer("layer").weights[0])
    file = read_tflite_file(path).main
    found = [one for one in file.graph.tensors if one.constant and np.prod(one.shape) == kernel.size]
    (stored,) = found
    if "QS310" in codes:
        return
    assert asked.type == stored.type
    if asked.is_float:
        return
    quantization = file.quantization[stored.id]
    if asked.granularity == "per_block" and "QS307" not in codes:
        assert "BlockwiseQuantization" == quantization.details
        return
    scales, highest = np.asarray(quantization.scales), asked.code_range[1]
    if "QS307" not in codes and "QS306" not in codes:
        expected = 1 if asked.granularity == "per_tensor" else stored.shape[quantization.axis]
        assert expected == scales.size
    assert (0,) * scales.size == quantization.zero_points or asked.scheme == "asymmetric"
    method, symmetric = asked.range.method, asked.scheme == "symmetric"
    if method == "exact":
        assert [1 / 64] == scales.tolist()
    elif method == "fixed":
        assert pytest.approx(2 / highest if symmetric else 4 / (highest - asked.code_range[0])) == scales[0]
    elif method == "minmax" and symmetric:
        whole = np.abs(kernel).max() if scales.size == 1 else sorted(largest(kernel, scales.size))
        assert pytest.approx(np.asarray(whole) / highest, rel=1e-5) == np.sort(scales) if scales.size > 1 else scales[0]
    elif method in ("mse", "percentile") and symmetric and scales.size > 1:
        assert (np.sort(scales) <= sorted(largest(kernel, scales.size) / highest * 1.0001)).all()


def largest(kernel: np.ndarray, count: int) -> np.ndarray:
    """The largest magnitude of each output channel, of which there are *count*."""
    if kernel.ndim == 4 and kernel.shape[-1] * kernel.shape[-2] == count:
        kernel = kernel.reshape(*kernel.shape[:2], -1)  # depthwise
    (axis,) = [axis for axis, size in enumerate(kernel.shape) if size == count][-1:]
    return np.abs(np.moveaxis(kernel, axis, 0)).reshape(count, -1).max(1)
