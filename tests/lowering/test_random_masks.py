"""Random models of attention over masked tensors that several layers read: each sees the masks that Keras gives it."""

import random
from typing import Any

import pytest

pytest.importorskip("tensorflow")

import keras
from keras import layers

from tests.lowering.own_lowering import disagreements
from tests.versions import KERAS_OF_THE_ZOOS

SEEDS = range(80)
SAMPLE = 4

# What Keras says of the masks that attention's own layers drop.
pytestmark = [
    KERAS_OF_THE_ZOOS,
    pytest.mark.filterwarnings("ignore:Layer '.*' .* was passed an input with a mask attached"),
]


def _nested() -> keras.Model:
    given = keras.Input((5, 4))
    dense = layers.Dense(4)(given)
    attended = layers.MultiHeadAttention(2, 2)(dense, given), layers.GroupQueryAttention(2, 2, 1)(given, dense)
    return keras.Model(given, attended)


def _model(seed: int) -> keras.Model:
    generator = random.Random(seed)
    words = keras.Input((5,), dtype="int32")
    tensors = [layers.Embedding(7, 4, mask_zero=True)(words)]
    shared = layers.MultiHeadAttention(2, 3)
    for _ in range(generator.randint(2, 6)):
        one, other = generator.choice(tensors), generator.choice(tensors)
        makers: list[Any] = [
            lambda one, other: [layers.MultiHeadAttention(2, 3)(one, other)],
            lambda one, other: [layers.GroupQueryAttention(2, 2, 1)(one, other)],
            lambda one, other: [layers.Attention()([one, other])],
            lambda one, other: [layers.Dense(4)(one)],
            lambda one, other: [layers.Add()([one, layers.Dense(4)(other)])],
            lambda one, other: [shared(one, other)],
            lambda one, other: _nested()(one),
        ]
        tensors += generator.choice(makers)(one, other)
    return keras.Model(words, generator.sample(tensors[1:], generator.randint(1, min(3, len(tensors) - 1))))


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=() if seed < SAMPLE else pytest.mark.slow) for seed in SEEDS]
)
@pytest.mark.parametrize("batch", [1, "dynamic"])
def test_a_random_model_of_masked_attention(seed: int, batch: int | str):
    print("seed of the model", seed)

    assert [] == disagreements(_model(seed), batch)
