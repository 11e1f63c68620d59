"""`qspec verify`"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import qspec
from qspec.cli.output import print_diagnostics

if TYPE_CHECKING:
    from qspec.keras.result import Result


def run(arguments: argparse.Namespace) -> int:
    """Hold a file against spec and model; 1 if anything differs."""
    spec = qspec.load(arguments.spec)
    from qspec.keras.data import read_data_file

    model = load_float_model(arguments.model)
    calibration = None if arguments.calibration is None else read_data_file(arguments.calibration)
    result = qspec.verify(arguments.file, spec, model, read_data_file(arguments.data), calibration)
    print_diagnostics(result.diagnostics)
    print_result(result)
    return 0 if result.ok else 1


def load_float_model(path: str) -> Any:
    """The Keras model in a `.keras` file.

    Raises:
        SpecError: it is no such file, or holds classes that are not registered.
    """
    from qspec.keras.loading import load_model

    return load_model(path)


def print_result(result: Result) -> None:
    """Size and parity, in a few lines."""
    print(f"{result.path}: {result.size:,} bytes")
    for op, worst in sorted(result.parity.by_op().items()):
        print(f"  {op:24} {worst.largest} LSB at most, {worst.equal:8.3%} equal of {worst.elements:,} ({worst.layer})")
    sqnr, fast = result.parity.sqnr, result.parity.sqnr_fast
    print(f"  outputs against the simulation: {sqnr:.1f} dB, {fast:.1f} dB with the default kernels")
