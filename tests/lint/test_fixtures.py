"""Specs that a person could have written, with what `check` says of them beside each line.

A line ends with `# error: [QS401]`, `# warning: [QS301]` or `# note: [QS307]` for each diagnostic that begins on it,
and `check` says nothing else. The first line names the model.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from qspec.diagnostics import catalogue
from qspec.diagnostics.diagnostic import Code
from qspec.lint import check
from qspec.lint.lints import LINTS
from qspec.lint.spec_lints import SPEC_LINTS
from qspec.schema import load
from tests.diagnostics.page_models import PAGE_MODELS

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.qspec"))
MARKER = re.compile(r"(error|warning|note): \[(QS\d+)\]")


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_says_what_the_fixture_says(path):
    lines = path.read_text().splitlines()
    model = PAGE_MODELS[lines[0].removeprefix("# model: ")]()
    spec, diagnostics = load(path)
    report = check(spec, model, diagnostics)

    expected = Counter((number, *found) for number, line in enumerate(lines, 1) for found in MARKER.findall(line))
    assert expected == Counter(
        (item.span.source.position(item.span.start)[0], item.severity.value, item.code) for item in report.diagnostics
    )


def test_every_code_of_rules_and_targets_has_a_fixture():
    shown = {code for path in FIXTURES for _, code in MARKER.findall(path.read_text())}
    known = {code.code for code in vars(catalogue).values() if isinstance(code, Code)}
    elsewhere = {"QS405", "QS406"}  # found while reading a spec, without a model

    assert {code for code in known if code[:3] in ("QS3", "QS4")} - elsewhere <= shown


def test_every_lint_has_a_fixture_of_its_name():
    names = {path.stem for path in FIXTURES}

    for lint in (*LINTS, *SPEC_LINTS):
        assert lint.__name__ in names
