"""`qspec explain SPEC --model M`: who decided what for the layers of a model, and why."""

from __future__ import annotations

import argparse
import json

from qspec._check import check_graph, read_graph
from qspec.cli.check import read_spec
from qspec.cli.output import colored, print_diagnostics, width, wrong_usage
from qspec.diagnostics.json_format import document
from qspec.diagnostics.summary import summary
from qspec.graph.layers import LayerGraph
from qspec.lint import Report
from qspec.plan.explain import Explainer
from qspec.plan.plan import Plan
from qspec.schema.names import listed, similar_paths


def run(arguments: argparse.Namespace) -> int:
    """Explain a spec for a model, or for one layer of it; 1 if there are errors, 2 for wrong usage."""
    subject: str = arguments.subject
    if arguments.model is None:
        return wrong_usage("explain", f"what `{subject}` decides depends on a model: add `--model MODEL.keras`")
    spec, diagnostics = read_spec(subject)
    if spec is None or not Report(diagnostics).ok:
        return _unread(Report(diagnostics), arguments.format)
    graph = read_graph(arguments.model)
    if not isinstance(graph, LayerGraph):
        return wrong_usage("explain", f"`{arguments.model}` has no layers: give the .keras file that it was made of")
    report = check_graph(spec, graph, diagnostics)
    if report.plan is None:
        return _unread(report, arguments.format)
    if arguments.layer is not None and arguments.layer not in {call.layer.path for call in graph.calls}:
        return wrong_usage("explain", _no_layer(arguments.layer, arguments.model, graph))
    if arguments.format == "json":
        _print_data(report, report.plan, arguments.layer)
    else:
        _print_text(report, report.plan, arguments)
    return 0 if report.ok else 1


def _unread(report: Report, format_: str) -> int:
    """What cannot be explained, since it is not known what the spec means."""
    if format_ == "json":
        print(json.dumps(document(report.diagnostics, {"layers": [], "ends": []}), indent=2, ensure_ascii=False))
    else:
        print_diagnostics(report.diagnostics)
    return 1


def _no_layer(path: str, model: str, graph: LayerGraph) -> str:
    paths = list(dict.fromkeys(call.layer.path for call in graph.calls))
    inside = [each for each in paths if each.startswith(f"{path.rstrip('/')}/")]
    if inside:
        return f"`{path}` is a nested model; its layers are {listed(inside)}"
    found = similar_paths(path, paths)
    return f"there is no layer `{path}` in {model}" + (f"; there is {listed(found)}" if found else "")


def _print_data(report: Report, plan: Plan, layer: str | None) -> None:
    from qspec.plan.explain_data import file_ends

    sections = {"layers": report.explain(layer), "ends": file_ends(plan)}
    print(json.dumps(document(report.diagnostics, sections), indent=2, ensure_ascii=False))


def _print_text(report: Report, plan: Plan, arguments: argparse.Namespace) -> None:
    from qspec.cli.explain_layer import layer
    from qspec.cli.explain_table import table

    explainer = Explainer(plan)
    if arguments.layer is None:
        lines = table(explainer, arguments.subject, arguments.model, width(), colored())
    else:
        lines = layer(explainer, arguments.layer, width(), colored())
    for line in lines:
        print(line)
    if report.diagnostics:
        command = f"qspec check {arguments.subject} --model {arguments.model}"
        print(f"\n{summary(report.diagnostics)}: `{command}` prints what they are")
