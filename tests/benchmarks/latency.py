"""Latency of five families of keras.applications at 224 by 224: qspec's file against the converter's and the float one.

    python tests/benchmarks/latency.py [--models MobileNetV2 …] [--pairs 7] [--folder FILES]

One thread, the interpreter's default kernels (XNNPACK). Every measurement is a process of its own, and the files of a
pair take turns at going first. Prints a line of JSON for every model: bytes, delegate partitions, and for each pair of
files the median of the ratios of their times with the interval that holds the true median with at least 95 %.
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
from collections.abc import Sequence
from math import comb
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

LEAST_RUNS, LEAST_SECONDS = 10, 1.5
FILES = ("ours", "converter", "float")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where the files are kept from one run to the next")
    parser.add_argument("--time", type=Path, help="only time this file")
    arguments = parser.parse_args()
    if arguments.time:
        print(json.dumps(time_file(arguments.time)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        for name in arguments.models or families():
            paths = {kind: folder / f"{name}_{kind}.tflite" for kind in FILES}
            if not all(path.exists() for path in paths.values()):
                write_files(name, paths)
            print(json.dumps({"model": name, **compare(paths, arguments.pairs)}), flush=True)


def families() -> Sequence[str]:
    from tests.benchmarks.families import FAMILIES

    return FAMILIES


def write_files(name: str, paths: dict[str, Path]) -> None:
    """qspec's file, the converter's int8 file and its float file of one model."""
    import tensorflow as tf

    import qspec
    from tests.benchmarks.families import SPEC, convert, images, make_model

    model = make_model(name, seed=0, size=224)
    calibration = images(1000, 32, 224)
    qspec.quantize(qspec.loads(SPEC), model, calibration, paths["ours"], samples=calibration[:4])
    paths["converter"].write_bytes(convert(model, calibration))
    paths["float"].write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


def compare(paths: dict[str, Path], pairs: int) -> dict[str, Any]:
    """Ratios of times, of bytes, and the partitions of each file."""
    against = {}
    for one, other in (("ours", "converter"), ("ours", "float"), ("converter", "float")):
        ratios = [ratio(paths[one], paths[other], swapped=bool(pair % 2)) for pair in range(pairs)]
        against[f"{one} / {other}"] = [statistics.median(ratios), *interval(ratios)]
    return {
        "bytes": {kind: path.stat().st_size for kind, path in paths.items()},
        "milliseconds": {kind: measured(path)["milliseconds"] for kind, path in paths.items()},
        "partitions": {kind: measured(path)["partitions"] for kind, path in paths.items()},
        "time": against,
    }


def ratio(one: Path, other: Path, *, swapped: bool) -> float:
    first, second = (other, one) if swapped else (one, other)
    times = [measured(path)["milliseconds"] for path in (first, second)]
    return float(times[1] / times[0] if swapped else times[0] / times[1])


def measured(path: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--time", str(path)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def time_file(path: Path) -> dict[str, Any]:
    """Median milliseconds of one invocation, and the delegate's partitions."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    generator = np.random.default_rng(0)
    noise = generator.normal(size=detail["shape"])
    interpreter.set_tensor(
        detail["index"], (noise * 40 if detail["dtype"] == np.int8 else noise).astype(detail["dtype"])
    )
    interpreter.invoke()
    times: list[float] = []
    while len(times) < LEAST_RUNS or sum(times) < LEAST_SECONDS:
        started = time.perf_counter()
        interpreter.invoke()
        times.append(time.perf_counter() - started)
    partitions = sum(op["op_name"] == "DELEGATE" for op in interpreter._get_ops_details())
    return {"milliseconds": 1000 * statistics.median(times), "partitions": partitions}


def interval(ratios: list[float]) -> tuple[float, float]:
    """The order statistics that hold the median with at least 95 %, or all there are where they are too few."""
    ordered, count = sorted(ratios), len(ratios)
    outside = 0
    while (1 - 2 * sum(comb(count, k) for k in range(outside + 2)) / 2**count) >= 0.95:
        outside += 1
    return ordered[outside], ordered[count - 1 - outside]


if __name__ == "__main__":
    main()
