"""`qspec quantize`"""

from __future__ import annotations

import argparse
import sys

import qspec
from qspec.cli.files import data_named, data_problems, output_problems
from qspec.cli.output import print_diagnostics
from qspec.cli.verify import load_float_model, print_result


def run(arguments: argparse.Namespace) -> int:
    """Calibrate, write and verify; 1 if the check or the verification has an error."""
    report = qspec.check(arguments.spec, arguments.model)
    problems = [*data_problems(arguments.data), *output_problems(arguments.output)]
    if problems or not report.ok:
        print_diagnostics([*report.diagnostics, *problems])
        return 1
    spec = qspec.load(arguments.spec)
    model = load_float_model(arguments.model)
    from qspec.keras.data import read_data_file

    data = read_data_file(arguments.data)
    with data_named(arguments.data):
        result = qspec.quantize(spec, model, data, arguments.output, progress=_progress)
    print_diagnostics([*report.diagnostics, *result.diagnostics])
    print_result(result)
    return 0 if result.ok else 1


def _progress(done: int, total: int) -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        filled = 30 * done // total
        end = "\n" if done == total else ""
        print(f"\rcalibrate [{'#' * filled:30}] {done}/{total}", end=end, file=sys.stderr, flush=True)
