"""Every model of keras.applications on the smallest images it takes: post-training, and trained for 20 steps, against
the converter's own post-training quantization.

    python tests/benchmarks/applications.py [--models VGG16 …] [--without-training] [--without-converter]

Random weights, batch-normalization statistics made sane by a few training-mode passes, 32 samples to calibrate and 64
others to judge. Each measurement is a process of its own, since the converter may end its. Prints a line of JSON for
every model: median SQNR of the logits against the float model in dB, ops that compute in float, worst parity by op,
seconds, and peak memory of the process in MiB.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import resource
import subprocess
import sys
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_SIZES = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
_SIZE = 32
_LIMIT = 3600


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--without-training", action="store_true")
    parser.add_argument("--without-converter", action="store_true")
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "MODEL"), help="only this, in this process")
    arguments = parser.parse_args()
    if arguments.measure:
        figures = figures_of(*arguments.measure)
        print(json.dumps({**figures, "MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
        return
    kinds = ["ours"]
    kinds += [] if arguments.without_training else ["trained"]
    kinds += [] if arguments.without_converter else ["converter"]
    for name in arguments.models or names():
        print(json.dumps({"model": name, **{kind: measured(kind, name) for kind in kinds}}), flush=True)


def names() -> list[str]:
    """The functions of `keras.applications` that build a model."""
    import keras

    found = inspect.getmembers(keras.applications, inspect.isfunction)
    return [name for name, function in found if "classifier_activation" in inspect.signature(function).parameters]


def measured(kind: str, name: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", kind, name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT)
    except subprocess.TimeoutExpired:
        return {"failed": f"took more than {_LIMIT} s"}
    if done.returncode:
        return {"failed": f"exit status {done.returncode}", "said": done.stderr.strip().splitlines()[-3:]}
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def figures_of(kind: str, name: str) -> dict[str, Any]:
    """What is measured of one model, in this process."""
    from tests.benchmarks import families

    size = _SIZES.get(name, _SIZE)
    if kind == "trained":
        return families.train(name, 0, size)
    measure = families.post_training if kind == "ours" else families.converted
    figures = measure(families.make_model(name, 0, size), 0)
    del figures["sqnr_of_samples"]
    return figures


if __name__ == "__main__":
    main()
