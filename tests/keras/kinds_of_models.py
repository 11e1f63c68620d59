"""Models of all kinds, as people write them: graphs, nested and shared; code, subclassed and of layers of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

SEED = 20261123


@dataclass(frozen=True)
class Kind:
    """What makes a model, and samples for it: an array, or a list or dict of them."""

    model: Callable[[], keras.Model]
    samples: Callable[[np.random.Generator], Any]


def _images(*shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda generator: generator.normal(size=(48, *shape)).astype("float32")


def _tokens(length: int, most: int) -> Callable[[np.random.Generator], Any]:
    return lambda generator: generator.integers(0, most, (48, length)).astype("int32")


IMAGE = _images(16, 16, 3)

# ---- graphs


def _nested_in_sequential() -> keras.Model:
    inside = keras.Sequential([layers.Conv2D(6, 3, activation="relu"), layers.MaxPooling2D()], name="inside")
    middle = keras.Sequential([inside, layers.Conv2D(8, 3, activation="relu")], name="middle")
    image = keras.Input((16, 16, 3))
    return keras.Model(image, layers.Dense(4)(layers.GlobalAveragePooling2D()(middle(image))))


def _siamese() -> keras.Model:
    one = keras.Input((16, 16, 3))
    encoder = keras.Model(one, layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(one)), name="e")
    left, right = keras.Input((16, 16, 3), name="left"), keras.Input((16, 16, 3), name="right")
    difference = layers.Subtract()([encoder(left), encoder(right)])
    return keras.Model([left, right], layers.Dense(3)(ops.abs(difference)))


def _called_three_times() -> keras.Model:
    value = given = keras.Input((12,))
    shared = layers.Dense(12, activation="tanh")
    for _ in range(3):
        value = shared(value)
    return keras.Model(given, layers.Dense(3)(value))


def _called_with_two_shapes() -> keras.Model:
    any_size = keras.Input((None, None, 3))
    inside = keras.Model(any_size, layers.Conv2D(6, 3, padding="same", activation="relu")(any_size), name="features")
    image = keras.Input((16, 16, 3))
    large, small = inside(image), inside(layers.AveragePooling2D(2)(image))
    both = layers.Concatenate()([layers.GlobalMaxPooling2D()(large), layers.GlobalMaxPooling2D()(small)])
    return keras.Model(image, layers.Dense(4)(both))


def _nested_dicts() -> keras.Model:
    inputs = {
        "image": keras.Input((16, 16, 3), name="image"),
        "table": {"age": keras.Input((2,), name="age"), "size": keras.Input((3,), name="size")},
    }
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation="relu")(inputs["image"]))
    table = layers.Concatenate()([inputs["table"]["age"], inputs["table"]["size"]])
    joined = layers.Concatenate()([pooled, layers.Dense(6, activation="relu")(table)])
    return keras.Model(inputs, {"class": layers.Dense(4)(joined), "more": {"score": layers.Dense(1)(joined)}})


def _unused_input() -> keras.Model:
    used, unused = keras.Input((12,), name="used"), keras.Input((5,), name="unused")
    return keras.Model([used, unused], layers.Dense(4)(layers.Dense(8, activation="relu")(used)))


def _an_input_for_an_output() -> keras.Model:
    given = keras.Input((12,))
    return keras.Model(given, [given, layers.Dense(4)(given)])


def _one_output_twice() -> keras.Model:
    given = keras.Input((12,))
    result = layers.Dense(4)(given)
    return keras.Model(given, {"first": result, "second": result, "third": layers.ReLU()(result)})


def _token_classifier() -> keras.Model:
    tokens = keras.Input((10,), dtype="int32")
    value = layers.Conv1D(12, 3, activation="relu")(layers.Embedding(40, 8)(tokens))
    return keras.Model(tokens, layers.Dense(4)(layers.GlobalMaxPooling1D()(value)))


def _pixels() -> keras.Model:
    image = keras.Input((16, 16, 3), dtype="uint8")
    value = layers.Conv2D(8, 3, strides=2, activation="relu")(layers.Rescaling(1 / 127.5, offset=-1)(image))
    return keras.Model(image, layers.Dense(4)(layers.Flatten()(value)))


def _numbers() -> keras.Model:
    given = keras.Input((), name="number")
    return keras.Model(given, layers.Dense(3)(layers.Dense(8, activation="relu")(ops.expand_dims(given, -1))))


def _functions() -> keras.Model:
    image = keras.Input((16, 16, 3))
    value = layers.Lambda(lambda value: ops.relu(value) * 0.5, name="halved")(layers.Conv2D(6, 3)(image))
    return keras.Model(image, layers.Lambda(lambda value: ops.mean(value, axis=(1, 2)), name="mean")(value))


def _operations() -> keras.Model:
    image = keras.Input((16, 16, 3))
    value = layers.Conv2D(8, 3, padding="same")(image)
    gate = ops.sigmoid(ops.mean(value, axis=(1, 2), keepdims=True))
    left, right = ops.split(value * gate, 2, axis=-1)
    value = ops.concatenate([ops.maximum(left, right), ops.zeros_like(left)], axis=-1)
    return keras.Model(image, layers.Dense(4)(ops.max(value[:, 1:-1, ::2], axis=[1, 2])))


# ---- code

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
class WithStep(keras.Model):
    """A graph with a training step of its own."""

    def train_step(self, data: Any) -> Any:
        raise NotImplementedError


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


def _called(make: Callable[[], keras.Model], *shapes: tuple[int, ...]) -> Callable[[], keras.Model]:
    """A model that was called once, on zeros."""

    def made() -> keras.Model:
        model = make()
        given = [np.zeros((2, *shape), "float32") for shape in shapes]
        model(given[0] if len(given) == 1 else given)
        return model

    return made


def _with(*middle: Callable[[], layers.Layer]) -> Callable[[], keras.Model]:
    """A graph of images with layers of one's own in it."""

    def made() -> keras.Model:
        image = keras.Input((16, 16, 3))
        value = layers.Conv2D(6, 3, activation="relu")(image)
        for layer in middle:
            value = layer()(value)
        return keras.Model(image, layers.Dense(4)(layers.GlobalAveragePooling2D()(value)))

    return made


def _graph_with_step() -> keras.Model:
    image = keras.Input((16, 16, 3))
    value = layers.Conv2D(4, 3, activation="relu")(image)
    return WithStep(image, layers.Dense(3)(layers.GlobalMaxPooling2D()(value)))


def _own_activation() -> keras.Model:
    given = keras.Input((12,))
    value = layers.Activation(halved_tanh)(layers.Dense(8, activation=halved_tanh)(given))
    return keras.Model(given, layers.Dense(3)(value))


def _patches() -> keras.Model:
    image = keras.Input((16, 16, 3))
    value = layers.Dense(8)(Patches()(image))
    value = layers.Add()([value, layers.MultiHeadAttention(2, 4)(value, value)])
    return keras.Model(image, layers.Dense(4)(layers.Flatten()(value)))


def _own_cell() -> keras.Model:
    sequence = keras.Input((5, 4))
    value = layers.RNN(MinimalCell(6), return_sequences=True)(sequence)
    return keras.Model(sequence, layers.Dense(3)(layers.RNN(MinimalCell(8), go_backwards=True)(value)))


def _linear_chain() -> keras.Model:
    return keras.Sequential([keras.Input((12,)), Linear(16, name="first"), layers.ReLU(), Linear(4, name="last")])


KINDS: dict[str, Kind] = {
    "nested_in_sequential": Kind(_nested_in_sequential, IMAGE),
    "siamese": Kind(_siamese, lambda generator: [IMAGE(generator), IMAGE(generator)]),
    "called_three_times": Kind(_called_three_times, _images(12)),
    "called_with_two_shapes": Kind(_called_with_two_shapes, IMAGE),
    "nested_dicts": Kind(
        _nested_dicts,
        lambda generator: {"image": IMAGE(generator), "age": _images(2)(generator), "size": _images(3)(generator)},
    ),
    "unused_input": Kind(_unused_input, lambda generator: [_images(12)(generator), _images(5)(generator)]),
    "an_input_for_an_output": Kind(_an_input_for_an_output, _images(12)),
    "one_output_twice": Kind(_one_output_twice, _images(12)),
    "tokens": Kind(_token_classifier, _tokens(10, 40)),
    "pixels": Kind(_pixels, lambda generator: generator.integers(0, 256, (48, 16, 16, 3)).astype("uint8")),
    "numbers": Kind(_numbers, _images()),
    "lambdas": Kind(_functions, IMAGE),
    "operations": Kind(_operations, IMAGE),
    "network": Kind(_called(Network, (16, 16, 3)), IMAGE),
    "network_never_called": Kind(Network, IMAGE),
    "u_net": Kind(_called(UNet, (16, 16, 3)), IMAGE),
    "language_model": Kind(LanguageModel, _tokens(10, 30)),
    "vision_transformer": Kind(_called(VisionTransformer, (16, 16, 3)), IMAGE),
    "graph_with_step": Kind(_graph_with_step, IMAGE),
    "own_activation": Kind(_own_activation, _images(12)),
    "patches": Kind(_patches, IMAGE),
    "own_cell": Kind(_own_cell, _images(5, 4)),
    "latents": Kind(_called(Latents, (6, 5)), _images(6, 5)),
    "linear": Kind(_linear_chain, _images(12)),
    "own_convolution": Kind(_with(Kernel), IMAGE),
    "excite": Kind(_with(Excite, Noisy), IMAGE),
    "residual_blocks": Kind(_with(lambda: Residual(6), lambda: Residual(8)), IMAGE),
    "pair": Kind(_called(Pair, (12,), (12,)), lambda generator: [_images(12)(generator), _images(12)(generator)]),
    "table": Kind(Table, lambda generator: {"wide": _images(6)(generator), "deep": _images(3)(generator)}),
    "recurrent": Kind(_called(Recurrent, (5, 4)), _images(5, 4)),
    "mixture": Kind(_called(Mixture, (12,)), _images(12)),
    "sequence": Kind(_called(Sequence, (6, 4)), _images(6, 4)),
}
