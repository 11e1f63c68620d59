"""Predicted sizes against those of written files."""

import keras
import numpy as np
import pytest
from keras import layers

import qspec
from qspec.keras.float_file import float_file
from qspec.keras.public import biases, parameters
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.litert.writer import write
from qspec.plan.file_size import predicted_size, size_margin
from tests.keras import models
from tests.versions import FLATBUFFERS_OF_THE_SIZES

SPEC = """
qspec 1
import "std/int8.qspec"
default { weights = w8, output = a8 }
"""
EDGES = "input { type = int8 }\noutput { type = int8 }\n"
MAKERS = (*models.ALL, models.rows)


def attention():
    """Attention, layer normalization and GELU."""
    words = keras.Input((6, 16))
    value = layers.LayerNormalization()(layers.Add()([words, layers.MultiHeadAttention(2, 8)(words, words)]))
    value = layers.GlobalAveragePooling1D()(layers.Dense(32, "gelu")(value))
    return keras.Model(words, layers.Dense(4, "softmax")(value), name="attention")


def recurrent():
    """A recurrent layer, its steps unrolled: variables that are read again and again, with other scales."""
    return keras.Sequential([keras.Input((5, 8)), layers.GRU(7), layers.Dense(3)], name="recurrent")


def enlarging():
    """A transposed convolution, resizing, slopes."""
    image = keras.Input((8, 8, 4))
    value = layers.UpSampling2D(2, interpolation="bilinear")(layers.Conv2DTranspose(6, 3, 2, padding="same")(image))
    value = layers.LeakyReLU()(layers.Conv2D(3, 1)(layers.PReLU()(value)))
    return keras.Model(image, layers.Activation("sigmoid")(value), name="enlarging")


COMPOSITE = (attention, recurrent, enlarging)


def written(make, text, seed=None):
    """The predicted size and the written file's. With a *seed* as of a trained model: no two variables, and no two
    ranges, are equal."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(6)
    model = make()
    generator = np.random.default_rng(seed)
    for variable in model.variables if seed is not None else []:
        if variable.dtype == "float32":
            variable.assign(np.abs(generator.normal(0.1, 0.1, variable.shape)) + 0.01)
    quantized = QuantizedModel(model, qspec.loads(text))
    for range_ in quantized.ranges:
        if range_.fixed is None:
            low, high = -generator.uniform(1, 2), generator.uniform(1, 2)
            range_.start(low, high, (low, high))
    content = write(float_file(quantized), quantized.plan, parameters(quantized), biases(quantized))
    predicted = predicted_size(quantized.plan)
    print(model.name, predicted, len(content))
    return predicted, len(content)


@FLATBUFFERS_OF_THE_SIZES
@pytest.mark.parametrize("make", [*MAKERS, *COMPOSITE])
@pytest.mark.parametrize("text", [SPEC, SPEC + EDGES], ids=["float edges", "integer edges"])
def test_of_a_trained_model_to_the_byte(make, text):
    predicted, size = written(make, text, seed=5)

    assert size == predicted


@FLATBUFFERS_OF_THE_SIZES
@pytest.mark.parametrize("make", COMPOSITE)
@pytest.mark.parametrize(
    "changed",
    [SPEC + "input { batch = dynamic }\n", SPEC + "rule a match any where index == -1 { all = float }\n"],
    ids=["open batch", "in part in float"],
)
def test_with_an_open_batch_and_in_part_in_float(make, changed):
    predicted, size = written(make, changed, seed=7)

    assert size == predicted


@pytest.mark.parametrize("make", MAKERS)
def test_of_an_untrained_model_whose_biases_are_all_zeros(make):
    predicted, size = written(make, SPEC + EDGES)

    assert size <= predicted <= size + size_margin(size)


def test_a_requirement_far_from_the_limit_is_decided_before_anything_is_written():
    model = models.perceptron()
    base = SPEC + EDGES
    limits = ("1 KB", "4384 B", "8 KB")
    reports = [qspec.check(qspec.loads(f"{base}require size <= {limit}\n"), model) for limit in limits]

    assert [["QS407"], ["QS411"], []] == [[item.code for item in report.diagnostics] for report in reports]
