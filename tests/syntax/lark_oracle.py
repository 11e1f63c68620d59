"""The grammar read by Lark itself, to hold our automaton against."""

from lark import Lark

from qspec.syntax.lexer import CONTINUES
from qspec.syntax.table import grammar_text


class Layout:
    """The newlines that count, for Lark's own lexer."""

    always_accept = ("_NL",)

    def process(self, stream):
        depth, last = 0, "_NL"
        for token in stream:
            if token.type == "_NL" and (depth or last == "_NL" or last in CONTINUES):
                continue
            depth += token.type in ("LPAR", "LSQB")
            depth -= token.type in ("RPAR", "RSQB")
            last = token.type
            yield token


def lark(**options):
    return Lark(grammar_text(), parser="lalr", lexer="contextual", maybe_placeholders=True, postlex=Layout(), **options)
