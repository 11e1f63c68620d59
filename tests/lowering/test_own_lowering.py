"""Every layer and composition of the zoo: what qspec lowers is what it predicts, and computes what the model does."""

import pytest

pytest.importorskip("tensorflow")

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
