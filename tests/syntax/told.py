"""What reading a text tells."""

from __future__ import annotations

from qspec.diagnostics import Source
from qspec.syntax import parse, tree


def mistakes(text: str) -> tuple[tree.File, list[tuple[tuple[int, int], str]]]:
    """The tree of *text* behind `qspec 1`, and the mistakes in it: line and column, from 1, and the message."""
    source = Source("spec", "qspec 1\n" + text)
    file, diagnostics = parse(source)
    return file, [(item.span.source.position(item.span.start), item.message) for item in diagnostics]
