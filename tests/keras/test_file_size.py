"""Predicted sizes against those of written files."""

import keras
import numpy as np
import pytest

import qspec
from qspec.plan.file_size import size_margin
from tests.keras import models

SPEC = """
qspec 1
import "std/int8.qspec"
default { weights = w8, output = a8 }
"""
EDGES = "input { type = int8 }\noutput { type = int8 }\n"
MAKERS = (*models.ALL, models.rows)


def written(model, text, path):
    """The report before, and the size of the file."""
    generator = np.random.default_rng(4)
    data = [generator.normal(size=(4, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs]
    result = qspec.quantize(qspec.loads(text), model, data, path)
    print(model.name, result.report.size, result.size)
    return result.report.size, result.size


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("text", [SPEC, SPEC + EDGES], ids=["float edges", "integer edges"])
def test_of_a_trained_model_to_the_byte(make, text, tmp_path):
    model = make()
    generator = np.random.default_rng(5)
    for variable in model.variables:
        if variable.dtype == "float32":
            variable.assign(np.abs(generator.normal(0.1, 0.1, variable.shape)) + 0.01)
    predicted, size = written(model, text, tmp_path / "m.tflite")

    assert size == predicted


@pytest.mark.parametrize("make", MAKERS)
def test_of_an_untrained_model_whose_biases_are_all_zeros(make, tmp_path):
    keras.utils.set_random_seed(6)
    predicted, size = written(make(), SPEC + EDGES, tmp_path / "m.tflite")

    assert size <= predicted <= size + size_margin(size)


def test_a_requirement_far_from_the_limit_is_decided_before_anything_is_written():
    model = models.perceptron()
    base = SPEC + EDGES
    limits = ("1 KB", "4384 B", "8 KB")
    reports = [qspec.check(qspec.loads(f"{base}require size <= {limit}\n"), model) for limit in limits]

    assert [["QS407"], ["QS411"], []] == [[item.code for item in report.diagnostics] for report in reports]
