"""Floats in, floats out, whatever the file's interface; and what is said of inputs that do not fit."""

import numpy as np
import pytest

from qspec import SpecError
from qspec.litert.predict import predict
from tests.litert.perceptron import SAMPLES, reference, written

TYPES = ("int8", "uint8", "float32")


@pytest.mark.parametrize("kernels", ["fast", "built_in", "reference"])
@pytest.mark.parametrize("kind", TYPES)
def test_outputs_are_floats_whatever_the_interface(kind, kernels):
    content = written(f"input {{ type = {kind} }}\noutput {{ type = {kind} }}\n").content

    outputs = predict(content, SAMPLES, kernels)

    assert np.float32 == outputs.dtype
    assert 0.05 > np.abs(outputs - reference(SAMPLES)).max()


def test_a_dict_by_input_name_is_taken():
    content = written().content

    assert np.array_equal(predict(content, SAMPLES), predict(content, {"image": SAMPLES, "other": None}))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (SAMPLES[0], "has shape (4,), the file takes (samples, 4)"),
        (SAMPLES[:, :3], "has shape (32, 3), the file takes (samples, 4)"),
        (SAMPLES[:0], "0 and 0 samples"),
        (SAMPLES * np.nan, "NaN"),
        ([SAMPLES, SAMPLES], "there are 2 inputs, the file takes 1"),
        ({"picture": SAMPLES}, "there is no `image`"),
        (3.0, "has shape ()"),
    ],
)
def test_inputs_that_do_not_fit_are_told(inputs, message):
    with pytest.raises(SpecError, match="QS504") as caught:
        predict(written().content, inputs)

    assert message in caught.value.diagnostics[0].message
