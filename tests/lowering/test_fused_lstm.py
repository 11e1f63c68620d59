"""LSTM layers that become LiteRT's own op: what qspec lowers is what it predicts, and computes what the model does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np
from keras import layers as L

from qspec.graph.keras_config import layer_graph
from qspec.keras.lower import lower as lower_model
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.litert.calibration import float_tensor
from qspec.lowering import lower
from qspec.schema import loads, valid
from tests.lowering.own_lowering import disagreements, randomize
from tests.versions import KERAS_OF_THE_ZOOS

pytestmark = KERAS_OF_THE_ZOOS

OP = "UNIDIRECTIONAL_SEQUENCE_LSTM"


def chain(shape: tuple[int | None, ...], *layers: Any) -> keras.Model:
    """Layers one behind the other."""
    tensor = inputs = keras.Input(shape)
    for layer in layers:
        tensor = layer(tensor)
    return keras.Model(inputs, tensor)


def bidirectional(merge: str | None, **given: Any) -> Callable[[], keras.Model]:
    """A BiLSTM."""

    def make() -> keras.Model:
        tensor = keras.Input((6, 3))
        return keras.Model(tensor, L.Bidirectional(L.LSTM(4, **given), merge_mode=merge)(tensor))

    return make


def other_direction() -> keras.Model:
    """A backward layer of its own."""
    backward = L.LSTM(5, return_sequences=True, go_backwards=True)
    return chain((6, 3), L.Bidirectional(L.LSTM(4, return_sequences=True), backward_layer=backward))


def shared() -> keras.Model:
    """One layer on two inputs."""
    left, right, layer = keras.Input((6, 3)), keras.Input((6, 3)), L.LSTM(4)
    return keras.Model([left, right], L.Concatenate()([layer(left), layer(right)]))


def recognizer() -> keras.Model:
    """CRNN: columns of an image, read both ways."""
    image = keras.Input((8, 16, 1))
    value = L.MaxPooling2D((2, 1))(L.Conv2D(4, 3, padding="same", activation="relu")(image))
    value = L.Reshape((16, 16))(L.Permute((2, 1, 3))(value))
    value = L.Bidirectional(L.LSTM(6, return_sequences=True))(value)
    return keras.Model(image, L.Dense(5, activation="softmax")(value))


CASES: dict[str, tuple[Callable[[], keras.Model], int]] = {
    "last": (lambda: chain((5, 3), L.LSTM(4)), 1),
    "sequence": (lambda: chain((5, 3), L.LSTM(4, return_sequences=True)), 1),
    "one_step": (lambda: chain((1, 3), L.LSTM(4)), 1),
    "one_step_sequence": (lambda: chain((1, 3), L.LSTM(4, return_sequences=True, go_backwards=True)), 1),
    "long": (lambda: chain((100, 3), L.LSTM(4, return_sequences=True), L.LSTM(3), L.Dense(2)), 2),
    "unknown_steps": (lambda: chain((None, 3), L.LSTM(4, return_sequences=True), L.LSTM(3)), 2),
    "without_bias": (lambda: chain((5, 3), L.LSTM(4, use_bias=False)), 1),
    "backwards": (lambda: chain((5, 3), L.LSTM(4, go_backwards=True)), 1),
    "backwards_sequence": (lambda: chain((5, 3), L.LSTM(4, go_backwards=True, return_sequences=True)), 1),
    "one_unit": (lambda: chain((5, 1), L.LSTM(1)), 1),
    "dropout": (lambda: chain((5, 3), L.LSTM(4, dropout=0.2, recurrent_dropout=0.1)), 1),
    "bidirectional": (bidirectional("concat"), 2),
    "bidirectional_sequence": (bidirectional("concat", return_sequences=True), 2),
    "bidirectional_sum": (bidirectional("sum", return_sequences=True), 2),
    "bidirectional_mul": (bidirectional("mul"), 2),
    "bidirectional_ave": (bidirectional("ave", return_sequences=True), 2),
    "bidirectional_none": (bidirectional(None, return_sequences=True), 2),
    "other_direction": (other_direction, 2),
    "cell": (lambda: chain((5, 3), L.RNN(L.LSTMCell(4))), 1),
    "cells": (lambda: chain((70, 3), L.RNN([L.LSTMCell(4), L.LSTMCell(3), L.LSTMCell(2)], return_sequences=True)), 3),
    "cells_backwards": (lambda: chain((5, 3), L.RNN([L.LSTMCell(4), L.LSTMCell(3)], go_backwards=True)), 2),
    "behind_distributed": (lambda: chain((5, 6), L.TimeDistributed(L.Dense(3)), L.LSTM(4)), 1),
    "distributed": (lambda: chain((3, 5, 2), L.TimeDistributed(L.LSTM(4))), 1),
    "regularized": (lambda: chain((5, 3), L.LSTM(4, activity_regularizer="l2"), L.Dense(2)), 1),
    "shared": (shared, 2),
    "recognizer": (recognizer, 2),
}
QUICK = ("sequence", "long", "unknown_steps", "bidirectional_sequence", "cells", "shared", "recognizer")


def _marked(names: Any) -> list[Any]:
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_op_from_the_config_alone(name: str):
    make, count = CASES[name]
    ops, diagnostics = lower(layer_graph(keras.saving.serialize_keras_object(make()), name))

    assert () == diagnostics
    assert count == [op.kind for op in ops.ops].count(OP)


@pytest.mark.parametrize("name", _marked(CASES))
def test_the_file_is_as_predicted_and_computes_what_the_model_does(name: str):
    assert [] == disagreements(CASES[name][0]())


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_same_of_a_batch_of_three(name: str):
    assert [] == disagreements(CASES[name][0](), 3)


@pytest.mark.parametrize("name", _marked(name for name in CASES if name not in ("long", "cells", "unknown_steps")))
def test_of_a_dynamic_batch_the_steps_are_written_out(name: str):
    model = CASES[name][0]()

    ops, _ = lower(layer_graph(keras.saving.serialize_keras_object(model), name), batch=None)

    assert OP not in [op.kind for op in ops.ops]
    assert [] == disagreements(model, "dynamic")


def masked() -> keras.Model:
    """Steps of zeros that do not count."""
    return chain((5, 3), L.Masking(0.0), L.LSTM(4))


def initial() -> keras.Model:
    """States that are given."""
    tensor, hidden, cell = keras.Input((5, 3)), keras.Input((4,)), keras.Input((4,))
    return keras.Model([tensor, hidden, cell], L.LSTM(4)(tensor, initial_state=[hidden, cell]))


@pytest.mark.parametrize(
    "make",
    [
        masked,
        initial,
        lambda: chain((5, 3), L.LSTM(4, activation="relu")),
        lambda: chain((5, 3), L.LSTM(4, recurrent_activation="hard_sigmoid")),
        lambda: keras.Model(tensor := keras.Input((5, 3)), L.LSTM(4, return_state=True)(tensor)),
        lambda: chain((5, 3), L.RNN([L.LSTMCell(4), L.GRUCell(3)])),
        lambda: chain((5, 3), L.GRU(4)),
    ],
    ids=["mask", "initial", "activation", "gates", "state", "mixed", "gru"],
)
def test_other_layers_are_written_out(make: Callable[[], keras.Model]):
    ops, diagnostics = lower(layer_graph(keras.saving.serialize_keras_object(make()), "m"))

    assert () == diagnostics
    assert OP not in [op.kind for op in ops.ops]


def test_a_float_run_shows_the_cell_state_behind_every_step():
    model = chain((9, 3), L.LSTM(4, return_sequences=True, name="memory"))
    randomize(model)
    quantized = QuantizedModel(model, valid(loads("qspec 1\n")))
    plan, file = quantized.plan, lower_model(quantized)
    cell = next(tensor.id for tensor in plan.ops.tensors if tensor.name == "memory/cell")
    sequence = np.random.default_rng(20261123).uniform(-2, 2, (1, 9, 3)).astype("float32")

    (values,) = file.run([[sequence]], {cell})

    assert cell == float_tensor(plan, quantized.producers, cell)
    layer = model.get_layer("memory")
    states = [np.zeros((1, 4), "float32")] * 2
    for step in range(9):
        _, states = layer.cell(sequence[:, step], states)
        assert np.allclose(np.asarray(states[1]), values[cell][:, step], atol=1e-6)
