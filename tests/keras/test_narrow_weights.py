"""Weights of four bits: packed, run by LiteRT's kernels, and what was simulated."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np

import qspec
from qspec.graph.tflite_file import read_tflite_file

SPEC = """qspec 1
import "std/int8.qspec"
quantizer w4 {{ type = int4, scheme = symmetric, granularity = per_channel, narrow = true }}
default {{ weights = w8, output = a8 }}
input {{ type = int8 }}
rule small match {pattern} {{ weights = w4 }}
"""
SAMPLES = np.random.default_rng(5).normal(size=(64, 9, 9, 3)).astype("float32")


def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    image = keras.Input((9, 9, 3))
    value = keras.layers.Conv2D(7, 3, activation="relu")(image)
    value = keras.layers.DepthwiseConv2D(3)(value)
    value = keras.layers.Flatten()(value)
    return keras.Model(image, keras.layers.Dense(5)(value))


@pytest.mark.parametrize("pattern", ["Conv2D", "Dense", "DepthwiseConv2D", "Conv2D | Dense | DepthwiseConv2D"])
def test_weights_of_four_bits(tmp_path, pattern: str):
    model = network()

    result = qspec.quantize(qspec.loads(SPEC.format(pattern=pattern)), model, SAMPLES, tmp_path / "m.tflite")

    assert result.ok
    assert result.parity.largest <= 1
    file = read_tflite_file(result.path).main
    small = [tensor for tensor in file.graph.tensors if tensor.type == "int4"]
    assert pattern.count("|") + 1 == len(small)
    for tensor in small:
        assert (np.prod(tensor.shape) + 1) // 2 == file.stored[tensor.id]
    wanted, found = model.predict(SAMPLES, verbose=0), result.predict(SAMPLES)
    assert np.corrcoef(wanted.ravel(), found.ravel())[0, 1] > 0.95


def test_training_moves_weights_of_four_bits(tmp_path):
    model = qspec.apply(qspec.loads(SPEC.format(pattern="Conv2D | Dense")), network(), SAMPLES)
    model.compile("adam", "mse")
    labels = np.zeros((len(SAMPLES), 5), "float32")

    losses = model.fit(SAMPLES, labels, epochs=4, verbose=0).history["loss"]
    result = qspec.export(model, tmp_path / "m.tflite", SAMPLES)

    assert losses[-1] < losses[0]
    assert result.ok
