"""Results so narrow beside what they come from that LiteRT's kernels would end the process."""

import keras
import numpy as np
import pytest
from keras import layers

import qspec
from tests.keras.test_whole_way import INTEGER_EDGES

DATA = np.full((8, 4, 4, 3), 100.0, np.float32)


def no_variance():
    """A channel that never changed, normalized."""
    image, norm = keras.Input((4, 4, 3)), layers.BatchNormalization()
    model = keras.Model(image, layers.Conv2D(2, 1)(norm(layers.ReLU()(image))))
    norm.moving_mean.assign([100.0] * 3)
    norm.moving_variance.assign([0.0] * 3)
    return model


def cancelled():
    image = keras.Input((4, 4, 3))
    return keras.Model(image, layers.ReLU()(layers.Add()([image, layers.Rescaling(-1.0)(image)])))


def squared():
    image = keras.Input((4, 4, 3))
    return keras.Model(image, keras.ops.mean(keras.ops.square(image - layers.Rescaling(1.0, 0.0)(image)), -1))


@pytest.mark.parametrize("make", [no_variance, cancelled, squared])
@pytest.mark.parametrize("bits", [8, 16])
def test_the_process_lives_and_the_file_is_what_was_simulated(make, bits, tmp_path):
    wide = INTEGER_EDGES.replace("= a8 ", "= a8(type = int16, scheme = symmetric) ").replace("= int8 }", "= int16 }")

    result = qspec.quantize(qspec.loads(wide if bits == 16 else INTEGER_EDGES), make(), DATA, tmp_path / "m.tflite")

    assert result.ok
    assert result.parity.largest <= 1
    expected = np.asarray(make()(DATA))
    assert np.abs(expected - result.predict(DATA)).max() <= 1  # a step of the inputs is 100 / 255


def test_in_training_too(tmp_path):
    quantized = qspec.apply(qspec.loads(INTEGER_EDGES), no_variance(), calibration=DATA)
    quantized.compile("sgd", loss="mse")

    quantized.fit(DATA, np.ones((8, 4, 4, 2), np.float32), epochs=3, verbose=0)

    assert all(np.isfinite(variable).all() for variable in quantized.variables)
    assert qspec.export(quantized, tmp_path / "m.tflite", samples=DATA).parity.largest <= 1
