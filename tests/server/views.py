"""Texts with a cursor, `‸`, as the features see them."""

from __future__ import annotations

from pathlib import Path

from qspec._check import check_graph
from qspec.graph.keras_file import read_keras_file
from qspec.graph.layers import LayerGraph
from qspec.server.view import View
from qspec.server.workspace import Workspace
from tests.graph.keras_configs import archive, small_model

CURSOR = "‸"
PATH = "/specs/edge.qspec"


def marked(text: str) -> tuple[str, int]:
    """A text without its cursor, and where that stood."""
    return text.replace(CURSOR, ""), text.index(CURSOR)


def view_of(text: str, before: str | None = None) -> View:
    """What a text means, alone; *before* is what stood there when it could be read."""
    workspace = Workspace()
    if before is not None:
        workspace.open(PATH, before)
        workspace.analysis(PATH)
    workspace.open(PATH, text)
    analysis = workspace.analysis(PATH)
    return View(analysis, workspace.documents[PATH].last_good)


def view_with_model(text: str, model: Path) -> View:
    """What a text means beside the model in a file, and what was said of it there."""
    workspace = Workspace()
    workspace.open(PATH, text)
    analysis = workspace.analysis(PATH)
    report = workspace.check(analysis, str(model))
    return View(analysis, workspace.documents[PATH].last_good, read_keras_file(model), report)


def view_with_layers(text: str, layers: LayerGraph) -> View:
    """What a text means beside a model that is in no file, and what was said of it there."""
    now = view_of(text)
    assert now.now.spec is not None
    report = check_graph(now.now.spec, layers, now.now.diagnostics)
    return View(now.now, now.before, layers, report)


def small_file(folder: Path) -> Path:
    """A small model: convolution, batch normalization, ReLU, Dense …"""
    return archive(folder / "small.keras", small_model())
