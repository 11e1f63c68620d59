"""Hovers in an editor that shows no Markdown."""

from __future__ import annotations

import pytest

pytest.importorskip("pygls")

from qspec.server.hover import hover
from qspec.server.plain import plain
from tests.server.views import view_of


def test_a_table_stands_in_columns():
    text = "quantizer `a8`\n\n| | |\n|---|---|\n| type | int8 |\n| granularity | per_tensor |\n\n2 slots have it"

    assert "quantizer `a8`\n\ntype         int8\ngranularity  per_tensor\n\n2 slots have it" == plain(text)


def test_rows_need_not_be_equally_long():
    assert "a  b\nc" == plain("| a | b |\n|---|---|\n| c |")


def test_a_head_and_a_bar_in_a_cell_stay():
    text = "| slot | by |\n|:---|---:|\n| `weights` | int4 \\| int8 |"

    assert "slot       by\n`weights`  int4 | int8" == plain(text)


@pytest.mark.parametrize(
    "text", ["", "no table", "a | b\n|| c", "a -> b |\n| c", "```qspec\npattern p = A | B\n```", "|| |"]
)
def test_what_is_no_table_stays(text: str):
    assert text == plain(text)


def test_what_is_shown_of_a_quantizer_has_no_bars():
    text = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8 }\n'
    found = hover(view_of(text), text.index("w8 }"))

    assert found is not None
    assert "| granularity |" in found.text
    assert "|" not in plain(found.text)
    assert "granularity  per_channel" in plain(found.text)
