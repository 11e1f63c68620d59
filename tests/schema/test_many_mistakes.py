"""A spec with N mistakes hears of all of them, each in its own line, and of hardly anything else.

    pytest -m slow tests/schema/test_many_mistakes.py

tries 5,000 specs; the quick test some of them.
"""

import random

import pytest

from qspec.diagnostics import Severity
from qspec.schema import loads
from tests.function_calls import counted
from tests.schema.mistakes import SORTS, spec, untold, with_mistakes

MOST = 20


def lines_of_errors(text: str) -> list[int]:
    _, found = loads(text, imports={})
    return [item.span.source.position(item.span.start)[0] for item in found if item.severity is Severity.ERROR]


@pytest.mark.parametrize("count", [300, pytest.param(5000, marks=pytest.mark.slow)])
def test_every_mistake_is_told_in_its_line_and_little_else(count):
    made = set()
    for seed in range(count):
        number = 1 + seed % MOST
        text, mistakes = with_mistakes(random.Random(seed), number)
        told = lines_of_errors(text)
        made |= {mistake.sort for mistake in mistakes}

        assert number == len(mistakes)
        assert [] == untold(mistakes, told), f"seed {seed}\n{text}"
        assert len(told) <= number + 1, f"seed {seed}\n{text}"
    assert set(SORTS) == made


@pytest.mark.parametrize("sort", SORTS)
def test_one_mistake_is_one_error(sort):
    for seed in range(12):
        text, mistakes = with_mistakes(random.Random(seed), 1, sort)

        assert [sort] == [mistake.sort for mistake in mistakes]
        assert [] == untold(mistakes, lines_of_errors(text)), f"seed {seed}\n{text}"
        assert 1 == len(lines_of_errors(text)), f"seed {seed}\n{text}"


@pytest.mark.parametrize("seed", range(20))
def test_without_mistakes_there_are_no_errors(seed):
    lines = [line for statement in spec(random.Random(seed), 30) for line in statement.lines]

    assert [] == lines_of_errors("\n".join(lines) + "\n")


def test_thousands_of_imports_take_time_in_proportion():
    def calls(imports: int) -> int:
        text = "qspec 1\n" + "".join(f'import "gone/{number}.qspec"\n' for number in range(imports))
        return counted(lambda: loads(text, imports={}))[1]

    assert calls(1600) < 2.5 * calls(800)


def test_of_very_many_mistakes_the_first_thousand_are_told():
    _, found = loads("qspec 1\n" + "quantizer a extends a { type = int99 }\n" * 3000)

    assert 1001 == len(found)
    assert "there are more mistakes than the 1,000 that are reported" == found[-1].message
