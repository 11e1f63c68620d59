"""What is wrong with a regular expression, and where in it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_STATES = 500  # two for each time that `x{1,100}` may repeat
DEEPEST = 64  # groups in each other

_PLAIN = "`matches` takes plain regular expressions: no look-around and no back-references"
_ESCAPED = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|.)", re.DOTALL)
_ITEM = re.compile(rf"(?:{_ESCAPED.pattern}|.)", re.DOTALL)
_CLASSES = frozenset({r"\d", r"\D", r"\w", r"\W", r"\s", r"\S"})
_DIGITS = {"x": "two", "u": "four", "U": "eight"}


@dataclass(frozen=True, slots=True)
class RegexProblem:
    """A mistake from `start` to `end` of an expression, in a sentence, and what to do about it."""

    message: str
    start: int
    end: int
    help: str = ""


def first_problem(pattern: str, tokens: Sequence[re.Match[str]]) -> RegexProblem | None:
    """The first mistake in *pattern*, whose tokens these are: what Python does not take, and what a machine without
    memory cannot do."""
    opened: list[re.Match[str]] = []
    before: re.Match[str] | None = None  # what a quantifier would repeat
    for token in tokens:
        problem = _of_token(token, before, opened)
        if problem is not None:
            return problem
        if token["open"]:
            opened.append(token)
        elif token["close"]:
            opened.pop()
        before = None if token["open"] or token["choice"] or token["assertion"] else token
    if opened:
        return _at(opened[-1], f"`{opened[-1].group()}` is never closed", "close it with `)`; `\\(` is the character")
    return _unforeseen(pattern)


def _of_token(token: re.Match[str], before: re.Match[str] | None, opened: Sequence[object]) -> RegexProblem | None:
    text = token.group()
    match token.lastgroup if token["repeat"] is None else "repeat":
        case "extension":
            text = token.string[token.start() : token.end() + 1]
            return _at(token, f"`{text}` is not known: of `(?…)` there is only `(?:…)`", _PLAIN)
        case "back" if text != r"\0":
            return _at(token, f"`{text}` refers back to a group", _PLAIN)
        case "back":
            return _at(token, f"`{text}` is no escape", r"a character by its number is `\x00`")
        case "open" if len(opened) >= DEEPEST:
            return _at(token, f"more than {DEEPEST} groups stand in each other", "write it with fewer parentheses")
        case "close" if not opened:
            return _at(token, "`)` closes nothing", r"open a group with `(` before it; `\)` is the character")
        case "repeat":
            return _of_repeat(token, before)
        case "character":
            return next(_of_set(token) if text[0] == "[" else _of_escape(text, token.start(), "{}"), None)
        case "literal" if text == "[":
            return _at(token, "`[` is never closed", r"close the set with `]`; `\[` is the character")
        case "literal" if text == "\\":
            return _at(token, "`\\` stands before nothing", r"`\\` is the character")
    return None


def _of_repeat(token: re.Match[str], before: re.Match[str] | None) -> RegexProblem | None:
    text, low, high = token["repeat"], token["low"], token["high"]
    numbers = [int(number[:9]) for number in (token["times"], low, high) if number]
    if before is None:
        return _at(token, f"nothing stands before `{text}` that it could repeat", f"`.{text}` repeats any character")
    if before["repeat"]:
        again = "a repetition is repeated in a group: `(?:a+)*`"
        return _at(token, f"`{text}` stands behind another quantifier", again)
    if low and high and numbers[0] > numbers[-1]:
        return _at(token, f"`{text}` asks for at least {low} and at most {high}", f"write `{{{high},{low}}}`")
    return too_large(token.span("repeat")) if max(numbers, default=0) > MOST_STATES else None


def too_large(place: tuple[int, int]) -> RegexProblem:
    """That what is repeated at *place* comes to too much."""
    message = f"the expression is too large: its repetitions come to more than {MOST_STATES} states"
    return RegexProblem(message, *place, "repeat less, or without end: `+`, `*`")


def _of_escape(text: str, start: int, around: str) -> Iterator[RegexProblem]:
    """What is wrong with a backslash and what follows; *around* is where it stands: `[{}]` in a set."""
    if _is_taken(around.replace("{}", text)):
        return
    kind = text[1:2]
    if kind in _DIGITS:
        message = f"`\\{kind}` takes {_DIGITS[kind]} hexadecimal digits"
        message = message if len(text) == 2 else f"`{text}` is no character"
        hint = r"`\x41`, `\u0041` and `\U00000041` are `A`"
    elif kind == "N":
        message, hint = f"`{text}` is no character", r"`\N{LATIN SMALL LETTER A}` is `a`"
    else:
        message = f"`{text}` has no meaning" + (" in a set" if around != "{}" else "")
        hint = r"`\w` is a letter, a digit or `_`, `\d` a digit, `\s` white space; `\\` is the character `\`"
    yield RegexProblem(message, start, start + len(text), hint)


def _of_set(token: re.Match[str]) -> Iterator[RegexProblem]:
    """What is wrong with a set in brackets: an escape, or a range."""
    if _is_taken(token.group()):
        return
    start = token.start() + (2 if token.group().startswith("[^") else 1)
    items = list(_ITEM.finditer(token.string, start, token.end() - 1))
    for item in items:
        if item.group()[0] == "\\":
            yield from _of_escape(item.group(), item.start(), "[{}]")
    position = 0
    while position + 2 < len(items):
        low, dash, high = items[position : position + 3]
        is_range = dash.group() == "-"
        if is_range and not _is_taken(f"[{low.group()}-{high.group()}]"):
            yield _of_range(low, high)
        position += 3 if is_range else 1


def _of_range(low: re.Match[str], high: re.Match[str]) -> RegexProblem:
    one, other = low.group(), high.group()
    many = next((end for end in (one, other) if end in _CLASSES), "")
    message, hint = f"`{one}-{other}` goes from a later character to an earlier one", f"write `{other}-{one}`"
    if many:
        message, hint = f"`{many}` is many characters, and no end of a range", r"`\-` is the character `-`"
    return RegexProblem(message, low.start(), high.end(), hint)


def _unforeseen(pattern: str) -> RegexProblem | None:
    """What else Python does not take."""
    if _is_taken(pattern):
        return None
    return RegexProblem("this is no well-formed regular expression", 0, len(pattern), _PLAIN)


def _is_taken(pattern: str) -> bool:
    """Whether Python takes *pattern*."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _at(token: re.Match[str], message: str, help: str) -> RegexProblem:
    return RegexProblem(message, token.start(), token.end(), help)
