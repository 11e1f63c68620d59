"""Lines and columns against an independent count: Python's own encoders, and lines split one way only."""

from __future__ import annotations

import random

import pytest

from qspec.server.text import Position, Text

SAMPLES = ["", "a", "a\nb", "a\r\nb\rc\n", "é€𝄞x\n𝄞𝄞\n", "\u2028 \f \x85 \v\nx", "a\n\n\n", "tail\r"]
ALPHABET = "ab\n\r\té€𝄞\u2028\f"


def expected_position(text: str, offset: int, encoding: str) -> Position:
    """Where an offset stands, counted by hand: lines at each of the three ends, units by encoding what is before."""
    before = text[:offset].replace("\r\n", "\n\n"[:1])
    if text[offset - 1 : offset] == "\r" and text[offset : offset + 1] == "\n":
        before = before[:-1] + "\r"  # between the two characters of one end
        line = before[:-1].replace("\r", "\n")
        column = len(line.rpartition("\n")[2].encode(f"{encoding}-le" if encoding != "utf-8" else encoding)) + 1
        return Position(line.count("\n"), column)
    before = before.replace("\r", "\n")
    unit = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    codec = encoding if encoding == "utf-8" else f"{encoding}-le"
    return Position(before.count("\n"), len(before.rpartition("\n")[2].encode(codec)) // unit)


def samples() -> list[str]:
    chance = random.Random(5)
    return [*SAMPLES, *("".join(chance.choices(ALPHABET, k=chance.randrange(30))) for _ in range(40))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_every_offset_has_its_position_and_back(encoding):
    for sample in samples():
        text = Text(sample, encoding)
        for offset in range(len(sample) + 1):
            if sample[offset - 1 : offset + 1] == "\r\n" and offset:
                continue  # inside the end of a line, where nothing stands
            position = text.position(offset)
            assert expected_position(sample, offset, encoding) == position
            assert offset == text.offset(position)


def test_a_position_beyond_is_the_end():
    text = Text("ab\r\ncd", "utf-16")

    assert [2, 2, 6, 6] == [text.offset(Position(*place)) for place in ((0, 2), (0, 99), (1, 99), (9, 0))]


def test_a_position_inside_a_character_is_before_it():
    assert 1 == Text("a𝄞b", "utf-16").offset(Position(0, 2))
    assert 1 == Text("a€b", "utf-8").offset(Position(0, 3))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_changes_one_after_the_other(encoding):
    chance = random.Random(11)
    for _ in range(60):
        expected = "".join(chance.choices("ab\né𝄞", k=20))
        text = Text(expected, encoding)
        for _ in range(5):
            start, end = sorted(chance.choices(range(len(expected) + 1), k=2))
            new = "".join(chance.choices("xy\n𝄞", k=chance.randrange(4)))
            text = text.replaced(text.position(start), text.position(end), new)
            expected = expected[:start] + new + expected[end:]

        assert expected == text.text
