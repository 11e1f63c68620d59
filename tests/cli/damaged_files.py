"""Damaged `.tflite` files, held to what `qspec check` and `qspec inspect` promise of any input.

    python -m tests.cli.damaged_files COUNT [SEED [FILE…]]

damages files COUNT times in memory, checks and lists each in this process, with at most 1 GB, and prints what it found.
Without FILE, files made by hand are damaged: one of them holds every op that LiteRT knows.
"""

from __future__ import annotations

import random
import resource
import struct
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qspec import SpecError
from qspec.cli import inspect
from qspec.cli.inspect_text import lines
from qspec.diagnostics.render import RENDERERS
from qspec.graph.tflite_file import parse_tflite
from qspec.lint.files.check import check_file
from qspec.schema import shipped_targets

SECONDS = 5
BYTES = 10**9
TARGETS = tuple(shipped_targets())

Damage = Callable[[bytearray, random.Random], None]


def flipped(content: bytearray, generator: random.Random) -> None:
    """A few bits."""
    for _ in range(generator.choice((1, 1, 1, 2, 8))):
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)


def telling_numbers(content: bytearray, generator: random.Random) -> None:
    """Aligned numbers replaced by such as lead far away, nowhere, or back."""
    for _ in range(generator.choice((1, 1, 1, 4))):
        place = generator.randrange(len(content) // 4) * 4
        value = generator.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, len(content), generator.randrange(2**32)])
        content[place : place + 4] = struct.pack("<I", value)


def offsets(content: bytearray, generator: random.Random) -> None:
    """Offsets exchanged, so that tables stand in places of others."""
    for _ in range(generator.choice((1, 1, 1, 4))):
        one, other = (generator.randrange(len(content) // 4) * 4 for _ in range(2))
        (value,) = struct.unpack_from("<I", content, one)
        content[other : other + 4] = struct.pack("<I", (value + one - other) % 2**32)


def small_numbers(content: bytearray, generator: random.Random) -> None:
    """Small numbers, as indices, types and sizes are, changed for others."""
    places = [
        place
        for place in range(0, len(content) - 3, 4)
        if 0 < content[place] < 64 and not any(content[place + 1 : place + 4])
    ]
    for place in generator.choices(places, k=generator.choice((1, 1, 4))) if places else ():
        content[place] = generator.randrange(64)


def cut_off(content: bytearray, generator: random.Random) -> None:
    """The end missing."""
    del content[generator.randrange(8, len(content)) :]


def a_stretch_missing(content: bytearray, generator: random.Random) -> None:
    """Some bytes in the middle missing, or twice there."""
    start = generator.randrange(8, len(content))
    stretch = content[start : start + generator.randrange(1, 64)]
    if generator.random() < 0.5:
        del content[start : start + len(stretch)]
    else:
        content[start:start] = stretch


def overwritten(content: bytearray, generator: random.Random) -> None:
    """A stretch of one byte, or of noise."""
    start, length = generator.randrange(8, len(content)), generator.randrange(1, 256)
    noise = generator.randbytes(length) if generator.random() < 0.5 else bytes([generator.choice([0, 255])]) * length
    content[start : start + length] = noise[: len(content) - start]


DAMAGES: tuple[Damage, ...] = (
    flipped,
    telling_numbers,
    offsets,
    small_numbers,
    cut_off,
    a_stretch_missing,
    overwritten,
)


@dataclass
class Tally:
    """What became of the files."""

    codes: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    slowest: float = 0.0


def damaged(originals: Sequence[bytes], count: int, generator: random.Random) -> Iterator[tuple[str, bytes]]:
    """*count* files, each with a name that tells how it was made."""
    for number in range(count):
        original = generator.randrange(len(originals))
        damage = generator.choice(DAMAGES)
        content = bytearray(originals[original])
        # Of a large file, the constants are most: the tables stand at its start or at its end.
        part = slice(0, 2**16) if generator.random() < 0.5 else slice(max(0, len(content) - 2**18), None)
        window = content[part] if len(content) > 2**18 else content
        damage(window, generator)
        if window is not content:
            content[part] = window
        yield f"{number}: file {original}, {damage.__name__}", bytes(content)


def hold_to_promises(files: Iterator[tuple[str, bytes]]) -> Tally:
    """Check and list every file."""
    tally = Tally()
    for name, content in files:
        started = time.process_time()  # the machine may be busy with other things
        try:
            codes = set(_codes(content))
        except Exception:
            tally.broken.append(f"{name}\n{traceback.format_exc(limit=-2)}")
            continue
        seconds = time.process_time() - started
        tally.codes.update(codes or {"clean"})
        tally.slowest = max(tally.slowest, seconds)
        if seconds > SECONDS:
            tally.broken.append(f"{name}: {seconds:.1f} s")
    return tally


def _codes(content: bytes) -> Iterator[str]:
    """What is said of a file and of two of the targets, which the content decides."""
    try:
        file = parse_tflite(content, "m.tflite")
    except SpecError as error:
        (item,) = error.diagnostics
        assert item.message
        yield item.code
        return
    report = check_file(file, targets=random.Random(content).sample(TARGETS, 2))
    assert report.to_json()
    assert report.placement_text() or any(item.code == "QS507" for item in report.diagnostics)
    for renderer in RENDERERS.values():
        assert renderer(report.diagnostics, False, 100)
    listing = inspect.written("m.tflite", file)
    assert inspect.as_data(listing)
    assert list(lines(listing, 80))
    yield from (item.code for item in report.diagnostics)


def limit_memory() -> None:
    """For a child process."""
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


def main() -> int:
    """Damage, check, and tell; 1 if a promise was broken."""
    from tests.graph.litert_files import every_op, packed, perceptron

    count = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    originals = [Path(name).read_bytes() for name in sys.argv[3:]] or [packed(perceptron()), packed(every_op())]
    limit_memory()
    started = time.perf_counter()
    tally = hold_to_promises(damaged(originals, count, random.Random(seed)))
    print(f"seed {seed}: {count} files in {time.perf_counter() - started:.0f} s, slowest {tally.slowest:.2f} s")
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")
    print(", ".join(f"{code} {number}" for code, number in sorted(tally.codes.items())))
    print(*tally.broken[:5], sep="\n")
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
