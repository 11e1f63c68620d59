"""The grammar itself: free of conflicts, compiled as shipped, read by our automaton as Lark reads it."""

import json
from pathlib import Path

import pytest
from lark import Token, Tree

from qspec.diagnostics import Source
from qspec.syntax import parse, tree
from qspec.syntax.automaton import Failure
from qspec.syntax.lexer import lex
from qspec.syntax.machine import machine
from qspec.syntax.reserved import RESERVED
from qspec.syntax.table import SHIPPED, compile_grammar, dump, grammar_text
from tests.syntax.lark_oracle import lark

SPECS = Path(__file__).parents[2] / "specs"
TEXTS = sorted(SPECS.rglob("*.qspec"))
KEYWORDS = sorted(json.loads(SHIPPED.read_text(encoding="utf-8"))["keywords"])


def test_grammar_has_no_conflicts_and_no_colliding_words():
    pytest.importorskip("interegular")

    assert lark(strict=True) is not None


def test_shipped_table_is_that_of_the_grammar():
    assert dump(compile_grammar(grammar_text())) == SHIPPED.read_text(encoding="utf-8")


def test_every_symbol_has_a_name():
    assert "__ANON" not in SHIPPED.read_text(encoding="utf-8")


def shape(node):
    """A Lark tree as nested tuples of names and texts."""
    if isinstance(node, Tree):
        return (str(node.data), *map(shape, node.children))
    return str(node) if isinstance(node, Token) else node


def our_shape(text):
    """The same from our automaton, with a builder that keeps everything."""
    automaton, pattern = machine()
    names = {production.origin for production in automaton.table.productions}
    builds = {name: lambda children, start, end, name=name: (name, *children) for name in names}
    return automaton.run(text, lex(text, pattern), builds, {})


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_automaton_reads_what_lark_reads(path):
    text = path.read_text(encoding="utf-8")

    assert shape(lark().parse(text)) == our_shape(text)


EVERYTHING = """qspec 1
import "a.qspec"
deploy WORD(WORD = 14) as WORD
layer WORD as WORD
quantizer WORD extends WORD { WORD = WORD, WORD.WORD = WORD(WORD = WORD) }
pattern WORD = WORD as WORD -> (WORD | Dense)? as WORD -> Add(WORD, ...)
input["x"] { WORD = WORD }
default { WORD = WORD, WORD["x"] = WORD }
rule WORD match WORD as WORD where WORD == 3 and WORD.WORD in (WORD, 2) or not WORD like "x" {
  WORD.WORD = WORD
}
rule WORD match WORD where WORD { WORD = WORD }
require WORD.WORD == 100% and WORD("x") >= WORD because "x"
calibrate { WORD = 3 }
target WORD on WORD {
  option WORD = 3 in 1..5
  memory.WORD = 8 MiB
  op WORD | WORD except WORD when WORD > 3 { form WORD { input = WORD }, input = WORD WORD(0) | WORD }
  op WORD { constant WORD = WORD, when WORD == WORD { require WORD(WORD) } }
  without WORD | WORD
  refuse when WORD
}
"""


@pytest.mark.parametrize("word", [word for word in KEYWORDS if word not in RESERVED])
def test_every_keyword_is_a_name_wherever_a_name_can_stand(word):
    # Only at the start of an item of a target do the words of the language come first: what stands there is not a
    # person's to name.
    text = EVERYTHING.replace("WORD", word)
    _, diagnostics = parse(Source("words", text))

    assert [] == [f"{item.span}: {item.message}" for item in diagnostics]


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_reserved_words_define_nothing(word):
    text = f"qspec 1\nquantizer {word} {{ }}\npattern {word} = Dense as {word}\nrule {word} match Dense {{ }}\n"
    _, diagnostics = parse(Source("words", text))

    assert ["QS005"] * 4 == [item.code for item in diagnostics]


def test_failure_names_what_could_have_stood_there():
    automaton, pattern = machine()
    text = "quantizer w { type int8 }"
    failure = automaton.run(text, lex(text, pattern), {}, {})

    assert isinstance(failure, Failure)
    assert {"EQUAL", "DOT", "LSQB"} == failure.expected


def test_spans_cover_the_text_of_their_nodes():
    text = (
        "qspec 1\nrule a match Conv2D as c -> ReLU? where c.strides == (2, 2) {\n"
        '  c.weights["kernel"] = w8(type = int4)\n}\n'
    )
    file, _ = parse(Source("spans", text))
    rule = file.statements[1]

    assert isinstance(rule, tree.Rule)
    assert text[8:-1] == cut(rule)
    assert "Conv2D as c -> ReLU?" == cut(rule.pattern)
    assert "ReLU?" == cut(rule.pattern.steps[1])
    assert "c.strides == (2, 2)" == cut(rule.where)
    assert 'c.weights["kernel"]' == cut(rule.body[0].path)
    assert "w8(type = int4)" == cut(rule.body[0].value)


def cut(node):
    return node.span.source.text[node.span.start : node.span.end]
