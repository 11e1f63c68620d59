"""Formatting keeps meaning and comments, and is done in one go: on specs made from the grammar, and on all that ship.

    pytest -m slow tests/syntax/test_formatter_properties.py

tries 2,000 generated specs; the quick test a few of them.
"""

import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from qspec.diagnostics import Source
from qspec.syntax import parse, suppressions
from tests.syntax.formatting import assert_keeps_its_promises, errors, format_text
from tests.syntax.generated_specs import Generator, constructs
from tests.syntax.test_manual import EXAMPLES, MANUAL

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.qspec"))
FIXTURES = [path for path in sorted((ROOT / "tests").rglob("*.qspec")) if not errors(path.read_text(encoding="utf-8"))]

SPEC_TEXTS = st.randoms(use_true_random=False).map(lambda generator: Generator(generator).text())


def named(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("count", [150, pytest.param(2000, marks=pytest.mark.slow)])
def test_generated_specs_keep_meaning_and_comments(count):
    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(SPEC_TEXTS)
    def holds(text):
        assume(not errors(text))
        assert_keeps_its_promises(text)

    holds()


def test_nearly_all_that_is_generated_is_read():
    texts = [Generator(random.Random(seed)).text() for seed in range(200)]

    assert 195 < sum(not errors(text) for text in texts)


def test_what_is_generated_has_every_construct_of_the_grammar():
    found = set()
    for seed in range(1000):
        generator = Generator(random.Random(seed))
        generator.text()
        found |= generator.used

    assert constructs() - found == set()


def test_suppressions_speak_of_what_they_spoke_of():
    texts = [Generator(random.Random(seed), suppressing=True).text() for seed in range(100)]
    suppressed = [(suppressed_texts(text), suppressed_texts(format_text(text))) for text in texts if not errors(text)]

    assert 200 < sum(len(before) for before, _ in suppressed)
    assert [] == [pair for pair in suppressed if pair[0] != pair[1]]


def suppressed_texts(text):
    """Each suppressed code, with the statement that begins in its line, or else with what stands in the line."""
    source = Source("text", text)
    statements = {source.position(each.span.start)[0]: repr(each) for each in parse(source)[0].statements}
    return [(item.code, statements.get(item.line) or words(source.line(item.line))) for item in suppressions(source)]


def words(line):
    """The words, texts and signs of a line but for commas, as double quotes would have them."""
    found = re.findall(r"""(#.*)|("(?:\\.|[^"\\])*"|'[^']*'|\w+|[^\s,])""", line)
    return [re.sub(r"""^'([^"\\]*)'$""", r'"\1"', word) for _, word in found if word]


@pytest.mark.parametrize("path", [*SPECS, *FIXTURES], ids=named)
def test_every_spec_here_keeps_meaning_and_comments(path):
    assert_keeps_its_promises(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SPECS, ids=named)
def test_what_ships_is_formatted(path):
    text = path.read_text(encoding="utf-8")

    assert text == format_text(text)


def test_the_example_of_the_layout_is_laid_out():
    (example,) = re.findall(r"^## Layout: `qspec fmt`\n.*?^```qspec\n(.*?)^```$", MANUAL, re.DOTALL | re.MULTILINE)

    assert example == format_text(example)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_examples_of_the_manual_keep_meaning_and_comments(number):
    assert_keeps_its_promises(EXAMPLES[number])
