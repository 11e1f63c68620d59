"""`qspec verify`"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import qspec
from qspec.cli.files import data_named, data_problems, file_problems
from qspec.cli.frameworks import import_frameworks
from qspec.cli.output import print_diagnostics

if TYPE_CHECKING:
    from qspec.keras.result import Result


def run(arguments: argparse.Namespace) -> int:
    """Hold a file against spec and model; 1 if anything differs."""
    report = qspec.check(arguments.spec)
    problems = [*file_problems(arguments.file), *data_problems(arguments.data, arguments.calibration)]
    if problems or not report.ok:
        print_diagnostics([*report.diagnostics, *problems])
        return 1
    spec = qspec.load(arguments.spec)
    model = load_float_model(arguments.model)
    from qspec.keras.data import read_data_file

    if arguments.calibration is not None:
        with data_named(arguments.calibration):
            model = qspec.apply(spec, model, read_data_file(arguments.calibration))
    data = read_data_file(arguments.data)
    with data_named(arguments.data):
        result = qspec.verify(arguments.file, spec, model, data)
    print_diagnostics([*report.diagnostics, *result.diagnostics])
    print_result(result)
    return 0 if result.ok else 1


def load_float_model(path: str) -> Any:
    """The Keras model in a `.keras` file.

    Raises:
        SpecError: it is no such file, or holds classes that are not registered.
    """
    import_frameworks()
    return qspec.load_model(path)


def print_result(result: Result) -> None:
    """Size and parity, in a few lines."""
    print(f"{result.path}: {result.size:,} bytes")
    for op, worst in sorted(result.parity.by_op().items()):
        print(f"  {op:24} {worst.largest} LSB at most, {worst.equal:8.3%} equal of {worst.elements:,} ({worst.layer})")
    sqnr, fast = result.parity.sqnr, result.parity.sqnr_fast
    print(f"  outputs against the simulation: {sqnr:.1f} dB, {fast:.1f} dB with the default kernels")
