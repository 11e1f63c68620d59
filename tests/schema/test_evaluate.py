"""Three-valued evaluation against Kleene's truth tables, and every operator against what the manual says of it."""

from __future__ import annotations

import itertools
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qspec.diagnostics import Source
from qspec.schema.evaluate import (
    UNKNOWN,
    Mistake,
    Value,
    all_of,
    any_of,
    condition_holds,
    evaluate,
    negate,
    step_into,
)
from qspec.schema.text_patterns import glob_matches
from qspec.syntax import parse, tree

NAMES: dict[str, Value] = {
    "four": 4,
    "half": 0.5,
    "yes": True,
    "no": False,
    "nothing": None,
    "text": "block_1/conv",
    "strides": (2, 2),
    "listed": [3, 3],
    "nested": {"class_name": "Dense"},
    "shape": (1, UNKNOWN, 3),
    "unknown": UNKNOWN,
}


def expression(text: str) -> tree.Expression:
    """The expression as a rule's condition; a bare value goes through an assignment."""
    file, diagnostics = parse(Source("test", f"qspec 1\nrule r match any where {text} {{ output = float }}\n"))
    assert () == diagnostics
    rule = file.statements[1]
    assert isinstance(rule, tree.Rule)
    assert rule.where is not None
    return rule.where


def lookup(path: tree.Path) -> Value:
    return step_into(NAMES.get(path.head.text, UNKNOWN), path.trailers, lookup)


def value(text: str) -> Value:
    return evaluate(expression(text), lookup)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3),
        ("1.5", 1.5),
        ("-four", -4),
        ("true", True),
        ("none", None),
        ('"a"', "a"),
        ("(1, 2)", (1, 2)),
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("7 / 2", 3.5),
        ("mod(7, 4)", 3),
        ("1 / 0", UNKNOWN),
        ("mod(1, 0)", UNKNOWN),
        ("nothing + 1", UNKNOWN),
        ("1.5 MiB", 1572864),
        ("1 KB", 1000),
        ("1 KiB", 1024),
        ("100%", 100),
        ("1 lsb", 1),
        ("four == 4", True),
        ("four != 4", False),
        ("four < 4.5", True),
        ("half >= 1", False),
        ("strides == (2, 2)", True),
        ("strides == (2, 2, 2)", False),
        ("listed == (3, 3)", True),
        ("strides[0] == 2", True),
        ("strides[-1] == 2", True),
        ("strides[5] == 2", UNKNOWN),
        ("nothing == none", True),
        ("four == none", False),
        ("nothing < 3", UNKNOWN),
        ("unknown == 3", UNKNOWN),
        ("shape == (1, 2, 3)", UNKNOWN),
        ("shape == (2, 2, 3)", False),
        ("shape == (1, 2)", False),
        ("four in (1, 4)", True),
        ("four not in (1, 4)", False),
        ("unknown in (1, 4)", UNKNOWN),
        ("four in 1..4", True),
        ("four in 5..9", False),
        ("2 in strides", True),
        ("5 in shape", UNKNOWN),
        ('nested == "Dense"', UNKNOWN),
        ('nested.class_name == "Dense"', True),
        ('text like "block_?/*"', True),
        ('text like "*"', False),
        ('text like "**"', True),
        ('text not like "**/dense"', True),
        ("text matches 'block_[0-9]+/conv'", True),
        ("text matches 'block'", False),
        ("unknown matches 'block'", UNKNOWN),
        ("yes and not no", True),
        ("no and unknown", False),
        ("yes or unknown", True),
        ("yes and unknown", UNKNOWN),
        ("not unknown", UNKNOWN),
    ],
)
def test_value(text: str, expected: Value) -> None:
    found = value(text)

    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(
    ("text", "at", "help"),
    [
        ("strides == 3", "strides == 3", "(3, 3)"),
        ('four == "4"', 'four == "4"', ""),
        ("strides < (3, 3)", "strides < (3, 3)", "use `==` or `in`"),
        ("yes < no", "yes < no", ""),
        ("four and yes", "four", "compare it"),
        ("not nothing", "nothing", "!= none"),
        ('"conv" in text', "text", "like"),
        ("four in 4", "4", ""),
        ('four like "4"', "four", ""),
        ('text + 1 == "a"', "text", ""),
        ("sqrt(four) == 2", "sqrt", "mod"),
        ("mod(four) == 2", "mod(four)", "mod(a, b)"),
        ("no and strides == 3", "strides == 3", "(3, 3)"),
        (
            r"text matches '(?i)a'",
            "(?",
            "`matches` takes plain regular expressions: no look-around and no back-references",
        ),
        ("four[0] == 1", "[0]", ""),
    ],
)
def test_mistake_points_at_the_smallest_span(text: str, at: str, help: str) -> None:
    with pytest.raises(Mistake) as caught:
        value(text)

    span = caught.value.span
    assert at == span.source.text[span.start : span.end]
    assert help in caught.value.help


def test_a_condition_must_be_true_or_false() -> None:
    with pytest.raises(Mistake):
        condition_holds(expression("four"), lookup)


def test_other_functions_go_to_the_hook() -> None:
    seen = []

    def call(node: tree.Call) -> Value:
        seen.append(node.function.head.text)
        return True

    assert evaluate(expression("same_scale(input, output) and mod(4, 2) == 0"), lookup, call) is True
    assert ["same_scale"] == seen


def test_numbers_never_raise() -> None:
    huge = "9" * 40

    assert value(f"{huge} * {huge} > 1") is True
    with pytest.raises(Mistake):
        value(" * ".join([huge] * 9) + " / half > 1")


# ---- Kleene's strong three-valued logic: the tables of his "Introduction to Metamathematics", with u between f and t

TRUTHS = (False, UNKNOWN, True)
ORDER = {False: 0, UNKNOWN: 1, True: 2}
truths = st.sampled_from(TRUTHS)


@given(st.lists(truths, max_size=5))
def test_and_is_the_minimum_and_or_the_maximum(values: list[Value]) -> None:
    assert min((ORDER[item] for item in values), default=2) == ORDER[all_of(values)]
    assert max((ORDER[item] for item in values), default=0) == ORDER[any_of(values)]


@given(truths, truths, truths)
def test_laws(a: Value, b: Value, c: Value) -> None:
    assert negate(negate(a)) is a
    assert negate(all_of([a, b])) is any_of([negate(a), negate(b)])
    assert all_of([a, any_of([b, c])]) is any_of([all_of([a, b]), all_of([a, c])])
    assert all_of([a, any_of([a, b])]) is a
    assert all_of([a, b]) is all_of([b, a])


@given(truths, truths)
def test_more_knowledge_never_changes_an_answer(a: Value, b: Value) -> None:
    for known in itertools.product(*([True, False] if item is UNKNOWN else [item] for item in (a, b))):
        if all_of([a, b]) is not UNKNOWN:
            assert all_of(known) is all_of([a, b])


def test_the_language_has_the_same_logic() -> None:
    spelled = {False: "no", UNKNOWN: "unknown == 1", True: "yes"}
    for a, b in itertools.product(TRUTHS, repeat=2):
        assert all_of([a, b]) is value(f"{spelled[a]} and {spelled[b]}")
        assert any_of([a, b]) is value(f"{spelled[a]} or {spelled[b]}")


# ---- globs and regular expressions


def glob_as_regex(pattern: str) -> str:
    """The textbook translation, as an independent oracle for short texts."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(parts.get(token, re.escape(token)) for token in re.findall(r"\*\*/|\*\*|.", pattern))


@given(st.text("ab/*?", max_size=8), st.text("ab/", max_size=8))
def test_glob_agrees_with_its_translation(pattern: str, text: str) -> None:
    expected = re.fullmatch(glob_as_regex(pattern), text, re.DOTALL) is not None

    assert expected == glob_matches(pattern, text)


def test_globs_are_not_exponential() -> None:
    start = time.process_time()

    assert not glob_matches("*a" * 40 + "b", "a" * 400)
    assert time.process_time() - start < 1
