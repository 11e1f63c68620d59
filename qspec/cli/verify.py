"""`qspec verify`"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

import qspec
from qspec.cli.files import data_named, data_problems, file_problems, of_file, warnings_collected, wrong_model
from qspec.cli.frameworks import import_frameworks
from qspec.cli.output import print_diagnostics, wrong_usage

if TYPE_CHECKING:
    from qspec.diagnostics import Diagnostic
    from qspec.keras.result import Result


def run(arguments: argparse.Namespace) -> int:
    """Hold a file against spec and model; 1 if anything differs."""
    if wrong := wrong_model(arguments.model):
        return wrong_usage("verify", wrong)
    report = qspec.check(arguments.spec)
    problems = [*file_problems(arguments.file), *data_problems(arguments.data, arguments.calibration)]
    if problems or not report.ok:
        print_diagnostics([*report.diagnostics, *problems])
        return 1
    spec = qspec.load(arguments.spec)
    model = load_float_model(arguments.model)
    from qspec.keras.data import read_data_file

    misfits: list[Diagnostic] = []
    if arguments.calibration is not None:
        with data_named(arguments.calibration), warnings_collected() as misfits:
            model = qspec.apply(spec, model, read_data_file(arguments.calibration))
    data = read_data_file(arguments.data)
    with data_named(arguments.data):
        result = qspec.verify(arguments.file, spec, model, data)
    doubts = names_of_data(result, arguments.data, arguments.calibration)
    told = [*of_file(misfits, arguments.calibration), *of_file(result.diagnostics, arguments.data), *doubts]
    print_diagnostics([*report.diagnostics, *told])
    print_result(result)
    return 0 if result.ok else 1


def load_float_model(path: str) -> Any:
    """The Keras model in a `.keras` file.

    Raises:
        SpecError: it is no such file, or holds classes that are not registered.
    """
    import_frameworks()
    return qspec.load_model(path)


def names_of_data(result: Result, *paths: str | None) -> list[Diagnostic]:
    """What is to be said of the names of arrays in data files; None is one that is not given."""
    from qspec.keras.data import name_doubts

    names = () if result.report.plan is None else result.report.plan.layers.input_names
    return [doubt for path in paths if path is not None for doubt in name_doubts(path, names)]


def share(part: float) -> str:
    """*part* of one in percent, rounded down: only all of it are 100%."""
    return f"{math.floor(round(part * 100_000, 6)) / 100_000:.3%}"


def print_result(result: Result) -> None:
    """Size, parity, and the distance from the float model, in a few lines."""
    print(f"{result.path}: {result.size:,} bytes")
    for op, worst in sorted(result.parity.by_op().items()):
        equal = share(worst.equal)
        print(f"  {op:24} {worst.largest} LSB at most, {equal:>8} equal of {worst.elements:,} ({worst.layer})")
    parity = result.parity
    print(f"  SQNR of the file against the simulation (is it what was simulated?): {parity.sqnr:.1f} dB", end="")
    print(f", {parity.sqnr_fast:.1f} dB with the default kernels")
    if result.sqnr is not None:
        print(f"  SQNR of the file against the float model (what quantization costs): {result.sqnr:.1f} dB")
    if result.accuracy is not None:
        before, after = result.accuracy
        print(f"  accuracy: {before:.2%} of the float model, {after:.2%} of the file")
