"""`qspec check`"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from qspec._check import check_file, check_graph, held_to_converter, is_tflite_file, read_graph
from qspec.cli.folders import STANDARD_INPUT, files_of
from qspec.cli.frameworks import import_frameworks
from qspec.cli.output import print_diagnostics, width, wrong_usage
from qspec.cli.selection import WrongSelection, selection
from qspec.diagnostics import Diagnostic, Place, Severity, SpecError
from qspec.diagnostics.catalogue import (
    INVALID_FILE,
    INVALID_PARAMETERS,
    MISSING_PARAMETERS,
    UNREADABLE_FILE,
    WRONG_BIAS_SCALE,
)
from qspec.diagnostics.summary import counts
from qspec.lint import Report
from qspec.lint.unused_definition import without_used
from qspec.schema import load, loads, shipped_targets
from qspec.syntax import decode
from qspec.syntax.sources import LARGEST

if TYPE_CHECKING:
    from qspec.graph.layers import LayerGraph
    from qspec.graph.tflite_file import TfliteFile
    from qspec.schema.spec import Spec

_LEAST = 20  # columns: what is narrower is no terminal
_OF_FILES = (INVALID_FILE, INVALID_PARAMETERS, MISSING_PARAMETERS, WRONG_BIAS_SCALE)
_BESIDE_A_PLACEMENT = ("QS3", "QS4", "QS6", *(code.code for code in _OF_FILES))


def run(arguments: argparse.Namespace) -> int:
    """Check every file, each once; 1 if any report has an error."""
    files = list(files_of(arguments.files))
    if not files:
        print("qspec check: there is no .qspec file in the given folders", file=sys.stderr)
    models = [file for file in files if file.endswith((".keras", ".h5", ".hdf5"))]
    if models:
        return wrong_usage(
            "check", f"`{models[0]}` is a model: `qspec check SPEC --model {models[0]}` holds it against a spec"
        )
    if arguments.model is not None and files and all(map(_is_file, files)):
        return wrong_usage("check", "`--model` is what specs are held against, and there is no spec")
    try:
        wanted = selection(arguments.select, arguments.ignore)
    except WrongSelection as error:
        return wrong_usage("check", str(error))
    graph: LayerGraph | TfliteFile | None = None
    unreadable: tuple[Diagnostic, ...] = ()
    if arguments.model is not None:
        try:
            graph = read_graph(arguments.model)
        except SpecError as error:
            unreadable = error.diagnostics
    checked = {file: _check(file, graph, arguments.target) for file in files}
    reports = {file: report for file, (report, _) in checked.items()}
    specs = [spec for _, spec in checked.values() if spec is not None]
    agreed: list[str] = []
    if arguments.exact and graph is not None:
        import_frameworks()
        held = {file: held_to_converter(report, arguments.model) for file, report in reports.items()}
        agreed = [_agreement(reports[file], held[file]) for file in reports]
        reports = held
    found = _distinct([*unreadable, *(item for report in reports.values() for item in report.diagnostics)])
    found = tuple(filter(wanted.keeps, without_used(found, specs) if len(specs) > 1 else found))
    _print(reports, found, arguments.format, agreed)
    if specs and arguments.model is None and (arguments.exact or arguments.target) and Report(found).ok:
        option = "--exact" if arguments.exact else "--target"
        print(f"qspec check: `{option}` asks for `--model`: without it no model was checked", file=sys.stderr)
    return 0 if Report(found).ok and _few_enough(found, arguments.max_warnings) else 1


def _agreement(report: Report, exact: Report) -> str:
    """What the converter made of the model that *report* speaks of, in a sentence; *exact* is held to it."""
    if not report.ok:
        return "TensorFlow's converter was not asked: the errors come first"
    if report.plan is None:
        return ""
    if not exact.ok:
        return "TensorFlow's converter makes something else of the model than is predicted"
    count = len(report.plan.predicted.ops)
    return f"TensorFlow's converter makes of the model what is predicted: {count} op{'s'[: count != 1]}"


def _print(reports: dict[str, Report], found: tuple[Diagnostic, ...], format_: str, agreed: list[str]) -> None:
    if format_ == "json":
        import json

        print(json.dumps(_merged(reports, found), indent=2))
        return
    if format_ == "full":
        _print_placements(reports)
        for file, sentence in zip(reports, agreed, strict=False):
            if sentence:
                print(f"{file}: {sentence}" if len(reports) > 1 else sentence, end="\n\n")
    print_diagnostics(found, format_)


def _few_enough(found: tuple[Diagnostic, ...], most: int | None) -> bool:
    warnings = counts(found)["warnings"]
    if most is None or warnings <= most:
        return True
    print(f"qspec check: {warnings} warning{'s'[: warnings > 1]}, and `--max-warnings` allows {most}", file=sys.stderr)
    return False


def _check(file: str, graph: LayerGraph | TfliteFile | None, targets: list[str]) -> tuple[Report, Spec | None]:
    """The report on one file, and the spec in it if it is one that can be read."""
    if _is_file(file):
        return check_file(file, targets), None
    spec, diagnostics = read_spec(file)
    return Report(diagnostics) if spec is None else check_graph(spec, graph, diagnostics, targets), spec


def _is_file(file: str) -> bool:
    """Whether it is a `.tflite` file, not a spec."""
    return file != STANDARD_INPUT and is_tflite_file(file)


def read_spec(file: str) -> tuple[Spec | None, tuple[Diagnostic, ...]]:
    """The spec in *file*, or on standard input if that is `-`, with what is to be said of it."""
    if file != STANDARD_INPUT:
        return load(file)
    name = "<stdin>"
    if sys.stdin is None:
        return None, (UNREADABLE_FILE.at(Place(name), "standard input is closed"),)
    source = decode(name, sys.stdin.buffer.read(LARGEST + 1))
    return (None, (source,)) if isinstance(source, Diagnostic) else loads(source.text, name)


def _distinct(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each once: what stands in a file that several specs import is found with each of them."""
    return tuple({(item.code, str(item.span), item.message): item for item in diagnostics}.values())


def _merged(reports: dict[str, Report], found: tuple[Diagnostic, ...]) -> dict[str, Any]:
    """One document for all: the sections one behind another, each entry with the `spec` it comes from."""
    together = Report(found).to_dict()
    documents = {file: report.to_dict() for file, report in reports.items()}
    for section in ("file", "placement", "plan"):
        together[section] = [{"spec": file, **entry} for file, each in documents.items() for entry in each[section]]
    return together


def _print_placements(reports: dict[str, Report]) -> None:
    for file, report in reports.items():
        text = report.placement_text() or (_no_target() if report.plan is not None and report.ok else "")
        size = report.size_text() if report.placement else ""
        text = "\n\n".join(part for part in (text, report.requantized_text(), size) if part)
        if text and all(_leaves_a_placement(item) for item in report.diagnostics):
            print("\n".join(_broken(f"{file}:\n{text}" if len(reports) > 1 else text)), end="\n\n")


def _broken(text: str) -> Iterator[str]:
    """The lines of *text*, those that a terminal has no room for in several."""
    room = width()
    if room is None:
        yield text
        return
    from qspec.cli.columns import wrapped

    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()))
        yield from wrapped(line.lstrip(), max(room, _LEAST), indent, f"{indent}  ")


def _leaves_a_placement(diagnostic: Diagnostic) -> bool:
    """Whether what was placed is what the person wrote: where part of the spec or of the model could not be read, a
    placement would only mislead. What is wrong in a `.tflite` file that could be read is placed as it is."""
    return diagnostic.severity is not Severity.ERROR or diagnostic.code.startswith(_BESIDE_A_PLACEMENT)


def _no_target() -> str:
    names = ", ".join(shipped_targets())
    return f"no target to place the model on: add `deploy NAME` to the spec, or give `--target NAME` ({names})"
