"""How long commands take on a spec of a thousand lines, as whole processes, beside `python -c pass`.

    python tests/benchmarks/commands.py [--runs 20]

The spec is made from the statements that people write; `fmt` finds every line of it laid out otherwise, and prints the
new text. Modules are compiled, as an installation has them. The median of the runs is printed, and the spread of the
middle half.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
sys.path.insert(0, str(CHECKOUT))

from tests.schema.mistakes import spec  # noqa: E402

LINES = 1000


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.qspec"
        path.write_text(long_spec())
        text = path.read_bytes().replace(b"  ", b" ")
        qspec = [sys.executable, "-m", "qspec"]
        for name, command, given in (
            ("python -c pass", [sys.executable, "-c", "pass"], b""),
            ("qspec --version", [*qspec, "--version"], b""),
            ("qspec fmt -", [*qspec, "fmt", "-"], text),
            ("qspec fmt --check", [*qspec, "fmt", "--check", str(path)], b""),
            ("qspec check", [*qspec, "check", str(path), "--format", "concise"], b""),
        ):
            low, middle, high = (value * 1000 for value in quartiles(command, given, runs, folder))
            print(f"{name:20} {middle:5.0f} ms   ({low:.0f} to {high:.0f})", flush=True)


def long_spec() -> str:
    """A spec without mistakes, of `LINES` lines."""
    lines = [line for statement in spec(random.Random(0), LINES) for line in statement.lines]
    end = max(number for number in range(LINES) if lines[number] == "}")
    return "".join(f"{line}\n" for line in lines[: end + 1])


def quartiles(command: Sequence[str], given: bytes, runs: int, folder: str) -> list[float]:
    """Seconds that *command* takes: the quartiles of *runs*, after one that compiles."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "compiled")
    seconds = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, input=given, env=environment, cwd=CHECKOUT, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    return statistics.quantiles(seconds[1:], n=4)


if __name__ == "__main__":
    main()
