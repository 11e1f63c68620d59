"""Fifty damaged variants of a `.keras` file, the same for the same seed."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.graph.keras_configs import archive, called, functional, inputs, re_lu, small_model, tensor

Damage = Callable[[Path, random.Random], None]


def truncated(path: Path, generator: random.Random) -> None:
    """The archive cut off."""
    content = archive(path, small_model()).read_bytes()
    path.write_bytes(content[: generator.randrange(len(content))])


def flipped(path: Path, generator: random.Random) -> None:
    """A few bytes of the config's compressed data, or of its headers, changed."""
    archive(path, small_model(), compression=zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    end = content.find(b"model.weights.h5")
    start = content.find(b"config.json") - 30
    for _ in range(3):
        content[generator.randrange(start, end)] ^= 1 << generator.randrange(8)
    path.write_bytes(content)


def scrambled_text(path: Path, generator: random.Random) -> None:
    """A stretch of the JSON text missing."""
    content = json.dumps(small_model()).encode()
    start = generator.randrange(len(content) - 30)
    archive(path, content[:start] + content[start + generator.randrange(1, 30) :])


def replaced(path: Path, generator: random.Random) -> None:
    """A value of the config replaced by one of another kind."""
    config = small_model()
    places = list(_places(config))
    container, key = generator.choice(places)
    container[key] = generator.choice([None, -1, 2**70, 1.5, "", "x", [], {}, [[]], True, {"class_name": 1}])
    archive(path, config)


def _places(value: Any) -> Any:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def deep_arrays(path: Path, generator: random.Random) -> None:
    """JSON nested far deeper than Python's stack."""
    depth = generator.randrange(10_000, 1_000_000)
    opening = generator.choice([b"[", b'{"a":'])
    archive(path, opening * depth, compression=zipfile.ZIP_DEFLATED)


def deep_models(path: Path, generator: random.Random) -> None:
    """Models in models."""
    model = functional("m", [inputs("x", 4), re_lu("r", tensor("x"))], [["x", 0, 0]], [["r", 0, 0]])
    for _ in range(generator.randrange(40, 80)):
        model = functional("m", [inputs("x", 4), called(model, tensor("x"))], [["x", 0, 0]], [["m", 1, 0]])
    archive(path, model)


def deep_arguments(path: Path, generator: random.Random) -> None:
    """A call's argument nested deep."""
    argument: Any = tensor("image")
    for _ in range(generator.randrange(50, 200)):
        argument = [argument]
    config = small_model()
    config["config"]["layers"][1]["inbound_nodes"] = [{"args": [argument], "kwargs": {}}]
    archive(path, config)


def exponential_models(path: Path, generator: random.Random) -> None:
    """Models that call the next one twice."""
    model = functional("m0", [inputs("x", 4), re_lu("r", tensor("x"))], [["x", 0, 0]], [["r", 0, 0]])
    for level in range(1, generator.randrange(20, 30)):
        name = model["config"]["name"]
        layers = [inputs("x", 4), called(model, tensor("x"), tensor(name))]
        model = functional(f"m{level}", layers, [["x", 0, 0]], [[name, 2, 0]])
    archive(path, model)


def huge_number(path: Path, generator: random.Random) -> None:
    """A number that no model has, as text."""
    text = json.dumps(small_model())
    number = generator.choice(["9" * 5000, "1e999", "-1e400", "NaN", "Infinity", "9" * 300, "-5", "0", "3.5"])
    archive(path, text.replace('"filters": 4', f'"filters": {number}').encode())


def huge_shape(path: Path, generator: random.Random) -> None:
    """An input of an absurd shape."""
    config = small_model()
    shape = generator.choice([[None, 2**40, 8, 3], [None] * 1000, [None, -1, 8, 3], [None, 8.5, 8, 3], "8", [[8]]])
    config["config"]["layers"][0]["config"]["batch_shape"] = shape
    archive(path, config)


def invalid_utf8(path: Path, generator: random.Random) -> None:
    """A byte that is no UTF-8."""
    content = bytearray(json.dumps(small_model()).encode())
    content[generator.randrange(len(content))] = generator.randrange(0x80, 0x100)
    archive(path, bytes(content))


def bomb(path: Path, generator: random.Random) -> None:
    """A small file that decompresses to hundreds of megabytes."""
    size = generator.randrange(200, 400) * 2**20
    filler = generator.choice([b" ", b"[", b"0"])
    method = generator.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    with zipfile.ZipFile(path, "w", method) as file, file.open("config.json", "w", force_zip64=True) as member:
        for _ in range(size // 2**20):
            member.write(filler * 2**20)


def lying_bomb(path: Path, generator: random.Random) -> None:
    """A bomb whose headers name a small size."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", b" " * (100 * 2**20))
    content = path.read_bytes()
    size = (100 * 2**20).to_bytes(4, "little")
    path.write_bytes(content.replace(size, generator.randrange(10, 10_000).to_bytes(4, "little")))


def many_values(path: Path, generator: random.Random) -> None:
    """JSON that costs Python far more memory than it has text."""
    item = generator.choice([b"[],", b"{},", b'{"a":0},', b"0,"])
    archive(path, b"[" + item * (15 * 2**20 // len(item)) + b"0]", compression=zipfile.ZIP_DEFLATED)


def many_members(path: Path, generator: random.Random) -> None:
    """An archive of very many members."""
    with zipfile.ZipFile(path, "w") as file:
        for index in range(generator.randrange(80_000, 100_000)):
            file.writestr(f"member_of_a_long_name_{index:08}", b"")


DAMAGES: tuple[tuple[Damage, int], ...] = (
    (truncated, 8), (flipped, 8), (scrambled_text, 6), (replaced, 7), (deep_arrays, 2), (deep_models, 1),
    (deep_arguments, 1), (exponential_models, 1), (huge_number, 5), (huge_shape, 3), (invalid_utf8, 2), (bomb, 2),
    (lying_bomb, 1), (many_values, 2), (many_members, 1),
)  # fmt: skip


def write_all(folder: Path, seed: int) -> list[Path]:
    """All variants, named by their damage."""
    generator = random.Random(seed)
    files = []
    for damage, count in DAMAGES:
        for index in range(count):
            files.append(folder / f"{damage.__name__}_{index}.keras")
            damage(files[-1], generator)
    return files
