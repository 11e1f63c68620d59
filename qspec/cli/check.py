"""`qspec check`"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from qspec._check import read_layers
from qspec.cli.output import print_diagnostics
from qspec.diagnostics import Diagnostic, SpecError
from qspec.graph.layers import LayerGraph
from qspec.lint import Report, check
from qspec.schema import add_deploy, load, loads

_STANDARD_INPUT = "-"


def run(arguments: argparse.Namespace) -> int:
    """Check every file; 1 if any report has an error."""
    layers: LayerGraph | None = None
    unreadable: tuple[Diagnostic, ...] = ()
    if arguments.model is not None:
        try:
            layers = read_layers(arguments.model)
        except SpecError as error:
            unreadable = error.diagnostics
    reports = [_check(file, layers, arguments.target) for file in arguments.files]
    if unreadable:
        reports.append(Report(diagnostics=unreadable))
    if arguments.format == "json":
        print(json.dumps(_merged(reports), indent=2, ensure_ascii=False))
    else:
        for report in reports:
            if report.placement and arguments.format == "full":
                print(report.placement_text(), end="\n\n")
        print_diagnostics([item for report in reports for item in report.diagnostics], arguments.format)
    return 0 if all(report.ok for report in reports) else 1


def _check(file: str, layers: LayerGraph | None, targets: list[str]) -> Report:
    if file == _STANDARD_INPUT:
        spec, diagnostics = loads(sys.stdin.buffer.read().decode("utf-8", "replace"), "<stdin>")
    else:
        spec, diagnostics = load(file)
    for target in targets:
        if spec is not None:
            spec, more = add_deploy(spec, target)
            diagnostics = (*diagnostics, *more)
    if spec is None:
        return Report(diagnostics=tuple(diagnostics))
    return check(spec, layers, diagnostics)


def _merged(reports: list[Report]) -> dict[str, Any]:
    """One document for all: as of one file, with the diagnostics of all and the sections one behind another."""
    documents = [report.to_dict() for report in reports]
    together = Report(diagnostics=tuple(item for report in reports for item in report.diagnostics)).to_dict()
    for section in ("placement", "plan"):
        together[section] = [entry for document in documents for entry in document[section]]
    return together
