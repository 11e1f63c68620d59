"""The Keras models that `specs/examples/` are written for, with random weights, and samples like their data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

Samples = Callable[[np.random.Generator, int], np.ndarray]
"""Makes a number of samples of a model's one input."""


@dataclass(frozen=True)
class Example:
    """What an example is run with: `model` makes the float model."""

    model: Callable[[], keras.Model]
    samples: Samples


def uniform(low: float, high: float, *shape: int) -> Samples:
    """Evenly from *low* to *high*."""
    return lambda generator, count: generator.uniform(low, high, (count, *shape)).astype(np.float32)


def normal(*shape: int) -> Samples:
    """With mean 0 and variance 1."""
    return lambda generator, count: generator.normal(size=(count, *shape)).astype(np.float32)


def normalized_convolution(value, filters: int, size: int, name: str, strides: int = 1):
    """Convolution, batch normalization, ReLU."""
    value = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False, name=name)(value)
    return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_norm")(value))


def digits() -> keras.Model:
    """Two convolutions and a classifier for images of 8 by 8 pixels."""
    image = keras.Input((8, 8, 1), name="image")
    value = normalized_convolution(image, 8, 3, "first")
    value = normalized_convolution(value, 16, 3, "second", strides=2)
    value = layers.GlobalAveragePooling2D(name="mean")(value)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="digit")(value))


def mobile_net() -> keras.Model:
    """Keras' MobileNetV2, narrow and for small images."""
    return keras.applications.MobileNetV2(weights=None, alpha=0.35, input_shape=(96, 96, 3), classes=20)


def efficient_net() -> keras.Model:
    """Keras' EfficientNetB0 for small images: swish, squeeze and excitation, normalization of the pixels inside."""
    return keras.applications.EfficientNetB0(weights=None, input_shape=(64, 64, 3), classes=20)


def keyword_net() -> keras.Model:
    """DS-CNN, small (Zhang et al. 2017, "Hello Edge"): 49 frames of 10 cepstral coefficients, 12 words."""
    spectrogram = keras.Input((49, 10, 1), name="spectrogram")
    value = layers.Conv2D(64, (10, 4), strides=2, padding="same", use_bias=False, name="stem")(spectrogram)
    value = layers.ReLU()(layers.BatchNormalization()(value))
    for number in range(1, 5):
        value = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"depthwise_{number}")(value)
        value = layers.ReLU()(layers.BatchNormalization()(value))
        value = layers.Conv2D(64, 1, use_bias=False, name=f"pointwise_{number}")(value)
        value = layers.ReLU()(layers.BatchNormalization()(value))
    value = layers.Flatten(name="flat")(layers.AveragePooling2D((25, 5), name="mean")(layers.Dropout(0.2)(value)))
    return keras.Model(spectrogram, layers.Dense(12, activation="softmax", name="words")(value))


def encoder() -> keras.Model:
    """Two blocks of a transformer encoder, over 32 tokens of 64 values."""
    tokens = keras.Input((32, 64), name="tokens")
    value = tokens
    for number in (1, 2):
        attended = layers.MultiHeadAttention(4, 16, name=f"attention_{number}")(value, value)
        value = layers.LayerNormalization(epsilon=1e-5, name=f"norm_{number}_a")(layers.Add()([value, attended]))
        hidden = layers.Dense(128, activation="gelu", name=f"wide_{number}")(value)
        hidden = layers.Dense(64, name=f"narrow_{number}")(hidden)
        value = layers.LayerNormalization(epsilon=1e-5, name=f"norm_{number}_b")(layers.Add()([value, hidden]))
    value = layers.GlobalAveragePooling1D(name="mean")(value)
    return keras.Model(tokens, layers.Dense(6, name="classes")(value))


def pose_net() -> keras.Model:
    """A backbone of convolutions, a nested head that tells where 17 joints are."""
    image = keras.Input((64, 64, 3), name="image")
    value = normalized_convolution(image, 16, 3, "stem", strides=2)
    for number, filters in enumerate((32, 64, 64), 1):
        value = normalized_convolution(value, filters, 3, f"block_{number}", strides=2)
    features = keras.Input(value.shape[1:], name="features")
    hidden = layers.Dense(64, activation="relu", name="hidden")(layers.GlobalAveragePooling2D(name="mean")(features))
    head = keras.Model(features, layers.Dense(34, name="joints")(hidden), name="head")
    return keras.Model(image, head(value))


def detector() -> keras.Model:
    """A single-shot detector: two maps, each with the scores of classes and with boxes."""
    image = keras.Input((96, 96, 3), name="image")
    value = normalized_convolution(image, 16, 3, "stem", strides=2)
    value = normalized_convolution(value, 32, 3, "stage_2", strides=2)
    near = normalized_convolution(value, 64, 3, "stage_3", strides=2)
    far = normalized_convolution(near, 64, 3, "stage_4", strides=2)
    scores, boxes = [], []
    for name, features in (("near", near), ("far", far)):
        score = layers.Conv2D(3 * 4, 3, padding="same", name=f"{name}_scores")(features)
        scores.append(layers.Reshape((-1, 4), name=f"{name}_score_rows")(score))
        box = layers.Conv2D(3 * 4, 3, padding="same", name=f"{name}_boxes")(features)
        boxes.append(layers.Reshape((-1, 4), name=f"{name}_box_rows")(box))
    score = layers.Activation("sigmoid", name="score")(layers.Concatenate(axis=1, name="all_scores")(scores))
    return keras.Model(image, {"scores": score, "boxes": layers.Concatenate(axis=1, name="all_boxes")(boxes)})


def gesture_net() -> keras.Model:
    """An LSTM over two seconds of acceleration and rotation, 8 gestures."""
    motion = keras.Input((50, 6), name="motion")
    value = layers.LSTM(32, name="memory")(motion)
    value = layers.Dense(16, activation="relu", name="hidden")(value)
    return keras.Model(motion, layers.Dense(8, activation="softmax", name="gesture")(value))


def u_net() -> keras.Model:
    """A small U-Net: two steps down, two up by transposed convolutions, with skips."""
    image = keras.Input((64, 64, 3), name="image")
    first = normalized_convolution(image, 8, 3, "down_1")
    second = normalized_convolution(layers.MaxPooling2D(name="pool_1")(first), 16, 3, "down_2")
    value = normalized_convolution(layers.MaxPooling2D(name="pool_2")(second), 32, 3, "bottom")
    value = layers.Conv2DTranspose(16, 2, strides=2, activation="relu", name="up_2")(value)
    value = normalized_convolution(layers.Concatenate(name="skip_2")([value, second]), 16, 3, "merge_2")
    value = layers.Conv2DTranspose(8, 2, strides=2, activation="relu", name="up_1")(value)
    value = normalized_convolution(layers.Concatenate(name="skip_1")([value, first]), 8, 3, "merge_1")
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(value))


def residual_net() -> keras.Model:
    """ResNet-8 for images of 32 by 32 pixels: three residual stages."""
    image = keras.Input((32, 32, 3), name="image")
    value = normalized_convolution(image, 16, 3, "stem")
    for number, filters in enumerate((16, 32, 64), 1):
        strides = 1 if number == 1 else 2
        inner = normalized_convolution(value, filters, 3, f"stage_{number}_a", strides)
        inner = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"stage_{number}_b")(inner)
        inner = layers.BatchNormalization(name=f"stage_{number}_b_norm")(inner)
        if number > 1:
            value = layers.Conv2D(filters, 1, strides=strides, name=f"stage_{number}_skip")(value)
        value = layers.ReLU(name=f"stage_{number}_relu")(layers.Add(name=f"stage_{number}_sum")([inner, value]))
    value = layers.GlobalAveragePooling2D(name="mean")(value)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="classes")(value))


def autoencoder() -> keras.Model:
    """The autoencoder of MLPerf Tiny's anomaly detection: 640 values of a spectrogram, squeezed through 8."""
    value = spectrogram = keras.Input((640,), name="spectrogram")
    for number, units in enumerate((128, 128, 128, 128, 8, 128, 128, 128, 128), 1):
        value = layers.Dense(units, use_bias=False, name=f"dense_{number}")(value)
        value = layers.ReLU(name=f"relu_{number}")(layers.BatchNormalization(name=f"norm_{number}")(value))
    return keras.Model(spectrogram, layers.Dense(640, name="reconstruction")(value))


def text_classifier() -> keras.Model:
    """Words of a vocabulary of 2,000, a bidirectional LSTM, a projection and a hidden layer."""
    words = keras.Input((40,), dtype="int32", name="words")
    value = layers.Embedding(2000, 64, name="embedding")(words)
    value = layers.Bidirectional(layers.LSTM(32, name="lstm"), name="both_ways")(value)
    value = layers.LayerNormalization(name="norm")(layers.Dense(64, name="projection")(value))
    value = layers.Dense(64, activation="relu", name="hidden")(value)
    return keras.Model(words, layers.Dense(4, activation="softmax", name="topic")(value))


def sentences(generator: np.random.Generator, count: int) -> np.ndarray:
    """40 words each, of 2,000."""
    return generator.integers(0, 2000, (count, 40)).astype(np.int32)


EXAMPLES = {
    "digits": Example(digits, uniform(0, 1, 8, 8, 1)),
    "mobilenet_edgetpu": Example(mobile_net, uniform(-1, 1, 96, 96, 3)),
    "efficientnet_phones": Example(efficient_net, uniform(0, 255, 64, 64, 3)),
    "keyword_spotting": Example(keyword_net, normal(49, 10, 1)),
    "transformer_int16x8": Example(encoder, normal(32, 64)),
    "float_head": Example(pose_net, uniform(0, 1, 64, 64, 3)),
    "detector": Example(detector, uniform(-1, 1, 96, 96, 3)),
    "gestures_lstm": Example(gesture_net, normal(50, 6)),
    "segmentation_ethos_u": Example(u_net, uniform(0, 1, 64, 64, 3)),
    "training_from_scratch": Example(residual_net, uniform(0, 1, 32, 32, 3)),
    "anomaly_w4a8": Example(autoencoder, normal(640)),
    "text_dynamic": Example(text_classifier, sentences),
    "two_boards/coral": Example(residual_net, uniform(0, 1, 32, 32, 3)),
    "two_boards/cortex_m": Example(residual_net, uniform(0, 1, 32, 32, 3)),
}
"""By the name of the file in `specs/examples/`, without its ending."""
