"""Shapes: of fewer axes they broadcast as before."""

import random
from math import prod

import numpy as np
import pytest

from qspec.lowering.geometry import joined_axes

SEED = 20261124


def test_axes_that_broadcast_alike_are_one():
    assert ((120,), (120,)) == joined_axes((1, 2, 3, 4, 5), (1, 2, 3, 4, 5))
    assert ((24, 5), (1, 5)) == joined_axes((1, 2, 3, 4, 5), (1, 1, 1, 1, 5))
    assert ((6, 4, 5), (6, 1, 5)) == joined_axes((2, 3, 4, 5), (2, 3, 1, 5))
    assert ((None,), (None,)) == joined_axes((None, 2, 60), (None, 2, 60))
    assert ((None, 60), (1, 60)) == joined_axes((None, 2, 60), (1, 1, 60))


@pytest.mark.parametrize("seed", range(SEED, SEED + 200))
def test_joined_shapes_broadcast_to_the_same_values(seed: int):
    print("seed", seed)
    generator = random.Random(seed)
    sizes = [generator.choice((1, 1, 2, 3)) for _ in range(generator.randint(1, 7))]
    left, right = (tuple(generator.choice((size, size, 1)) for size in sizes) for _ in range(2))
    first, second = (np.arange(1, prod(shape) + 1) for shape in (left, right))

    joined = joined_axes(left, right)

    product = first.reshape(joined[0]) * second.reshape(joined[1])
    assert np.array_equal((first.reshape(left) * second.reshape(right)).ravel(), product.ravel())
    assert joined == joined_axes(*joined)
