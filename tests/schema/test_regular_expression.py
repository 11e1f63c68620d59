"""`matches`: as Python's own `re.fullmatch`, and never slow."""

from __future__ import annotations

import re
import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qspec.schema.regular_expression import MOST_STATES, RegularExpression, compile_regex

LONGEST_NAME = 200


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(?=a)b", "uses `(?…)`; only `(?:…)` is known"),
        ("(?i)a", "uses `(?…)`; only `(?:…)` is known"),
        (r"(a)\1", "refers back to a group"),
        ("a++", "has one quantifier behind another"),
        ("a{2}*", "has one quantifier behind another"),
        ("(", "is not a well-formed regular expression"),
        ("[", "is not a well-formed regular expression"),
        ("*", "is not a well-formed regular expression"),
        ("a{99999999999999999999}", "is not a well-formed regular expression"),
        ("a{501}", "is too large: its repetitions come to more than 500 states"),
        ("(a{40}){40}", "is too large: its repetitions come to more than 500 states"),
        ("(" * 65 + "a" + ")" * 65, "has more than 64 groups in each other"),
    ],
)
def test_what_is_refused_says_why(pattern, problem):
    assert problem == compile_regex(pattern)


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("block_[0-9]+", "block_12", "block_"),
        ("(conv|dense)_.*", "dense_x", "conv"),
        (r"\d{1,3}", "123", "1234"),
        ("a{2", "a{2", "aa"),
        ("a{,2}b", "aab", "aaab"),
        ("a{}", "a{}", "a"),
        (r"(ab)+|\(c\)*", "(c)))", "aba"),
        (r"[]a]\x41", "]A", "a"),
        (r"^\bstem\b.*$", "stem/conv", "stemming"),
        ("(a*)*b", "aab", "aac"),
        ("(|a)", "", "aa"),
        ("x??y", "y", "xxy"),
    ],
)
def test_expressions_of_every_form(pattern, fits, fits_not):
    expression = compile_regex(pattern)

    assert isinstance(expression, RegularExpression)
    assert expression.fullmatch(fits)
    assert not expression.fullmatch(fits_not)


def of_expressions(atoms: list[str], most: int) -> st.SearchStrategy[str]:
    """Expressions of these atoms, with groups, alternatives and repetitions."""
    bounds = st.tuples(st.integers(0, most), st.integers(0, most)).map(lambda ends: f"{{{min(ends)},{max(ends)}}}")
    quantifiers = st.one_of(st.sampled_from(["*", "+", "?", "*?", "{2}", "{,2}", "{1,}"]), bounds)
    return st.recursive(
        st.sampled_from(atoms),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map("".join),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
            st.tuples(inner, quantifiers).map(lambda both: f"(?:{both[0]}){both[1]}"),
        ),
        max_leaves=8,
    )


@given(of_expressions(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\.", "^", "$", r"\b"], 3), st.text("ab.", max_size=7))
@settings(max_examples=400, deadline=None)
def test_agrees_with_pythons_own(pattern, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = re.fullmatch(pattern, text) is not None
    expression = compile_regex(pattern)

    if isinstance(expression, str):
        assert "is too large" in expression
    else:
        assert expected == expression.fullmatch(text)


@given(of_expressions(["a", "b", ".", r"\w", "[ab]", r"\b"], 200), st.sampled_from(["a", "ab", "aab"]), st.text("ab!"))
@settings(max_examples=200, deadline=None)
def test_no_expression_takes_long_over_a_name(pattern, repeated, end):
    text = (repeated * LONGEST_NAME)[: LONGEST_NAME - len(end)] + end
    expression = compile_regex(pattern)
    start = time.process_time()
    if not isinstance(expression, str):
        expression.fullmatch(text)

    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    "pattern",
    [
        ".*.*.*.*x",
        r"\w*\w*\w*!",
        "(a|a)*",
        "(a+)+$",
        "a?" * 100 + "a" * 100,
        "(a|aa)+",
        f"a{{1,{MOST_STATES // 2 - 1}}}",
    ],
)
def test_what_takes_others_forever(pattern):
    expression = compile_regex(pattern)
    start = time.process_time()

    assert isinstance(expression, RegularExpression)
    assert not expression.fullmatch("a" * LONGEST_NAME + "b")
    assert time.process_time() - start < 0.5
