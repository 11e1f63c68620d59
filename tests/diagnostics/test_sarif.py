"""SARIF as the standard has it.

`sarif-schema-2.1.0.json` is OASIS' own (oasis-tcs/sarif-spec e058381, sarif-2.1/schema), unchanged.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from qspec.diagnostics import Code, Diagnostic, Edit, Fix, Place, Severity, Source, Span
from qspec.diagnostics.catalogue import OVERRIDDEN_RULE, UNDEFINED_NAME, UNMATCHED_RULE
from qspec.diagnostics.codes import codes
from qspec.diagnostics.page import page
from qspec.diagnostics.render import RENDERERS

SCHEMA = Draft4Validator(json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_text("utf-8")))
EDGE = Source("specs/edge of it.qspec", 'qspec 1\n\trule "𝄞" match Dense { weights = w9 }\n')


def log(*diagnostics: Diagnostic) -> dict[str, Any]:
    """The log of *diagnostics*, which the schema accepts."""
    made = json.loads(RENDERERS["sarif"](diagnostics, False, None))
    assert [] == [error.message for error in SCHEMA.iter_errors(made)]
    return made


def run(*diagnostics: Diagnostic) -> dict[str, Any]:
    (one,) = log(*diagnostics)["runs"]
    return one


def span(text: str) -> Span:
    start = EDGE.text.index(text)
    return Span(EDGE, start, start + len(text))


W9 = UNDEFINED_NAME.at(span("w9"), "quantizer `w9` is not defined", label="not found", help="there is `w8`")


def test_the_schema_refuses_what_is_no_log():
    made = log(W9)
    del made["runs"][0]["tool"]

    assert not SCHEMA.is_valid(made)


def test_nothing_found_is_a_run_without_results():
    made = log()

    assert "2.1.0" == made["version"]
    assert ["qspec", []] == [made["runs"][0]["tool"]["driver"]["name"], made["runs"][0]["results"]]


def test_a_result_has_a_region_in_code_points():
    """The clef is one code point, two UTF-16 units and four bytes; the tab is one column."""
    found = run(W9)
    (result,) = found["results"]

    assert "unicodeCodePoints" == found["columnKind"]
    assert {
        "ruleId": "QS101",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "quantizer `w9` is not defined\nhelp: there is `w8`"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "specs/edge%20of%20it.qspec"},
                    "region": {"startLine": 2, "startColumn": 35, "endLine": 2, "endColumn": 37},
                },
                "message": {"text": "not found"},
            }
        ],
    } == result


def test_related_places_and_fixes_and_what_it_is_about():
    fix = Fix("write `w8`", (Edit(span("w9"), "w8"), Edit(Span(EDGE, 0, 0), "# mended\n")))
    found = UNMATCHED_RULE.at(span("Dense"), "m", fix=fix, layer="head", target="coral")
    (result,) = run(found.with_related(Place("model.keras"), "this model"))["results"]

    assert [
        {
            "id": 0,
            "physicalLocation": {"artifactLocation": {"uri": "model.keras"}},
            "message": {"text": "this model"},
        }
    ] == result["relatedLocations"]
    (change,) = result["fixes"][0]["artifactChanges"]
    assert "write `w8`" == result["fixes"][0]["description"]["text"]
    assert "specs/edge%20of%20it.qspec" == change["artifactLocation"]["uri"]
    assert ["w8", "# mended\n"] == [replacement["insertedContent"]["text"] for replacement in change["replacements"]]
    assert {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1} == change["replacements"][1][
        "deletedRegion"
    ]
    assert {"layer": "head", "target": "coral"} == result["properties"]


def test_what_may_be_meant_is_proposed_too():
    """`fixes` are proposed fixes (3.27.30), each once."""
    fix, offer = (Fix(f"write `{word}`", (Edit(span("w9"), word),)) for word in ("w8", "a8"))
    offered = UNDEFINED_NAME.at(span("w9"), "m", offers=(fix, offer))
    both = UNDEFINED_NAME.at(span("w9"), "m", fix=fix, offers=(fix, offer))

    for found in (offered, both):
        (result,) = run(found)["results"]
        assert ["write `w8`", "write `a8`"] == [each["description"]["text"] for each in result["fixes"]]


def test_every_level_is_one_of_sarif():
    levels = [W9, UNMATCHED_RULE.at(span("Dense"), "w"), OVERRIDDEN_RULE.at(span("w9"), "n", severity=Severity.NOTE)]

    assert ["warning", "error", "note"] == [result["level"] for result in run(*levels)["results"]]


def test_rules_are_those_that_arise_each_with_its_page():
    found = run(UNMATCHED_RULE.at(span("Dense"), "w"), W9, W9)
    rules = found["tool"]["driver"]["rules"]

    assert ["QS101", "QS301"] == [rule["id"] for rule in rules]
    assert [rules[result["ruleIndex"]]["id"] for result in found["results"]] == ["QS301", "QS101", "QS101"]
    assert page(UNDEFINED_NAME).text == rules[0]["help"]["markdown"]
    assert "```" not in rules[0]["help"]["text"]


def test_every_code_makes_a_rule():
    rules = run(*(code.at(Place("m"), "m") for code in codes()))["tool"]["driver"]["rules"]

    assert [code.code for code in codes()] == [rule["id"] for rule in rules]


@pytest.mark.parametrize("path", ["a:b.qspec", "<stdin>", "100%.qspec", "größe/é.qspec", "../up.qspec", "a#b?c.qspec"])
def test_a_path_is_an_encoded_relative_reference(path):
    ((result,),) = [run(Code("QS004", "unreadable-file").at(Place(path), "m"))["results"]]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]

    assert ("", "", "", "") == (urlsplit(uri).scheme, urlsplit(uri).netloc, urlsplit(uri).query, urlsplit(uri).fragment)
    assert uri.isascii()
    assert path == unquote(uri)


def test_no_path_of_the_machine_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = json.dumps(log(UNDEFINED_NAME.at(Place(str(tmp_path / "specs" / "edge.qspec")), "m")))

    assert str(tmp_path) not in made
    assert '"specs/edge.qspec"' in made
    assert os.getcwd() == str(tmp_path)


@given(st.text(), st.text(), st.text(), st.data())
def test_whatever_is_found_the_schema_accepts_it(text, path, message, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))

    log(UNDEFINED_NAME.at(Span(Source(path or "a", text), start, end), message, help=message, label=message))
