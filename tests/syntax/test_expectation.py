"""What could come next, held against the parser itself: a word is expected exactly where it can be read."""

from __future__ import annotations

import random

import pytest

from qspec._resources import resource
from qspec.diagnostics import Source
from qspec.syntax.automaton import Failure
from qspec.syntax.expectation import Expectation, expectation
from qspec.syntax.lexer import END, NEWLINE, lex
from qspec.syntax.machine import machine

TEXTS = [path.read_text("utf-8") for path in sorted(resource("specs").rglob("*.qspec"))]
ROW_ITEMS = {"constant", "form", "refuse", "require", "source", "unverified", "warn", "when"}
STATEMENTS = {
    *("calibrate", "default", "deploy", "import", "input", "layer", "output", "pattern", "qspec", "quantizer"),
    *("require", "rule", "target", "train"),
}


def at_end(text: str) -> Expectation:
    return expectation(Source("text", text), len(text))


def accepts(tokens: list[tuple[str, int, int]], text: str, kind: str) -> bool:
    """Whether the automaton takes *kind* behind *tokens*, asked by letting it try."""
    automaton, _ = machine()
    builds = {production.origin: lambda *_: [] for production in automaton.table.productions}
    behind = [*tokens, (kind, len(text), len(text))]
    reached = automaton.reach(text, behind, builds, {})
    return not isinstance(reached, Failure)


@pytest.mark.parametrize("number", range(40))
def test_what_is_expected_is_what_the_automaton_takes(number):
    seed = 1000 + number
    print("seed", seed)
    chance = random.Random(seed)
    text = chance.choice(TEXTS)
    tokens = lex(text, machine()[1])
    index = chance.randrange(1, len(tokens) - 1)
    # Right behind a token, a blank between: in the middle of a statement, or at its start.
    before = text[: tokens[index - 1][2]] + " "
    if tokens[index - 1][0] == NEWLINE:
        before = before[:-1]
    expected = at_end(before).keywords

    prefix = [token for token in lex(before, machine()[1]) if token[0] != END]
    words = machine()[0].table.keywords
    taken = {word for word, kind in words.items() if accepts(prefix, before, kind)}
    if prefix and prefix[-1][0] == NEWLINE:
        # Before some words a newline does not count.
        continuing = {"and", "or", "where", "because"}
        taken |= {word for word in continuing if accepts(prefix[:-1], before, words[word])}
    assert taken == set(expected)


@pytest.mark.parametrize(
    ("text", "keywords"),
    [
        ("", STATEMENTS),
        ("qspec 1\n", STATEMENTS),
        ("ru", STATEMENTS),
        ("rule a ", {"match"}),
        ("rule a match Conv2D ", {"as", "where"}),
        ("rule a match Conv2D\n  ", {"where"}),
        ("rule a match Conv2D where x ", {"and", "or", "not", "in", "like", "matches"}),
        ("rule a match Conv2D { ", set()),
        ("deploy a ", {"as"}),
        ("target a ", {"on", "extends"}),
        ("target a { op X { ", ROW_ITEMS),
        ("target a { model { ", {"require", "refuse", "warn"}),
        ("require size <= 1 MiB\n", STATEMENTS | {"and", "or", "because"}),
    ],
)
def test_keywords(text, keywords):
    assert keywords == set(at_end(text).keywords)


@pytest.mark.parametrize(
    "broken",
    [
        "rule x match {{{\n",
        "rule x match Conv2D {\n weights == w8\n",
        "default {\n  weights = \n",
        "quantizer q { type int8\n",
        ") ]\n",
    ],
)
def test_a_mistake_before_does_not_hide_what_comes_next(broken):
    found = at_end(f"{broken}rule b match ")

    assert "NAME" in found.terminals


def test_a_mistake_in_the_same_block_does_not_either():
    found = at_end("rule a match Conv2D as c {\n  weights == == w8\n  c.output = ")

    assert "NAME" in found.terminals
    assert "=" == found.stack[-1]


@pytest.mark.parametrize(
    ("text", "start", "string"),
    [('import "std/', 8, "std/"), ("x like 'a b", 8, "a b"), ('rule a match C { inner["sc', 24, "sc")],
)
def test_in_quotes(text, start, string):
    found = at_end(text)

    assert (start, string) == (found.start, found.string)


def test_quotes_in_comments_and_comments_in_quotes():
    assert "# it's" == at_end("qspec 1 # it's").comment
    assert "a # b" == at_end('import "a # b').string
    assert None is at_end('import "a # b" ').string


def test_no_text_makes_it_fail():
    chance = random.Random(7)
    for _ in range(150):
        text = chance.choice(TEXTS)
        start = chance.randrange(len(text))
        piece = list(text[start : start + 400])
        for _ in range(chance.randrange(6)):
            piece.insert(chance.randrange(len(piece) + 1), chance.choice("{}()[]\"'#=|->.\n\\;€𝄞 "))
        text = "".join(piece)

        found = expectation(Source("text", text), len(text))

        assert 0 <= found.start <= len(text)
