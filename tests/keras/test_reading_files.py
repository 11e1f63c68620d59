"""Files of TensorFlow's own converter, in every mode it has, read without TensorFlow as LiteRT reads them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from qspec.lint.files.check import check_file
from tests.graph.litert_oracle import assert_as_litert_reads


def image_model() -> keras.Model:
    """Convolutions of every kind, merges, resizing, a head with softmax."""
    image = keras.Input((8, 8, 4))
    value = keras.layers.Conv2D(8, 3, padding="same", activation="relu6", dilation_rate=2)(image)
    side = keras.layers.DepthwiseConv2D(3, padding="same")(value)
    value = keras.layers.Concatenate()([keras.layers.Add()([value, side]), value])
    value = keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same")(value)
    value = keras.layers.UpSampling2D(2, interpolation="bilinear")(keras.layers.LeakyReLU(0.3)(value))
    value = keras.layers.ZeroPadding2D(1)(keras.layers.AveragePooling2D(2)(value))
    value = keras.layers.Permute((2, 1, 3))(keras.layers.Cropping2D(1)(value))
    value = keras.layers.GlobalAveragePooling2D()(keras.layers.MaxPooling2D()(value))
    return keras.Model(image, keras.layers.Dense(5, activation="softmax")(value))


def sequence_model() -> keras.Model:
    """An embedding, recurrences and an attention."""
    words = keras.Input((6,), dtype="int32")
    value = keras.layers.Embedding(20, 8)(words)
    value = keras.layers.LSTM(8, return_sequences=True)(value)
    value = keras.layers.MultiHeadAttention(2, 4)(value, value)
    return keras.Model(words, keras.layers.Dense(3)(keras.layers.GRU(8)(keras.layers.LayerNormalization()(value))))


def converted(model: keras.Model, mode: str, batch: int | None) -> bytes:
    """The converter's file."""
    function = tf.function(lambda *inputs: model(inputs[0], training=False), autograph=False)
    specs = [tf.TensorSpec((batch, *model.inputs[0].shape[1:]), model.inputs[0].dtype)]
    concrete = function.get_concrete_function(*specs)
    if mode in ("int8", "int16x8"):  # the others keep their variables, and ops that read them
        concrete = convert_variables_to_constants_v2(concrete)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], model)
    if mode != "float":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if mode in ("int8", "int16x8"):
        shape = (1, *model.inputs[0].shape[1:])
        generator = np.random.default_rng(0)
        converter.representative_dataset = lambda: ([generator.random(shape, np.float32)] for _ in range(4))
    if mode == "int16x8":
        int16 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [int16, tf.lite.OpsSet.TFLITE_BUILTINS]
    return bytes(converter.convert())


@pytest.mark.parametrize("mode", ["float", "float16", "dynamic", "int8", "int16x8"])
def test_images(mode):
    file = assert_as_litert_reads(converted(image_model(), mode, 1))

    assert not file.has_layers
    assert [] == [item for item in check_file(file).diagnostics if item.code in ("QS507", "QS508", "QS509", "QS510")]


def test_sequences():
    file = assert_as_litert_reads(converted(sequence_model(), "float", 1))

    assert "QS507" not in {item.code for item in check_file(file).diagnostics}
    assert len(file.subgraphs) > 1, "the bodies of its loops"


def test_an_open_batch():
    file = assert_as_litert_reads(converted(image_model(), "float", None))
    found = {item.code for item in check_file(file, targets=["edgetpu"]).diagnostics}

    assert None is file.main.graph.tensors[file.main.graph.inputs[0]].shape[0]
    assert {"QS512", "QS403"} <= found
