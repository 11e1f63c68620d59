"""Real `.keras` files with a mistake put in: whatever it is, `check` answers, soon and in little memory.

The whole run, 10,000 mutations:

    pytest -m slow tests/lowering/test_mutated_models.py
"""

from __future__ import annotations

import copy
import io
import json
import random
import resource
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorflow")

import keras

from qspec import check, loads
from tests.keras import models

SPEC = loads(
    'qspec 1\nimport "std/int8.qspec"\ndeploy tflite\ndeploy edgetpu\ndeploy nnapi\ndeploy tflm\ndeploy ethos_u\n'
    "default { weights = w8, output = a8 }\ninput { type = int8 }\n"
)
SECONDS, BYTES = 5, 1 << 30
VALUES = [
    None,
    True,
    -1,
    0,
    3,
    2**40,
    2**70,
    1.5,
    float("inf"),
    "",
    "x",
    "same",
    [],
    {},
    [[]],
    [1, 2],
    [None],
    {"class_name": 1},
]


def recurrent() -> keras.Model:
    tokens = keras.Input((12,), dtype="int32")
    value = keras.layers.Embedding(20, 8)(tokens)
    value = keras.layers.MultiHeadAttention(2, 4)(value, value) + value[:, ::-1] * 0.5
    value = keras.layers.LayerNormalization()(value)
    value = keras.layers.Bidirectional(keras.layers.GRU(4, return_sequences=True))(value)
    return keras.Model(tokens, keras.layers.Dense(3, "softmax")(keras.layers.LSTM(6)(value)))


def shapes() -> keras.Model:
    image = keras.Input((16, 16, 4))
    inner = keras.Sequential(
        [keras.Input((16, 16, 4)), keras.layers.Conv2DTranspose(4, 3, 2), keras.layers.Cropping2D(1)]
    )
    value = keras.layers.UpSampling2D(2)(keras.layers.AveragePooling2D(2)(inner(image)))
    value = keras.layers.Concatenate()([value, keras.ops.relu(value)])
    value = keras.layers.Permute((2, 1, 3))(keras.layers.ZeroPadding2D(1)(value))
    return keras.Model(image, keras.layers.Reshape((-1, 8))(value))


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("archives")
    found = []
    for number, make in enumerate((*models.ALL, recurrent, shapes)):
        make().save(folder / f"{number}.keras")
        found.append((folder / f"{number}.keras").read_bytes())
    return found


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_every_mutation_gets_an_answer(archives: list[bytes], count: int, tmp_path: Path):
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    generator = random.Random(seed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest, valid = 0.0, 0
    for _ in range(count):
        path = tmp_path / "mutated.keras"
        path.write_bytes(_mutated(generator.choice(archives), generator))
        started = time.process_time()
        report = check(SPEC, path)
        slowest = max(slowest, time.process_time() - started)
        valid += report.ok
        assert all(item.message for item in report.diagnostics)
    print("slowest", slowest, "still valid", valid)

    assert slowest < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < BYTES


def test_the_files_are_right_before(archives: list[bytes], tmp_path: Path):
    for content in archives:
        (tmp_path / "m.keras").write_bytes(content)
        report = check(SPEC, tmp_path / "m.keras")

        assert [] == [item.message for item in report.diagnostics if item.code.startswith("QS5")]


def _mutated(content: bytes, generator: random.Random) -> bytes:
    """The archive with a byte changed, cut off, or, mostly, with its config changed in one to three places."""
    kind = generator.random()
    if kind < 0.1:
        return content[: generator.randrange(len(content))]
    if kind < 0.25:
        damaged = bytearray(content)
        for _ in range(generator.randrange(1, 4)):
            damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        return bytes(damaged)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        config = json.loads(archive.read("config.json"))
        metadata = archive.read("metadata.json")
    for _ in range(generator.randrange(1, 4)):
        _change(config, generator)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("metadata.json", metadata)
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", b"")
    return made.getvalue()


def _change(config: Any, generator: random.Random) -> None:
    places = list(_places(config))
    container, key = generator.choice(places)
    action = generator.randrange(4)
    if action == 0 and isinstance(container, dict):
        del container[key]
    elif action == 1:
        other, other_key = generator.choice(places)
        container[key] = copy.deepcopy(other[other_key])
    elif isinstance(container[key], (int, float)) and action == 2:
        container[key] += generator.choice([-1, 1, -3, 1000, 0.5])
    else:
        container[key] = copy.deepcopy(generator.choice(VALUES))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])
