"""What training with quantization keeps of the float model, when its ranges freeze, and what is refused in words."""

import keras
import numpy as np
import pytest
from keras import layers

import qspec
from qspec import SpecError
from tests.keras import models
from tests.keras.test_whole_way import INTEGER_EDGES, SPEC, inputs_of, settled


def regularized():
    """A regularizer of activations on layers that qspec runs in each of its ways."""
    image = keras.Input((8, 8, 3))
    value = layers.Conv2D(4, 3, activation="relu", activity_regularizer="l2")(image)
    value = layers.SeparableConv2D(4, 3, activity_regularizer="l1")(value)
    value = layers.Activation("tanh", activity_regularizer="l2")(value)
    value = layers.Add(activity_regularizer="l2")([value, value])
    value = layers.BatchNormalization(activity_regularizer="l2")(value)
    value = layers.MaxPooling2D(activity_regularizer="l2")(layers.ActivityRegularization(l1=0.1)(value))
    return keras.Model(image, layers.Dense(2, kernel_regularizer="l2")(layers.Flatten()(value)))


def test_no_loss_of_the_float_model_vanishes():
    model = settled(regularized)
    data = inputs_of(model)
    quantized = qspec.apply(qspec.loads(SPEC), model, calibration=data)

    for _ in range(2):  # the second call's take the first one's place
        model(data)
        quantized(data)

    assert np.allclose(sorted(map(float, model.losses)), sorted(map(float, quantized.losses)), rtol=0.05)


def test_lowering_and_verification_leave_no_losses_behind(tmp_path):
    model = settled(regularized)
    data = inputs_of(model)
    model(data)
    before = [float(loss) for loss in model.losses]

    qspec.quantize(qspec.loads(SPEC), model, data, tmp_path / "m.tflite")

    assert {float(loss) for loss in model.losses} <= set(before)


def test_frozen_layers_stay_as_they_are():
    model = settled(models.convolutional)
    for name in ("stem", "stem_bn"):
        model.get_layer(name).trainable = False
    data = inputs_of(model)
    quantized = qspec.apply(qspec.loads(SPEC), model, calibration=data)
    quantized.compile("adam", loss="mse")
    quantized.fit(data, np.zeros((32, 5)), verbose=0)

    trained = quantized.float_model
    assert len(model.trainable_variables) == len(quantized.trainable_variables)
    for name in ("stem", "stem_bn"):
        pairs = zip(model.get_layer(name).variables, trained.get_layer(name).variables, strict=True)
        assert all(np.array_equal(old, new) for old, new in pairs)
    assert not np.array_equal(model.get_layer("head").kernel, trained.get_layer("head").kernel)


@pytest.mark.parametrize("form", ["steps", "epochs", "epochs, callbacks by position"])
def test_ranges_freeze_when_the_spec_says(form):
    limit = "steps(4)" if form == "steps" else "epochs(2)"
    model = settled(models.perceptron)
    data, targets = inputs_of(model), np.zeros((32, 3))
    spec = qspec.loads(SPEC + f"train {{ freeze_ranges_after = {limit} }}\n")
    quantized = qspec.apply(spec, model, calibration=data)
    quantized.compile("adam", loss="mse")
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(float(quantized.ranges[0].maximum)))

    for epoch in range(4):  # 2 steps each, on data that grows
        arguments = ((epoch + 1) * data, targets, 16, epoch + 1, 0)
        if form.endswith("position"):
            quantized.fit(*arguments, [watch], initial_epoch=epoch)
        else:
            quantized.fit(*arguments, callbacks=watch, initial_epoch=epoch)

    assert 4 == len(seen)
    assert seen[0] != seen[1]
    assert seen[1] == seen[2] == seen[3]


def test_uint8_edges_have_zero_points_128_above_int8(tmp_path):
    model = settled(models.perceptron)
    data = inputs_of(model)
    outputs = {}
    for kind in ("int8", "uint8"):
        spec = qspec.loads(SPEC + f"input {{ type = {kind} }}\noutput {{ type = {kind} }}\n")
        result = qspec.quantize(spec, model, data, tmp_path / "m.tflite")
        assert result.ok
        outputs[kind] = result.predict(data, "built_in")

    assert np.array_equal(outputs["int8"], outputs["uint8"])


def test_narrow_activations_where_an_op_fixes_its_parameters(tmp_path):
    model = settled(models.convolutional)
    spec = qspec.loads(INTEGER_EDGES.replace("output = a8", "output = a8(narrow = true)"))

    assert qspec.quantize(spec, model, inputs_of(model), tmp_path / "m.tflite").parity.largest <= 1


def test_only_a_quantized_model_is_exported(tmp_path):
    with pytest.raises(SpecError, match="QS501"):
        qspec.export(models.perceptron(), tmp_path / "m.tflite")


@pytest.mark.parametrize("model", [3, None, keras.Sequential([keras.layers.Dense(2)])], ids=["int", "none", "unbuilt"])
def test_what_is_no_model_is_told(model, tmp_path):
    data = np.zeros((2, 2), np.float32)
    with pytest.raises(SpecError, match="QS501"):
        qspec.apply(qspec.loads(SPEC), model, calibration=data)
    with pytest.raises(SpecError, match="QS501"):
        qspec.quantize(qspec.loads(SPEC), model, data, tmp_path / "m.tflite")


def test_an_endless_dataset_is_read_as_far_as_the_spec_says():
    import tensorflow as tf

    model = settled(models.perceptron)
    endless = tf.data.Dataset.from_tensor_slices(inputs_of(model)).batch(4).repeat()

    qspec.apply(qspec.loads(SPEC + "calibrate { samples = 10 }\n"), model, calibration=endless)
    with pytest.raises(SpecError, match="never ends"):
        qspec.apply(qspec.loads(SPEC), model, calibration=endless)


def test_augmentation_works_in_training_only(tmp_path):
    def make():
        stack = [keras.Input((8, 8, 3)), layers.RandomFlip(), layers.GaussianNoise(0.5), layers.Conv2D(4, 3)]
        return keras.Sequential([*stack, layers.Flatten(), layers.Dense(3)])

    model = settled(make)
    data = inputs_of(model)

    result = qspec.quantize(qspec.loads(INTEGER_EDGES), model, data, tmp_path / "m.tflite")

    assert result.ok
    assert 0.3 > np.abs(result.predict(data) - model.predict(data, verbose=0)).max()
    quantized = qspec.apply(qspec.loads(INTEGER_EDGES), model, calibration=data)
    assert np.array_equal(quantized(data, training=False), quantized(data, training=False))
    assert not np.array_equal(quantized(data, training=True), quantized(data, training=True))


def test_two_inputs_of_any_batch_size(tmp_path):
    model = settled(models.shared)
    data = inputs_of(model)
    spec = qspec.loads(INTEGER_EDGES.replace("type = int8 }", "type = int8, batch = dynamic }", 1))

    result = qspec.quantize(spec, model, data, tmp_path / "m.tflite")

    assert result.ok
    assert np.array_equal(result.predict(data)[:5], result.predict([array[:5] for array in data]))
