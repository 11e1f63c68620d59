"""Values that are missing, and texts without their quotes."""

from __future__ import annotations

from qspec.diagnostics import Span
from qspec.syntax.blocks import looks_like_item
from qspec.syntax.lexer import END, NEWLINE
from qspec.syntax.mistake import Explanation, Mistake, say

ASSIGNMENT = "an assignment is written `name = value`"


def unquoted(mistake: Mistake) -> Explanation | None:
    """`import std/int8.qspec`: the text is read as if its quotes were there."""
    if "STRING" not in mistake.failure.expected or mistake.token[0] not in ("NAME", "SLASH", "STAR", "DOT", "NUMBER"):
        return None
    if "NAME" in mistake.failure.expected:
        return None
    span = Span(mistake.source, mistake.token[1], _end_of_text(mistake))
    word = mistake.source.text[span.start : span.end]
    message = f"expected a string in quotes after `{mistake.text(mistake.previous)}`, found `{word}`"
    rest = [token for token in mistake.tokens[mistake.failure.index :] if token[1] >= span.end or token[0] == END]
    repaired = [*mistake.tokens[: mistake.failure.index], ("STRING", span.start, span.end), *rest]
    return say(mistake, message, f'write `"{word}"`', span, f'"{word}"'), repaired


def _end_of_text(mistake: Mistake) -> int:
    """Where a text without quotes ends: a reason goes to the end of its line, any other text to the next blank."""
    text, end = mistake.source.text, mistake.token[2]
    ends = "{}#;\n" if mistake.text(mistake.previous) == "because" else " \t\f\r\n,{}()#;"
    while end < len(text) and text[end] not in ends:
        end += 1
    return mistake.token[1] + len(text[mistake.token[1] : end].rstrip())


def no_value(mistake: Mistake) -> Explanation | None:
    """`type =` at the end of a line, which goes on behind a sign: with an item of its own, or with the end."""
    tokens, index = mistake.tokens, mistake.failure.index
    line = next((i for i in range(index - 1, 0, -1) if tokens[i][0] == NEWLINE), 0)
    if tokens[line - 1][0] != "EQUAL" or not (
        tokens[line + 1][0] in ("RBRACE", END) or looks_like_item(mistake, line + 1)
    ):
        return None
    sign = line - 1
    first = next((i + 1 for i in range(sign, -1, -1) if tokens[i][0] in ("LBRACE", "COMMA", NEWLINE)), 0)
    name = mistake.source.text[tokens[first][1] : tokens[sign - 1][2]]
    span = Span(mistake.source, *tokens[sign][1:])
    diagnostic = say(mistake, f"`{name}` has no value: nothing stands behind `=`", ASSIGNMENT, span)
    return diagnostic, [*tokens[:first], *tokens[line:]]
