"""The predicted size of a small file, against the writer's."""

import pytest

from qspec.plan.file_size import predicted_size, size_margin
from tests.litert.perceptron import EDGES, written
from tests.versions import FLATBUFFERS_OF_THE_SIZES


@FLATBUFFERS_OF_THE_SIZES
@pytest.mark.parametrize("text", [EDGES, ""], ids=["integer edges", "float edges"])
def test_a_perceptron(text):
    file = written(text)

    assert len(file.content) == predicted_size(file.plan)


@pytest.mark.parametrize(("expected", "size"), [(2048, 5), (2048, 102_400), (2049, 102_450), (20_000, 1_000_000)])
def test_how_far_off_it_may_be(expected, size):
    assert expected == size_margin(size)
