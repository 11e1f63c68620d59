"""Whole models whose structure is the point: several inputs and outputs, nesting, sharing, raw operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers as L
from keras import ops

FEATURES = (10,)
IMAGE = (12, 12, 3)


def models() -> dict[str, Callable[[], Any]]:
    """What makes each model, by its name."""
    own = (
        perceptron, siamese, several_inputs_and_outputs, dictionaries, nested_sequential, nested_functional,
        two_towers, tabular, wide_and_deep, tied_weights, shared_everywhere, raw_arithmetic, sliced_and_joined,
        gated_experts, hyper_network, low_rank_factors, output_is_input_of_others, unused_results, comparisons,
    )  # fmt: skip
    return {make.__name__: make for make in own}


def perceptron() -> Any:
    """Dense layers with many activations."""
    names = ("relu", "selu", "softplus", "mish", "exponential")
    stack = [L.Dense(12, activation=name) for name in names]
    return keras.Sequential([keras.Input(FEATURES), *stack, L.Dense(3)])


def siamese() -> Any:
    """Two images through one nested encoder, and how far apart they are."""
    image = keras.Input(IMAGE)
    value = L.Conv2D(6, 3, activation="relu")(image)
    value = L.Dense(8)(L.GlobalAveragePooling2D()(L.BatchNormalization()(value)))
    encoder = keras.Model(image, value, name="encoder")
    left, right = keras.Input(IMAGE, name="left"), keras.Input(IMAGE, name="right")
    apart = ops.abs(encoder(left) - encoder(right))
    return keras.Model([left, right], L.Dense(1, activation="sigmoid")(apart))


def several_inputs_and_outputs() -> Any:
    """A list of an image and numbers in, a list of a class, a number and a map out."""
    image, numbers = keras.Input(IMAGE, name="image"), keras.Input((4,), name="numbers")
    features = L.Conv2D(8, 3, padding="same", activation="relu")(image)
    both = L.Concatenate()([L.GlobalMaxPooling2D()(features), L.Dense(4, activation="relu")(numbers)])
    outputs = [L.Dense(3, activation="softmax")(both), L.Dense(1)(both), L.Conv2D(1, 1)(features)]
    return keras.Model([image, numbers], outputs)


def dictionaries() -> Any:
    """The same by names."""
    inputs = {"image": keras.Input(IMAGE, name="image"), "numbers": keras.Input((4,), name="numbers")}
    value = L.Flatten()(L.Conv2D(2, 3, strides=2, activation="relu")(inputs["image"]))
    both = L.Concatenate()([value, inputs["numbers"]])
    return keras.Model(inputs, {"score": L.Dense(1)(both), "kind": L.Dense(3, activation="softmax")(both)})


def nested_sequential() -> Any:
    """A Sequential in a Sequential in a Sequential."""
    inner = keras.Sequential([L.Conv2D(4, 3, activation="relu"), L.BatchNormalization()], name="inner")
    middle = keras.Sequential([inner, L.MaxPooling2D(), L.Conv2D(6, 3)], name="middle")
    head = keras.Sequential([L.ReLU(), L.Flatten(), L.Dense(3)], name="head")
    return keras.Sequential([keras.Input(IMAGE), L.Rescaling(0.5), middle, head])


def nested_functional() -> Any:
    """A model with two results inside another, called twice."""
    inner_input = keras.Input(FEATURES)
    hidden = L.Dense(10, activation="relu")(inner_input)
    block = keras.Model(inner_input, [hidden, L.Dense(10, activation="tanh")(hidden)], name="block")
    vector = keras.Input(FEATURES)
    first, second = block(vector)
    third, fourth = block(second)
    return keras.Model(vector, [L.Add()([first, third]), L.Dense(2)(fourth)])


def two_towers() -> Any:
    """A person and a thing, each embedded, and their normalized product."""
    person, thing = keras.Input((1,), dtype="int32", name="person"), keras.Input((6,), name="thing")
    left = L.Dense(8)(L.Flatten()(L.Embedding(12, 8)(person)))
    right = L.Dense(8)(L.Dense(12, activation="relu")(thing))
    return keras.Model([person, thing], L.Dot(1, normalize=True)([left, right]))


def tabular() -> Any:
    """Numbers normalized, categories embedded, all joined."""
    numbers, kinds = keras.Input((5,), name="numbers"), keras.Input((2,), dtype="int32", name="kinds")
    normalized = L.Normalization(mean=[0.1, 0.2, -0.3, 0.0, 0.5], variance=[1.0, 0.5, 2.0, 0.8, 1.5])(numbers)
    embedded = L.Flatten()(L.Embedding(8, 3)(kinds))
    value = L.Concatenate()([normalized, embedded])
    value = L.BatchNormalization()(L.Dense(12, activation="relu")(value))
    return keras.Model([numbers, kinds], L.Dense(1, activation="sigmoid")(L.Dropout(0.2)(value)))


def wide_and_deep() -> Any:
    """Categories as one-hot beside a deep part."""
    kinds, numbers = keras.Input((3,), dtype="int32", name="kinds"), keras.Input((6,), name="numbers")
    wide = L.CategoryEncoding(num_tokens=5, output_mode="multi_hot")(kinds)
    deep = L.Dense(8, activation="relu")(L.Dense(8, activation="relu")(numbers))
    return keras.Model([kinds, numbers], L.Dense(1)(L.Concatenate()([wide, deep])))


def tied_weights() -> Any:
    """A Dense shared by two places of different use, and an Embedding read twice."""
    words, others = keras.Input((4,), dtype="int32", name="words"), keras.Input((4,), dtype="int32", name="others")
    table, dense = L.Embedding(9, 6), L.Dense(6, activation="relu")
    left, right = dense(table(words)), dense(L.Dense(6)(table(others)))
    return keras.Model([words, others], L.Dense(2)(L.Flatten()(L.Multiply()([left, right]))))


def shared_everywhere() -> Any:
    """Convolution, normalization and activation shared by both halves of an image."""
    image = keras.Input((12, 12, 4))
    conv, norm, relu = L.Conv2D(6, 3, use_bias=False), L.BatchNormalization(), L.ReLU(6.0)
    halves = [relu(norm(conv(half))) for half in ops.split(image, 2, axis=1)]
    return keras.Model(image, L.Dense(3)(L.GlobalAveragePooling2D()(L.Concatenate(axis=1)(halves))))


def raw_arithmetic() -> Any:
    """Numbers, arrays and functions without any layer around them."""
    vector = keras.Input(FEATURES)
    value = L.Dense(10)(vector * 2.0 + 1.0)
    value = ops.maximum(value, 0.1 * value) - ops.mean(value, axis=-1, keepdims=True)
    value = ops.tanh(value / 3.0) * ops.sigmoid(1.0 - value)
    value = ops.sqrt(ops.square(value) + 0.5) + ops.exp(-ops.abs(value))
    return keras.Model(vector, L.Dense(3)(ops.concatenate([value, vector], axis=-1)))


def sliced_and_joined() -> Any:
    """Slices, stacks, paddings, rolls and gathers between two convolutions."""
    image = keras.Input(IMAGE)
    value = L.Conv2D(8, 3, padding="same", activation="relu")(image)
    left, right = value[:, :6, :, :4], value[:, 6:, :, 4:]
    value = ops.concatenate([left, right], axis=-1)
    value = ops.pad(value, ((0, 0), (1, 1), (0, 0), (0, 0)))
    value = ops.flip(ops.transpose(value, (0, 2, 1, 3)), axis=1)
    value = ops.take(value, [0, 2, 4, 6], axis=-1)
    return keras.Model(image, L.Conv2D(3, 3)(value[:, ::2]))


def gated_experts() -> Any:
    """Several networks, weighted by a softmax and added (mixture of experts)."""
    vector = keras.Input(FEATURES)
    experts = ops.stack([L.Dense(6, activation="relu")(vector) for _ in range(3)], axis=1)
    gate = L.Reshape((3, 1))(L.Dense(3, activation="softmax")(vector))
    return keras.Model(vector, L.Dense(2)(ops.sum(experts * gate, axis=1)))


def hyper_network() -> Any:
    """Weights that are computed: a product of two activations."""
    vector, asked = keras.Input(FEATURES, name="vector"), keras.Input((4, 6), name="asked")
    made = L.Reshape((6, 5))(L.Dense(30)(vector))
    return keras.Model([vector, asked], L.ReLU()(ops.matmul(asked, made)))


def low_rank_factors() -> Any:
    """EinsumDense as a factorized layer, and SpectralNormalization around one."""
    series = keras.Input((6, 8))
    value = L.EinsumDense("abc,cd->abd", output_shape=(6, 3), bias_axes="d")(series)
    value = L.EinsumDense("abd,dc->abc", output_shape=(6, 8), activation="relu")(value)
    value = L.SpectralNormalization(L.Dense(5))(L.Add()([series, value]))
    return keras.Model(series, value)


def output_is_input_of_others() -> Any:
    """Results that later layers read as well."""
    image = keras.Input(IMAGE)
    first = L.Conv2D(6, 3, activation="relu", name="first")(image)
    second = L.Conv2D(6, 3, name="second")(first)
    return keras.Model(image, [first, second, L.ReLU(name="third")(second)])


def unused_results() -> Any:
    """A layer with a result that nobody reads, and the input itself as an output."""
    series = keras.Input((5, 4))
    value, _ = L.GRU(4, return_sequences=True, return_state=True)(series)
    return keras.Model(series, [L.Dense(2)(value), L.Identity()(series)])


def comparisons() -> Any:
    """Conditions on activations, and what is chosen by them."""
    vector = keras.Input(FEATURES)
    value = L.Dense(8)(vector)
    chosen = ops.where(value > 0.2, value, value * 0.25)
    return keras.Model(vector, [L.Dense(2)(chosen), ops.argmax(value, axis=-1)])
