"""Layers, a cell and an activation function of people's own."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

registered = keras.saving.register_keras_serializable(package="kinds_of_models")


@registered
class Residual(layers.Layer):
    """Composed of known layers."""

    def __init__(self, filters: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.conv = layers.Conv2D(filters, 3, padding="same", use_bias=False)
        self.norm = layers.BatchNormalization()
        self.short = layers.Conv2D(filters, 1)

    def call(self, value: Any, training: Any = None) -> Any:
        return ops.relu(self.norm(self.conv(value), training=training)) + self.short(value)


@registered
class Positions(layers.Layer):
    """Embeddings of tokens and of the places that `arange` counts."""

    def __init__(self, length: int = 10, words: int = 30, size: int = 8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.length, self.words, self.size = length, words, size
        self.token = layers.Embedding(words, size)
        self.place = layers.Embedding(length, size)

    def call(self, tokens: Any) -> Any:
        return self.token(tokens) + self.place(ops.arange(self.length))


@registered
class Attention(layers.Layer):
    """Attention of one's own making, out of Dense and `keras.ops`."""

    def __init__(self, heads: int = 2, size: int = 8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads, self.size = heads, size
        self.query, self.key, self.value, self.out = (layers.Dense(size) for _ in range(4))

    def split(self, value: Any) -> Any:
        batch, length = ops.shape(value)[0], ops.shape(value)[1]
        value = ops.reshape(value, (batch, length, self.heads, self.size // self.heads))
        return ops.transpose(value, (0, 2, 1, 3))

    def call(self, given: Any) -> Any:
        query, key, value = (self.split(layer(given)) for layer in (self.query, self.key, self.value))
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) / (self.size // self.heads) ** 0.5
        context = ops.transpose(ops.matmul(ops.softmax(scores), value), (0, 2, 1, 3))
        return self.out(ops.reshape(context, (-1, ops.shape(given)[1], self.size)))


@registered
class Linear(layers.Layer):
    """A Dense of its own weights and operations."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape: Any) -> None:
        self.w = self.add_weight(shape=(shape[-1], self.units), initializer="glorot_uniform", name="w")
        self.b = self.add_weight(shape=(self.units,), initializer="normal", name="b")

    def call(self, value: Any) -> Any:
        return ops.matmul(value, self.w) + self.b


@registered
class Patches(layers.Layer):
    """Pieces of an image in a row, for any batch."""

    def call(self, image: Any) -> Any:
        batch, height, width, channels = ops.shape(image)
        pieces = ops.image.extract_patches(image, size=4)
        return ops.reshape(pieces, (batch, height // 4 * (width // 4), 16 * channels))


@registered
def halved_tanh(value: Any) -> Any:
    """An activation of one's own."""
    return ops.tanh(value) * 0.5


@registered
class Kernel(layers.Layer):
    """A convolution with a kernel of its own, normalized."""

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(3, 3, shape[-1], 6), initializer="glorot_uniform", name="kernel")

    def call(self, value: Any) -> Any:
        norm = ops.sqrt(ops.sum(ops.square(self.kernel), axis=(0, 1, 2), keepdims=True))
        return ops.conv(value, self.kernel / norm, strides=1, padding="same")


@registered
class Excite(layers.Layer):
    """Squeeze and excite."""

    def build(self, shape: Any) -> None:
        self.down = layers.Dense(2, activation="relu")
        self.up = layers.Dense(shape[-1], activation="sigmoid")
        super().build(shape)

    def call(self, value: Any) -> Any:
        weights = self.up(self.down(ops.mean(value, axis=(1, 2))))
        return value * weights[:, None, None, :]


@registered
class Noisy(layers.Layer):
    """What it does in training alone, a trace does not see."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, value: Any, training: bool = False) -> Any:
        if training:
            value = value + keras.random.normal(ops.shape(value), seed=self.seeds)
        return ops.tanh(value)


@registered
class MinimalCell(layers.Layer):
    """The cell of Keras' own documentation of `RNN`."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units), initializer="uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), initializer="uniform", name="recurrent")

    def call(self, inputs: Any, states: Any) -> Any:
        previous = states[0]
        output = ops.matmul(inputs, self.kernel) + ops.matmul(previous, self.recurrent_kernel)
        return output, [output]
