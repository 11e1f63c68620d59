"""The list of all codes, on terminals of any width."""

from __future__ import annotations

import pytest

from qspec.diagnostics.codes import codes
from qspec.diagnostics.page_text import overview


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_left_out(width: int) -> None:
    lines = list(overview(codes(), width))

    assert width >= max(map(len, lines))
    assert "".join("".join(overview(codes(), 120)).split()) == "".join("".join(lines).split())


def test_the_sentence_stands_below_where_it_has_no_room_beside() -> None:
    assert ["  QS003  error  too-deep", "    Something nests or builds on itself", "    too deeply."] == list(
        overview(codes(), 40)
    )[8:11]
