"""Text in so many columns of a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics.text import ELLIPSIS, broken, display_width, padded


def fitted(name: str, room: int) -> str:
    """*name* in exactly *room* columns; what is too long loses its front, where names are alike."""
    if display_width(name) > room:
        name = name[-room:]
        while display_width(name) > room - 1:
            name = name[1:]
        name = ELLIPSIS + name
    return padded(name, room)


def cut(line: str, width: int | None) -> str:
    """*line* in at most *width* columns, None for any number."""
    if width is None or display_width(line) <= width:
        return line
    return _begun(line, width - 1) + ELLIPSIS


def wrapped(text: str, width: int | None, first: str = "", rest: str = "") -> Iterator[str]:
    """*text* in lines of at most *width* columns, which begin with *first* and *rest*. Nothing is left out: a *first*
    beside which no word has room stands alone, and a word that is too long for a line goes on in the next."""
    if width is None:
        yield first + text
        return
    if first.strip() and display_width(first) + display_width(text.split(" ")[0]) > width:
        indent = " " * (len(first) - len(first.lstrip()))
        yield from wrapped(first.strip(), width, indent, indent)
        first = rest
    room = width - display_width(rest)
    words = " ".join(piece for word in text.split(" ") for piece in _pieces(word, room))
    for number, line in enumerate(broken(words, room, display_width(first) - display_width(rest))):
        yield (rest if number else first) + line


def _pieces(word: str, room: int) -> Iterator[str]:
    """*word* in pieces that have room in a line; all but the last fill it."""
    while display_width(word) > room:
        piece = _begun(word, room)
        yield piece
        word = word[len(piece) :]
    yield word


def _begun(line: str, room: int) -> str:
    """As much of the beginning of *line* as has room; a character at least."""
    kept = line[: max(room, 1)]
    while display_width(kept) > room and len(kept) > 1:
        kept = kept[:-1]
    return kept
