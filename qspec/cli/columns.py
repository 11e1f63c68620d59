"""Text in so many columns of a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics.text import ELLIPSIS, broken, display_width


def fitted(name: str, room: int) -> str:
    """*name* in exactly *room* columns; what is too long loses its front, where names are alike."""
    if display_width(name) > room:
        name = name[-room:]
        while display_width(name) > room - 1:
            name = name[1:]
        name = ELLIPSIS + name
    return name + " " * (room - display_width(name))


def cut(line: str, width: int | None) -> str:
    """*line* in at most *width* columns, None for any number."""
    if width is None or display_width(line) <= width:
        return line
    kept = line[:width]
    while display_width(kept) > width - 1:
        kept = kept[:-1]
    return kept + ELLIPSIS


def wrapped(text: str, width: int | None, first: str = "", rest: str = "") -> Iterator[str]:
    """*text* in lines of at most *width* columns, which begin with *first* and *rest*; a word that is too long for a
    line is cut."""
    if width is None:
        yield first + text
        return
    lines = broken(text, width - display_width(rest), display_width(first) - display_width(rest))
    for number, line in enumerate(lines):
        yield cut((rest if number else first) + line, width)
