"""Small models of many shapes, for tests of the whole way."""

from __future__ import annotations

import keras
from keras import layers


def convolutional(activation: str = "softmax") -> keras.Model:
    """Conv-BN-ReLU, a depthwise residual block, pooling, a dense head."""
    image = keras.Input((16, 16, 3), name="image")
    value = layers.Conv2D(8, 3, padding="same", use_bias=False, name="stem")(image)
    value = layers.ReLU(name="stem_relu")(layers.BatchNormalization(name="stem_bn")(value))
    shortcut = value
    value = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(value)
    value = layers.ReLU(6.0)(layers.BatchNormalization()(value))
    value = layers.BatchNormalization()(layers.Conv2D(8, 1, name="project")(value))
    value = layers.Activation("relu")(layers.Add(name="sum")([shortcut, value]))
    value = layers.MaxPooling2D(name="pool")(value)
    value = layers.SeparableConv2D(12, 3, padding="same", name="separable")(value)
    value = layers.BatchNormalization(name="separable_bn")(value)
    value = layers.Dropout(0.2)(layers.AveragePooling2D(2, name="average")(value))
    value = layers.GlobalAveragePooling2D(name="mean")(value)
    return keras.Model(image, layers.Dense(5, activation=activation, name="head")(value), name="convolutional")


def perceptron() -> keras.Model:
    """A Sequential multilayer perceptron."""
    stack = [keras.Input((20,)), layers.Dense(32, "relu"), layers.Dense(16, "tanh"), layers.Dense(3)]
    return keras.Sequential(stack, name="perceptron")


def pre_activation() -> keras.Model:
    """Batch normalization in front of its convolution, as ResNet V2 has it."""
    image = keras.Input((12, 12, 4))
    value = layers.ReLU()(layers.BatchNormalization(name="first")(image))
    value = layers.Conv2D(6, 3, strides=2, padding="same")(value)
    value = layers.BatchNormalization(name="last")(value)
    return keras.Model(image, layers.Flatten()(value), name="pre_activation")


def rows() -> keras.Model:
    """An image taken apart into rows, and put together again."""
    image = keras.Input((8, 8, 3))
    value = layers.Reshape((-1, 24), name="rows")(layers.ReLU()(layers.Conv2D(3, 3, padding="same")(image)))
    value = layers.Reshape((8, 8, 3), name="image")(value)
    value = layers.Flatten(name="flatten")(layers.MaxPooling2D()(value))
    return keras.Model(image, layers.Dense(4)(value), name="rows")


def branches() -> keras.Model:
    """Two inputs, two outputs, Concatenate with a sigmoid branch, Multiply and Maximum."""
    left, right = keras.Input((8, 8, 3), name="left"), keras.Input((8, 8, 3), name="right")
    a = layers.Conv2D(4, 3, padding="same", activation="relu", name="a")(left)
    b = layers.Conv2D(4, 3, padding="same", activation="sigmoid", name="b")(right)
    joined = layers.Concatenate(name="joined")([a, b, layers.Maximum()([a, b])])
    gated = layers.Multiply(name="gated")([layers.Conv2D(4, 1, name="c")(joined), b])
    score = layers.Dense(2, name="score")(layers.GlobalAveragePooling2D()(gated))
    return keras.Model([left, right], {"score": score, "map": layers.ZeroPadding2D(name="map")(gated)}, name="branches")


def shared() -> keras.Model:
    """A nested encoder called twice, and a shared dense layer."""
    inner = keras.Input((10,))
    encoder = keras.Model(inner, layers.Dense(8, "relu", name="inside")(inner), name="encoder")
    first, second = keras.Input((10,), name="first"), keras.Input((10,), name="second")
    tail = layers.Dense(4, name="tail")
    both = layers.Add(name="both")([tail(encoder(first)), tail(encoder(second))])
    return keras.Model([first, second], both, name="shared")


def sequences() -> keras.Model:
    """Convolutions of one dimension, plain and transposed, whose normalizations and ReLUs go through reshapes."""
    series = keras.Input((24, 3), name="series")
    value = layers.Conv1D(8, 3, dilation_rate=2, padding="causal", use_bias=False, name="stem")(series)
    value = layers.ReLU()(layers.BatchNormalization()(value))
    value = layers.MaxPooling1D(2)(value)
    value = layers.SeparableConv1D(8, 3, padding="same", use_bias=False, name="separable")(value)
    value = layers.Activation("relu6")(layers.BatchNormalization()(value))
    value = layers.Conv1DTranspose(6, 3, strides=2, padding="same", use_bias=False, name="wider")(value)
    value = layers.ReLU()(layers.BatchNormalization()(value))
    value = layers.Dense(5, name="mixed")(value)
    value = layers.Average()([value, layers.Conv1D(5, 1, activation="relu", name="shortcut")(series)])
    value = layers.GlobalAveragePooling1D()(value)
    return keras.Model(series, layers.Dense(3, name="head")(value), name="sequences")


ALL = (convolutional, perceptron, pre_activation, branches, shared, sequences)
