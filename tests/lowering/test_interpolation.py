"""The matrices that resize: held against TensorFlow's own resizing of a column."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import numpy as np
import tensorflow as tf

from qspec.lowering.interpolation import matrix

SIZES = ((5, 9), (9, 4), (7, 7), (3, 11), (16, 5), (2, 5))
METHODS = [(method, smooth) for method in ("bicubic", "lanczos3", "lanczos5") for smooth in (False, True)]


@pytest.mark.parametrize(("method", "smooth"), [*METHODS, ("bilinear", True)])
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_a_matrix_resizes_as_tensorflow_does(method: str, smooth: bool, old: int, new: int):
    column = np.random.default_rng(20261123).normal(size=old).astype("float32")
    wanted = tf.image.resize(column.reshape(1, old, 1, 1), (new, 1), method=method, antialias=smooth)

    found = np.array(matrix(method, old, new, smooth=smooth)) @ column

    np.testing.assert_allclose(found, np.ravel(wanted), atol=2e-5)


def test_the_shares_of_each_new_place_sum_to_one():
    sums = np.array(matrix("lanczos3", 16, 5, smooth=True)).sum(1)

    np.testing.assert_allclose(sums, np.ones(5), rtol=1e-12)
