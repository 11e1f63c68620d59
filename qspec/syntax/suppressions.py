"""`# qspec: ignore[QS301, overridden-rule]`: what a person has seen and does not want to see again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qspec.diagnostics import Advice, Diagnostic, Edit, Fix, Severity, Source, Span
from qspec.diagnostics.catalogue import UNUSED_SUPPRESSION
from qspec.diagnostics.codes import find_code, similar_code
from qspec.diagnostics.removal import without

# Also behind other words: `# wide on purpose # qspec: ignore[QS315]`.
_COMMENT = re.compile(r"(?<!\S)#[ \t]*qspec:[ \t]*ignore\[([A-Za-z0-9_, \t-]*)\]")
# What people write who mean that.
_ATTEMPT = re.compile(r"#[ \t]*qspec:[ \t]*(?:ignore|allow|disable|suppress|noqa)\b.*", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z0-9_-]+")
_TEXT_OR_COMMENT = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|(#[^\n]*)")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One code of a suppression comment (`QS301`, also where its name is written), and the line (counted from 1) that
    it speaks of."""

    code: str
    line: int
    span: Span


def comments(text: str) -> Iterator[tuple[int, str]]:
    """Where each comment of a text begins, and the comment."""
    for match in _TEXT_OR_COMMENT.finditer(text):
        if match[1] is not None:
            yield match.start(1), match[1]


def is_suppression(comment: str) -> bool:
    """Whether a comment suppresses diagnostics, or tries to."""
    return _COMMENT.search(comment) is not None


def suppressions(source: Source) -> tuple[Suppression, ...]:
    """Every code in every suppression comment of *source*."""
    if "qspec:" not in source.text:
        return ()
    return tuple(_of_comments(source))


def _of_comments(source: Source) -> Iterator[Suppression]:
    for start, text in comments(source.text):
        codes = list(_codes(text))
        if not codes:
            continue
        line, column = source.position(start)
        alone = not source.line(line)[: column - 1].strip()
        for code in codes:
            span = Span(source, start + code.start(), start + code.end())
            known = find_code(code.group())
            name = known.code if known is not None else code.group()
            yield Suppression(name, _next_code_line(source, line) if alone else line, span)


def _codes(comment: str) -> Iterator[re.Match[str]]:
    """The words in the brackets of a comment."""
    for suppression in _COMMENT.finditer(comment):
        yield from _CODE.finditer(comment, *suppression.span(1))


def _misspelt(source: Source) -> Iterator[Diagnostic]:
    """Warnings of the comments that were to suppress something, and name no code."""
    if "qspec:" not in source.text.lower():
        return
    for start, text in comments(source.text):
        attempt = _ATTEMPT.match(text)
        if attempt is not None and not any(_codes(text)):
            span = Span(source, start, start + len(attempt.group().rstrip()))
            message = "the comment suppresses nothing: it does not name codes as it should"
            yield UNUSED_SUPPRESSION.at(span, message, help="write `# qspec: ignore[QS301]`, several codes with commas")


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
    texts = {source.path: source for source in sources}.values()
    found = [item for source in texts for item in suppressions(source)]
    misspelt = [item for source in texts for item in _misspelt(source)]
    if not found:
        return (*diagnostics, *misspelt)
    spoken_of = _spoken_of(found, statements)
    kept: list[Diagnostic] = []
    used: set[Suppression] = set()
    for diagnostic in diagnostics:
        span = diagnostic.span
        hits: list[Suppression] = []
        if diagnostic.severity is not Severity.ERROR and isinstance(span, Span):
            line, _ = span.source.position(span.start)
            hits = spoken_of.get((span.source.path, line, diagnostic.code), [])
        used.update(hits)
        if not hits:
            kept.append(diagnostic)
    return (*kept, *(_unused(item) for item in found if item not in used), *misspelt)


def _spoken_of(
    found: Iterable[Suppression], statements: Iterable[Span]
) -> dict[tuple[str, int, str], list[Suppression]]:
    """The suppressions of each code by the lines that they speak of: path, line, code."""
    last_lines: dict[tuple[str, int], int] = {}  # of the statements, by path and first line
    for span in statements:
        source = span.source
        last = source.position(max(span.start, span.end - 1))[0]
        last_lines.setdefault((source.path, source.position(span.start)[0]), last)
    by_line: dict[tuple[str, int, str], list[Suppression]] = {}
    for item in found:
        path = item.span.source.path
        for line in range(item.line, last_lines.get((path, item.line), item.line) + 1):
            by_line.setdefault((path, line, item.code), []).append(item)
    return by_line


def _unused(item: Suppression) -> Diagnostic:
    known, hint = find_code(item.code), Advice("remove it")
    if known is None:
        message, hint = f"there is no code `{item.code}`", Advice("`qspec explain` lists all codes")
        if (meant := similar_code(item.code)) is not None:
            name = meant.code if any(map(str.isdigit, item.code)) else meant.name
            return UNUSED_SUPPRESSION.at(item.span, message, help=Advice.write(name))
    elif known.severity is Severity.ERROR:
        message = f"`{item.code}` is an error, and errors cannot be suppressed"
    else:
        message = f"no diagnostic `{item.code}` arises here that could be suppressed"
    fix = Fix(f"remove `{item.code}`", (_removal(item.span),))
    return UNUSED_SUPPRESSION.at(item.span, message, help=hint, fix=fix)


def _removal(code: Span) -> Edit:
    """The code taken out of its comment; the only one, with the brackets, and with a comment that says nothing else."""
    source, text = code.source, code.source.text
    start, end = text.rindex("#", 0, code.start), text.index("]", code.end) + 1
    codes = [match.span() for match in _CODE.finditer(text, text.rindex("[", 0, code.start), end)]
    if len(codes) > 1:
        position = codes.index((code.start, code.end))
        if position:
            return Edit(Span(source, codes[position - 1][1], code.end), "")
        return Edit(Span(source, code.start, codes[1][0]), "")
    line_end = text.find("\n", end)
    rest = text[end : line_end if line_end >= 0 else len(text)]
    if rest.strip():
        more = len(rest) - len(rest.lstrip(" \t,;:"))
        return Edit(Span(source, start, end + more), "# ")
    return without(Span(source, start, end + len(rest.rstrip())))
