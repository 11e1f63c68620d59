"""Specs that a person could have written, each line marked with what must be said about it, and nothing else."""

import re
from collections import Counter
from pathlib import Path

import pytest

from qspec.diagnostics import Span
from qspec.schema import load

FIXTURES = Path(__file__).parents[1] / "fixtures"
MAIN_FILES = sorted(path for folder in ("syntax", "schema") for path in (FIXTURES / folder).glob("*.qspec"))
MARKER = re.compile(r"# (error|warning): ((?:\[QS\d+\] ?)+)")


def expected(path):
    """The marked diagnostics of a file and of the files below it that it imports."""
    found = Counter()
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        for severity, codes in MARKER.findall(line):
            found.update((path.name, number, severity, code) for code in re.findall(r"QS\d+", codes))
    return found


def reported(diagnostics):
    return Counter((*place(item.span), item.severity.value, item.code) for item in diagnostics)


def place(span):
    """File name and line."""
    return Path(span.source.path).name, span.source.position(span.start)[0]


@pytest.mark.parametrize("path", MAIN_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_fixture_is_diagnosed_line_by_line(path):
    _, diagnostics = load(path)
    marked = expected(path)
    for part in sorted((path.parent / "parts").glob("*.qspec")) if path.stem == "imports" else ():
        marked += expected(part)

    assert marked == reported(diagnostics)


@pytest.mark.parametrize("path", MAIN_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_diagnostic_says_what_to_do(path):
    _, diagnostics = load(path)

    for item in diagnostics:
        assert item.help
        assert isinstance(item.span, Span)
        assert item.message[:1] != item.message[:1].upper() or not item.message[0].isalpha()
        assert not item.message.endswith(".")
