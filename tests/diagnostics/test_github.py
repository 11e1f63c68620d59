"""Workflow commands as the runner of GitHub Actions reads them (actions/toolkit, packages/core/src/command.ts)."""

from __future__ import annotations

import re

import pytest

from qspec.diagnostics import Code, Diagnostic, Place, Severity, Source, Span
from qspec.diagnostics.github import github
from qspec.diagnostics.render import RENDERERS

UNDEFINED = Code("QS101", "undefined-name")
EDGE = Source("specs/edge.qspec", "qspec 1\nrule dense match Dense { weights = w9 }\nrule a {\n  output = a8\n}\n")
_COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def read_back(line: str) -> tuple[str, dict[str, str], str]:
    """The command, its properties and its message."""
    command, properties, message = _COMMAND.fullmatch(line).groups()
    pairs = (pair.split("=", 1) for pair in properties.split(","))
    return command, {name: unescaped(value, True) for name, value in pairs}, unescaped(message)


def unescaped(text: str, of_property: bool = False) -> str:
    for written, meant in (("%3A", ":"), ("%2C", ",")) if of_property else ():
        text = text.replace(written, meant)
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def at(text: str, message: str, **details) -> Diagnostic:
    start = EDGE.text.index(text)
    return UNDEFINED.at(Span(EDGE, start, start + len(text)), message, **details)


def test_a_command_names_the_place_and_the_code():
    assert (
        "::error file=specs/edge.qspec,line=2,endLine=2,col=36,endColumn=38,title=QS101 undefined-name"
        "::quantizer `w9` is not defined (not found)%0Ahelp: there is `w8`"
    ) == github(at("w9", "quantizer `w9` is not defined", label="not found", help="there is `w8`"))


def test_several_lines_have_no_columns():
    _, properties, _ = read_back(github(at("rule a {\n  output = a8\n}", "matches nothing")))

    assert {"file": "specs/edge.qspec", "line": "3", "endLine": "5", "title": "QS101 undefined-name"} == properties


@pytest.mark.parametrize(
    ("severity", "command"), [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.NOTE, "notice")]
)
def test_every_severity_has_a_command(severity, command):
    assert command == read_back(github(at("w9", "m", severity=severity)))[0]


def test_what_would_end_a_command_is_escaped_and_read_back():
    found = UNDEFINED.at(Place("a,b:c=d%.tflite"), "100%, at last:\r\n::error::no")
    found = found.with_related(Place("x"), "here: 5%")

    assert (
        "error",
        {"file": "a,b:c=d%.tflite", "title": "QS101 undefined-name"},
        "100%, at last:\r\n::error::no\nnote: here: 5% (x)",
    ) == read_back(github(found))


def test_the_report_ends_with_the_summary():
    assert ["::error", "::error", "2 errors"] == [
        line.split(" file")[0] for line in RENDERERS["github"]([at("w9", "a"), at("a8", "b")], True, 40).split("\n")
    ]
    assert "no problems" == RENDERERS["github"]([], False, None)
