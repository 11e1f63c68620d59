"""Where in a string literal a part of its text stands."""

from __future__ import annotations

import re

from qspec.diagnostics import Span
from qspec.syntax import tree

ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|(.))", re.DOTALL)
"""What stands for one character in double quotes; in single quotes nothing does."""


def within(string: tree.String, start: int, end: int) -> Span:
    """The place of the characters from *start* to *end* of a string's text, as they are written; the whole literal
    where no text is behind it."""
    span = string.span
    written = span.source.text[span.start : span.end]
    inside = written[1:-1] if written[:1] in ("'", '"') else ""
    starts = list(range(len(inside) + 1))
    if written[:1] == '"':
        escapes = {match.start(): match.end() for match in ESCAPE.finditer(inside)}
        starts = [position for position in starts if not any(at < position < to for at, to in escapes.items())]
    if len(starts) != len(string.text) + 1 or start >= end:
        return span
    return Span(span.source, span.start + 1 + starts[start], span.start + 1 + starts[end])
