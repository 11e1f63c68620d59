"""Random models: what qspec lowers is what it predicts, and computes what the model does."""

import pytest

pytest.importorskip("tensorflow")

import keras

from qspec.graph.keras_config import layer_graph
from qspec.lowering import lower
from tests.lowering.own_lowering import disagreements
from tests.lowering.random_models import random_model

SEEDS = range(300)
SAMPLE = 20


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=() if seed < SAMPLE else pytest.mark.slow) for seed in SEEDS]
)
def test_a_random_model(seed: int):
    print("seed of the model", seed)
    model = random_model(seed)

    assert () == lower(layer_graph(keras.saving.serialize_keras_object(model), "random"))[1]
    assert [] == disagreements(model)
