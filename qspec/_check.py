"""`load`, `loads` and `check`: the part of the public surface that needs no framework."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from qspec.graph.layers import LayerGraph
    from qspec.graph.tflite_file import TfliteFile
    from qspec.lint.report import Report
    from qspec.schema.spec import Spec


def load(path: str | os.PathLike[str]) -> Spec:
    """Read and validate a `.qspec` file and everything it imports.

    Raises:
        SpecError: with every diagnostic, if any of them is an error.
    """
    from qspec import schema

    return schema.valid(schema.load(path))


def loads(text: str, path: str = "<string>") -> Spec:
    """Validate a spec given as text; its imports are relative to the current directory.

    Raises:
        SpecError: with every diagnostic, if any of them is an error.
    """
    from qspec import schema

    return schema.valid(schema.loads(text, path))


def check(spec: Spec | str | os.PathLike[str], model: Any = None, *, exact: bool = False) -> Report:
    """Check a spec (loaded, or a path), alone or against a model: a Keras model, or the path of a `.keras` or `.tflite`
    file. The path of a `.tflite` file in place of the spec checks that file by itself.

    A file is read as data: no framework is imported, and nothing in it is executed. A spec or file that cannot be read
    gives a report with the errors; nothing is raised for it. With *exact*, the converter is asked too what it makes of
    the Keras model, which needs TensorFlow and loads a file with Keras, and each difference is an error.
    """
    from qspec import lint, schema

    if model is None and isinstance(spec, (str, os.PathLike)) and is_tflite_file(spec):
        return check_file(spec)
    loaded, diagnostics = schema.load(spec) if isinstance(spec, (str, os.PathLike)) else (spec, ())
    graph: LayerGraph | TfliteFile | None = None
    unreadable: tuple[Diagnostic, ...] = ()
    if model is not None:
        try:
            graph = read_graph(model, loaded)
        except SpecError as error:
            unreadable = error.diagnostics
    report = lint.Report(diagnostics) if loaded is None else check_graph(loaded, graph, diagnostics)
    report = replace(report, diagnostics=(*report.diagnostics, *unreadable))
    return held_to_converter(report, model) if exact else report


def held_to_converter(report: Report, model: Any) -> Report:
    """*report* with an error for each op that the converter makes otherwise of the Keras model (live, or a path)."""
    if report.plan is None or not report.ok:
        return report
    from qspec.keras import load_model
    from qspec.keras.exact import lowering_differences

    try:
        live = load_model(model) if isinstance(model, (str, os.PathLike)) else model
    except SpecError as error:
        return replace(report, diagnostics=(*report.diagnostics, *error.diagnostics))
    return replace(report, diagnostics=(*report.diagnostics, *lowering_differences(report.plan.spec, live)))


def check_file(path: str | os.PathLike[str], targets: Sequence[str] = ()) -> Report:
    """Check a `.tflite` file by itself, for *targets* (the names of shipped ones; LiteRT's own kernels without)."""
    from qspec import lint
    from qspec.graph.tflite_file import read_tflite_file

    try:
        file = read_tflite_file(path)
    except SpecError as error:
        return lint.Report(error.diagnostics)
    from qspec.lint.files.check import check_file as check

    return check(file, targets=targets)


def check_graph(
    spec: Spec,
    graph: LayerGraph | TfliteFile | None,
    diagnostics: Iterable[Diagnostic] = (),
    targets: Sequence[str] = (),
) -> Report:
    """Hold *spec* and further *targets* against what was read of a model; None: against itself alone."""
    from qspec import lint
    from qspec.schema import add_deploy

    found = list(diagnostics)
    for target in targets:
        spec, more = add_deploy(spec, target)
        found += more
    if graph is None:
        return lint.check(spec, None, found)
    from qspec.graph.layers import LayerGraph

    if isinstance(graph, LayerGraph):
        return lint.check(spec, graph, found)
    from qspec.lint.files.check import check_file as check

    return check(graph, spec, found)


def read_graph(model: Any, spec: Spec | None = None) -> LayerGraph | TfliteFile:
    """What a live Keras model, a `.keras` or a `.tflite` file holds; layers of classes that *spec* names stay whole.

    Raises:
        SpecError: it is none of these.
    """
    if isinstance(model, (str, os.PathLike)) and is_tflite_file(model):
        from qspec.graph.tflite_file import read_tflite_file

        return read_tflite_file(model)
    return read_layers(model, spec)


def is_tflite_file(path: str | os.PathLike[str]) -> bool:
    """Whether *path* is meant to be a `.tflite` file: by its name, or by how it begins."""
    if os.fspath(path).endswith((".qspec", ".keras")):
        return False  # before anything about models is imported
    from qspec.graph.tflite_file import is_tflite

    return is_tflite(path)


def read_layers(model: Any, spec: Spec | None = None) -> LayerGraph:
    """The layer graph of a live Keras model or of a `.keras` file. Layers of the classes that *spec* names stay whole.

    Raises:
        SpecError: it is neither.
    """
    if isinstance(model, (str, os.PathLike)):
        from qspec.graph.keras_file import read_keras_file

        return read_keras_file(model)
    from qspec.keras.quantized_model.model import QuantizedModel
    from qspec.keras.reading.live_model import read_model
    from qspec.plan.layer_classes import named_classes

    if isinstance(model, QuantizedModel):
        from qspec.diagnostics import Place
        from qspec.graph.keras_config import quantized_model

        raise SpecError([quantized_model(Place(model.name))])
    return read_model(model, frozenset() if spec is None else named_classes(spec)).graph
