"""Pygments finds the lexer, and colours what the parser reads."""

from __future__ import annotations

import pytest

pytest.importorskip("pygments")

from pygments.token import Comment, Error, Keyword, Name, Number, Operator, String

from qspec.pygments_lexer import QspecLexer
from tests.editors.tokens_as_parsed import parsed_text, texts

TOKENS = {
    "keyword": (Keyword, Operator.Word),
    "name": (Name, Keyword.Constant, Keyword.Type),
    "number": (Number,),
    "unit": (Keyword.Type,),
    "string": (String, Error),
    "comment": (Comment,),
}


@pytest.mark.parametrize("name", dict(texts()))
def test_what_the_parser_reads_is_coloured_so(name):
    text, parsed = parsed_text(name)
    colours = [token for _, token, value in QspecLexer().get_tokens_unprocessed(text) for _ in value]

    assert len(text) == len(colours)
    wrong = [
        (token.kind, text[token.start : token.end], colour)
        for token in parsed
        for colour in set(colours[token.start : token.end])
        if not any(colour in kind for kind in TOKENS[token.kind])
    ]
    assert [] == wrong


def test_nothing_is_lost_of_any_text():
    text = "rule { \"open\n\t€ 𝄞 ; \\ \u2028 'x\n#"

    assert text == "".join(value for _, _, value in QspecLexer().get_tokens_unprocessed(text))


def test_pygments_finds_it_by_name_and_by_file():
    from pygments.lexers import get_lexer_by_name, get_lexer_for_filename

    try:
        found = get_lexer_by_name("qspec")
    except Exception:
        pytest.skip("installed before the entry point was there")

    assert isinstance(found, QspecLexer)
    assert isinstance(get_lexer_for_filename("edge.qspec"), QspecLexer)
