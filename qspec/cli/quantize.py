"""`qspec quantize`"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import qspec
from qspec.cli.files import data_named, data_problems, of_file, output_problems, wrong_model
from qspec.cli.output import print_diagnostics, wrong_usage
from qspec.cli.verify import load_float_model, names_of_data, print_result


def run(arguments: argparse.Namespace) -> int:
    """Calibrate, write and verify; 1 if the check or the verification has an error."""
    inputs = {"spec": arguments.spec, "model": arguments.model, "data": arguments.data}
    wrong = _wrong_output(arguments.output, inputs) or wrong_model(arguments.model)
    if wrong:
        return wrong_usage("quantize", wrong)
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
    doubts = names_of_data(result, arguments.data)
    print_diagnostics([*report.diagnostics, *of_file(result.diagnostics, arguments.data), *doubts])
    print_result(result)
    if not result.ok:
        print(f"{result.path} was written all the same, so that it can be looked into")
    return 0 if result.ok else 1


def _wrong_output(output: str, inputs: Mapping[str, str]) -> str:
    """Why no output may have that name, whatever else is wrong; empty where it may."""
    path = Path(output)
    for what, name in inputs.items():
        if path.resolve() == Path(name).resolve() or (path.exists() and Path(name).exists() and path.samefile(name)):
            return f"`{output}` is the {what}, and would be overwritten: give `-o` another name"
    if path.suffix != ".tflite" and not path.is_dir():
        return f"`{output}` does not end in `.tflite`, and that is what is written"
    return ""


def _progress(done: int, total: int) -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        filled = 30 * done // total
        end = "\n" if done == total else ""
        print(f"\rcalibrate [{'#' * filled:30}] {done}/{total}", end=end, file=sys.stderr, flush=True)
