"""No text makes a traceback, and what is reported lies inside the text."""

import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from qspec.diagnostics import Source, Span
from qspec.schema import loads
from qspec.syntax import parse
from tests.syntax.lark_oracle import lark

ROOT = Path(__file__).parents[2]
SAMPLES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests" / "fixtures").rglob("*.qspec"))]
SCRAPS = [
    *"{}()[],=|?.+-*/%#\"'\n\t\\\r\f@;:&é→\u2028",
    *("==", "->", "...", "..", "1e999", "9" * 50, "rule", "match", "where", "and", "or", "not", "in", "as", "like"),
    *("matches", "because", "any", "target", "op", "form", "when", "require", "input", "output", "qspec 1", "KiB"),
]


def assert_told_inside(text, diagnostics):
    for item in diagnostics:
        assert item.help, item.message
        if isinstance(item.span, Span) and item.span.source.text == text:
            assert 0 <= item.span.start <= item.span.end <= len(text)


@given(st.text())
def test_arbitrary_text_is_read(text):
    _, diagnostics = parse(Source("text", text))

    assert_told_inside(text, diagnostics)


@given(st.lists(st.sampled_from([*SCRAPS, " ", "w8", "Dense", "3"]), max_size=60).map("".join))
def test_arbitrary_tokens_are_loaded(text):
    _, diagnostics = loads("qspec 1\n" + text)

    assert_told_inside("qspec 1\n" + text, diagnostics)


def damaged(text, random_):
    for _ in range(random_.randint(1, 4)):
        start = random_.randrange(len(text) + 1)
        end = min(len(text), start + random_.randint(0, 8))
        match random_.randrange(4):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = f"{text[:start]} {random_.choice(SCRAPS)} {text[start:]}"
            case 2:
                text = text[:start]
            case _:
                other = random_.randrange(len(text) + 1)
                text = text[:start] + text[other : other + 20] + text[end:]
    return text


@pytest.mark.parametrize("seed", range(10))
def test_damaged_specs_are_loaded_in_no_time(seed):
    random_ = random.Random(seed)
    for _ in range(40):
        text = damaged(random_.choice(SAMPLES), random_)
        start = time.process_time()  # what others do on the machine does not count
        _, diagnostics = loads(text, imports={})

        assert time.process_time() - start < 2, f"seed {seed}: {text!r}"
        assert_told_inside(text, diagnostics)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(from_lark(lark(), start="start"))
def test_whatever_the_grammar_generates_is_read(text):
    # Generated words may touch (`ruleA`) or be spelled as other words; nothing but syntax errors may come of it.
    _, diagnostics = parse(Source("generated", text))

    assert {item.code for item in diagnostics} <= {"QS001", "QS002", "QS003", "QS005", "QS201", "QS901"}
