"""The LiteRT interpreter as an oracle: what it does with many models, none of which can take the tests down with it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.targets.cases import Case
from tests.targets.one_op_file import flatbuffer

KERNELS, REFERENCE, DELEGATE = "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "BUILTIN_REF", "AUTO"

Job = tuple[bytes, list[Any]]
Outcome = tuple[list[Any], list[str]] | str
"""The outputs and the ops that were executed, or what went wrong."""


def job_of(case: Case, version: int | None = None) -> Job:
    """A case as a model and its inputs; without *version*, in the one that a writer gives it."""
    model = flatbuffer(case.kind, case.inputs, case.outputs, case.attributes, case.stored, version)
    pairs = zip(case.inputs, case.stored, strict=True)
    return model, [values for made, values in pairs if made is not None and not made.constant and not made.variable]


def outcomes(jobs: Sequence[Job], resolver: str = KERNELS) -> list[Outcome]:
    """What the interpreter does with each."""
    with TemporaryDirectory() as folder:
        queue, results = Path(folder, "jobs"), Path(folder, "results")
        queue.write_bytes(pickle.dumps(jobs))
        results.touch()
        found: list[Outcome] = []
        while len(found) < len(jobs):
            before = len(found)
            command = [sys.executable, Path(__file__).with_name("runtime_child.py"), resolver, queue, results]
            done = subprocess.run([*command, str(before)], capture_output=True, check=False)
            found = _read(results)
            if len(found) < len(jobs):
                found.append(f"crash: the process ended with {done.returncode}")
                with results.open("ab") as stream:
                    stream.write(pickle.dumps(found[-1]))
    return found


def _read(results: Path) -> list[Outcome]:
    found = []
    with results.open("rb") as stream:
        while True:
            try:
                found.append(pickle.load(stream))
            except EOFError:
                return found


def status(case: Case, outcome: Outcome) -> str:
    """`right`, `wrong` or `refused`."""
    if isinstance(outcome, str):
        return "refused"
    return "right" if case.right(outcome[0]) else "wrong"
