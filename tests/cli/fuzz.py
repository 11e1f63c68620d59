"""Mutated specs by the hundred thousand, held to what `qspec check` and `qspec fmt` promise of any text.

    python -m tests.cli.fuzz [--count 100000] [--seed 0] [--first 0]

Every second one is held against a small model, too. Of every mutant: no traceback, no more than two seconds of
processor time, every error at a place inside the text (or at the layer of the model that it is about), and whatever is
read without errors is formatted with the same meaning and the same comments, once and for all. Mutant number N of a
seed is the same in every run: `--first N --count 1` repeats it. The quick tests do so for some.
"""

from __future__ import annotations

import argparse
import gc
import random
import re
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from qspec._check import check_graph, read_graph
from qspec._resources import resource
from qspec.diagnostics import Diagnostic, Severity, Span, SpecError
from qspec.diagnostics.render import RENDERERS
from qspec.graph.layers import LayerGraph
from qspec.graph.tflite_file import TfliteFile
from qspec.schema import loads
from qspec.syntax import decode
from tests.cli.damaged_specs import DAMAGES, repeated
from tests.graph.keras_configs import archive, small_model
from tests.syntax.formatting import assert_keeps_its_promises, errors
from tests.syntax.generated_specs import Generator
from tests.syntax.test_arbitrary_text import damaged

SECONDS = 2.0  # of processor time
PATH = "mutant.qspec"
PROGRESS = 10_000
_ROWS = 3  # of a capability table, in one original
_UNREADABLE = {"QS001", "QS002", "QS003", "QS004"}  # with them there is nothing to be formatted
_SELDOM = 40  # texts as long as files may be are made once in so many times that their damage is chosen

Mutation = Callable[[str, random.Random], str]


class TooSlow(BaseException):
    """Raised in the middle of what takes too long; no handler of ours takes it for something else."""


@dataclass
class Tally:
    """What was seen: how many were read without errors, which codes, and what went wrong, by the mutant's number."""

    mutants: int = 0
    read: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, 0)
    problems: list[tuple[int, str]] = field(default_factory=list)
    last: set[str] = field(default_factory=set)  # the codes of the last mutant


def mutant(seed: int, number: int) -> bytes:
    """Mutant *number* of a seed."""
    generator = random.Random(f"{seed}/{number}")
    text = original(generator)
    for _ in range(generator.choice([1, 1, 1, 2, 3, 6])):
        text = generator.choices(MUTATIONS, WEIGHTS)[0](text, generator)
    return text.encode("utf-8", "surrogateescape")


def original(generator: random.Random) -> str:
    """A spec without mistakes: one that ships or is shown, a piece of a capability table, or one that the grammar
    makes."""
    match generator.randrange(5):
        case 0:
            head, rows = generator.choice(_tables())
            start = generator.randrange(len(rows))
            return f"{head}{''.join(rows[start : start + generator.randint(1, _ROWS)])}}}\n"
        case 1:
            return Generator(generator).text()
        case _:
            return generator.choice(_specs())


@cache
def _specs() -> tuple[str, ...]:
    """Whole specs of people's size, and the examples of the manual."""
    root = Path(__file__).parents[1]
    folders = [resource("specs") / "std", resource("specs") / "examples", root / "fixtures", root / "lint" / "fixtures"]
    files = [path.read_text(encoding="utf-8") for folder in folders for path in sorted(folder.rglob("*.qspec"))]
    manual = (resource("grammar") / "README.md").read_text(encoding="utf-8")
    return (*files, *re.findall(r"^```qspec\n(.*?)^```$", manual, re.DOTALL | re.MULTILINE))


@cache
def _tables() -> tuple[tuple[str, list[str]], ...]:
    """The shipped tables under another name: what stands before the first row, and the rows."""
    tables = []
    for path in sorted((resource("specs") / "targets").glob("*.qspec")):
        text = re.sub(r"^target \w+", "target copy", path.read_text(encoding="utf-8"), flags=re.M)
        head, *rows = re.split(r"^(?=  op )", text.rstrip().removesuffix("}"), flags=re.M)
        tables.append((head, rows))
    return tuple(tables)


# ---- mutations


def _damage(damage: Callable[[str, random.Random], bytes]) -> Mutation:
    def mutate(text: str, generator: random.Random) -> str:
        if damage is repeated and generator.randrange(_SELDOM):
            return text
        try:
            return damage(text, generator).decode("utf-8", "surrogateescape")
        except (IndexError, ValueError):  # nothing in it that could be damaged so
            return text

    return mutate


def _lines_moved(text: str, generator: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    first = generator.randrange(len(lines) + 1)
    cut = lines[first : first + generator.randint(1, 4)]
    del lines[first : first + len(cut) * generator.randrange(2)]
    place = generator.randrange(len(lines) + 1)
    return "".join([*lines[:place], *cut, *lines[place:]])


def _spliced(text: str, generator: random.Random) -> str:
    other = original(generator)
    return text[: generator.randrange(len(text) + 1)] + other[generator.randrange(len(other) + 1) :]


def _blanks(text: str, generator: random.Random) -> str:
    """Line ends, blanks and comments where they may or may not stand."""
    for _ in range(generator.randint(1, 8)):
        place = generator.randrange(len(text) + 1)
        between = generator.choice(
            ["\n", "\n\n\n", " ", "\t", "\r\n", "\f", " # why\n", "\n# qspec: ignore[QS301]\n", ","]
        )
        text = text[:place] + between + text[place + generator.randrange(2) :]
    return text


def _edition(text: str, generator: random.Random) -> str:
    edition = generator.choice(
        ["", "qspec", "qspec 2", "qspec 0", "qspec 1.0", "qspec one", "qspec " + "9" * 40, "\ufeff"]
    )
    return edition + text.removeprefix("qspec 1")


MUTATIONS: tuple[Mutation, ...] = (
    *(_damage(damage) for damage, _ in DAMAGES),
    damaged,
    _lines_moved,
    _spliced,
    _blanks,
    _edition,
)
WEIGHTS = (*(weight for _, weight in DAMAGES), 60, 40, 30, 60, 5)


# ---- promises


def run(seed: int, numbers: Sequence[int]) -> Tally:
    """Hold every mutant to what is promised."""
    tally = Tally()
    for number in numbers:
        if tally.mutants and tally.mutants % PROGRESS == 0:
            print(f"{tally.mutants} mutants, {len(tally.problems)} problems", file=sys.stderr, flush=True)
        data = mutant(seed, number)
        started = time.process_time()
        found = list(_limited(data, random.Random(number), tally))
        tally.slowest = max(tally.slowest, (time.process_time() - started, number))
        tally.problems += ((number, problem) for problem in found)
        for problem in found:
            print(f"number {number}: {problem}", file=sys.stderr, flush=True)
        tally.mutants += 1
    return tally


def _limited(data: bytes, generator: random.Random, tally: Tally) -> Iterator[str]:
    """What is wrong; each of the two commands has its time."""
    for command in (_checked, _formatted):
        if command is _formatted and tally.last & _UNREADABLE:
            continue
        signal.signal(signal.SIGPROF, _too_slow)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            yield from list(command(data, generator, tally))
        except TooSlow:
            yield f"{command.__name__}: more than {SECONDS} s"
        except Exception:
            yield f"{command.__name__}: {traceback.format_exc(limit=-3)}"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def _too_slow(signal_number: int, frame: FrameType | None) -> None:
    raise TooSlow


def _checked(data: bytes, generator: random.Random, tally: Tally) -> Iterator[str]:
    """`qspec check`, and its report in one of its formats."""
    source = decode(PATH, data)
    if isinstance(source, Diagnostic):
        found: tuple[Diagnostic, ...] = (source,)
    else:
        spec, diagnostics = loads(source.text, PATH, imports={})
        model = _model() if generator.randrange(2) else None
        found = diagnostics if spec is None else check_graph(spec, model, diagnostics).diagnostics
    tally.last = {item.code for item in found}
    tally.codes.update(tally.last)
    renderer = generator.choice(sorted(RENDERERS))
    report = RENDERERS[renderer](found, False, None)
    if not report.strip() and (found or renderer != "github"):
        yield f"an empty report as {renderer}"
    for item in found:
        yield from _wrong(item, data)


@cache
def _model() -> LayerGraph | TfliteFile:
    """A small network, which half of the mutants are held against."""
    with TemporaryDirectory() as folder:
        return read_graph(str(archive(Path(folder) / "small.keras", small_model())))


def _wrong(item: Diagnostic, data: bytes) -> Iterator[str]:
    if not item.message:
        yield f"{item.code} says nothing"
    if not isinstance(item.span, Span):
        if item.severity is Severity.ERROR and not _is_no_text(data) and not item.layer:
            yield f"{item.code} has no place: {item.message}"
        return
    spans = [item.span, *(span for span, _ in item.related if isinstance(span, Span))]
    spans += [edit.span for fix in (item.fix, *item.offers) if fix is not None for edit in fix.edits]
    for span in spans:
        if not 0 <= span.start <= span.end <= len(span.source.text):
            yield f"{item.code} stands outside of the text: {item.message}"
    if item.severity is Severity.ERROR and item.span.source.path != PATH:
        yield f"{item.code} stands in {item.span.source.path}: {item.message}"


def _is_no_text(data: bytes) -> bool:
    return len(data) > 2**19 or b"\0" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff")


def _formatted(data: bytes, generator: random.Random, tally: Tally) -> Iterator[str]:
    """`qspec fmt`, where there is nothing wrong."""
    source = decode(PATH, data)
    if isinstance(source, Diagnostic) or errors(source.text):
        return
    tally.read += 1
    try:
        assert_keeps_its_promises(source.text)
    except (AssertionError, SpecError) as error:
        yield f"formatting: {type(error).__name__} {error}"[:2000]


def main() -> int:
    """Run them, and print what was seen; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    print("seed", arguments.seed, flush=True)
    gc.set_threshold(200_000, 20, 20)  # as `qspec` does
    started = time.perf_counter()
    tally = run(arguments.seed, range(arguments.first, arguments.first + arguments.count))
    seconds, number = tally.slowest
    print(f"{tally.mutants} mutants in {time.perf_counter() - started:.0f} s, {tally.read} read without errors")
    print(f"slowest: number {number}, {seconds:.2f} s")
    print("told:", ", ".join(f"{code} {count}" for code, count in sorted(tally.codes.items())))
    print(f"{len(tally.problems)} problems")
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
