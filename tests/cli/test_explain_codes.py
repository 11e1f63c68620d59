"""`qspec explain`: the list of codes and the page of one."""

from __future__ import annotations

import json
import re

import pytest

from qspec._resources import resource
from qspec.cli import main
from qspec.diagnostics.codes import FAMILIES, codes
from qspec.diagnostics.page import page
from qspec.diagnostics.page_text import overview, rendered
from qspec.diagnostics.render import RENDERERS
from qspec.diagnostics.text import display_width


@pytest.fixture
def explain(capsys):
    """`explain(arguments…)`: the exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["explain", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


PAGED = [code for code in codes() if page(code) is not None]


@pytest.mark.parametrize("code", PAGED, ids=lambda code: code.code)
def test_every_page_is_printed_whole(explain, code):
    status, out, error = explain(code.code)
    words = re.sub(r"^```.*$|^#+ ", " ", page(code).text, flags=re.MULTILINE)

    assert (0, "") == (status, error)
    assert out.startswith(f"{code.code} {code.name} ({code.severity.value})\n\n")
    assert "```" not in out
    assert out.split() == words.split()


@pytest.mark.parametrize("subject", ["QS301", "qs301", "unmatched-rule", "Unmatched-Rule"])
def test_a_code_is_found_by_number_and_name_in_any_case(explain, subject):
    assert explain("QS301") == explain(subject)


def test_the_list_has_every_code_under_its_family(explain):
    status, out, error = explain()
    heads = [line for line in out.splitlines() if line.startswith("QS")]

    assert (0, "") == (status, error)
    assert [f"{family}xx  {title}" for family, title in FAMILIES.items()] == heads
    for code in PAGED:
        assert f"  {code.code}  {code.severity.value:7}  {code.name}" in out
        assert " ".join(page(code).summary.split()) in " ".join(out.split())


def test_the_beginning_of_a_code_lists_its_family(explain):
    assert [f"  {code.code}" for code in codes() if code.code.startswith("QS5")] == [
        line[:7] for line in explain("qs5")[1].splitlines() if line.startswith("  QS")
    ]
    assert explain() == explain("QS")


def test_the_json_of_a_page_and_of_the_list(explain):
    listed, one = json.loads(explain("--format", "json")[1]), json.loads(explain("QS302", "--format", "json")[1])

    (page_,) = one["codes"]

    assert [code.code for code in codes()] == [item["code"] for item in listed["codes"]]
    assert {None} == {item["page"] for item in listed["codes"]}
    assert {
        "code": "QS302",
        "name": "overridden-rule",
        "severity": "warning",
        "family": "rules and matching",
        "summary": "A rule, or an assignment in it, has no effect: later ones assign the same.",
    }.items() <= page_.items()
    assert page_["page"].startswith("# QS302 overridden-rule (warning)\n\n")


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("QS3O1", "a code with a similar name exists: `QS301`"),
        ("301", "a code with a similar name exists: `QS301`"),
        ("QS-30l", "a code with a similar name exists: `QS301`"),
        ("QS999", "there is no code `QS999`; `qspec explain QS9` lists those of its family"),
        ("qs3011", "there is no code `qs3011`; `qspec explain QS3` lists those of its family"),
        ("QS799", "there is no code `QS799`; `qspec explain` lists all of them"),
        ("oil", "there is no code `oil`; `qspec explain` lists all of them"),
        ("unmached-rule", "a code with a similar name exists: `unmatched-rule`"),
        ("frobnicate", "there is no code `frobnicate`; `qspec explain` lists all of them"),
    ],
)
def test_an_unknown_code_is_wrong_usage(explain, subject, words):
    status, out, error = explain(subject)

    assert (2, "") == (status, out)
    assert error.startswith("qspec explain: there is no code `")
    assert words in error


@pytest.mark.parametrize("arguments", [["QS301", "--model", "a.keras"], ["--layer", "head"]])
def test_a_model_goes_with_a_spec(explain, arguments):
    assert (2, "") == explain(*arguments)[:2]


# ---- how it looks


def test_headings_are_bold_where_there_is_colour():
    lines = list(rendered(page(codes()[0]).text, 80, colors=True))

    assert "\x1b[1mQS001 syntax-error (error)\x1b[0m" == lines[0]
    assert [f"\x1b[1m{title}\x1b[0m" for title in ("Why it matters", "Example", "What to do")] == [
        line for line in lines[1:] if "\x1b" in line
    ]


@pytest.mark.parametrize("width", [40, 60, 100])
def test_prose_is_filled_and_code_stays_as_it_is(width):
    for code in PAGED:
        text = page(code).text
        for line in rendered(text, width):
            assert line.startswith("    ") or display_width(line) <= width or len(line.split()) == 1


def test_code_is_indented_and_paragraphs_and_items_are_filled():
    markdown = "# T\n\none\ntwo\n\n```qspec model=small\na {\n\n  b\n}\n```\n\n* first\n  item\n* second\n"

    assert ["T", "", "one two", "", "    a {", "", "      b", "    }", "", "* first item", "* second"] == list(
        rendered(markdown, 40)
    )


def test_the_list_fits_its_width_where_that_is_enough_for_the_names():
    assert max(map(display_width, overview(codes(), 110))) <= 110


def test_the_manual_names_every_family_and_every_format():
    section = (resource("grammar") / "README.md").read_text("utf-8").split("\n## Diagnostics\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", section.split("### JSON")[0], re.MULTILINE))

    assert FAMILIES.items() <= rows.items()
    assert set(RENDERERS) == set(rows) - set(FAMILIES)


@pytest.mark.parametrize("name", ["unet.keras", "a/unet.keras", "unet.tflite"])
def test_a_model_in_place_of_a_spec_is_told_apart(capsys, name):
    assert 2 == main(["explain", name])
    assert f"qspec explain: `{name}` is a model: `qspec explain SPEC --model {name}`\n" == capsys.readouterr().err
