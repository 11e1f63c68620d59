import json

import pytest

from qspec.diagnostics import Code, Place, Severity, Source, Span, catalogue
from qspec.diagnostics.concise import concise
from qspec.diagnostics.json_format import as_data, document
from qspec.diagnostics.render import RENDERERS
from qspec.diagnostics.summary import in_order, summary

A, B = Source("a.qspec", "qspec 1\nw9 w8\n"), Source("b.qspec", "x\n")
W9 = Code("QS101", "undefined-name").at(Span(A, 8, 10), "`w9` is not defined", help="define it")
W8 = Code("QS302", "overridden-rule", Severity.WARNING).at(Span(A, 11, 13), "`w8` has no effect")
X = Code("QS001", "syntax-error").at(Span(B, 0, 1), "expected a statement")
MODEL = Code("QS307", "adapted-granularity", Severity.NOTE).at(
    Place("b.qspec"), "one scale", layer="lstm", op="UNIDIRECTIONAL_SEQUENCE_LSTM", target="tflite"
)


def test_one_line_for_each():
    assert "a.qspec:2:1: error[QS101] `w9` is not defined" == concise(W9)
    assert "b.qspec: note[QS307] one scale" == concise(MODEL)


def test_one_line_stays_one_line():
    assert "a.qspec:2:1: error[QS101] two␊lines" == concise(
        Code("QS101", "undefined-name").at(Span(A, 8, 10), "two\nlines")
    )


def test_order_is_by_file_and_position():
    assert [W9, W8, MODEL, X] == in_order([X, MODEL, W8, W9])


@pytest.mark.parametrize(
    ("diagnostics", "expected"),
    [
        ([], "no problems"),
        ([W9], "1 error"),
        ([W9, X, W8], "2 errors, 1 warning"),
        ([W8, W8, MODEL], "2 warnings, 1 note"),
    ],
)
def test_summary(diagnostics, expected):
    assert expected == summary(diagnostics)


def test_concise_report():
    assert (
        "a.qspec:2:1: error[QS101] `w9` is not defined\n"
        "a.qspec:2:4: warning[QS302] `w8` has no effect\n"
        "1 error, 1 warning"
    ) == RENDERERS["concise"]([W8, W9], False, None)


def test_full_report():
    assert (
        "error[QS101]: `w9` is not defined\n"
        " --> a.qspec:2:1\n"
        "  |\n"
        "2 | w9 w8\n"
        "  | ^^\n"
        "  = help: define it\n"
        "\n"
        "error[QS001]: expected a statement\n"
        " --> b.qspec:1:1\n"
        "  |\n"
        "1 | x\n"
        "  | ^\n"
        "\n"
        "2 errors"
    ) == RENDERERS["full"]([X, W9], False, None)


def test_json_of_a_span():
    assert {
        "code": "QS101",
        "name": "undefined-name",
        "severity": "error",
        "message": "`w9` is not defined",
        "path": "a.qspec",
        "start": {"line": 2, "column": 1},
        "end": {"line": 2, "column": 3},
        "label": None,
        "related": [
            {
                "message": "see",
                "path": "b.qspec",
                "start": {"line": 1, "column": 1},
                "end": {"line": 1, "column": 2},
            }
        ],
        "help": "define it",
        "fix": None,
        "offers": [],
        "layer": None,
        "op": None,
        "target": None,
    } == as_data(W9.with_related(Span(B, 0, 1), "see"))


def test_json_of_a_place():
    data = as_data(MODEL)

    assert ("b.qspec", None, None) == (data["path"], data["start"], data["end"])
    assert ("lstm", "UNIDIRECTIONAL_SEQUENCE_LSTM", "tflite") == (data["layer"], data["op"], data["target"])


def test_json_document():
    made = document([X, W9, W8], {"placement": {"coral": []}})

    assert ["version", "diagnostics", "placement", "summary"] == list(made)
    assert 1 == made["version"]
    assert ["QS101", "QS302", "QS001"] == [item["code"] for item in made["diagnostics"]]
    assert {"coral": []} == made["placement"]
    assert {"errors": 2, "warnings": 1, "notes": 0} == made["summary"]


def test_json_report_reads_back():
    assert document([W9, MODEL]) == json.loads(RENDERERS["json"]([MODEL, W9], True, 10))


def test_every_format_has_a_renderer():
    assert ["full", "concise", "json", "sarif", "github"] == list(RENDERERS)


def test_the_catalogue_has_no_code_and_no_name_twice():
    codes = [value for value in vars(catalogue).values() if isinstance(value, Code)]

    assert len(codes) == len({code.code for code in codes}) == len({code.name for code in codes})
    assert all(code.name == code.name.lower().replace("_", "-") for code in codes)
