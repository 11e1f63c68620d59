"""Random models: what qspec lowers is what it predicts, and computes what the model does, at a batch of one and at a
dynamic one."""

import pytest

pytest.importorskip("tensorflow")

import keras

from qspec.graph.keras_config import layer_graph
from qspec.lowering import lower
from tests.lowering.own_lowering import disagreements
from tests.lowering.random_models import random_model

SEEDS = range(300)
QUICK = {1: range(12), "dynamic": range(12, 20)}
CASES = [
    pytest.param(batch, seed, marks=() if seed in quick else pytest.mark.slow)
    for batch, quick in QUICK.items()
    for seed in SEEDS
]


@pytest.mark.parametrize(("batch", "seed"), CASES)
def test_a_random_model(batch: int | str, seed: int):
    print("seed of the model", seed)
    model = random_model(seed)
    layers = layer_graph(keras.saving.serialize_keras_object(model), "random")

    assert () == lower(layers, 1 if batch == 1 else None)[1]
    assert [] == disagreements(model, batch)
