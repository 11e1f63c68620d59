"""`--select`, `--ignore` and `--max-warnings` of `qspec check`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qspec.cli import main
from qspec.cli.selection import selection
from qspec.diagnostics import Place, Severity
from qspec.diagnostics.catalogue import LEFT_TO_HOST, UNDEFINED_NAME, UNMATCHED_RULE
from qspec.diagnostics.selection import Selection
from qspec.lint import check
from qspec.schema import loads
from tests.graph.keras_configs import archive, small_model

# QS408, QS301, QS302, and an error, QS101.
SPEC = """\
qspec 1
import "std/int8.qspec"
deploy nnapi(api = 30)
default { weights = w8_tensor, output = a8 }
rule gone match Conv3D { weights = w8_tensor }
rule early match Dense { weights = w8 }
rule late match Dense { weights = w8_tensor }
"""
ERROR = "rule wrong match Dense { weights = w9 }\n"


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """`told(text, arguments…)`: the exit code, the codes that were told, and what went to standard error."""
    monkeypatch.chdir(tmp_path)
    archive(tmp_path / "small.keras", small_model())

    def run(text: str, *arguments: str) -> tuple[int, list[str], str]:
        Path("edge.qspec").write_text(text)
        code = main(["check", "edge.qspec", "--model", "small.keras", "--format", "concise", *arguments])
        printed = capsys.readouterr()
        lines = printed.out.splitlines()[:-1]
        return code, [line.split("[")[1].split("]")[0] for line in lines], printed.err

    return run


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["QS408", "QS301", "QS302"]),
        (["--select", "QS"], ["QS408", "QS301", "QS302"]),
        (["--select", "QS3"], ["QS301", "QS302"]),
        (["--select", "qs301"], ["QS301"]),
        (["--select", "overridden-rule"], ["QS302"]),
        (["--select", "QS301,QS4"], ["QS408", "QS301"]),
        (["--select", "QS301", "--select", "QS4"], ["QS408", "QS301"]),
        (["--ignore", "QS3"], ["QS408"]),
        (["--ignore", "unmatched-rule, QS408"], ["QS302"]),
        (["--ignore", "QS3", "--select", "QS301"], ["QS301"]),
        (["--select", "QS3", "--ignore", "QS301"], ["QS302"]),
        (["--select", "QS301,,QS4,"], ["QS408", "QS301"]),
        (["--select", "QS301", "--ignore", "QS301"], []),
        (["--select", "QS6"], []),
    ],
)
def test_codes_are_chosen(told, arguments, expected):
    assert (0, expected, "") == told(SPEC, *arguments)


@pytest.mark.parametrize("arguments", [["--select", "QS408"], ["--ignore", "QS"], ["--ignore", "QS3,QS4"]])
def test_errors_are_always_told(told, arguments):
    code, found, _ = told(SPEC + ERROR, *arguments)

    assert 1 == code
    assert "QS101" in found
    assert not {"QS301", "QS302"} & set(found)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--ignore", "QS101"], "`QS101` cannot be left out: errors are always told"),
        (["--ignore", "QS1"], "`QS1` cannot be left out"),
        (["--ignore", "undefined-name"], "`undefined-name` cannot be left out"),
        (["--select", "QS391"], "there is no code `QS391`"),
        (["--ignore", "unmached-rule"], "a code with a similar name exists: `unmatched-rule`"),
        (["--select", "frobnicate"], "`qspec explain` lists all of them"),
        (["--select", ""], "`--select ''` names no code: give some, as in `--select QS3,unmatched-rule`"),
        (["--select", "QS3", "--select", ","], "`--select ','` names no code"),
        (["--ignore", " , "], "`--ignore ' , '` names no code"),
        (["--select", "Q"], "there is no code `Q`"),
    ],
)
def test_what_names_no_code_is_wrong_usage(told, arguments, words):
    code, found, error = told(SPEC, *arguments)

    assert (2, []) == (code, found)
    assert error.startswith("qspec check: ")
    assert words in error


# ---- suppression comments beside it


@pytest.mark.parametrize("arguments", [[], ["--ignore", "QS301"], ["--select", "QS4,QS9"]])
def test_a_comment_that_suppresses_a_code_that_is_ignored_is_used(told, arguments):
    text = SPEC.replace("w8_tensor }\nrule early", "w8_tensor }  # qspec: ignore[QS301]\nrule early")

    assert not {"QS301", "QS902"} & set(told(text, *arguments)[1])


def test_a_comment_without_effect_is_no_news_where_its_code_is_ignored(told):
    rule = "late match Dense { weights = w8_tensor }"
    text = SPEC.replace(rule, f"{rule}  # qspec: ignore[QS303]")

    assert "QS902" in told(text)[1]
    assert "QS902" not in told(text, "--ignore", "QS303")[1]
    assert "QS902" in told(text, "--ignore", "QS301")[1]


def test_a_comment_may_have_the_name_of_a_code(told):
    rule = "gone match Conv3D { weights = w8_tensor }"
    text = SPEC.replace(rule, f"{rule}  # qspec: ignore[unmatched-rule, overridden-rule]")
    _, found, _ = told(text)

    assert "QS301" not in found
    assert ["QS902"] == [code for code in found if code.startswith("QS9")]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("QS3O1", "there is no code `QS3O1`"),
        ("unmached-rule", "there is no code `unmached-rule`"),
        ("QS101", "`QS101` is an error, and errors cannot be suppressed"),
        ("undefined-name", "`QS101` is an error, and errors cannot be suppressed"),
        ("QS901", "no diagnostic `QS901` arises here that could be suppressed"),
    ],
)
def test_a_comment_without_effect_says_why_it_has_none(code, message):
    spec, diagnostics = loads(f"qspec 1  # qspec: ignore[{code}]\ndefault {{ all = float }}\n", "edge.qspec")
    (found,) = check(spec, None, diagnostics).diagnostics

    assert ("QS902", message) == (found.code, found.message)
    assert (1, 26) == found.span.source.position(found.span.start)


# ---- how many warnings


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--max-warnings", "3"], 0),
        (["--max-warnings", "2"], 1),
        (["--max-warnings", "0"], 1),
        (["--max-warnings", "0", "--select", "QS6"], 0),
        (["--max-warnings", "1", "--ignore", "QS3"], 0),
    ],
)
def test_too_many_warnings_are_a_failure(told, arguments, expected):
    code, found, error = told(SPEC, *arguments)

    assert expected == code
    assert bool(expected) is (f"{len(found)} warnings, and `--max-warnings` allows" in error)


def test_notes_are_no_warnings(told):
    text = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\ndeploy edgetpu\n'

    assert (0, [], "") == told(text, "--max-warnings", "0")


@pytest.mark.parametrize("number", ["-1", "many", "1.5", ""])
def test_a_number_of_warnings_is_a_number(told, capsys, number):
    with pytest.raises(SystemExit) as ended:
        told(SPEC, "--max-warnings", number)

    assert 2 == ended.value.code
    assert "expected a number of warnings" in capsys.readouterr().err


def test_json_counts_what_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("edge.qspec").write_text(SPEC)
    main(["check", "edge.qspec", "--ignore", "QS408", "--format", "json"])

    assert {"errors": 0, "warnings": 0, "notes": 0} == json.loads(capsys.readouterr().out)["summary"]


# ---- the choice alone


def test_the_longest_beginning_decides():
    warning, note = UNMATCHED_RULE.at(Place("a"), "m"), LEFT_TO_HOST.at(Place("a"), "m", severity=Severity.NOTE)

    assert Selection().keeps(warning)
    assert not selection([], ["QS3"]).keeps(warning)
    assert selection(["QS30"], ["QS3"]).keeps(warning)
    assert not selection(["QS30"], ["QS301"]).keeps(warning)
    assert not selection([], ["left-to-host"]).keeps(note)
    assert selection(["QS9"], []).keeps(UNDEFINED_NAME.at(Place("a"), "m"))
