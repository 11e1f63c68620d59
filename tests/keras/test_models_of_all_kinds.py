"""Models as people write them, that nobody made for qspec: post-training, trained, saved; and what cannot be taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

import qspec
from qspec.graph.tflite_file import read_tflite_file
from qspec.keras.execution.simulation import Hooks, make_simulation
from qspec.keras.reading.live_model import read_model
from qspec.plan.make import make_plan
from tests.keras.kinds_of_models import KINDS, SEED
from tests.keras.own_layers import Linear
from tests.keras.subclassed_models import Network, VisionTransformer

SPEC = """qspec 1
import "std/int8.qspec"
input { type = int8 }
output { type = int8 }
default { weights = w8, output = a8 }
"""
OF_INTEGERS = {"tokens": set(), "pixels": {"CAST", "QUANTIZE"}, "language_model": set()}
"""Models that take integers, and the ops that make reals of them."""

QUICK = {"nested_dicts", "operations", "network", "language_model", "vision_transformer"}


def names(quick: set[str]) -> list[Any]:
    return [pytest.param(name, marks=() if name in quick else pytest.mark.slow) for name in KINDS]


def made(name: str) -> tuple[keras.Model, Any, qspec.Spec]:
    print("seed", SEED)
    keras.utils.set_random_seed(SEED)
    spec = SPEC.replace("input { type = int8 }\n", "") if name in OF_INTEGERS else SPEC
    return KINDS[name].model(), KINDS[name].samples(np.random.default_rng(SEED)), qspec.loads(spec)


def outputs(model: keras.Model, samples: Any) -> list[np.ndarray]:
    """What the model itself gives."""
    if isinstance(samples, dict) and isinstance(getattr(model, "input", None), dict):
        samples = {"image": samples["image"], "table": {"age": samples["age"], "size": samples["size"]}}
    return [np.asarray(value) for value in keras.tree.flatten(model(samples, training=False))]


@pytest.mark.parametrize("name", names(QUICK))
def test_post_training(tmp_path: Path, name: str):
    model, samples, spec = made(name)

    result = qspec.quantize(spec, model, samples, tmp_path / "m.tflite")

    assert result.ok
    assert result.parity.largest <= 1
    graph = read_tflite_file(result.path).main.graph
    tensors = {op.kind: [graph.tensors[tensor].type for tensor in (*op.inputs, *op.outputs)] for op in graph.ops}
    assert OF_INTEGERS.get(name, set()) == {kind for kind, types in tensors.items() if "float32" in types}
    found = result.predict(samples)
    for wanted, given in zip(outputs(model, samples), found if isinstance(found, list) else [found], strict=True):
        assert np.corrcoef(wanted.ravel(), given.ravel())[0, 1] > 0.97


@pytest.mark.parametrize("name", names({"network", "vision_transformer"}))
def test_trained(tmp_path: Path, name: str):
    model, samples, spec = made(name)
    trained = qspec.apply(spec, model, samples)
    before = [np.asarray(variable.value) for variable in trained.float_model.trainable_variables]
    zeros = keras.tree.map_structure(lambda value: np.zeros(value.shape, "float32"), trained(samples))
    trained.compile("sgd", "mse")

    trained.fit(samples, zeros, epochs=1, batch_size=16, verbose=0)
    result = qspec.export(trained, tmp_path / "m.tflite", samples)

    after = [np.asarray(variable.value) for variable in trained.float_model.trainable_variables]
    assert not any(np.array_equal(old, new) for old, new in zip(before, after, strict=True))
    assert result.ok
    assert result.parity.largest <= 1


@pytest.mark.parametrize("name", ["network", "u_net", "vision_transformer", "table"])
def test_the_recorded_calls_compute_what_the_code_does(name: str):
    model, samples, _ = made(name)
    flat = [array[:3] for array in keras.tree.flatten(samples)]
    given = keras.tree.pack_sequence_as(samples, flat)
    wanted = outputs(model, given)  # the call tells what the model takes
    live = read_model(model)

    found = make_simulation(live, make_plan(qspec.loads("qspec 1\n"), live.graph)).run_apart(flat, Hooks())

    assert len(wanted) == len(found)
    for value, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(value), expected, rtol=1e-4, atol=1e-5)


def test_paths_read_like_those_of_nested_models():
    model, _, _ = made("network")

    calls = read_model(model).graph.calls

    assert [
        "value", "stem", "relu", "blocks_0/conv", "blocks_0/norm", "blocks_0/relu", "blocks_0/short", "blocks_0/add",
        "blocks_1/conv", "blocks_1/norm", "blocks_1/relu", "blocks_1/short", "blocks_1/add", "drop",
        "head/global_average_pooling2d", "head/dense", "multiply",
    ] == [call.layer.path for call in calls]  # fmt: skip


def test_a_trace_leaves_the_model_as_it_was():
    model, samples, _ = made("network")
    before = [np.asarray(variable.value) for variable in model.variables]
    nodes = len(model.stem._inbound_nodes)

    read_model(model)

    assert all(isinstance(variable, keras.Variable) for variable in (model.scale, model.stem.kernel))
    assert nodes == len(model.stem._inbound_nodes)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(value, np.asarray(variable.value))
    assert outputs(model, samples)[0].shape == (48, 5)


def test_rules_speak_of_the_layers_inside(tmp_path: Path):
    model, samples, _ = made("network")
    rule = 'rule block match any where path like "blocks_1/**" { all = float }\n'

    result = qspec.quantize(qspec.loads(SPEC + rule), model, samples, tmp_path / "m.tflite")

    graph = read_tflite_file(result.path).main.graph
    types = {graph.tensors[op.outputs[0]].type for op in graph.ops if op.layer.startswith("blocks_1/conv")}
    assert {"float32"} == types


# ---- saving


@pytest.mark.parametrize("name", ["network", "network_never_called", "language_model", "linear"])
def test_a_saved_model_comes_back(tmp_path: Path, name: str):
    model, samples, spec = made(name)
    quantized = qspec.apply(spec, model, samples)
    quantized.save(tmp_path / "q.keras")

    loaded = qspec.load_model(tmp_path / "q.keras")

    np.testing.assert_array_equal(np.asarray(quantized(samples)), np.asarray(loaded(samples)))
    assert [call.layer.path for call in quantized.plan.layers.calls] == [
        call.layer.path for call in loaded.plan.layers.calls
    ]


class Unregistered(keras.Model):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.out = layers.Dense(3)

    def call(self, value: Any) -> Any:
        return self.out(value)


VECTORS = np.random.default_rng(SEED).normal(size=(32, 6)).astype("float32")


def test_a_class_that_is_not_registered_cannot_be_loaded_and_the_error_says_so(tmp_path: Path):
    qspec.apply(qspec.loads(SPEC), Unregistered(), VECTORS).save(tmp_path / "q.keras")

    with pytest.raises(qspec.SpecError) as raised:
        qspec.load_model(tmp_path / "q.keras")

    assert "register custom classes" in raised.value.diagnostics[0].help


def test_strip_and_extract():
    model, samples, spec = made("network")
    quantized = qspec.apply(spec, model, samples)

    stripped = qspec.strip(quantized)

    assert isinstance(stripped, Network)
    np.testing.assert_allclose(outputs(model, samples)[0], outputs(stripped, samples)[0], rtol=1e-5)
    found = qspec.extract(quantized)
    assert (6, 3, 3, 6) == found["blocks_0/conv"]["kernel"].codes.shape
    assert "int8" == found["blocks_0/conv"]["kernel"].type


def test_a_model_whose_arguments_have_no_config_is_quantized_and_not_copied(tmp_path: Path):
    class Given(keras.Model):
        def __init__(self, inside: layers.Layer, function: Any) -> None:
            super().__init__()
            self.inside, self.function = inside, function

        def call(self, value: Any) -> Any:
            return self.function(self.inside(value))

    model = Given(layers.Dense(3), ops.tanh)

    assert qspec.quantize(qspec.loads(SPEC), model, VECTORS, tmp_path / "m.tflite").ok
    with pytest.raises(qspec.SpecError) as raised:
        qspec.apply(qspec.loads(SPEC), model, VECTORS)
    assert "`qspec.quantize` makes no copy" in raised.value.diagnostics[0].help


# ---- sizes


def test_an_unknown_size_is_that_of_the_data(tmp_path: Path):
    image = keras.Input((None, None, 3))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(image)))
    samples = np.random.default_rng(SEED).normal(size=(24, 10, 12, 3)).astype("float32")

    result = qspec.quantize(qspec.loads(SPEC), model, samples, tmp_path / "m.tflite")

    graph = read_tflite_file(result.path).main.graph
    assert result.ok
    assert (1, 10, 12, 3) == graph.tensors[graph.inputs[0]].shape


def test_a_trained_model_keeps_the_sizes_of_its_data(tmp_path: Path):
    steps = keras.Input((None, 4))
    model = keras.Model(steps, layers.GlobalMaxPooling1D()(layers.Conv1D(4, 3, padding="same")(steps)))
    samples = np.random.default_rng(SEED).normal(size=(24, 7, 4)).astype("float32")
    qspec.apply(qspec.loads(SPEC), model, samples).save(tmp_path / "q.keras")

    result = qspec.export(qspec.load_model(tmp_path / "q.keras"), tmp_path / "m.tflite", samples)

    graph = read_tflite_file(result.path).main.graph
    assert (1, 7, 4) == graph.tensors[graph.inputs[0]].shape


# ---- what cannot be taken


def of_code(call: Any) -> keras.Model:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.out = layers.Dense(3)
            self.total = self.add_weight(shape=(), name="total")

    Own.call = call
    return Own()


def branch(self: Any, value: Any) -> Any:
    return self.out(value) if ops.sum(value) > 0 else value


def into_numpy(self: Any, value: Any) -> Any:
    return self.out(np.asarray(value))


def tensorflow(self: Any, value: Any) -> Any:
    return self.out(tf.nn.relu(value))


def loop(self: Any, value: Any) -> Any:
    return self.out(sum(row for row in value))


def batch(self: Any, value: Any) -> Any:
    return self.out(value) + ops.zeros((ops.shape(value)[0], 3))


def changing(self: Any, value: Any) -> Any:
    self.total.assign_add(ops.mean(value))
    return self.out(value)


def constant(self: Any, value: Any) -> Any:
    return ops.ones((1, 3))


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (branch, "its Python code decides by the value of a tensor, at line"),
        (into_numpy, "it makes a NumPy array of a tensor, at line"),
        (tensorflow, "it calls TensorFlow where `keras.ops` would do, at line"),
        (loop, "it iterates over a tensor, at line"),
        (batch, "it computes with the size of the batch, which is not known, at line"),
        (changing, "it changes a variable, at line"),
        (constant, "it gives something else than tensors that depend on its inputs"),
    ],
)
def test_code_that_needs_values_is_an_error_that_shows_the_line(tmp_path: Path, call: Any, reason: str):
    with pytest.raises(qspec.SpecError) as raised:
        qspec.quantize(qspec.loads(SPEC), of_code(call), VECTORS, tmp_path / "m.tflite")

    (error,) = raised.value.diagnostics
    assert reason in error.message
    assert error.help


def test_a_call_with_several_arguments_is_an_error(tmp_path: Path):
    class Two(keras.Model):
        def call(self, left: Any, right: Any) -> Any:
            return left + right

    with pytest.raises(qspec.SpecError) as raised:
        qspec.quantize(qspec.loads(SPEC), Two(), [VECTORS, VECTORS], tmp_path / "m.tflite")

    assert "takes several arguments, `right` besides the first" in raised.value.diagnostics[0].message


def test_a_model_that_was_never_called_says_nothing_of_its_inputs():
    report = qspec.check(qspec.loads(SPEC), Network())

    assert ["`Network` was never called, so what it takes is not known"] == [
        item.message for item in report.diagnostics if item.severity.value == "error"
    ]


def test_a_model_that_was_called_on_inputs_can_be_checked():
    model = VisionTransformer()
    model(keras.Input((16, 16, 3), name="photo"))

    report = qspec.check(qspec.loads(SPEC), model)

    assert report.ok
    assert ("photo",) == report.plan.layers.input_names


def test_a_file_does_not_hold_the_code_of_a_custom_layer(tmp_path: Path):
    model, _, spec = made("linear")
    model.save(tmp_path / "m.keras")

    live, file = qspec.check(spec, model), qspec.check(spec, tmp_path / "m.keras")

    assert live.ok
    assert ["first", "last"] == [item.layer for item in file.diagnostics if item.code == "QS502"]
    assert "a file does not hold its code" in file.diagnostics[0].message


def test_a_class_that_the_spec_names_stays_one_layer():
    model, _, _ = made("linear")

    report = qspec.check(qspec.loads(SPEC + "rule own match Linear { all = float }\n"), model)

    assert [Linear.__name__] * 2 == [
        call.layer.class_name for call in report.plan.layers.calls if not call.layer.built_in
    ]


def test_a_model_that_keras_cannot_run_is_an_error(tmp_path: Path):
    given = keras.Input((8, 3))
    kernel = np.ones((3, 4, 3), "float32")
    model = keras.Model(given, ops.conv_transpose(given, kernel, strides=2))
    samples = np.ones((8, 8, 3), "float32")
    try:
        model(samples)
    except AttributeError:
        pass
    else:
        pytest.skip("this version of Keras runs it")

    with pytest.raises(qspec.SpecError) as raised:
        qspec.quantize(qspec.loads(SPEC), model, samples, tmp_path / "m.tflite")

    assert "Keras itself fails to run this model" in raised.value.diagnostics[0].message


@keras.saving.register_keras_serializable(package="test_models_of_all_kinds")
class Penalized(layers.Layer):
    def call(self, value: Any) -> Any:
        self.add_loss(ops.mean(ops.square(value)))
        return ops.tanh(value)


def test_a_loss_in_code_is_no_matter_after_training_and_an_error_in_it(tmp_path: Path):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4), Penalized(), layers.Dense(2)])

    assert qspec.quantize(qspec.loads(SPEC), model, VECTORS, tmp_path / "m.tflite").ok
    trained = qspec.apply(qspec.loads(SPEC), model, VECTORS)
    trained.compile("sgd", "mse")
    with pytest.raises(qspec.SpecError) as raised:
        trained.fit(VECTORS, np.zeros((len(VECTORS), 2)), verbose=0)
    assert "`Penalized` adds a loss in its code" in raised.value.diagnostics[0].message
