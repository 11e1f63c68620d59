"""`load`, `loads` and `check`: the part of the public surface that needs no framework."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from qspec.graph.layers import LayerGraph
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


def check(spec: Spec | str | os.PathLike[str], model: Any = None) -> Report:
    """Check a spec (loaded, or a path), alone or against a model: a Keras model, or the path of a `.keras` file.

    A file is read as data: no framework is imported, and nothing in it is executed. A spec or file that cannot be read
    gives a report with the errors; nothing is raised for it.
    """
    from qspec import lint, schema

    loaded, diagnostics = schema.load(spec) if isinstance(spec, (str, os.PathLike)) else (spec, ())
    layers: LayerGraph | None = None
    unreadable: tuple[Diagnostic, ...] = ()
    if model is not None:
        try:
            layers = read_layers(model)
        except SpecError as error:
            unreadable = error.diagnostics
    report = lint.Report(diagnostics) if loaded is None else lint.check(loaded, layers, diagnostics)
    return replace(report, diagnostics=(*report.diagnostics, *unreadable))


def read_layers(model: Any) -> LayerGraph:
    """The layer graph of a live Keras model or of a `.keras` file.

    Raises:
        SpecError: it is neither.
    """
    if isinstance(model, (str, os.PathLike)):
        from qspec.graph.keras_file import read_keras_file

        return read_keras_file(model)
    from qspec.keras.live_model import read_model

    return read_model(model).graph
