"""How long `qspec check` takes, as a whole process, over `python -c "import lark, pydantic"`.

    python tests/benchmarks/start_up.py [--pairs 30] [--model MODEL]

Without `--model` a MobileNetV2 with random weights is made first, which needs Keras. Both commands of a pair run one
right after the other, so that what else the machine does weighs on both; the median of the pairs' ratios is printed,
and the spread of the middle half. Each is measured twice: with compiled modules, as an installation has them, and with
`PYTHONDONTWRITEBYTECODE` in a checkout that was never compiled.
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
SPEC = resource("specs") / "examples" / "digits.qspec"
CHECK = (sys.executable, "-m", "qspec", "check", str(SPEC))
REFERENCE = (sys.executable, "-c", "import lark, pydantic")


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--model", help="a .keras file; default: MobileNetV2")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model or mobile_net(Path(folder) / "mobilenet_v2.keras")
        compiled = {"PYTHONPYCACHEPREFIX": str(Path(folder) / "compiled")}
        for name, environment in (("compiled", compiled), ("from source", {"PYTHONDONTWRITEBYTECODE": "1"})):
            for what, command in (("without model", CHECK), ("with model", (*CHECK, "--model", str(model)))):
                ratios = measured(command, arguments.pairs, environment)
                low, middle, high = statistics.quantiles(ratios, n=4)
                print(f"{what:14} {name:12} {middle:5.2f}   ({low:.2f} to {high:.2f})", flush=True)


def mobile_net(path: Path) -> Path:
    """Write MobileNetV2 as Keras has it, in a process of its own."""
    script = f"import keras; keras.applications.MobileNetV2(weights=None).save({str(path)!r})"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    return path


def measured(command: Sequence[str], pairs: int, settings: Mapping[str, str]) -> list[float]:
    """The ratios of *command* to the reference, one for each pair."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | settings
    for each in (REFERENCE, command):  # the first run compiles
        seconds(each, environment)
    ratios = []
    for _ in range(pairs):
        reference = seconds(REFERENCE, environment)
        ratios.append(seconds(command, environment) / reference)
    return ratios


def seconds(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """How long a process takes."""
    started = time.perf_counter()
    subprocess.run(command, env=environment, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
