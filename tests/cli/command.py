"""Running `qspec` as people do."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROBLEM = r"(error|warning|note)\[QS\d{3}\]"
GOOD = """qspec 1
import "std/int8.qspec"
default { weights = w8, output = a8 }
"""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def qspec(*arguments: str | Path, cwd: Path, text: str | bytes = b"", **environment: str) -> Done:
    """`qspec ARGUMENTS` in a process of its own, with *text* as its standard input."""
    command = [sys.executable, "-m", "qspec", *map(str, arguments)]
    given = text.encode() if isinstance(text, str) else text
    done = subprocess.run(command, cwd=cwd, input=given, env={**os.environ, **environment}, capture_output=True)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def concise_lines(out: str) -> list[tuple[str, str]]:
    """Place and code of each line of `--format concise`, without the summary."""
    lines = [line.split(": ", 1) for line in out.splitlines()[:-1]]
    return [(place, rest.split("[", 1)[1].split("]", 1)[0]) for place, rest in lines]


def places(document: dict[str, Any]) -> list[tuple[str, int, int, str]]:
    """Path, line, column and code of each diagnostic of `--format json`."""
    return [
        (item["path"], item["start"]["line"], item["start"]["column"], item["code"]) for item in document["diagnostics"]
    ]
