"""Five families of keras.applications: not worse than the converter, trainable, and as simulated.

    python -m pytest -m slow tests/keras/test_families.py

Takes about a quarter of an hour on two cores.
"""

import pytest

from tests.benchmarks.families import FAMILIES, measure, train

pytestmark = pytest.mark.slow

# The smallest share of equal elements, by op; every difference is at most 1 LSB.
EQUAL = {"CONV_2D": 0.98, "DEPTHWISE_CONV_2D": 0.98, "FULLY_CONNECTED": 0.98, "AVERAGE_POOL_2D": 0.98, "MEAN": 0.85}
MOVEMENT = ("PAD", "CONCATENATION", "RESHAPE", "STRIDED_SLICE", "MAX_POOL_2D")


@pytest.mark.parametrize("name", FAMILIES)
def test_post_training(name):
    figures = measure(name, seed=0, size=224)

    assert 0 == figures["float_tensors"]
    assert figures["sqnr"] >= figures["converter_sqnr"] - 0.1
    assert figures["size"] <= figures["converter_size"]
    assert 1 >= max(largest for largest, _, _ in figures["parity"].values())


@pytest.mark.parametrize("name", FAMILIES)
def test_trained(name):
    figures = train(name, seed=0, size=224)

    assert figures["finite"]
    assert figures["loss"][-1] < figures["loss"][0]
    assert [] == figures["still_ranges"]
    assert [] == figures["without_gradient"]
    assert figures["sqnr_simulated"] >= 40
    for op, (largest, equal, _) in figures["parity"].items():
        assert largest <= (0 if op in MOVEMENT else 1), op
        assert equal >= EQUAL.get(op, 0), op
