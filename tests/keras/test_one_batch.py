"""Operations that name a number of samples: the file has it, and so must the simulation that it is held against."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np
from keras import ops

import qspec
from tests.versions import KERAS_OF_THE_ZOOS

pytestmark = KERAS_OF_THE_ZOOS

SPEC = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\n'


@pytest.mark.parametrize(
    ("shape", "operation"),
    [
        ((4, 6), lambda value: ops.slice(value, (0, 1, 2), (1, 2, 3))),
        ((1, 6), lambda value: ops.broadcast_to(value, (1, 4, 6))),
        ((1, 6), lambda value: ops.broadcast_to(value, (2, 4, 6))),
        ((4, 6), lambda value: ops.reshape(value, (2, 12))),
    ],
    ids=["slice", "broadcast", "more than one", "reshape"],
)
def test_a_result_of_so_many_samples(tmp_path, shape, operation):
    value = keras.Input(shape)
    model = keras.Model(value, operation(value))
    samples = np.random.default_rng(2).normal(size=(3, *shape)).astype("float32")

    result = qspec.quantize(qspec.loads(SPEC), model, samples, tmp_path / "m.tflite")

    assert result.ok
    assert 3 == result.parity.samples


def test_samples_that_meet_inside_a_layer(tmp_path):
    wave = keras.Input((40,))
    mel = keras.layers.MelSpectrogram(fft_length=16, sequence_stride=5, num_mel_bins=4, sampling_rate=2000)
    samples = np.random.default_rng(3).normal(size=(24, 40)).astype("float32")

    result = qspec.quantize(qspec.loads(SPEC), keras.Model(wave, mel(wave)), samples, tmp_path / "m.tflite")

    assert result.ok
    assert result.parity.largest <= 1


def test_more_samples_than_the_file_has_are_an_error():
    value = keras.Input((4, 6))
    model = keras.Model(value, ops.slice(value, (0, 1, 2), (2, 2, 3)))

    (error,) = qspec.check(qspec.loads(SPEC), model).diagnostics

    assert "QS502" == error.code
    assert "it takes more than its input [1, 4, 6] has" in error.message
