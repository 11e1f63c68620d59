"""Batch normalization in training: where it follows the batch it is Keras' own, wherever it stands."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import qspec
from qspec.numerics import fake_quantize, parameters_from_range
from tests.keras.test_whole_way import INTEGER_EDGES, inputs_of, settled

FLOAT = "qspec 1\ndefault { weights = float, output = float }\n"


def normalized(value, **arguments):
    return layers.BatchNormalization(momentum=0.8, **arguments)(value)


def behind_and_before():
    """Behind each layer that takes it, behind a ReLU, before a convolution, alone."""
    image = keras.Input((8, 8, 3))
    value = layers.ReLU()(normalized(layers.Conv2D(4, 3, padding="same")(image)))
    value = layers.ReLU(6.0)(normalized(layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)(value)))
    value = layers.ReLU()(normalized(layers.Conv2DTranspose(4, 3, strides=2)(value), scale=False))
    value = layers.Conv2D(4, 1)(normalized(value))
    value = normalized(layers.SeparableConv2D(4, 3)(value), center=False)
    value = layers.Reshape((-1, 4))(value)
    value = layers.ReLU()(normalized(layers.Conv1D(4, 3)(value)))
    return keras.Model(image, normalized(layers.Dense(5)(layers.GlobalAveragePooling1D()(value))))


def read_twice():
    """A convolution with two readers, one normalization for two layers, one layer called twice, an axis in front."""
    image = keras.Input((6, 6, 3))
    first = layers.Conv2D(4, 3, padding="same")(image)
    value = layers.Add()([normalized(first), first])
    shared, convolution = layers.BatchNormalization(momentum=0.8), layers.Conv2D(4, 3, padding="same")
    value = layers.Add()([shared(layers.Conv2D(4, 1)(value)), shared(layers.Conv2D(4, 1)(value))])
    tied = layers.BatchNormalization(momentum=0.8, synchronized=True)
    value = layers.ReLU()(tied(convolution(tied(convolution(value)))))
    return keras.Model(image, layers.Flatten()(normalized(value, axis=1)))


def uneven(make):
    """The model with normalizations that are not what they were initialized to."""
    model = settled(make)
    generator = np.random.default_rng(1)
    for variable in model.variables:
        if variable.name in ("gamma", "beta", "bias"):
            variable.assign(generator.normal(size=variable.shape))
    return model


def gradients(model, data, weights):
    with tf.GradientTape() as tape:
        outputs = model(data, training=True)
        loss = tf.reduce_sum(outputs * weights)
    return outputs, tape.gradient(loss, model.trainable_variables)


@pytest.mark.parametrize("make", [behind_and_before, read_twice])
@pytest.mark.parametrize("batch_norm", ["track", "keep"])
def test_without_quantization_a_step_is_that_of_keras(make, batch_norm):
    model = uneven(make)
    data = inputs_of(model)
    spec = qspec.loads(FLOAT + f"train {{ batch_norm = {batch_norm} }}\n")
    quantized = qspec.apply(spec, model, calibration=data)
    weights = np.random.default_rng(2).normal(size=(len(data), *model.output_shape[1:]))

    for _ in range(2):  # the second with moving statistics that the first has moved
        outputs, expected = gradients(model, data, weights)
        found_outputs, found = gradients(quantized, data, weights)
        assert np.allclose(outputs, found_outputs, atol=1e-4)
        largest = max(float(np.abs(gradient).max()) for gradient in expected)
        for variable, wanted, gradient in zip(model.trainable_variables, expected, found, strict=True):
            assert np.allclose(wanted, gradient, rtol=1e-3, atol=1e-4 * largest), variable.path
        for wanted, variable in zip(
            model.non_trainable_variables, quantized.float_model.non_trainable_variables, strict=True
        ):
            assert np.allclose(wanted, variable, rtol=1e-3, atol=1e-5), variable.path


def test_tracking_quantizes_the_folded_kernel_and_divides_it_out_again():
    model = settled(lambda: keras.Sequential([keras.Input((6,)), layers.Dense(5), layers.BatchNormalization()]))
    dense, norm = model.layers
    norm.gamma.assign([1.0, -2.0, 0.5, 0.1, 3.0])
    data = np.asarray(inputs_of(model))
    quantized = qspec.apply(qspec.loads(INTEGER_EDGES + "train { batch_norm = track }\n"), model, calibration=data)

    found = np.asarray(quantized(data, training=True))

    symmetric = {"lowest": -127, "highest": 127, "symmetric": True, "axis": 1}
    asymmetric = {"lowest": -128, "highest": 127, "symmetric": False}
    kernel, gamma = np.asarray(dense.kernel), np.asarray(norm.gamma)
    folding = gamma / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
    folded = kernel * folding
    folded = fake_quantize(folded, parameters_from_range(folded.min(0), folded.max(0), **symmetric))
    inputs = fake_quantize(data, parameters_from_range(data.min(), data.max(), **asymmetric))
    product = inputs @ folded / folding
    exact = (product - product.mean(0)) / np.sqrt(product.var(0) + norm.epsilon) * gamma + np.asarray(norm.beta)
    outputs = np.asarray(model(data))  # calibration's
    parameters = parameters_from_range(outputs.min(), outputs.max(), **asymmetric)
    assert np.abs(found - fake_quantize(exact.astype(np.float32), parameters)).max() < 1.01 * parameters.scale
    assert np.mean(np.abs(found - fake_quantize(exact.astype(np.float32), parameters)) < 1e-5) > 0.98


def test_what_tracking_learned_is_deployed_as_what_folding_would_be(tmp_path):
    model = settled(behind_and_before)
    data = inputs_of(model)
    quantized = qspec.apply(qspec.loads(INTEGER_EDGES + "train { batch_norm = track }\n"), model, calibration=data)
    quantized.compile(keras.optimizers.Adam(1e-2), loss="mse")
    quantized.fit(data, np.random.default_rng(0).normal(size=(32, 5)), batch_size=16, epochs=15, verbose=0)

    result = qspec.export(quantized, tmp_path / "m.tflite", samples=data)

    assert result.ok
    assert result.parity.largest <= 1
    folded = qspec.apply(qspec.loads(INTEGER_EDGES), qspec.strip(quantized), calibration=data)
    for one, other in zip(quantized.variables, folded.variables, strict=True):
        other.assign(one)
    assert np.array_equal(folded(data), quantized(data))
    # The moving means have seen what rounding the weights moves, so nothing makes up for it a second time.
    norms = sum(isinstance(layer, layers.BatchNormalization) for layer in model.layers)
    forgotten = [np.abs(correction).max() < 1e-3 for correction in quantized.corrections.values()]
    assert 5 <= sum(forgotten) <= norms


@pytest.mark.parametrize("batch_norm", ["track", "keep"])
def test_a_gamma_of_zero_is_learned_from(batch_norm):
    def make():
        image = keras.Input((6, 6, 3))
        zero = layers.BatchNormalization(gamma_initializer="zeros")
        value = layers.Add()([layers.Conv2D(3, 1)(image), zero(layers.Conv2D(3, 3, padding="same")(image))])
        return keras.Model(image, layers.GlobalAveragePooling2D()(layers.ReLU()(value)))

    keras.utils.set_random_seed(0)
    model = make()
    data = np.random.default_rng(0).normal(size=(32, 6, 6, 3)).astype(np.float32)
    spec = qspec.loads(INTEGER_EDGES + f"train {{ batch_norm = {batch_norm} }}\n")
    quantized = qspec.apply(spec, model, calibration=data)
    quantized.compile("adam", loss="mse")

    history = quantized.fit(data, np.ones((32, 3)), epochs=3, verbose=0).history

    assert np.isfinite(history["loss"]).all()
    assert all(np.isfinite(variable).all() for variable in quantized.variables)
    norm = next(layer for layer in quantized.float_model.layers if isinstance(layer, layers.BatchNormalization))
    assert (np.asarray(norm.gamma) != 0).all()


@pytest.mark.skipif(
    "renorm" not in inspect.signature(layers.BatchNormalization.__init__).parameters, reason="newer than this Keras"
)
def test_renormalization_is_refused_where_it_would_follow_the_batch():
    image = keras.Input((6, 6, 3))
    model = keras.Model(image, layers.BatchNormalization(renorm=True)(layers.Conv2D(3, 3)(image)))
    data = inputs_of(model)

    with pytest.raises(qspec.SpecError, match="renormalizes"):
        qspec.apply(qspec.loads(INTEGER_EDGES + "train { batch_norm = track }\n"), model, calibration=data)
    assert qspec.apply(qspec.loads(INTEGER_EDGES), model, calibration=data).built
    model.layers[-1].trainable = False
    assert qspec.apply(qspec.loads(INTEGER_EDGES + "train { batch_norm = track }\n"), model, calibration=data).built


def test_folded_statistics_and_frozen_layers_stay():
    model = settled(behind_and_before)
    data = inputs_of(model)
    for batch_norm, trainable in (("fold", True), ("track", False), ("keep", False)):
        spec = qspec.loads(INTEGER_EDGES + f"train {{ batch_norm = {batch_norm} }}\n")
        quantized = qspec.apply(spec, model, calibration=data)
        norms = [layer for layer in quantized.float_model.layers if isinstance(layer, layers.BatchNormalization)]
        for layer in norms:
            layer.trainable = trainable
        before = [np.asarray(layer.moving_mean) for layer in norms]

        quantized(data, training=True)

        assert all(np.array_equal(old, layer.moving_mean) for old, layer in zip(before, norms, strict=True))
