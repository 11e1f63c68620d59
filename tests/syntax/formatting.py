"""What formatting promises of every text, looked at with nothing of the formatter's own."""

from __future__ import annotations

import re

from qspec.diagnostics import Severity, Source
from qspec.syntax import parse
from qspec.syntax.formatter import formatted

_STRING_OR_COMMENT = re.compile(r"""(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*')|(#.*)""")


def errors(text: str) -> list[str]:
    """The messages of the errors in a text."""
    return [item.message for item in parse(Source("text", text))[1] if item.severity is Severity.ERROR]


def meaning(text: str) -> list[str]:
    """Every statement, without its place."""
    return [repr(statement) for statement in parse(Source("text", text))[0].statements]


def comments(text: str) -> list[str]:
    """Every comment in its order."""
    found = (match[1] for match in _STRING_OR_COMMENT.finditer(text))
    return [comment.rstrip() for comment in found if comment is not None]


def format_text(text: str) -> str:
    """The text in its layout; fails if it is left as it is."""
    result = formatted(Source("text", text))
    assert isinstance(result, str), [item.message for item in result]
    return result


def assert_keeps_its_promises(text: str) -> None:
    """Same meaning, same comments, formatting again changes nothing, and the file ends as text files do."""
    once = format_text(text)

    assert meaning(text) == meaning(once)
    assert comments(text) == comments(once)
    assert once == format_text(once)
    assert not once or (once.endswith("\n") and not once.endswith("\n\n"))
    assert "\r\n" not in once
    assert [] == [line for line in once.split("\n") if line != line.rstrip()]
    assert "\n\n\n" not in once
