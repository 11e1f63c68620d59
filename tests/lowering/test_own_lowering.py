"""Every layer and composition of the zoo: what qspec lowers is what it predicts, and computes what the model does."""

import pytest

pytest.importorskip("tensorflow")

import keras
from keras import layers

from tests.lowering import lowering_zoo as zoo
from tests.lowering.own_lowering import disagreements

SINGLE = zoo.single_layers()
COMPOSED = zoo.composed()


@pytest.mark.parametrize("batch", [1, "dynamic"])
@pytest.mark.parametrize("name", SINGLE)
def test_a_layer(name: str, batch: int | str):
    shape, layers = SINGLE[name]

    found = disagreements(zoo.chain(shape, layers()), batch)

    assert [] == [message for message in found if "dynamic" not in message]


@pytest.mark.parametrize("name", COMPOSED)
def test_a_composition(name: str):
    assert [] == disagreements(COMPOSED[name]())


TWINS = {
    "normalizations": lambda: [layers.BatchNormalization(), layers.BatchNormalization()],
    "convolutions": lambda: [
        layers.Conv2D(2, 3, activation=function, kernel_initializer="ones") for function in (None, "tanh")
    ],
    "dense": lambda: [layers.Dense(2, use_bias=bias, kernel_initializer="ones") for bias in (True, False)],
    "slopes": lambda: [layers.PReLU(), layers.PReLU()],
}


@pytest.mark.parametrize("batch", [1, "dynamic"])
@pytest.mark.parametrize("name", TWINS)
def test_layers_whose_weights_have_the_same_values_stay_two(name: str, batch: int | str):
    image = keras.Input((6, 6, 3))
    model = keras.Model(image, [layer(image) for layer in TWINS[name]()])

    assert [] == disagreements(model, batch, random_weights=False)
