"""Edits that take text out of a file without leaving an empty line behind."""

from __future__ import annotations

from qspec.diagnostics.diagnostic import Edit, Span

_BLANKS = " \t\f"


def without(span: Span) -> Edit:
    """*span* deleted: with its line if nothing else stands there, else with the blanks on one of its sides."""
    text = span.source.text
    line_start = text.rfind("\n", 0, span.start) + 1
    line_end = text.find("\n", span.end)
    line_end = len(text) if line_end < 0 else line_end
    before, behind = text[line_start : span.start], text[span.end : line_end]
    if not before.strip() and not behind.strip():
        return Edit(Span(span.source, line_start, min(line_end + 1, len(text))), "")
    if behind.strip():
        return Edit(Span(span.source, span.start, span.end + len(behind) - len(behind.lstrip(_BLANKS))), "")
    return Edit(Span(span.source, line_start + len(before.rstrip(_BLANKS)), span.end), "")
