"""Diagnostics as a list: their order and how many there are."""

from __future__ import annotations

from collections.abc import Iterable

from qspec.diagnostics.diagnostic import Diagnostic, Severity, Span


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By file, then by position, as an editor lists them; what has no position comes first in its file."""
    return sorted(diagnostics, key=_position)


def counts(diagnostics: Iterable[Diagnostic]) -> dict[str, int]:
    """How many of each severity: `errors`, `warnings`, `notes`."""
    severities = [diagnostic.severity for diagnostic in diagnostics]
    return {f"{severity.value}s": severities.count(severity) for severity in Severity}


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`; `no problems` if there is nothing to count."""
    found = {name: count for name, count in counts(diagnostics).items() if count}
    words = (f"{count} {name if count > 1 else name.removesuffix('s')}" for name, count in found.items())
    return ", ".join(words) or "no problems"


def _position(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    span = diagnostic.span
    if isinstance(span, Span):
        return span.source.path, span.start, span.end, diagnostic.code
    return span.path, -1, -1, diagnostic.code
