"""The rendering for GitHub Actions: a workflow command for each diagnostic, which annotates the line.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics.diagnostic import Diagnostic, Place, Severity, Span

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def github(diagnostic: Diagnostic, color: bool = False, width: int | None = None) -> str:
    """`::error file=edge.qspec,line=2,endLine=2,col=36,endColumn=38,title=QS101 undefined-name::message`, one line."""
    properties = {**_location(diagnostic.span), "title": f"{diagnostic.code} {diagnostic.name}"}
    written = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in properties.items())
    return f"::{_COMMANDS[diagnostic.severity]} {written}::{_escaped(chr(10).join(_text(diagnostic)))}"


def _location(place: Span | Place) -> dict[str, str | int]:
    if isinstance(place, Place):
        return {"file": place.path}
    line, column = place.source.position(place.start)
    last_line, last_column = place.source.position(place.end)
    found: dict[str, str | int] = {"file": place.source.path, "line": line, "endLine": last_line}
    # GitHub takes columns within one line alone.
    return {**found, "col": column, "endColumn": last_column} if line == last_line else found


def _text(diagnostic: Diagnostic) -> Iterator[str]:
    """The message, what stands beside the carets, the related places and the help, a line for each."""
    yield f"{diagnostic.message} ({diagnostic.label})" if diagnostic.label else diagnostic.message
    for place, sentence in diagnostic.related:
        yield f"note: {sentence} ({place})"
    if diagnostic.help:
        yield f"help: {diagnostic.help}"


def _escaped(text: str, further: str = "") -> str:
    """As the runner reads it back: line ends and `%`, and in a property what would end it."""
    return "".join(f"%{ord(each):02X}" if each in "%\r\n" or each in further else each for each in text)
