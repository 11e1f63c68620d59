"""How long commands take as whole processes, over `python -c pass` and over `python -c "import lark, pydantic"`.

    python tests/benchmarks/start_up.py [--pairs 30] [--model MODEL]

`qspec --version`; `qspec fmt` and `qspec check` of a spec of 1,000 lines; `qspec check` of a small one, without and
with a model. Without `--model` a MobileNetV2 with random weights is made first, which needs Keras. The commands of a
round run one right after the other, so that what else the machine does weighs on all; printed are the medians of the
rounds' ratios with the spread of their middle half, and the median of the seconds. Each is measured twice: with
compiled modules, as an installation has them, and with `PYTHONDONTWRITEBYTECODE` in a checkout that was never compiled.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from qspec._resources import resource

CHECKOUT = Path(__file__).parents[2]
DIGITS = resource("specs") / "examples" / "digits.qspec"
QSPEC = (sys.executable, "-m", "qspec")
REFERENCES = {
    "pass": (sys.executable, "-c", "pass"),
    "import lark, pydantic": (sys.executable, "-c", "import lark, pydantic"),
}
BLOCK = """\

# The stage number {number}.
quantizer a8_{number} extends a8 {{
  range = percentile(99.{number:03})
}}

pattern stage_{number} = Conv2D as conv -> BatchNormalization? -> ReLU? as act

rule open_{number} match stage_{number} where conv.filters >= {number} and conv.name like "stage_{number}_*" {{
  conv.weights = w8(range = mse)
  output       = a8_{number}
}}
"""


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=30, help="rounds")
    parser.add_argument("--model", help="a .keras file; default: MobileNetV2")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model or mobile_net(Path(folder) / "mobilenet_v2.keras")
        long = Path(folder) / "long.qspec"
        long.write_text(long_spec(), "utf-8")
        commands = {
            "--version": (*QSPEC, "--version"),
            "fmt, 1,000 lines": (*QSPEC, "fmt", "--check", str(long)),
            "check, 1,000 lines": (*QSPEC, "check", str(long)),
            "check, 35 lines": (*QSPEC, "check", str(DIGITS)),
            "check with model": (*QSPEC, "check", str(DIGITS), "--model", str(model)),
        }
        compiled = {"PYTHONPYCACHEPREFIX": str(Path(folder) / "compiled")}
        for name, environment in (("compiled", compiled), ("from source", {"PYTHONDONTWRITEBYTECODE": "1"})):
            report(name, measured({**REFERENCES, **commands}, arguments.pairs, environment))


def long_spec() -> str:
    """A spec of 1,000 lines, laid out as `fmt` does it, without a problem."""
    head = 'qspec 1\n\nimport "std/int8.qspec"\n\ndefault { weights = w8, output = a8 }\n'
    blocks = "".join(BLOCK.format(number=number) for number in range(1, 83))
    lines = (head + blocks).count("\n")
    return head + "".join(f"# Line {number} of a spec of 1,000.\n" for number in range(lines + 1, 1001)) + blocks


def mobile_net(path: Path) -> Path:
    """Write MobileNetV2 as Keras has it, in a process of its own."""
    script = f"import keras; keras.applications.MobileNetV2(weights=None).save({str(path)!r})"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    return path


def measured(commands: Mapping[str, Sequence[str]], rounds: int, settings: Mapping[str, str]) -> dict[str, list[float]]:
    """The seconds that each command takes in each round."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | settings
    for command in commands.values():  # the first run compiles
        seconds(command, environment)
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(seconds(command, environment))
    return found


def seconds(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """How long a process takes."""
    started = time.perf_counter()
    subprocess.run(command, env=environment, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def report(name: str, found: Mapping[str, Sequence[float]]) -> None:
    """Print a line for each command."""
    print(name)
    for command, times in found.items():
        if command in REFERENCES:
            continue
        ratios = []
        for reference in REFERENCES:
            each = [mine / theirs for mine, theirs in zip(times, found[reference], strict=True)]
            low, middle, high = statistics.quantiles(each, n=4)
            ratios.append(f"{middle:6.2f} ({low:.2f} to {high:.2f}) over `{reference}`")
        print(f"  {command:18} {'  '.join(ratios)}  {statistics.median(times):.3f} s", flush=True)


if __name__ == "__main__":
    main()
