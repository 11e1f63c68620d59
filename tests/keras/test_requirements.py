"""Requirements that need data: what is said where one does not hold or cannot be decided, and what to do about it."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

import qspec
from qspec.litert.parity import Parity, TensorParity

SPEC = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\n'
COARSE = 'rule coarse match Dense where name == "coarse" { weights = w8_tensor(type = int4) }\n'


@pytest.fixture(scope="module")
def dense() -> keras.Model:
    """Three layers of which the second can be made the coarse one."""
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(8, name=name) for name in ("fine", "coarse", "last")]
    return keras.Sequential([keras.Input((6,), name="values"), *layers], name="dense")


@pytest.fixture
def told(dense, tmp_path):
    """`told(text)`: the requirements of *text* that do not hold, of the model above; and what was measured."""
    data = np.random.default_rng(0).normal(size=(32, 6)).astype(np.float32)

    def run(text: str):
        result = qspec.quantize(qspec.loads(SPEC + text), dense, data, tmp_path / "m.tflite")
        return [item for item in result.diagnostics if item.code == "QS407"], result.measurement

    return run


@pytest.mark.parametrize("asked", ["sqnr", 'sqnr("last")', 'sqnr("coarse")'])
def test_the_layer_where_most_noise_enters_is_told(told, asked):
    """Four bits for a whole tensor are coarser than eight for each channel, whatever the data."""
    ((item,), _) = told(f"{COARSE}require {asked} > 90 dB\n")

    assert item.help.startswith("most noise enters at `coarse` (FULLY_CONNECTED): ")
    slot = '`weights["kernel"]`'
    finer = f"`type = int8` for {slot} or `granularity = per_channel` for {slot} or float"
    assert item.help.endswith(f" dB behind; finer would be {finer}")
    assert ["the weights of `coarse`", "the output of `coarse`"] == [label for _, label in item.related]
    assert ["4:60", "3:34"] == [str(span).split(":", 1)[1] for span, _ in item.related]


def test_a_layer_in_front_of_the_coarse_one_is_not_blamed_for_it(told):
    ((item,), _) = told(f'{COARSE}require sqnr("fine") > 90 dB\n')

    assert "`coarse`" not in item.help
    assert item.help.startswith(("most noise enters at `fine` (", "most noise enters at `values` ("))


def test_a_difference_in_parity_is_placed(told):
    (_, measurement) = told("require parity < 1 lsb\n")
    tensors = (TensorParity("a", "fine", "FULLY_CONNECTED", 1, 0.9, 400), TensorParity("b", "last", "MEAN", 1, 0.5, 8))

    (item,) = replace(measurement, parity=Parity(tensors, 50.0, 50.0, 8)).problems()

    assert "this requirement does not hold: `parity` is 1 lsb" == item.message
    assert (
        "the difference is largest at `last` (MEAN): 50.00% of its 8 elements are equal; "
        "its kernel may round by 1 lsb otherwise" == item.help
    )


def test_what_the_plan_tells_is_advised_as_by_check(told):
    ((item,), _) = told("require ops < 2\n")

    assert (
        "they are 3 FULLY_CONNECTED, QUANTIZE, DEQUANTIZE; 2 only change types, at `values`, `last`: "
        "one type on both sides saves that" == item.help
    )


def test_accuracy_of_several_outputs_cannot_be_decided(tmp_path):
    keras.utils.set_random_seed(1)
    values = keras.Input((6,), name="values")
    outputs = [keras.layers.Dense(3, name=name)(values) for name in ("left", "right")]
    data = np.random.default_rng(0).normal(size=(32, 6)).astype(np.float32)
    spec = qspec.loads(SPEC + "require accuracy_drop <= 1%\n")

    result = qspec.quantize(spec, keras.Model(values, outputs), [(data, np.zeros(32))], tmp_path / "m.tflite")

    (item,) = result.diagnostics
    reason = "`accuracy_drop` is of one output, and the model has 2"
    assert ("QS407", f"this requirement cannot be decided: {reason}") == (item.code, item.message)
    assert 'ask for `sqnr("layer")`' == item.help
    assert "accuracy_drop" == item.span.source.text[item.span.start : item.span.end]


def test_accuracies_are_those_of_the_float_model_and_of_the_file(dense, tmp_path):
    data = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)
    classes = dense.predict(data, verbose=0).argmax(-1)
    labels = np.where(np.arange(200) < 150, classes, (classes + 1) % 8)
    spec = qspec.loads(SPEC + COARSE + "require accuracy_drop < 0%\n")

    result = qspec.quantize(spec, dense, [(data, labels)], tmp_path / "m.tflite")

    before, after = result.accuracy
    assert 0.75 == before
    assert float(np.mean(result.predict(data, "built_in").argmax(-1) == labels)) == after
    assert f"`accuracy_drop` is {100 * (before - after):.4g}%" in result.diagnostics[0].message


def test_labels_outside_the_classes_cannot_decide_accuracy(dense, tmp_path):
    data = np.random.default_rng(0).normal(size=(32, 6)).astype(np.float32)
    spec = qspec.loads(SPEC + "require accuracy_drop <= 100%\n")

    result = qspec.quantize(spec, dense, [(data, np.full(32, 99))], tmp_path / "m.tflite")

    (item,) = result.diagnostics
    reason = "each label is 99, and the output's 8 channels are the classes 0 to 7"
    assert ("QS407", f"this requirement cannot be decided: {reason}") == (item.code, item.message)
    assert result.accuracy is None


@pytest.mark.parametrize(
    "followed",
    [
        "weights = w8_tensor",
        "weights = w8_tensor(type = int4, granularity = per_channel)",
        "all = float",
    ],
)
def test_each_part_of_the_advice_gives_less_noise(told, followed):
    rule = f'rule coarse match Dense where name == "coarse" {{ {followed} }}\n'

    assert told(COARSE)[1].sqnr < told(rule)[1].sqnr


def test_with_fine_weights_it_is_the_output_that_could_be_finer(told):
    ((item,), before) = told("require sqnr > 90 dB\n")
    layer = item.help.split("`")[1]
    rule = f'import "std/int16x8.qspec"\nrule finer match any where name == "{layer}" {{ output = a16 }}\n'

    assert item.help.endswith(" dB behind; finer would be `a16` of `std/int16x8.qspec` for `output` or float")
    assert before.sqnr < told(rule)[1].sqnr
