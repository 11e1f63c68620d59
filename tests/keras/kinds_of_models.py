"""Models of all kinds, as people write them: graphs, nested and shared; code, subclassed and of layers of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from tests.keras import graph_models
from tests.keras.own_layers import Excite, Kernel, Linear, MinimalCell, Noisy, Patches, Residual, halved_tanh
from tests.keras.subclassed_models import (
    LanguageModel,
    Latents,
    Mixture,
    Network,
    Pair,
    Recurrent,
    Sequence,
    Table,
    UNet,
    VisionTransformer,
    WithStep,
)

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
    "nested_in_sequential": Kind(graph_models.nested_in_sequential, IMAGE),
    "siamese": Kind(graph_models.siamese, lambda generator: [IMAGE(generator), IMAGE(generator)]),
    "called_three_times": Kind(graph_models.called_three_times, _images(12)),
    "called_with_two_shapes": Kind(graph_models.called_with_two_shapes, IMAGE),
    "nested_dicts": Kind(
        graph_models.nested_dicts,
        lambda generator: {"image": IMAGE(generator), "age": _images(2)(generator), "size": _images(3)(generator)},
    ),
    "unused_input": Kind(graph_models.unused_input, lambda generator: [_images(12)(generator), _images(5)(generator)]),
    "an_input_for_an_output": Kind(graph_models.an_input_for_an_output, _images(12)),
    "one_output_twice": Kind(graph_models.one_output_twice, _images(12)),
    "tokens": Kind(graph_models.token_classifier, _tokens(10, 40)),
    "pixels": Kind(graph_models.pixels, lambda generator: generator.integers(0, 256, (48, 16, 16, 3)).astype("uint8")),
    "numbers": Kind(graph_models.numbers, _images()),
    "lambdas": Kind(graph_models.functions, IMAGE),
    "operations": Kind(graph_models.operations, IMAGE),
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
