"""Graphs as people write them: nested, shared, with several inputs and outputs."""

from __future__ import annotations

import keras
from keras import layers, ops


def nested_in_sequential() -> keras.Model:
    inside = keras.Sequential([layers.Conv2D(6, 3, activation="relu"), layers.MaxPooling2D()], name="inside")
    middle = keras.Sequential([inside, layers.Conv2D(8, 3, activation="relu")], name="middle")
    image = keras.Input((16, 16, 3))
    return keras.Model(image, layers.Dense(4)(layers.GlobalAveragePooling2D()(middle(image))))


def siamese() -> keras.Model:
    one = keras.Input((16, 16, 3))
    encoder = keras.Model(one, layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(one)), name="e")
    left, right = keras.Input((16, 16, 3), name="left"), keras.Input((16, 16, 3), name="right")
    difference = layers.Subtract()([encoder(left), encoder(right)])
    return keras.Model([left, right], layers.Dense(3)(ops.abs(difference)))


def called_three_times() -> keras.Model:
    value = given = keras.Input((12,))
    shared = layers.Dense(12, activation="tanh")
    for _ in range(3):
        value = shared(value)
    return keras.Model(given, layers.Dense(3)(value))


def called_with_two_shapes() -> keras.Model:
    any_size = keras.Input((None, None, 3))
    inside = keras.Model(any_size, layers.Conv2D(6, 3, padding="same", activation="relu")(any_size), name="features")
    image = keras.Input((16, 16, 3))
    large, small = inside(image), inside(layers.AveragePooling2D(2)(image))
    both = layers.Concatenate()([layers.GlobalMaxPooling2D()(large), layers.GlobalMaxPooling2D()(small)])
    return keras.Model(image, layers.Dense(4)(both))


def nested_dicts() -> keras.Model:
    inputs = {
        "image": keras.Input((16, 16, 3), name="image"),
        "table": {"age": keras.Input((2,), name="age"), "size": keras.Input((3,), name="size")},
    }
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation="relu")(inputs["image"]))
    table = layers.Concatenate()([inputs["table"]["age"], inputs["table"]["size"]])
    joined = layers.Concatenate()([pooled, layers.Dense(6, activation="relu")(table)])
    return keras.Model(inputs, {"class": layers.Dense(4)(joined), "more": {"score": layers.Dense(1)(joined)}})


def unused_input() -> keras.Model:
    used, unused = keras.Input((12,), name="used"), keras.Input((5,), name="unused")
    return keras.Model([used, unused], layers.Dense(4)(layers.Dense(8, activation="relu")(used)))


def an_input_for_an_output() -> keras.Model:
    given = keras.Input((12,))
    return keras.Model(given, [given, layers.Dense(4)(given)])


def one_output_twice() -> keras.Model:
    given = keras.Input((12,))
    result = layers.Dense(4)(given)
    return keras.Model(given, {"first": result, "second": result, "third": layers.ReLU()(result)})


def token_classifier() -> keras.Model:
    tokens = keras.Input((10,), dtype="int32")
    value = layers.Conv1D(12, 3, activation="relu")(layers.Embedding(40, 8)(tokens))
    return keras.Model(tokens, layers.Dense(4)(layers.GlobalMaxPooling1D()(value)))


def pixels() -> keras.Model:
    image = keras.Input((16, 16, 3), dtype="uint8")
    value = layers.Conv2D(8, 3, strides=2, activation="relu")(layers.Rescaling(1 / 127.5, offset=-1)(image))
    return keras.Model(image, layers.Dense(4)(layers.Flatten()(value)))


def numbers() -> keras.Model:
    given = keras.Input((), name="number")
    return keras.Model(given, layers.Dense(3)(layers.Dense(8, activation="relu")(ops.expand_dims(given, -1))))


def functions() -> keras.Model:
    image = keras.Input((16, 16, 3))
    value = layers.Lambda(lambda value: ops.relu(value) * 0.5, name="halved")(layers.Conv2D(6, 3)(image))
    return keras.Model(image, layers.Lambda(lambda value: ops.mean(value, axis=(1, 2)), name="mean")(value))


def operations() -> keras.Model:
    image = keras.Input((16, 16, 3))
    value = layers.Conv2D(8, 3, padding="same")(image)
    gate = ops.sigmoid(ops.mean(value, axis=(1, 2), keepdims=True))
    left, right = ops.split(value * gate, 2, axis=-1)
    value = ops.concatenate([ops.maximum(left, right), ops.zeros_like(left)], axis=-1)
    return keras.Model(image, layers.Dense(4)(ops.max(value[:, 1:-1, ::2], axis=[1, 2])))
