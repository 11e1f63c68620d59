"""Which model a document is held against."""

from __future__ import annotations

import os

import pytest

from qspec._resources import resource
from qspec.server.navigation import is_shipped
from qspec.server.settings import Settings
from qspec.server.workspace import Workspace

SHIPPED = sorted(str(path) for folder in ("std", "targets") for path in (resource("specs") / folder).glob("*.qspec"))


@pytest.mark.parametrize(
    ("path", "folders", "expected"),
    [
        ("/project/a/spec.qspec", ["/project"], "/project/m.keras"),
        ("/project/a/spec.qspec", ["/other", "/project", "/project/a"], "/project/a/m.keras"),
        ("/projects/spec.qspec", ["/project"], "/project/m.keras"),
        ("/elsewhere/spec.qspec", ["/project", "/other"], "/project/m.keras"),
        ("/elsewhere/spec.qspec", [], "/elsewhere/m.keras"),
        ("untitled:Untitled-1", ["/project"], "/project/m.keras"),
    ],
)
def test_a_path_is_relative_to_a_folder(path, folders, expected):
    assert expected == Settings("m.keras").model_of(path, folders)
    assert "/models/m.keras" == Settings("/models/m.keras").model_of(path, folders)
    assert None is Settings().model_of(path, folders)


def test_what_is_shipped_has_no_model():
    own = str(resource("specs").parent)
    for path in SHIPPED:
        assert None is Settings("m.keras").model_of(path, [own])
        assert None is Settings("m.keras").model_of(path, [])
    example = str(resource("specs") / "examples" / "digits.qspec")
    assert os.path.join(own, "m.keras") == Settings("m.keras").model_of(example, [own])


@pytest.mark.parametrize(
    ("path", "shipped"),
    [("std/int8.qspec", True), ("targets/tflm.qspec", True), ("/project/std/int8.qspec", False), ("a\0b", False)],
)
def test_what_is_shipped(path, shipped):
    assert shipped == is_shipped(path)


@pytest.mark.parametrize("path", SHIPPED, ids=os.path.basename)
def test_nothing_is_wrong_with_a_shipped_file_that_is_open(path):
    workspace = Workspace()
    with open(path, encoding="utf-8") as file:
        workspace.open(path, file.read())

    assert () == tuple(workspace.analysis(path).report.diagnostics)
