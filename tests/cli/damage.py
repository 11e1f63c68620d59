"""Damaged specs and models, held to what `qspec check` promises of any input.

    python -m tests.cli.damage [SEED]

writes 200 variants of the shipped specs and 50 of a `.keras` file, runs `qspec check` on each in a process of its own
with at most 500 MB, and prints what was found. The quick tests do so for some of them, and for all in one process.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli import damaged_specs
from tests.cli.command import GOOD
from tests.graph import damaged_archives

SECONDS = 5
BYTES = 500_000_000
SPEC = "whole.qspec"


@dataclass(frozen=True)
class Outcome:
    """How `qspec check --format json` ended on one file."""

    path: Path
    code: int
    seconds: float
    out: str
    err: str

    @property
    def accepted(self) -> bool:
        """Whether nothing is wrong with the file."""
        return self.code == 0

    def broken_promises(self) -> Iterator[str]:
        """What must not happen, whatever the file is."""
        if self.seconds > SECONDS:
            yield f"{self.seconds:.1f} s"
        if self.err or "Traceback" in self.out:
            yield f"printed {self.err or self.out}"[:500]
        if self.code not in (0, 1):
            yield f"exit code {self.code}"
        elif self.out:
            yield from self._wrong_diagnostics(json.loads(self.out))
        else:
            yield "printed nothing"

    def _wrong_diagnostics(self, document: dict[str, Any]) -> Iterator[str]:
        errors = [item for item in document["diagnostics"] if item["severity"] == "error"]
        if bool(errors) != (self.code == 1):
            yield f"exit code {self.code} with {len(errors)} errors"
        for item in errors:
            if Path(item["path"]).name != self.path.name:
                yield f"an error in {item['path']}"
            elif not item["message"]:
                yield "an error that says nothing"
            elif self.path.suffix == ".qspec" and not self._is_inside(item):
                yield f"an error at {item['start']}: {item['message']}"

    def _is_inside(self, item: dict[str, Any]) -> bool:
        """Whether an error stands on a character of the text or behind the last one of a line.

        Only of a file that is no text, or too large for one, an error speaks as a whole.
        """
        content = self.path.read_bytes()
        if item["start"] is None:
            return len(content) > 2**19 or b"\0" in content or content[:2] in (b"\xff\xfe", b"\xfe\xff")
        lines = content.decode("utf-8-sig", "replace").split("\n")
        line, column = item["start"]["line"], item["start"]["column"]
        return 1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1


def write_all(folder: Path, seed: int) -> list[Path]:
    """200 damaged specs, 50 damaged archives, and the whole spec that the latter are checked with."""
    (folder / SPEC).write_text(GOOD + "deploy edgetpu\n")
    return [*damaged_specs.write_all(folder, seed), *damaged_archives.write_all(folder, seed)]


def arguments(path: Path) -> list[str]:
    """What checks a damaged file."""
    if path.suffix == ".qspec":
        return ["check", str(path), "--format", "json"]
    return ["check", str(path.parent / SPEC), "--model", str(path), "--format", "json"]


def run_each(files: Sequence[Path]) -> Iterator[Outcome]:
    """The command on each file, in a process of its own."""
    for path in files:
        started = time.perf_counter()
        command = [sys.executable, "-m", "qspec", *arguments(path)]
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=_limit_memory)
        yield Outcome(path, done.returncode, time.perf_counter() - started, done.stdout, done.stderr)


_CHILD = """
import contextlib, io, json, sys, time
from qspec.cli import main

for arguments in json.load(sys.stdin):
    printed, complained = io.StringIO(), io.StringIO()
    started = time.perf_counter()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
        code = main(arguments)
    seconds = time.perf_counter() - started
    print(json.dumps([code, seconds, printed.getvalue(), complained.getvalue()]), flush=True)
"""


def run_all(files: Sequence[Path]) -> Iterator[Outcome]:
    """The command on each file, in one process for all."""
    given = json.dumps([arguments(path) for path in files])
    done = subprocess.run(
        [sys.executable, "-c", _CHILD], input=given, capture_output=True, text=True, preexec_fn=_limit_memory
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(files), f"{files[len(results)]}: {done.stderr}"
    for path, (code, seconds, out, err) in zip(files, results, strict=True):
        yield Outcome(path, code, seconds, out, err)


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


def main() -> int:
    """Run everything, and print what was accepted and what went wrong; 1 if anything did."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(10**6)
    print("seed", seed)
    with tempfile.TemporaryDirectory() as folder:
        outcomes = list(run_each(write_all(Path(folder), seed)))
        accepted = [outcome.path.name for outcome in outcomes if outcome.accepted]
        problems = [(outcome.path.name, problem) for outcome in outcomes for problem in outcome.broken_promises()]
    slowest = max(outcomes, key=lambda outcome: outcome.seconds)
    print(f"{len(outcomes)} files, slowest {slowest.seconds:.2f} s ({slowest.path.name})")
    print(f"{len(accepted)} are still valid:", *accepted)
    for name, problem in problems:
        print(f"{name}: {problem}")
    return 1 if problems or 10 * len(accepted) > len(outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
