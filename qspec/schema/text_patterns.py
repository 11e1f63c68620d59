"""Globs for `like`, over whole texts and in time proportional to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple


def glob_matches(pattern: str, text: str) -> bool:
    """Whether *text* as a whole fits *pattern*: `*` any run without `/`, `**` any run, `?` one character but `/`.

    `**/` also stands for nothing, so that `**/conv` finds a `conv` at the top.
    """
    return glob(pattern)(text)


@lru_cache(maxsize=256)
def glob(pattern: str) -> Callable[[str], bool]:
    """`glob_matches` as a function of the text."""
    tokens = _glob_tokens(pattern)
    begins, ends = (tokens[0].text, tokens[-1].text) if tokens else ("", "")

    def matches(text: str) -> bool:
        # Most texts are told apart by how they begin or end.
        if not (text.startswith(begins) and text.endswith(ends)):
            return False
        reached = {0}
        for token in tokens:
            reached = _advance(token, text, reached)
        return len(text) in reached

    return matches


class _Token(NamedTuple):
    """A wildcard, or the plain text that stands between them."""

    wildcard: str
    text: str


def _glob_tokens(pattern: str) -> tuple[_Token, ...]:
    found = re.findall(r"(\*\*/|\*\*|\*|\?)|([^*?]+)", pattern)
    return tuple(_Token(wildcard, text) for wildcard, text in found)


def _advance(token: _Token, text: str, reached: set[int]) -> set[int]:
    """The offsets at which *text* may go on behind *token*, from any offset in *reached*: linear, never exponential."""
    match token.wildcard:
        case "**":
            return set(range(min(reached), len(text) + 1)) if reached else set()
        case "**/":
            first = min(reached, default=len(text))
            return reached | {end + 1 for end in range(first, len(text)) if text[end] == "/"}
        case "*":
            return _within_segment(text, reached)
        case "?":
            return {start + 1 for start in reached if start < len(text) and text[start] != "/"}
    return {start + len(token.text) for start in reached if text.startswith(token.text, start)}


def _within_segment(text: str, reached: set[int]) -> set[int]:
    found, running = set(), False
    for offset in range(len(text) + 1):
        running = offset in reached or (running and text[offset - 1] != "/")
        if running:
            found.add(offset)
    return found
