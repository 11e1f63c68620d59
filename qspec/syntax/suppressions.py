"""`# qspec: ignore[QS301, QS302]`: what a person has seen and does not want to see again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qspec.diagnostics import Diagnostic, Severity, Source, Span
from qspec.diagnostics.catalogue import UNUSED_SUPPRESSION

_COMMENT = re.compile(r"#[ \t]*qspec:[ \t]*ignore\[([A-Za-z0-9, \t]*)\]")
_CODE = re.compile(r"[A-Za-z0-9]+")
_TOKEN = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|(#[^\n]*)")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One code of a suppression comment, and the line (counted from 1) that it speaks of."""

    code: str
    line: int
    span: Span


def suppressions(source: Source) -> tuple[Suppression, ...]:
    """Every code in every suppression comment of *source*."""
    if "qspec:" not in source.text:
        return ()
    return tuple(_of_comments(source))


def _of_comments(source: Source) -> Iterator[Suppression]:
    for token in _TOKEN.finditer(source.text):
        comment = token.group(1) and _COMMENT.match(token.group(1))
        if not comment:
            continue
        start = token.start(1)
        line, column = source.position(start)
        alone = not source.line(line)[: column - 1].strip()
        offset = start + comment.start(1)
        for code in _CODE.finditer(comment.group(1)):
            span = Span(source, offset + code.start(), offset + code.end())
            yield Suppression(code.group(), _next_code_line(source, line) if alone else line, span)


def _next_code_line(source: Source, line: int) -> int:
    """The next line that is neither blank nor a comment, so that comments may stand above each other."""
    for number in range(line + 1, source.lines + 1):
        text = source.line(number).strip()
        if text and not text.startswith("#"):
            return number
    return line


def suppressed_codes(statement: Span, found: Iterable[Suppression]) -> frozenset[str]:
    """The codes that are suppressed for the statement that begins at *statement*."""
    line, _ = statement.source.position(statement.start)
    return frozenset(item.code for item in found if item.line == line and item.span.source is statement.source)


def without_suppressed(
    diagnostics: Iterable[Diagnostic], sources: Iterable[Source], statements: Iterable[Span] = ()
) -> tuple[Diagnostic, ...]:
    """*diagnostics* less those that a comment suppresses, and a warning for each comment that suppresses nothing.

    A comment speaks of its line, and of the whole statement if one of *statements* begins there. Errors stay.
    """
    found = [item for source in {source.path: source for source in sources}.values() for item in suppressions(source)]
    if not found:
        return tuple(diagnostics)
    regions = [(item, _region(item, statements)) for item in found]
    kept: list[Diagnostic] = []
    used: set[Suppression] = set()
    for diagnostic in diagnostics:
        hits = {item for item, region in regions if _suppresses(item, region, diagnostic)}
        used |= hits
        if not hits:
            kept.append(diagnostic)
    return (*kept, *(_unused(item) for item in found if item not in used))


def _region(item: Suppression, statements: Iterable[Span]) -> tuple[int, int]:
    """First and last line that a suppression speaks of."""
    for span in statements:
        if span.source.path == item.span.source.path and span.source.position(span.start)[0] == item.line:
            return item.line, span.source.position(max(span.start, span.end - 1))[0]
    return item.line, item.line


def _suppresses(item: Suppression, region: tuple[int, int], diagnostic: Diagnostic) -> bool:
    span = diagnostic.span
    if diagnostic.severity is Severity.ERROR or diagnostic.code != item.code or not isinstance(span, Span):
        return False
    if span.source.path != item.span.source.path:
        return False
    return region[0] <= span.source.position(span.start)[0] <= region[1]


def _unused(item: Suppression) -> Diagnostic:
    message = f"no diagnostic `{item.code}` arises here that could be suppressed"
    return UNUSED_SUPPRESSION.at(item.span, message, help="remove it; errors cannot be suppressed")
