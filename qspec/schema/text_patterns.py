"""Globs for `like` and regular expressions for `matches`, both over whole texts and neither able to run away."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache


def glob_matches(pattern: str, text: str) -> bool:
    """Whether *text* as a whole fits *pattern*: `*` any run without `/`, `**` any run, `?` one character but `/`.

    `**/` also stands for nothing, so that `**/conv` finds a `conv` at the top.
    """
    reached = {0}
    for token in _glob_tokens(pattern):
        reached = _advance(token, text, reached)
    return len(text) in reached


def _glob_tokens(pattern: str) -> list[str]:
    return re.findall(r"\*\*/|\*\*|.", pattern, re.DOTALL)


def _advance(token: str, text: str, reached: set[int]) -> set[int]:
    """The offsets at which *text* may go on behind *token*, from any offset in *reached*: linear, never exponential."""
    match token:
        case "**":
            return set(range(min(reached), len(text) + 1)) if reached else set()
        case "**/":
            first = min(reached, default=len(text))
            return reached | {end + 1 for end in range(first, len(text)) if text[end] == "/"}
        case "*":
            return _within_segment(text, reached)
        case "?":
            return {start + 1 for start in reached if start < len(text) and text[start] != "/"}
    return {start + 1 for start in reached if text.startswith(token, start)}


def _within_segment(text: str, reached: set[int]) -> set[int]:
    found, running = set(), False
    for offset in range(len(text) + 1):
        running = offset in reached or (running and text[offset - 1] != "/")
        if running:
            found.add(offset)
    return found


_TOKEN = re.compile(
    r"\\(?P<escaped>.)"
    r"|(?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<extension>\(\?(?!:))"
    r"|(?P<open>\((?:\?:)?)"
    r"|(?P<close>\))"
    r"|(?P<repeat>[*+?]|\{[0-9,]+\})\??"
    r"|(?P<choice>\|)"
    r"|.",
    re.DOTALL,
)


@lru_cache(maxsize=256)
def compile_regex(pattern: str) -> re.Pattern[str] | str:
    """The compiled expression, or what is wrong with it in a few words.

    Refused, because their running time explodes or their meaning is Python's own: a quantifier behind a group that
    itself repeats or chooses, look-around and other `(?…)`, back-references.
    """
    problem = _forbidden(pattern)
    if problem:
        return problem
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return "is not a well-formed regular expression"


def _forbidden(pattern: str) -> str | None:
    open_groups = [False]  # for each: whether something inside may match in more than one way
    ambiguous = repeated = False  # of the part just read
    for token in _TOKEN.finditer(pattern):
        kind = token.lastgroup
        if kind == "extension":
            return "uses `(?…)`; only `(?:…)` is known"
        if kind == "escaped" and token["escaped"] in "0123456789":
            return "refers back to a group"
        if kind == "repeat":
            if repeated:
                return "has one quantifier behind another"
            if ambiguous and token["repeat"] != "?":
                return "repeats a group that itself repeats or chooses"
        inner = False
        if kind == "open":
            open_groups.append(False)
        elif kind == "close" and len(open_groups) > 1:
            inner = open_groups.pop()
        open_groups[-1] = open_groups[-1] or inner or kind in ("repeat", "choice")
        ambiguous, repeated = inner, kind == "repeat"
    return None
