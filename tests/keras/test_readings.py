"""Ops of one layer that read one tensor in different types."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np
from keras import layers

import qspec
from tests.lowering import zoo_masks
from tests.versions import KERAS_OF_THE_ZOOS

SEED = 3
HEAD = """\
qspec 1
import "std/int8.qspec"
quantizer a16 extends a8 { type = int16, scheme = symmetric }
"""


def recurrent() -> keras.Model:
    steps = keras.Input((6, 8), name="steps")
    return keras.Model(steps, layers.Dense(3)(layers.GRU(4, name="cells")(steps)))


def attention() -> keras.Model:
    steps = keras.Input((6, 8), name="steps")
    return keras.Model(steps, layers.MultiHeadAttention(2, 4, name="heads")(steps, steps))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (recurrent, "default { weights = w8, output = a8 }\nrule r match GRU { inner = a16 }"),
        (attention, 'default { weights = w8, output = a16 }\nrule r match MultiHeadAttention { inner["query"] = a8 }'),
        (attention, 'default { weights = w8, output = a8 }\nrule r match MultiHeadAttention { inner["key"] = a16 }'),
    ],
)
def test_each_op_is_simulated_as_the_file_computes_it(tmp_path: Path, make: Callable[[], keras.Model], text: str):
    keras.utils.set_random_seed(SEED)
    samples = np.random.default_rng(SEED).normal(size=(32, 6, 8)).astype("float32")

    result = qspec.quantize(qspec.loads(HEAD + text), make(), samples, tmp_path / "m.tflite", samples=samples[:8])

    assert result.ok, result.report.diagnostics


@KERAS_OF_THE_ZOOS
@pytest.mark.parametrize("name", ["not_through_operation", "through_recurrent"])
def test_masks_whose_comparisons_were_joined(tmp_path: Path, name: str):
    model = zoo_masks.models()[name]()
    samples = [np.random.default_rng(SEED).integers(0, 2, size=(32, 5)).astype("int32") for _ in model.inputs]
    spec = qspec.loads(HEAD + "default { weights = w8, output = a8 }")

    result = qspec.quantize(spec, model, samples if len(samples) > 1 else samples[0], tmp_path / "m.tflite")

    assert result.ok, result.report.diagnostics


def test_a_comparison_with_a_number_behind_an_island_is_float_too(tmp_path: Path):
    """The number would follow the general quantizer, and is no weight of a layer."""
    image = keras.Input((8,), name="image")
    floor = keras.ops.floor(image * 3)
    model = keras.Model(image, keras.ops.where(keras.ops.not_equal(floor, 1.0), image, floor))
    samples = np.random.default_rng(SEED).normal(size=(32, 8)).astype("float32")
    spec = qspec.loads(HEAD + "default { weights = w8, output = a8 }")

    result = qspec.quantize(spec, model, samples, tmp_path / "m.tflite", samples=samples[:8])

    assert result.ok, result.report.diagnostics


def test_a_float_op_that_gives_no_real_numbers_may_have_an_input_slot():
    """The mask of a GRU that is left in float is a comparison."""
    steps = keras.Input((6, 8), name="steps")
    model = keras.Model(steps, layers.GRU(4)(steps, mask=steps[:, :, 0] > -0.2))
    spec = qspec.loads(HEAD + "default { weights = w8, output = a8 }\nrule r match any { input = a16 }")

    report = qspec.check(spec, model)

    assert "QS306" in {item.code for item in report.diagnostics}
