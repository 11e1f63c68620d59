"""What `qspec check` costs on big models with every shipped target deployed: time and memory of the whole process.

    python tests/benchmarks/check_cost.py [MODEL …] [--pairs 5] [--folder FOLDER] [--targets edgetpu …]

Models are those of keras.applications, and `chain_N`: N layers, convolution, batch normalization and ReLU in turn;
without any, all of them and chains of 100, 1,000 and 10,000 layers. Only the config of a model is written, which is all
that `check` reads; the archives are kept in FOLDER, where one is given. Each run stands right behind one of
`python -c "import lark, pydantic"`, so that what else the machine does weighs on both. Printed are the median of the
ratios (of wall-clock time, and of the processor's), the seconds (the least of all runs) and the peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qspec.schema import shipped_targets

CHECKOUT = Path(__file__).parents[2]
REFERENCE = (sys.executable, "-c", "import lark, pydantic")
CHAINS = (100, 1_000, 10_000)
SPEC = """\
qspec 1
import "std/int8.qspec"
input {{ type = int8 }}
output {{ type = int8 }}
default {{ weights = w8, output = a8 }}
{deploys}
"""


@dataclass(frozen=True)
class Cost:
    """Of one process: wall-clock and processor seconds, and peak memory in MiB."""

    seconds: float
    processor: float
    memory: float


def main() -> None:
    """Print a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--targets", nargs="*", default=shipped_targets())
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        spec = Path(temporary) / "spec.qspec"
        spec.write_text(SPEC.format(deploys="\n".join(f"deploy {target}" for target in arguments.targets)))
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(temporary) / "compiled")
        print(f"{'model':20} {'layers':>6} {'ratio':>6} {'busy':>6} {'seconds':>8} {'processor':>9} {'MiB':>6}")
        for name in arguments.models or [*applications(folder), *(f"chain_{count}" for count in CHAINS)]:
            print(measured(archive(name, folder), spec, arguments.pairs), flush=True)


def measured(model: Path, spec: Path, pairs: int) -> str:
    """The line of a model."""
    command = (sys.executable, "-m", "qspec", "check", str(spec), "--model", str(model), "--format", "concise")
    for each in (REFERENCE, command):  # the first run compiles
        run(each)
    costs = [(run(REFERENCE), run(command)) for _ in range(pairs)]
    wall = statistics.median(cost.seconds / reference.seconds for reference, cost in costs)
    busy = statistics.median(cost.processor / reference.processor for reference, cost in costs)
    seconds, processor = min(cost.seconds for _, cost in costs), min(cost.processor for _, cost in costs)
    memory = max(cost.memory for _, cost in costs)
    name = f"{model.stem:20} {layers_of(model):6}"
    return f"{name} {wall:6.2f} {busy:6.2f} {seconds:8.2f} {processor:9.2f} {memory:6.0f}"


def run(command: Sequence[str]) -> Cost:
    """Run a process; only a traceback is a failure, what `check` finds is none."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1) or b"Traceback" in errors:
        raise SystemExit(errors.decode())
    kibibyte = 1 if sys.platform == "darwin" else 1024  # macOS counts in bytes
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * kibibyte / 2**20)


def layers_of(model: Path) -> int:
    """How many layers the archive's config has, those of nested models counted in.

    Asked of a process of its own: what this one holds, a process that it starts inherits for a moment, and it would
    count as that one's peak.
    """
    script = f"from tests.benchmarks.check_cost import *; print(count_layers(read_config({str(model)!r})))"
    return int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, cwd=CHECKOUT).stdout)


def read_config(path: str) -> Any:
    """The config in an archive."""
    return json.loads(zipfile.ZipFile(path).read("config.json"))


def count_layers(config: Any) -> int:
    """The layers in a config, those of nested models counted in."""
    layers = config.get("config", {}).get("layers", []) if isinstance(config, dict) else []
    return len(layers) + sum(map(count_layers, layers))


def archive(name: str, folder: Path) -> Path:
    """The archive of a model, made if it is not in *folder* yet."""
    path = folder / f"{name}.keras"
    if not path.exists():
        if name.startswith("chain_"):
            write_archive(path, chain(int(name.removeprefix("chain_"))))
        else:
            make_applications([name], folder)
    return path


def applications(folder: Path) -> list[str]:
    """The models of keras.applications, their archives made."""
    script = "import inspect, keras; print(*(n for n, f in vars(keras.applications).items() if inspect.isfunction(f)))"
    listed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    names = sorted(listed.stdout.split())
    make_applications([name for name in names if not (folder / f"{name}.keras").exists()], folder)
    return names


def make_applications(names: Iterable[str], folder: Path) -> None:
    """Write the archives in a process of its own, with initializers that cost nothing."""
    script = """
import sys
import keras, numpy as np
from pathlib import Path
from tests.benchmarks.check_cost import write_archive
for name in ("GlorotUniform", "VarianceScaling", "TruncatedNormal"):
    getattr(keras.initializers, name).__call__ = lambda self, shape, dtype=None, **more: np.zeros(shape, np.float32)
folder, *names = sys.argv[1:]
for name in names:
    model = getattr(keras.applications, name)(weights=None)
    write_archive(Path(folder) / f"{name}.keras", keras.saving.serialize_keras_object(model))
    keras.backend.clear_session()
"""
    command = [sys.executable, "-c", script, str(folder.resolve()), *names]
    subprocess.run(command, check=True, capture_output=True, cwd=CHECKOUT)


def write_archive(path: Path, config: Any) -> None:
    """A `.keras` file with this config and without weights, which `check` does not read."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        file.writestr("config.json", json.dumps(config))
        file.writestr("model.weights.h5", b"")


def chain(count: int) -> Any:
    """The config of a chain of *count* layers behind its input."""
    from tests.graph.keras_configs import batch_normalization, conv_2d, functional, inputs, re_lu, tensor

    makers = (lambda *of: conv_2d(*of, filters=8, padding="same"), batch_normalization, re_lu)
    names = ["image", *(f"layer_{number}" for number in range(count))]
    layers = [inputs("image", 16, 16, 8)]
    layers += [makers[number % 3](name, tensor(names[number])) for number, name in enumerate(names[1:])]
    return functional("chain", layers, [["image", 0, 0]], [[names[-1], 0, 0]])


if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))
    main()
