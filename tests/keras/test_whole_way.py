"""A spec and a Keras model in, a verified integer file out: on models of many shapes."""

import keras
import numpy as np
import pytest

import qspec
from qspec import SpecError
from tests.keras import models

SPEC = """
qspec 1
import "std/int8.qspec"
default { weights = w8, output = a8 }
"""
INTEGER_EDGES = SPEC + "input { type = int8 }\noutput { type = int8 }\n"


def inputs_of(model, count=32, seed=0):
    generator = np.random.default_rng(seed)
    shapes = [tensor.shape[1:] for tensor in model.inputs]
    arrays = [generator.normal(size=(count, *shape)).astype(np.float32) for shape in shapes]
    return arrays if len(arrays) > 1 else arrays[0]


def settled(make):
    """A model whose batch normalizations have seen data."""
    keras.utils.set_random_seed(1)
    model = make()
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            if layer.scale:
                layer.gamma.assign(np.random.default_rng(2).uniform(0.5, 1.5, layer.gamma.shape))
            if layer.center:
                layer.beta.assign(np.random.default_rng(3).normal(0, 0.3, layer.beta.shape))
            layer.momentum = 0.5
    for _ in range(4):
        model(inputs_of(model, 64), training=True)
    return model


def flat(outputs):
    return np.concatenate([np.ravel(value) for value in keras.tree.flatten(outputs)])


@pytest.mark.parametrize("make", models.ALL)
@pytest.mark.parametrize("text", [SPEC, INTEGER_EDGES], ids=["float edges", "integer edges"])
def test_post_training(make, text, tmp_path):
    model = settled(make)
    data = inputs_of(model)

    result = qspec.quantize(qspec.loads(text), model, data, tmp_path / "m.tflite", samples=inputs_of(model, 64, 9))

    assert result.ok
    assert result.parity.largest <= 1
    assert result.parity.sqnr >= 30
    reference, outputs = flat(model.predict(data, verbose=0)), flat(result.predict(data))
    noise = np.sum((reference - outputs) ** 2)
    assert 10 * np.log10(np.sum(reference**2) / noise) >= 20


@pytest.mark.parametrize("make", models.ALL)
def test_training_moves_every_range_and_variable_then_exports(make, tmp_path):
    model = settled(make)
    data = inputs_of(model)
    quantized = qspec.apply(qspec.loads(INTEGER_EDGES), model, calibration=data)
    targets = keras.tree.map_structure(lambda value: np.zeros_like(value) + 0.3, model.predict(data, verbose=0))
    before = [float(r.maximum) for r in quantized.ranges if r.fixed is None]
    weights = [variable.numpy() for variable in quantized.trainable_variables]
    loss = keras.tree.map_structure(lambda _: "mse", targets)
    quantized.compile(keras.optimizers.Adam(1e-3), loss=loss)

    history = quantized.fit(data, targets, epochs=4, batch_size=16, verbose=0).history["loss"]

    assert np.isfinite(history).all()
    assert history[-1] < history[0]
    after = [float(r.maximum) for r in quantized.ranges if r.fixed is None]
    assert sum(a != b for a, b in zip(after, before, strict=True)) >= 0.9 * len(before)
    assert all(np.any(old != new.numpy()) for old, new in zip(weights, quantized.trainable_variables, strict=True))
    result = qspec.export(quantized, tmp_path / "m.tflite", samples=data)
    assert result.ok
    assert result.parity.sqnr >= 30


@pytest.mark.parametrize("make", [models.convolutional, models.pre_activation, models.rows])
def test_a_dynamic_batch_takes_batches_of_any_size(make, tmp_path):
    model, fixed, dynamic = settled(make), tmp_path / "fixed.tflite", tmp_path / "dynamic.tflite"
    data, others = inputs_of(model), inputs_of(model, 7, 9)
    expected = qspec.quantize(qspec.loads(INTEGER_EDGES), model, data, fixed).predict(others)

    text = INTEGER_EDGES.replace("input {", "input { batch = dynamic,")
    result = qspec.quantize(qspec.loads(text), model, data, dynamic, samples=others)

    assert result.ok
    assert np.array_equal(expected, result.predict(others))
    assert np.array_equal(expected[:1], result.predict(others[:1]))


def test_the_model_that_was_given_is_not_changed():
    model = settled(models.convolutional)
    before = [variable.numpy() for variable in model.variables]
    quantized = qspec.apply(qspec.loads(SPEC), model, calibration=inputs_of(model))
    quantized.compile("sgd", loss="mse")
    quantized.fit(inputs_of(model), np.zeros((32, 5)), verbose=0)

    assert all(np.array_equal(old, new.numpy()) for old, new in zip(before, model.variables, strict=True))


def test_names_of_inputs_and_outputs_are_kept():
    model = models.branches()
    quantized = qspec.apply(qspec.loads(SPEC), model, calibration=inputs_of(model))

    assert ["left", "right"] == quantized.input_names
    assert list(model.output_names) == quantized.output_names
    data = dict(zip(quantized.input_names, inputs_of(model), strict=True))
    quantized.compile("adam", loss={"score": "mse", "map": "mae"})
    quantized.fit(data, {"score": np.zeros((32, 2)), "map": np.zeros((32, 10, 10, 4))}, verbose=0)


def test_a_saved_model_comes_back_with_spec_ranges_and_numbers(tmp_path):
    model = settled(models.convolutional)
    data = inputs_of(model)
    quantized = qspec.apply(qspec.loads(SPEC), model, calibration=data)
    quantized.compile("adam", loss="mse")
    quantized.fit(data, np.zeros((32, 5)), verbose=0)
    quantized.save(tmp_path / "q.keras")

    again = qspec.load_model(tmp_path / "q.keras")

    assert np.array_equal(quantized.predict(data, verbose=0), again.predict(data, verbose=0))
    assert quantized.spec.sources == again.spec.sources
    again.fit(data, np.zeros((32, 5)), verbose=0)


def test_a_float_island_has_its_casts_at_its_edges_only(tmp_path):
    model = settled(models.convolutional)
    text = INTEGER_EDGES + 'rule island match Conv2D where name == "project" { all = float }\n'

    result = qspec.quantize(qspec.loads(text), model, inputs_of(model), tmp_path / "m.tflite")

    assert result.ok
    kinds = [op.kind for op in result.report.plan.ops.ops]
    assert 1 == kinds.count("DEQUANTIZE")
    assert 1 == kinds.count("QUANTIZE")
    island = next(op for op in result.report.plan.ops.ops if op.layer == "project" and op.kind == "CONV_2D")
    assert {"float32"} == {result.report.plan.ops.tensors[t].type for t in (*island.inputs, *island.outputs)}


def test_a_file_that_was_tampered_with_is_found_out(tmp_path):
    model = settled(models.perceptron)
    data = inputs_of(model)
    spec = qspec.loads(SPEC)
    result = qspec.quantize(spec, model, data, tmp_path / "m.tflite")
    assert qspec.verify(result.path, spec, model, data).ok
    other = qspec.loads(SPEC + "rule last match Dense where index == -1 { weights = w8_tensor }")

    with pytest.raises(SpecError, match="QS601"):
        qspec.verify(result.path, other, model, data)


def test_a_trained_model_is_verified_against_the_spec_that_is_given(tmp_path):
    model = settled(models.perceptron)
    data = inputs_of(model)
    quantized = qspec.apply(qspec.loads(SPEC), model, calibration=data)
    path = qspec.export(quantized, tmp_path / "m.tflite", samples=data).path
    small = qspec.loads(SPEC + "require size <= 1 KiB\n")

    assert qspec.verify(path, qspec.loads(SPEC), quantized, data).ok
    assert ["QS407"] == [item.code for item in qspec.verify(path, small, quantized, data).diagnostics]
    with pytest.raises(SpecError, match="another spec"):
        qspec.verify(path, qspec.loads(SPEC + "rule one match Dense { weights = w8_tensor }\n"), quantized, data)


def test_a_quantized_model_is_not_quantized_again(tmp_path):
    model = models.perceptron()
    quantized = qspec.apply(qspec.loads(SPEC), model, calibration=inputs_of(model))

    for again in (
        lambda: qspec.apply(qspec.loads(SPEC), quantized, calibration=inputs_of(model)),
        lambda: qspec.quantize(qspec.loads(SPEC), quantized, inputs_of(model), tmp_path / "m.tflite"),
    ):
        with pytest.raises(SpecError, match="quantized already"):
            again()


def test_a_spec_may_be_named_by_its_path(tmp_path):
    (tmp_path / "a.qspec").write_text(SPEC)
    model = models.perceptron()

    assert qspec.quantize(tmp_path / "a.qspec", model, inputs_of(model), tmp_path / "m.tflite").ok


def test_no_file_is_left_where_the_data_is_unusable(tmp_path):
    model = models.perceptron()

    with pytest.raises(SpecError, match="QS504"):
        qspec.quantize(qspec.loads(SPEC), model, np.full((4, 20), np.nan), tmp_path / "m.tflite")

    assert [] == list(tmp_path.iterdir())


def test_accuracy_is_judged_by_all_labelled_samples(tmp_path):
    """Of the eight that judge parity, each would be 12.5 percentage points."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="softmax")])
    data = inputs_of(model, 200)
    labels = np.argmax(model.predict(data, verbose=0), -1)
    labels[100:] = (labels[100:] + 1) % 3  # half are wrong, and none of the first
    spec = qspec.loads(SPEC + "require accuracy_drop <= -99%")

    result = qspec.quantize(spec, model, [(data, labels)], tmp_path / "m.tflite")
    drop = 50 - 100 * np.mean(np.argmax(result.predict(data), -1) == labels)

    assert [f"`accuracy_drop` is {drop:g}%"] == [item.message.split(":")[-1].strip() for item in result.diagnostics]


@pytest.mark.parametrize("changed", [5, 2])
def test_weights_of_another_model_are_told_once_where_they_are_many(tmp_path, changed):
    """Nothing but the weights has another scale: the ranges of activations are fixed, and there are no biases."""
    fixed = "default { weights = w8, output = a8(range = fixed(-4, 4)) }\ninput { type = int8, range = fixed(-4, 4) }\n"
    spec = qspec.loads(SPEC.partition("default")[0] + fixed)
    keras.utils.set_random_seed(1)
    stack = [keras.layers.Dense(6, use_bias=False, name=f"dense_{number}") for number in range(5)]
    model = keras.Sequential([keras.Input((6,)), *stack])
    data = inputs_of(model)
    path = qspec.quantize(spec, model, data, tmp_path / "m.tflite").path
    for layer in stack[:changed]:
        layer.kernel.assign(2 * layer.kernel)

    with pytest.raises(SpecError) as raised:
        qspec.verify(path, spec, model, data)

    found = raised.value.diagnostics
    assert {"QS601"} == {item.code for item in found}
    if changed == 5:
        (item,) = found
        assert item.message.startswith("5 weight tensors have another scale or zero point than in the plan: `dense_0")
        assert item.message.endswith(", and so 4 more")
        assert "they are those of another model, or training went on since" == item.help
    else:
        assert ["`dense_0", "`dense_1"] == [item.message.removeprefix("tensor ")[:8] for item in found]
