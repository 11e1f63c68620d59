"""The TextMate grammar colours what the parser reads, in every spec of the project; its words are the grammar's."""

from __future__ import annotations

import json
import re

import pytest

from qspec._resources import resource
from qspec.schema.operands import TYPES
from qspec.syntax.machine import UNITS, machine
from qspec.syntax.reserved import OPERATORS, VALUES
from tests.editors.textmate import Tokenizer
from tests.editors.tokens_as_parsed import parsed_text, texts

GRAMMAR = json.loads((resource("grammar") / "qspec.tmLanguage.json").read_text("utf-8"))
TOKENIZER = Tokenizer(GRAMMAR)
# The beginnings of the scopes that a token of a kind may have.
SCOPES = {
    "keyword": ("keyword.",),
    "name": ("variable.", "entity.", "support.", "constant.language"),
    "number": ("constant.numeric",),
    "unit": ("keyword.other.unit",),
    "string": ("string.", "constant.character", "invalid."),
    "comment": ("comment.", "keyword.other.directive", "constant.other"),
}


def words_of(*path: str) -> set[str]:
    """The words of an alternation in a part of the grammar's repository."""
    found = set()
    for pattern in GRAMMAR["repository"][path[0]].get("patterns", [GRAMMAR["repository"][path[0]]]):
        if len(path) == 1 or pattern.get("name", "").startswith(path[1]):
            for alternation in re.findall(r"\(\?:([a-z|]+)\)", pattern["match"]):
                found |= set(alternation.split("|"))
    return found


def test_the_keywords_are_those_of_the_grammar():
    found = words_of("keyword") | words_of("boundary")

    assert set(machine()[0].table.keywords) == found


def test_the_words_for_operators_are_those_of_the_grammar():
    words = {"like", "matches"} | (set(OPERATORS) - {"as", "where", "because"})

    assert words == words_of("keyword", "keyword.operator.wordlike")


def test_the_values_are_the_reserved_ones():
    assert set(VALUES) == words_of("constant", "constant.language")


def test_types_and_units_are_those_of_the_language():
    types = next(rule["match"] for rule in GRAMMAR["repository"]["constant"]["patterns"] if "type" in rule["name"])
    unit = GRAMMAR["repository"]["number"]["match"]

    assert [] == [name for name in TYPES if not re.fullmatch(types, name)]
    assert None is re.fullmatch(types, "int9")
    assert [] == [name for name in (*UNITS, "%") if re.fullmatch(unit, f"1 {name}").group(2) != name]


@pytest.mark.parametrize("name", dict(texts()))
def test_what_the_parser_reads_is_coloured_so(name):
    text, parsed = parsed_text(name)
    scopes = [""] * len(text)
    for token in TOKENIZER.read(text):
        scopes[token.start : token.end] = [token.scope] * (token.end - token.start)

    wrong = [
        (token.kind, text[token.start : token.end], scope)
        for token in parsed
        for scope in set(scopes[token.start : token.end])
        if not scope.startswith(SCOPES[token.kind])
    ]

    assert [] == wrong


@pytest.mark.parametrize(
    ("text", "word", "scope"),
    [
        ('a = "x\\u{e9}\\q"', "\\u{e9}", "constant.character.escape"),
        ('a = "x\\u{e9}\\q"', "\\q", "invalid.illegal.escape"),
        ("a = 'x\\n' # y", "\\n", "string.quoted.single"),
        ('a = "# no comment"', "# no", "string.quoted.double"),
        ('a = "open', "open", "string.quoted.double"),
        ("# qspec: ignore[QS301] why", "QS301", "constant.other.code"),
        ("rule stem match Conv2D", "stem", "entity.name.type"),
        ("rule stem match Conv2D", "Conv2D", "entity.name.class"),
        ("op CONV_2D {", "CONV_2D", "support.function.op"),
        ("x in 1..3", "..", "keyword.operator"),
        ("size <= 1.5 MiB", "MiB", "keyword.other.unit"),
    ],
)
def test_details(text, word, scope):
    start = text.index(word)
    found = [token.scope for token in TOKENIZER.read(text) if token.start <= start < token.end]

    assert found
    assert found[0].startswith(scope)
