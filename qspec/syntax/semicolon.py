"""`;`, which ends nothing here: lines and commas do."""

from __future__ import annotations

import re

from qspec.diagnostics import Edit, Fix, Span
from qspec.diagnostics.catalogue import SYNTAX_ERROR
from qspec.syntax.lexer import ERROR, NEWLINE
from qspec.syntax.mistake import Explanation, Mistake

_LAST = re.compile(r"[ \t]*(#|\r?\n|}|\Z)")  # what may follow where nothing is to be set apart
_BLANKS = re.compile(r"[ \t]*")


def semicolon(mistake: Mistake) -> Explanation | None:
    """`weights = w8;`"""
    if mistake.token[0] != ERROR or mistake.text(mistake.token) != ";":
        return None
    text, end = mistake.source.text, mistake.token[2]
    innermost = mistake.text(mistake.tokens[mistake.failure.openers[-1]]) if mistake.failure.openers else ""
    last = _LAST.match(text, end)
    thing, help = "statements", "a statement ends at the end of its line"
    if innermost == "{":
        thing, help = "items of a block", "each item ends at the end of its line, or with a comma"
    found = SYNTAX_ERROR.at(mistake.span, f"{thing} do not end with `;`", help=help, fix=_fix(mistake, innermost, last))
    repaired = mistake.replaced() if last else mistake.replaced((NEWLINE, *mistake.token[1:]))
    return found, repaired


def _fix(mistake: Mistake, innermost: str, last: re.Match[str] | None) -> Fix | None:
    """The `;` away, with the blanks before it; or in its place what does set two things apart."""
    _, start, end = mistake.token
    text = mistake.source.text
    before = len(text[:start].rstrip(" \t"))
    if last or mistake.previous[0] in (NEWLINE, "COMMA"):
        return Fix("remove `;`", (Edit(Span(mistake.source, before, end), ""),))
    if innermost == "{":
        return Fix("write `,`", (Edit(Span(mistake.source, before, end), ","),))
    if innermost:
        return None  # inside parentheses anything may be meant
    blanks = _BLANKS.match(text, end)
    behind = blanks.end() if blanks else end
    return Fix("begin a new line", (Edit(Span(mistake.source, before, behind), "\n"),))
