"""Text in so many columns: broken at spaces, and never cut."""

from __future__ import annotations

import random

import pytest

from qspec.cli.columns import wrapped
from qspec.diagnostics.text import display_width


def test_words_go_on_in_the_next_line():
    assert ["- one two", "  three"] == list(wrapped("one two three", 10, "- ", "  "))
    assert ["- one two three"] == list(wrapped("one two three", None, "- ", "  "))


def test_a_word_that_is_too_long_goes_on_in_the_next_line():
    assert ["- a", "  bcdefgh", "  ijk l"] == list(wrapped("a bcdefghijk l", 9, "- ", "  "))


def test_a_beginning_beside_which_no_word_has_room_stands_alone():
    assert ["  name", "    a_word b"] == list(wrapped("a_word b", 12, "  name  ", "    "))
    assert ["  a_na", "  me", "    b"] == list(wrapped("b", 6, "  a_name ", "    "))


def test_wide_characters_take_two_columns():
    assert ["漢字", "漢字"] == list(wrapped("漢字漢字", 5))


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_left_out(seed):
    print("seed", seed)
    source = random.Random(seed)
    words = ["".join(source.choices("ab/_漢", k=source.randint(1, 30))) for _ in range(12)]
    first, width = "  " + "".join(source.choices("xy", k=source.randint(0, 30))) + " ", source.randint(12, 40)
    lines = list(wrapped(" ".join(words), width, first, "    "))

    assert "".join((first, *words)).replace(" ", "") == "".join(lines).replace(" ", "")
    assert all(display_width(line) <= width for line in lines)
