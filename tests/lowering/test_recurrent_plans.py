"""Recurrent layers and wrappers in a plan: written out in integers, or left in float; and why some are not lowered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np
from keras import layers as L

import qspec
from qspec.graph.keras_config import layer_graph
from qspec.graph.tflite_file import parse_tflite
from qspec.lowering import lower
from tests.lowering.own_lowering import disagreements
from tests.versions import KERAS_OF_THE_ZOOS

pytestmark = KERAS_OF_THE_ZOOS

SPEC = """qspec 1
import "std/int8.qspec"
deploy tflite as phone
default {
  weights = w8
  output = a8
}
"""


def _model(shape: tuple[int | None, ...], *layers: Any) -> keras.Model:
    tensor = inputs = keras.Input(shape)
    for layer in layers:
        tensor = layer(tensor)
    return keras.Model(inputs, tensor)


def _quantized(model: keras.Model, path: Path, rules: str = "") -> Any:
    generator = np.random.default_rng(20261123)
    data = generator.uniform(-1, 1, (16, *model.input_shape[1:])).astype("float32")
    return qspec.quantize(qspec.loads(SPEC + rules), model, data, str(path))


@pytest.mark.parametrize(
    "layer",
    [
        lambda: L.LSTM(4),
        lambda: L.GRU(4, return_sequences=True),
        lambda: L.Bidirectional(L.SimpleRNN(3)),
        lambda: L.TimeDistributed(L.Dense(3)),
    ],
    ids=["lstm", "gru", "bidirectional", "distributed"],
)
def test_a_recurrence_runs_in_integers_as_simulated(layer: Callable[[], Any], tmp_path: Path):
    path = tmp_path / "model.tflite"

    result = _quantized(_model((5, 3), layer(), L.Dense(2)), path)

    assert max(tensor.largest for tensor in result.parity.tensors) <= 1
    graph = parse_tflite(path.read_bytes(), str(path)).main.graph
    real = [
        op.kind for op in graph.ops if any(graph.tensors[each].type == "float32" for each in op.inputs if each >= 0)
    ]
    assert ["QUANTIZE"] == real


def test_steps_share_one_weight_tensor(tmp_path: Path):
    path = tmp_path / "model.tflite"
    _quantized(_model((6, 3), L.GRU(4, name="memory")), path)

    graph = parse_tflite(path.read_bytes(), str(path)).main.graph
    read = [op.inputs[1] for op in graph.ops if op.kind == "FULLY_CONNECTED"]
    assert 6 == len(read), "one product for the whole sequence, and one for each state but the first"
    assert ["memory/kernel", "memory/recurrent_kernel"] == [graph.tensors[each].name for each in dict.fromkeys(read)]


def test_a_long_recurrence_stays_in_float_as_a_loop(tmp_path: Path):
    path = tmp_path / "model.tflite"
    model = _model((70, 3), L.Dense(4, activation="relu"), L.GRU(4), L.Dense(2))

    result = _quantized(model, path, "rule long match GRU { all = float }\n")

    assert "WHILE" in [op.kind for op in parse_tflite(path.read_bytes(), str(path)).main.graph.ops]
    assert max(tensor.largest for tensor in result.parity.tensors) <= 1
    assert result.parity.sqnr > 25


@keras.saving.register_keras_serializable("tests")
class Twice(L.Layer):  # type: ignore[misc]
    """A layer that is not Keras' own."""

    def call(self, value: Any) -> Any:
        return value * 2

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


@pytest.mark.parametrize(
    ("shape", "layer", "reason"),
    [
        ((70, 3), lambda: L.GRU(2), "it takes 70 steps, and at most 64 are written out"),
        ((None, 3), lambda: L.GRU(2), "its number of steps is unknown"),
        ((5, 3), lambda: L.Lambda(lambda value: value * 2), "it runs Python code"),
        ((5, 3), lambda: L.TimeDistributed(Twice()), "`Twice` inside of it has no entry"),
        ((5, 3), lambda: L.LSTM(2, activation=keras.ops.erf), "its activation is"),
    ],
    ids=["steps", "unknown", "lambda", "inside", "activation"],
)
def test_what_is_not_lowered_says_why(shape: tuple[int | None, ...], layer: Callable[[], Any], reason: str):
    model = _model(shape, layer())

    _, diagnostics = lower(layer_graph(keras.saving.serialize_keras_object(model), "m"))

    assert [True] == [reason in item.message for item in diagnostics]


def test_a_layer_that_keeps_its_state_says_so():
    tensor = keras.Input(batch_shape=(1, 5, 3))
    model = keras.Model(tensor, L.LSTM(2, stateful=True)(tensor))

    _, diagnostics = lower(layer_graph(keras.saving.serialize_keras_object(model), "m"))

    assert [True] == ["it keeps its state from call to call" in item.message for item in diagnostics]


def test_steps_that_are_masked_do_not_count():
    model = _model((5, 3), L.Masking(0.0), L.LSTM(4, return_sequences=True), L.GRU(3))
    sequence = np.random.default_rng(20261123).uniform(-1, 1, (1, 5, 3)).astype("float32")
    sequence[0, [0, 3]] = 0.0

    assert [] == disagreements(model, inputs=[sequence])
