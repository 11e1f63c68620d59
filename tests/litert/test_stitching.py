"""A file lowered in pieces becomes whole again, whatever the order of its pieces."""

import numpy as np
import pytest

from qspec.litert.stitching import another_name, cut_name, input_name, stitch
from tests.litert.perceptron import SAMPLES, FileBuilder, hidden, reference

FIRST, LAST = 7, 9  # any ids


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("prefix", ["", "serving_default_"])
def test_what_reads_a_placeholder_reads_the_tensor(backwards, prefix):
    builder = FileBuilder()
    image = builder.tensor(f"{prefix}{input_name(0)}:0", (1, 4))
    cut = builder.tensor(f"{prefix}{cut_name(FIRST)}:0", (1, 3))
    unread = builder.tensor(f"{prefix}{cut_name(LAST)}:0", (1, 2))
    first, last = builder.tensor("first", (1, 3)), builder.tensor("last", (1, 2))
    pieces = [(0, image, first), (1, cut, last)]
    for layer, source, output in reversed(pieces) if backwards else pieces:
        builder.dense(layer, source, output, relu=layer == 0)

    file = stitch(builder.content([unread, cut, image], [first, last]), [3], [FIRST, LAST])

    (values,) = file.run([[SAMPLES[:1]]])
    assert {3, FIRST, LAST} == set(values)
    assert np.array_equal(SAMPLES[:1], values[3])
    assert np.allclose(hidden(SAMPLES[:1]), values[FIRST], atol=1e-6)
    assert np.allclose(reference(SAMPLES[:1]), values[LAST], atol=1e-6)


def test_each_reader_of_a_tensor_may_have_a_placeholder_of_its_own():
    builder = FileBuilder()
    image = builder.tensor(f"{input_name(0)}:0", (1, 4))
    other_image = builder.tensor(f"{another_name(3, 1)}:0", (1, 4))
    cut = builder.tensor(f"{cut_name(FIRST)}:0", (1, 3))
    other_cut = builder.tensor(f"{another_name(FIRST, 1)}:0", (1, 3))
    first, last = builder.tensor("first", (1, 3)), builder.tensor("last", (1, 2))
    builder.dense(0, other_image, first, relu=True)
    builder.dense(1, other_cut, last, relu=False)

    file = stitch(builder.content([other_cut, cut, other_image, image], [first, last]), [3], [FIRST, LAST])

    (values,) = file.run([[SAMPLES[:1]]])
    assert {3, FIRST, LAST} == set(values)
    assert np.allclose(hidden(SAMPLES[:1]), values[FIRST], atol=1e-6)
    assert np.allclose(reference(SAMPLES[:1]), values[LAST], atol=1e-6)
