"""Subclassed models, as people write them."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from tests.keras.own_layers import Attention, Positions, Residual, registered


@registered
class Network(keras.Model):
    """Blocks in a list, a Sequential head, a weight of its own."""

    def __init__(self, width: int = 6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width
        self.stem = layers.Conv2D(width, 3, strides=2)
        self.blocks = [Residual(width), Residual(2 * width)]
        self.drop = layers.Dropout(0.3)
        self.head = keras.Sequential([layers.GlobalAveragePooling2D(), layers.Dense(5)])
        self.scale = self.add_weight(shape=(5,), initializer="ones", name="scale")

    def call(self, value: Any, training: Any = None) -> Any:
        value = ops.relu(self.stem(value))
        for block in self.blocks:
            value = block(value)
        return self.head(self.drop(value, training=training)) * ops.softplus(self.scale)


@registered
class Encoder(keras.Model):
    """A model inside a model."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.down = [Residual(4), Residual(8)]
        self.pool = layers.MaxPooling2D()

    def call(self, value: Any) -> Any:
        kept = []
        for block in self.down:
            value = block(value)
            kept.append(value)
            value = self.pool(value)
        return value, kept


@registered
class UNet(keras.Model):
    """Skips from a nested model's several results; results in a dict."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.encoder = Encoder(name="encoder")
        self.up = [layers.Conv2DTranspose(8, 2, strides=2), layers.Conv2DTranspose(4, 2, strides=2)]
        self.mask = layers.Conv2D(1, 1)
        self.label = layers.Dense(3)

    def call(self, value: Any) -> Any:
        value, kept = self.encoder(value)
        label = self.label(ops.mean(value, axis=(1, 2)))
        for up, skip in zip(self.up, reversed(kept), strict=True):
            value = ops.relu(ops.concatenate([up(value), skip], axis=-1))
        return {"mask": self.mask(value), "label": label}


@registered
class LanguageModel(keras.Model):
    """A transformer whose output layer is its table of tokens."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.embed = Positions()
        self.attend = Attention()
        self.norm = layers.LayerNormalization()
        self.first, self.second = layers.Dense(16, activation="gelu"), layers.Dense(8)

    def call(self, tokens: Any) -> Any:
        value = self.embed(tokens)
        value = value + self.attend(self.norm(value))
        value = value + self.second(self.first(value))
        return ops.matmul(value, ops.transpose(self.embed.token.embeddings))


@registered
class VisionTransformer(keras.Model):
    """Patches, a token of its own before them, learned places, attention of Keras'."""

    def __init__(self, size: int = 8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.patches = layers.Conv2D(size, 4, strides=4)
        self.token = self.add_weight(shape=(1, 1, size), initializer="normal", name="token")
        self.places = self.add_weight(shape=(1, 17, size), initializer="normal", name="places")
        self.attend = layers.MultiHeadAttention(2, 4)
        self.norm = layers.LayerNormalization()
        self.head = layers.Dense(5)

    def call(self, image: Any) -> Any:
        value = ops.reshape(self.patches(image), (-1, 16, self.size))
        token = ops.broadcast_to(self.token, (ops.shape(value)[0], 1, self.size))
        value = ops.concatenate([token, value], axis=1) + self.places
        value = value + self.attend(self.norm(value), self.norm(value))
        return self.head(value[:, 0])


@registered
class Latents(keras.Model):
    """Queries and places that are weights, handed to layers of Keras'."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.latents = self.add_weight(shape=(1, 3, 8), initializer="normal", name="latents")
        self.places = self.add_weight(shape=(1, 6, 8), initializer="normal", name="places")
        self.project, self.add = layers.Dense(8), layers.Add()
        self.attend = layers.MultiHeadAttention(2, 4)
        self.out = layers.Dense(4)

    def call(self, sequence: Any) -> Any:
        batch = ops.shape(sequence)[0]
        value = self.add([self.project(sequence), ops.broadcast_to(self.places, (batch, 6, 8))])
        latents = ops.tile(self.latents, (batch, 1, 1))
        return self.out(ops.mean(self.attend(latents, value), axis=1))


@registered
class WithStep(keras.Model):
    """A graph with a training step of its own."""

    def train_step(self, data: Any) -> Any:
        raise NotImplementedError


@registered
class Pair(keras.Model):
    """A list of inputs and a tuple of results; one encoder for both."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.encode = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(6)])

    def call(self, inputs: Any) -> Any:
        left, right = (self.encode(value) for value in inputs)
        return left + right, ops.sum(left * right, axis=-1, keepdims=True)


@registered
class Table(keras.Model):
    """A dict of inputs."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wide, self.deep, self.out = layers.Dense(4), layers.Dense(8, activation="relu"), layers.Dense(2)

    def call(self, inputs: Any) -> Any:
        return self.out(ops.concatenate([self.wide(inputs["wide"]), self.deep(inputs["deep"])], axis=-1))


@registered
class Recurrent(keras.Model):
    """A loop over time in Python, the same cell at every step."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cell, self.out = layers.Dense(8, activation="tanh"), layers.Dense(3)

    def call(self, sequence: Any) -> Any:
        state = ops.zeros_like(sequence[:, 0])
        for step in ops.unstack(sequence, axis=1):
            state = self.cell(ops.concatenate([step, state], axis=-1))[:, :4]
        return self.out(state)


@registered
class Mixture(keras.Model):
    """Experts in a dict, weighted by a gate."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.experts = {name: layers.Dense(4, activation="relu") for name in ("a", "b", "c")}
        self.gate = layers.Dense(3, activation="softmax")

    def call(self, value: Any) -> Any:
        results = ops.stack([expert(value) for expert in self.experts.values()], axis=1)
        return ops.sum(results * ops.expand_dims(self.gate(value), -1), axis=1)


@registered
class Sequence(keras.Model):
    """Layers of Keras' that are themselves models of many ops."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.recurrent = layers.Bidirectional(layers.GRU(5, return_sequences=True))
        self.spread = layers.TimeDistributed(layers.Dense(4, activation="relu"))
        self.out = layers.Dense(3)

    def call(self, value: Any) -> Any:
        return self.out(ops.max(self.spread(self.recurrent(value)), axis=1))
