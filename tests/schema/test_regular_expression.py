"""`matches`: as Python's own `re.fullmatch`, and never slow."""

from __future__ import annotations

import re
import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qspec.schema.regex_problems import MOST_STATES, RegexProblem
from qspec.schema.regular_expression import RegularExpression, compile_regex

LONGEST_NAME = 200


LARGE = "the expression is too large: its repetitions come to more than 500 states"


@pytest.mark.parametrize(
    ("pattern", "part", "problem"),
    [
        ("x(?=a)b", "(?", "`(?=` is not known: of `(?…)` there is only `(?:…)`"),
        ("(?i)a", "(?", "`(?i` is not known: of `(?…)` there is only `(?:…)`"),
        (r"(a)\1", r"\1", r"`\1` refers back to a group"),
        (r"a\0", r"\0", r"`\0` is no escape"),
        ("a++", "+", "`+` stands behind another quantifier"),
        ("a{2}*", "*", "`*` stands behind another quantifier"),
        ("ab(c", "(", "`(` is never closed"),
        ("a(b(c)", "(", "`(` is never closed"),
        ("(?:a", "(?:", "`(?:` is never closed"),
        ("ab)c(", ")", "`)` closes nothing"),
        ("x[^a", "[", "`[` is never closed"),
        ("*a", "*", "nothing stands before `*` that it could repeat"),
        ("a|{2}", "{2}", "nothing stands before `{2}` that it could repeat"),
        ("^+", "+", "nothing stands before `+` that it could repeat"),
        ("a{2,1}b", "{2,1}", "`{2,1}` asks for at least 2 and at most 1"),
        ("x[0-9z-a]", "z-a", "`z-a` goes from a later character to an earlier one"),
        (r"[a\d-z]", r"\d-z", r"`\d` is many characters, and no end of a range"),
        (r"a\p{L}", r"\p", r"`\p` has no meaning"),
        (r"a[\q]", r"\q", r"`\q` has no meaning in a set"),
        (r"a\x4", r"\x", r"`\x` takes two hexadecimal digits"),
        (r"\U00110000", r"\U00110000", r"`\U00110000` is no character"),
        (r"\N{NOTHING}", r"\N{NOTHING}", r"`\N{NOTHING}` is no character"),
        ("a\\", "\\", "`\\` stands before nothing"),
        ("ab{99999999999999999999}", "{99999999999999999999}", LARGE),
        ("ab{501}", "{501}", LARGE),
        ("a*(a{40}){41}b{2}", "{41}", LARGE),
        ("x" * 501, "x" * 501, LARGE),
        ("(" * 65 + "a" + ")" * 65, "(", "more than 64 groups stand in each other"),
    ],
)
def test_what_is_refused_says_why_and_where(pattern, part, problem):
    found = compile_regex(pattern)

    assert isinstance(found, RegexProblem)
    assert (problem, part) == (found.message, pattern[found.start : found.end])
    assert found.help


def test_of_several_like_groups_the_one_that_stays_open_is_shown():
    found = compile_regex("a(b(c)")

    assert isinstance(found, RegexProblem)
    assert (1, 2) == (found.start, found.end)


@given(st.text(r"ab1[]^-(){},*+?|\\dwpxN.:=$", max_size=12))
@settings(max_examples=1500, deadline=None)
def test_whatever_python_does_not_take_has_a_reason_and_a_place(pattern):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            re.compile(pattern)
            right = True
        except (re.error, OverflowError):
            right = False
    found = compile_regex(pattern)

    if isinstance(found, RegexProblem):
        assert 0 <= found.start < found.end <= len(pattern)
        assert "well-formed" not in found.message
    else:
        assert right


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

    if isinstance(expression, RegexProblem):
        assert LARGE == expression.message
    else:
        assert expected == expression.fullmatch(text)


@given(of_expressions(["a", "b", ".", r"\w", "[ab]", r"\b"], 200), st.sampled_from(["a", "ab", "aab"]), st.text("ab!"))
@settings(max_examples=200, deadline=None)
def test_no_expression_takes_long_over_a_name(pattern, repeated, end):
    text = (repeated * LONGEST_NAME)[: LONGEST_NAME - len(end)] + end
    expression = compile_regex(pattern)
    start = time.process_time()
    if isinstance(expression, RegularExpression):
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
