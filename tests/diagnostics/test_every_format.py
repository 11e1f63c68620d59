"""What the examples of all pages and all conflicts raise, in every format."""

from __future__ import annotations

import pytest

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.concise import concise
from qspec.diagnostics.github import github
from qspec.diagnostics.sarif import sarif_log
from qspec.lint import check
from qspec.schema import loads
from tests.diagnostics.page_models import PAGE_MODELS
from tests.diagnostics.pages import blocks
from tests.diagnostics.test_github import read_back
from tests.diagnostics.test_sarif import SCHEMA
from tests.lint.test_both_places import CASES, HEAD


@pytest.fixture(scope="module")
def raised() -> list[Diagnostic]:
    texts = [(block.text, block.words.get("model")) for block in blocks("qspec")]
    found = []
    for text, model in [*texts, *((HEAD + text, model) for _, model, text, _, _ in CASES.values())]:
        spec, diagnostics = loads(text, "specs/edge.qspec")
        graph = PAGE_MODELS[model]() if model else None
        found += diagnostics if spec is None else check(spec, graph, diagnostics).diagnostics
    assert len({item.code for item in found}) > 40
    assert any(item.fix for item in found)
    return found


def test_the_sarif_schema_accepts_them(raised):
    made = sarif_log(raised)

    assert [] == [f"{error.json_path}: {error.message}" for error in SCHEMA.iter_errors(made)]
    assert len(raised) == len(made["runs"][0]["results"])


def test_no_region_ends_before_it_begins(raised):
    for result in sarif_log(raised)["runs"][0]["results"]:
        for location in (*result["locations"], *result.get("relatedLocations", ())):
            region = location["physicalLocation"].get("region")
            if region is not None:
                start, end = ((region[f"{edge}Line"], region[f"{edge}Column"]) for edge in ("start", "end"))
                assert (1, 1) <= start <= end


def test_a_workflow_command_is_read_back(raised):
    for item in raised:
        _, properties, text = read_back(github(item))

        assert f"{item.code} {item.name}" == properties["title"]
        assert text.startswith(item.message)
        assert item.help in text


def test_one_line_is_one_line(raised):
    for item in raised:
        assert 1 == len(concise(item).splitlines())
