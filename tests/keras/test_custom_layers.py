"""Layers of the user's own that a spec or a registration says to compute as something known."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np

import qspec
from qspec.graph.tflite_file import read_tflite_file
from qspec.lowering.table import REGISTERED

SPEC = """qspec 1
import "std/int8.qspec"
input { type = int8 }
output { type = int8 }
default { weights = w8, output = a8 }
"""
SAMPLES = np.random.default_rng(3).normal(size=(48, 8, 8, 3)).astype("float32")


@keras.saving.register_keras_serializable(package="test_custom_layers")
class Spectral(keras.layers.Conv2D):
    """A convolution under another name."""


@keras.saving.register_keras_serializable(package="test_custom_layers")
class Louder(keras.layers.Conv2D):
    """Not quite a convolution."""

    def call(self, value):
        return super().call(value) * 2.0


@keras.saving.register_keras_serializable(package="test_custom_layers")
class Gate(keras.layers.Layer):
    def call(self, value):
        return value * keras.ops.sigmoid(value)


def network(layer: keras.layers.Layer) -> keras.Model:
    image = keras.Input((8, 8, 3))
    value = layer(keras.layers.Conv2D(6, 3, activation="relu")(image))
    return keras.Model(image, keras.layers.Dense(4)(keras.layers.Flatten()(value)))


@pytest.mark.parametrize("activation", ["linear", "relu", "silu"])
def test_a_statement_makes_a_class_known(tmp_path, activation):
    model = network(Spectral(5, 3, activation=activation, bias_initializer="normal"))

    result = qspec.quantize(qspec.loads(SPEC + "layer Spectral as Conv2D\n"), model, SAMPLES, tmp_path / "m.tflite")

    assert result.ok
    graph = read_tflite_file(result.path).main.graph
    assert 2 == [op.kind for op in graph.ops].count("CONV_2D")
    assert {"int8", "int32"} == {tensor.type for tensor in graph.tensors}
    wanted, found = model.predict(SAMPLES, verbose=0), result.predict(SAMPLES)
    assert np.corrcoef(wanted.ravel(), found.ravel())[0, 1] > 0.99


def test_what_is_said_is_held_against_the_layers_own_call():
    model = network(Louder(5, 3, name="louder"))

    with pytest.raises(qspec.SpecError) as raised:
        qspec.apply(qspec.loads(SPEC + "layer Louder as Conv2D\n"), model, SAMPLES)

    (error,) = raised.value.diagnostics
    assert "`Louder` at `louder` computes something else than CONV_2D" in error.message


@pytest.fixture
def registered_gate():
    def gate(site):
        tensor = site.single_input()
        sigmoid = site.write("LOGISTIC", [tensor], site.shape(tensor), site.inner("sigmoid"))
        shape = site.shape(tensor)
        return site.write("MUL", [tensor, sigmoid], shape, site.output, fused_activation_function="NONE")

    qspec.register_lowering("Gate", gate)
    yield
    del REGISTERED["Gate"]


@pytest.mark.usefixtures("registered_gate")
def test_a_registered_function_writes_the_ops(tmp_path):
    model = network(Gate())

    result = qspec.quantize(qspec.loads(SPEC), model, SAMPLES, tmp_path / "m.tflite")

    assert result.ok
    kinds = [op.kind for op in read_tflite_file(result.path).main.graph.ops]
    assert {"LOGISTIC", "MUL"} <= {*kinds}


def test_a_registered_function_may_write_only_what_can_be_simulated(monkeypatch: pytest.MonkeyPatch):
    def gate(site):
        tensor = site.single_input()
        return site.write("ZEROS_LIKE", [tensor], site.shape(tensor), site.output)

    monkeypatch.setitem(REGISTERED, "Gate", gate)
    with pytest.raises(qspec.SpecError) as raised:
        qspec.apply(qspec.loads(SPEC + "rule own match Gate { all = float }\n"), network(Gate(name="gate")), SAMPLES)

    (error,) = [item for item in raised.value.diagnostics if item.severity.value == "error"]
    assert "`Gate` at `gate` is said to become ZEROS_LIKE, which cannot be simulated" in error.message


def test_two_tensors_of_a_layer_have_two_names(monkeypatch: pytest.MonkeyPatch):
    def gate(site):
        tensor = site.single_input()
        once = site.write("LOGISTIC", [tensor], site.shape(tensor), site.inner("value"))
        twice = site.write("LOGISTIC", [once], site.shape(tensor), site.inner("value"))
        return site.write("LOGISTIC", [twice], site.shape(tensor), site.output)

    monkeypatch.setitem(REGISTERED, "Gate", gate)
    with pytest.raises(ValueError, match=r'two tensors called inner\["value"\]'):
        qspec.check(qspec.loads(SPEC), network(Gate(name="gate")))


def test_the_config_lacks_what_the_class_needs():
    report = qspec.check(qspec.loads(SPEC + "layer Gate as Conv2D\n"), network(Gate(name="gate")))

    (error,) = [item for item in report.diagnostics if item.code == "QS502"]
    assert "`gate`" in error.message
    assert "filters" in error.message


def test_a_statement_that_no_layer_needs_is_reported():
    report = qspec.check(qspec.loads(SPEC + "layer Gone as Conv2D\n"), network(keras.layers.ReLU()))

    assert ["QS301"] == [item.code for item in report.diagnostics]


def test_a_class_of_keras_own_needs_no_statement():
    report = qspec.check(qspec.loads(SPEC + "layer ReLU as Conv2D\n"), network(keras.layers.ReLU()))

    assert ["QS204"] == [item.code for item in report.diagnostics]


def test_a_class_that_keras_does_not_have_is_an_error_without_a_model():
    report = qspec.check(qspec.loads(SPEC + "layer Spectral as Conv2\n"))

    (error,) = report.diagnostics
    assert "QS101" == error.code
    assert "`Conv2D`" in error.help


def test_registering_for_a_class_that_is_not_known_is_an_error():
    with pytest.raises(ValueError, match="Conv2"):
        qspec.register_lowering("Gate", "Conv2")
