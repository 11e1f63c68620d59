"""Layers whose ops are not known: left in float, they are copied whole; otherwise the error says what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np
import tensorflow as tf

import qspec
from qspec.graph.tflite_file import read_tflite_file

SPEC = """qspec 1
import "std/int8.qspec"
deploy tflite
deploy edgetpu
input {{ type = int8 }}
output {{ type = int8 }}
default {{ weights = w8, output = a8 }}
{rules}
"""
SAMPLES = np.random.default_rng(7).normal(size=(48, 8, 8, 3)).astype("float32")


@keras.saving.register_keras_serializable(package="test_float_islands")
class Waves(keras.layers.Layer):
    def build(self, shape):
        self.frequencies = self.add_weight(shape=(shape[-1],), initializer="ones", name="frequencies")

    def call(self, value):
        return keras.ops.sin(value * self.frequencies) + keras.ops.cos(value)


@keras.saving.register_keras_serializable(package="test_float_islands")
class Same(keras.layers.Layer):
    def call(self, value):
        return value


@keras.saving.register_keras_serializable(package="test_float_islands")
class Halves(keras.layers.Layer):
    def call(self, value):
        return keras.ops.split(keras.ops.sin(value), 2, axis=-1)


@keras.saving.register_keras_serializable(package="test_float_islands")
class Looping(keras.layers.Layer):
    def call(self, value):
        return keras.ops.while_loop(lambda step, _: step < 3, lambda step, v: (step + 1, v * 0.5 + 1.0), (0, value))[1]


@keras.saving.register_keras_serializable(package="test_float_islands")
class Repeated(keras.layers.Layer):
    def call(self, value):
        return keras.ops.fori_loop(0, 3, lambda _, v: v * 0.5 + 1.0, value)


@keras.saving.register_keras_serializable(package="test_float_islands")
class Raw(keras.layers.Layer):
    def call(self, value):
        return tf.sin(value)


def network(*middle: keras.layers.Layer) -> keras.Model:
    image = keras.Input((8, 8, 3))
    value = keras.layers.Conv2D(8, 3, activation="relu")(image)
    for layer in middle:
        value = layer(value)
        value = value if not isinstance(value, list) else keras.layers.Concatenate()(value)
    value = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(8, 3)(value))
    return keras.Model(image, keras.layers.Dense(4)(value))


def quantized(folder: Path, model: keras.Model, rules: str) -> qspec.Result:
    return qspec.quantize(qspec.loads(SPEC.format(rules=rules)), model, SAMPLES, folder / "m.tflite")


@pytest.mark.parametrize(
    "middle",
    [
        pytest.param(lambda: [Waves()], id="several ops"),
        pytest.param(lambda: [Waves(), keras.layers.Conv2D(8, 1), Waves()], id="two islands"),
        pytest.param(lambda: [Waves(), Waves()], id="one behind another"),
        pytest.param(lambda: [layer := Waves(), layer], id="shared"),
        pytest.param(lambda: [Same()], id="no op"),
        pytest.param(lambda: [Halves()], id="two results"),
        pytest.param(lambda: [Looping()], id="a loop"),
    ],
)
def test_a_custom_layer_stays_in_float(tmp_path: Path, middle):
    model = network(*middle())

    result = quantized(tmp_path, model, "rule own match Waves | Same | Halves | Looping { all = float }")

    assert result.ok
    wanted, found = model.predict(SAMPLES, verbose=0), result.predict(SAMPLES)
    assert np.corrcoef(wanted.ravel(), found.ravel())[0, 1] > 0.99
    graph = read_tflite_file(result.path).main.graph
    assert "int8" == graph.tensors[graph.inputs[0]].type
    around = {op.kind for op in graph.ops if any(graph.tensors[tensor].type == "float32" for tensor in op.outputs)}
    assert "DEQUANTIZE" in around
    assert around.isdisjoint({"CONV_2D", "MEAN", "FULLY_CONNECTED"})


def test_a_custom_layer_that_is_to_be_integer_is_an_error_that_tells_what_to_write(tmp_path: Path):
    with pytest.raises(qspec.SpecError) as raised:
        quantized(tmp_path, network(Raw(name="raw")), "")

    (error,) = raised.value.diagnostics
    assert "QS502" == error.code
    assert "`Raw` at `raw`" in error.message
    assert "it calls TensorFlow where `keras.ops` would do, at line" in error.message
    assert "`return tf.sin(value)`" in error.message
    assert "match Raw { all = float }" in error.help


def test_an_operation_without_ops_inside_of_a_custom_layer_is_named(tmp_path: Path):
    with pytest.raises(qspec.SpecError) as raised:
        quantized(tmp_path, network(Repeated(name="repeated")), "")

    (error,) = raised.value.diagnostics
    assert "the operation `ForiLoop` at `repeated/fori_loop` is not supported" in error.message


def test_an_operation_inside_of_a_custom_layer_stays_in_float(tmp_path: Path):
    result = quantized(
        tmp_path, network(Repeated(name="repeated")), 'rule loop match Operation("ForiLoop") { all = float }'
    )

    assert result.ok


def test_a_custom_layer_of_known_ones_is_integer(tmp_path: Path):
    result = quantized(tmp_path, network(Waves(name="waves"), Halves(name="halves")), "")

    assert result.ok
    graph = read_tflite_file(result.path).main.graph
    assert {"waves/sin", "waves/add", "halves/split"} <= {op.layer for op in graph.ops}


def test_the_island_runs_on_the_host(tmp_path: Path):
    model = network(Waves(name="waves"))

    report = qspec.check(qspec.loads(SPEC.format(rules="rule own match Waves { all = float }")), model)

    assert report.ok
    (coral,) = [deployed.placement for deployed in report.placement if deployed.placement.target == "edgetpu"]
    (island,) = [placed for placed in coral.ops if placed.op.layer == "waves" and placed.op.kind == "OPAQUE"]
    assert not island.accelerated
    assert island.runs


def test_training_goes_through_the_island():
    model = network(Waves(name="waves"))
    trained = qspec.apply(qspec.loads(SPEC.format(rules="rule own match Waves { all = float }")), model, SAMPLES)
    trained.compile("adam", "mse")
    before = np.array(model.get_layer("waves").frequencies)

    trained.fit(SAMPLES, np.zeros((len(SAMPLES), 4)), verbose=0)

    assert not np.array_equal(before, trained.float_model.get_layer("waves").frequencies)
