"""Quick fixes and formatting, as changes of texts; diagnostics that move with the text."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from qspec._resources import resource
from qspec.diagnostics import Diagnostic, Edit, Place, Severity, Source, Span, writing
from qspec.server.actions import fix_all, fixes
from qspec.server.formatting import layout_edits
from qspec.server.retained import retained
from qspec.syntax import parse
from qspec.syntax.formatter import formatted
from tests.server.views import PATH, view_of


def applied(text: str, edits: tuple[Edit, ...]) -> str:
    """A text with edits in place, the last first."""
    spans = [edit.span for edit in edits]
    assert all(one.end < other.start for one, other in pairwise(spans)), "they touch"
    for edit in reversed(edits):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


# ---- fixes


def actions(text: str, at: str) -> dict[str, str]:
    """What the text becomes by each action that is offered where *at* stands."""
    view = view_of(text)
    start = text.index(at)
    found = fixes(view.now.report.diagnostics, view.now.file, start, start + len(at))
    return {action.title: applied(text, action.edits) for action in found}


def test_a_fix_takes_its_cause_away():
    text = 'import "std/int8.qspec"\ndefault { weights = w8, output = a8 }\n'

    mended = actions(text, "import")["begin with `qspec 1`"]

    assert ["QS901"] == [item.code for item in view_of(text).now.report.diagnostics]
    assert () == view_of(mended).now.report.diagnostics


def test_a_similar_name_is_offered():
    text = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8_tensr, output = a8 }\n'

    assert {"write `w8_tensor`": text.replace("w8_tensr", "w8_tensor")} == actions(text, "w8_tensr")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("qspec 1\n", 'qspec 1\n\nimport "std/int8.qspec"\n'),
        ('qspec 1\nimport "a.qspec"  # why\n', 'qspec 1\nimport "a.qspec"  # why\nimport "std/int8.qspec"\n'),
        ("# no edition\n", 'import "std/int8.qspec"\n# no edition\n'),
    ],
)
def test_an_import_is_offered_for_what_is_shipped(before, after):
    rest = "default { weights = w8 }\n"
    found = actions(before + rest, "w8")

    if "a.qspec" in before:  # what a file that is missing defines is not known: nothing is offered
        assert {} == found
    else:
        assert {'add `import "std/int8.qspec"`': after + rest} == found


def test_several_that_may_be_meant_are_offered():
    text = 'qspec 1\nimport "std/int8.qspec"\nrule r match Dense { kernel = w8 }\n'

    assert {
        "write `weights`": text.replace("kernel", "weights"),
        'write `weights["kernel"]`': text.replace("kernel", 'weights["kernel"]'),
    } == actions(text, "kernel")


def test_what_is_offered_is_not_certain():
    """No sentence is read: what the value holds is offered, after the fix, which alone is certain and made with all."""
    source = Source(PATH, "w9")
    span = Span(source, 0, 2)
    item = Diagnostic("QS101", "x", Severity.ERROR, "m", span, help="a name with a similar name exists: `zz`")
    offered = replace(item, offers=(writing(span, "w8"), writing(span, "a8")))
    file, _ = parse(source)

    def titles(item: Diagnostic) -> list[tuple[str, bool]]:
        return [(action.title, action.certain) for action in fixes([item], file, 0, 2)]

    assert [] == titles(item)
    assert [("write `w8`", False), ("write `a8`", False)] == titles(offered)
    assert [("write `b8`", True), ("write `w8`", False)] == titles(
        replace(offered, fix=writing(span, "b8"), offers=offered.offers[:1])
    )
    assert None is fix_all([offered], PATH)


def test_what_was_offered_for_an_earlier_text_is_not_offered():
    old, new = Source("text", "aa bb"), Source("text", "aa bXb")
    item = Diagnostic("QS301", "x", Severity.ERROR, "m", Span(old, 0, 2), offers=(writing(Span(old, 0, 2), "cc"),))

    assert [()] == [each.offers for each in retained([item], old, new)]


def test_nothing_is_offered_elsewhere():
    text = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8_tensr, output = a8 }\n'

    assert {} == actions(text, "qspec 1")


def test_everything_at_once():
    text = "default { all = float }\n# qspec: ignore[QS902, QS306]\nrequire ops <= 3\n"
    view = view_of(text)

    every = fix_all(view.now.report.diagnostics, PATH)

    again = view_of(applied(text, every.edits))
    assert [] == [item.code for item in again.now.report.diagnostics if item.fix is not None]
    assert None is fix_all(again.now.report.diagnostics, PATH)


# ---- formatting


def test_the_changes_of_lines_give_the_layout():
    chance = random.Random(2)
    for path in sorted(resource("specs").rglob("*.qspec")):
        text = path.read_text("utf-8")
        for _ in range(4):
            lines = [" " * chance.randrange(3) + line if line else line for line in text.split("\n")]
            ending = chance.choice(["", "\n", "\n\n\n"])
            untidy = "\n".join(lines).rstrip("\n") + ending
            source = Source("text", untidy)

            assert formatted(source) == applied(untidy, layout_edits(source))


@pytest.mark.parametrize(
    "text", ["", "qspec 1", "qspec 1\n\n\n", "\n\nqspec 1", "qspec 1\nrule a match any {all=float}"]
)
def test_the_ends_of_texts(text):
    source = Source("text", text)

    assert formatted(source) == applied(text, layout_edits(source))


def test_a_text_with_mistakes_stays():
    assert () == layout_edits(Source("text", "rule   {{{"))


def test_a_long_file_of_lines_that_are_alike_is_laid_out_at_once():
    rule = "rule r{} match Dense {{\n    weights = w8\n   output = a8\n}}\n\n\n\n"
    source = Source("text", "qspec 1\n" + "".join(rule.format(number) for number in range(500)))
    start = time.process_time()
    edits = layout_edits(source)

    assert time.process_time() - start < 5  # comparing each line with each takes four times as long
    assert formatted(source) == applied(source.text, edits)


# ---- what moves with the text


def test_diagnostics_move_with_the_text():
    old, new = Source("text", "aa bb cc"), Source("text", "aa bXb cc")
    items = [Diagnostic("QS301", "x", Severity.WARNING, word, Span(old, *where)) for word, where in PLACES.items()]

    found = {item.message: new.text[item.span.start : item.span.end] for item in retained(items, old, new)}

    assert {"aa": "aa", "cc": "cc"} == found


PLACES = {"aa": (0, 2), "bb": (3, 5), "cc": (6, 8)}


def test_what_has_no_place_stays():
    old, new = Source("text", "a"), Source("text", "b")
    item = Diagnostic("QS301", "x", Severity.WARNING, "message", Place("model.keras"))

    assert [item] == list(retained([item], old, new))
