"""Biases make up for what rounding the weights does to the mean of each output channel."""

import keras
import numpy as np
import pytest
from keras import layers

import qspec
from tests.keras.test_whole_way import INTEGER_EDGES, inputs_of

LAYERS = {
    "dense": (layers.Dense(6, bias_initializer="ones"), (5,)),
    "grouped": (layers.Conv2D(6, 1, groups=2, bias_initializer="ones"), (4, 4, 4)),
    "depthwise": (layers.DepthwiseConv2D(3, depth_multiplier=2, bias_initializer="ones"), (4, 4, 3)),
    "separable": (layers.SeparableConv2D(6, 3, bias_initializer="ones"), (4, 4, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_mean_of_every_channel_is_that_of_the_float_layer(name):
    layer, shape = LAYERS[name]
    keras.utils.set_random_seed(4)
    image = keras.Input(shape)
    model = keras.Model(image, layer.__class__.from_config(layer.get_config())(image))
    data = inputs_of(model, 64) + 2.0  # far from zero, so that rounding shifts the mean
    quantized = qspec.apply(qspec.loads(INTEGER_EDGES), model, calibration=data)
    kept = {bias: np.array(variable.numpy()) for bias, variable in quantized.corrections.items()}

    def shift():
        """How far the simulated means lie from the float ones, in output steps."""
        difference = quantized.predict(data, verbose=0) - model.predict(data, verbose=0)
        scale = float(quantized.ranges[-1].parameters()[0])
        return np.abs(difference.reshape(-1, difference.shape[-1]).mean(0)).max() / scale

    corrected = shift()
    for variable in quantized.corrections.values():
        variable.assign(np.zeros(variable.shape))
    plain = shift()

    assert any(np.any(value) for value in kept.values())
    assert corrected < plain
    # Rounding the outputs themselves leaves a mean of a tenth of a step or so.
    assert corrected < 0.5


def test_the_file_has_the_corrected_biases(tmp_path):
    keras.utils.set_random_seed(4)
    image = keras.Input((5,))
    model = keras.Model(image, layers.Dense(6, bias_initializer="ones")(image))
    data = inputs_of(model, 64) + 2.0

    result = qspec.quantize(qspec.loads(INTEGER_EDGES), model, data, tmp_path / "m.tflite", samples=data)

    assert result.ok
    assert result.parity.by_op()["FULLY_CONNECTED"].equal >= 0.98  # uncorrected ones would be a third of a step off


def test_a_bias_of_zeros_stays_one():
    image = keras.Input((5,))
    model = keras.Model(image, layers.Dense(6)(image))

    quantized = qspec.apply(qspec.loads(INTEGER_EDGES), model, calibration=inputs_of(model, 64) + 2.0)

    assert not any(np.any(variable.numpy()) for variable in quantized.corrections.values())
