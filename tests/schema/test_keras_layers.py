"""The classes that are completed are those of Keras, with the keys that its layers' configs have."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import keras

from qspec.lowering.table import all_lowerings
from qspec.schema.keras_layers import SHIPPED, layer_classes
from tests.schema.keras_layers import text
from tests.versions import KERAS_OF_THE_ZOOS


@KERAS_OF_THE_ZOOS
def test_the_file_is_what_keras_says():
    assert text() == SHIPPED.read_text("utf-8")


@KERAS_OF_THE_ZOOS
@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(4, 3),
        keras.layers.Dense(2),
        keras.layers.BatchNormalization(),
        keras.layers.LSTM(3),
        keras.layers.MultiHeadAttention(2, 8),
        keras.layers.Add(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_every_key_is_in_the_config_of_a_layer(layer):
    config = layer.get_config()

    assert WHEN_USED >= set(layer_classes()[type(layer).__name__]) - set(config)


WHEN_USED = {"activity_regularizer", "lora_rank", "lora_alpha", "quantization_config"}
"""Keys that a config has only of a layer that uses them."""


def test_every_class_that_can_be_lowered_is_there():
    of_models = {name for name in all_lowerings() if hasattr(keras.layers, name)}

    assert set() == of_models - set(layer_classes())
