"""Words that are almost right: a keyword or a unit misspelt, a word in quotes, operators of other languages."""

from __future__ import annotations

import difflib

from qspec.diagnostics import Advice, Span
from qspec.syntax.lexer import END, NEWLINE
from qspec.syntax.machine import UNITS
from qspec.syntax.mistake import Explanation, Mistake, say, statement_word

SWAPPED = {"=<": "<=", "=>": ">=", "<>": "!="}
"""Comparisons as they are written elsewhere, and here."""

_KEYWORDS = {"MATCH", "WHERE", "BECAUSE", "EXTENDS", "EXCEPT", "WHEN", "READ", "MATCHES", "LIKE", "AS", "ON"}
# Rules have `where`, targets `when`.
_OTHER_WORDS = {
    "where": frozenset({"WHEN"}),
    "when": frozenset({"WHERE"}),
    "if": frozenset({"WHEN", "WHERE"}),
    "for": frozenset({"MATCH"}),
}
_MEANT_UNITS = {"byte": "B", "bytes": "B", "bits": "lsb", "percent": "%"}
_TIMES = {"ns", "us", "µs", "ms", "s", "sec", "second", "seconds", "fps", "Hz"}


def swapped_comparison(mistake: Mistake) -> Explanation | None:
    """`=<` for `<=`: two tokens that touch."""
    index = mistake.failure.index
    for first in (index, index - 1):
        if not 0 <= first < len(mistake.tokens) - 1:
            continue
        one, two = mistake.tokens[first], mistake.tokens[first + 1]
        text = mistake.source.text[one[1] : two[2]]
        if (
            text not in SWAPPED
            or one[2] != two[1]
            or two[1] == two[2]
            or (first == index and "COMPARE" not in mistake.failure.expected)
        ):
            continue
        span = Span(mistake.source, one[1], two[2])
        tokens = [*mistake.tokens[:first], ("COMPARE", one[1], two[2]), *mistake.tokens[first + 2 :]]
        meant = SWAPPED[text]
        return say(mistake, f"`{text}` is no comparison", f"write `{meant}`", span, meant), tokens
    return None


def misspelt_unit(mistake: Mistake) -> Explanation | None:
    """`80 Kib`; the unit is mended in the message alone, as it may not be the one that was meant."""
    if mistake.previous[0] != "NUMBER" or mistake.token[0] != "NAME" or "UNIT" not in mistake.failure.expected:
        return None
    written = mistake.text(mistake.token)
    same = [unit for unit in sorted(UNITS) if unit.lower() == written.lower()]
    meant = same[:1] or [_MEANT_UNITS[written.lower()]] if same or written.lower() in _MEANT_UNITS else []
    message = f"there is no unit `{written}`"
    if meant:
        return say(mistake, message, Advice(f"a unit with a similar name exists: `{meant[0]}`", (meant[0],))), None
    if statement_word(mistake) != "require":
        return None
    if written in _TIMES:  # what it is a time of is no quantity either, which is told of the rest
        return say(mistake, message, "a latency is not predicted: measure it on the device"), mistake.replaced()
    return say(mistake, message, f"the units are {', '.join(f'`{unit}`' for unit in sorted(UNITS))} and `%`"), None


def misspelt_keyword(mistake: Mistake) -> Explanation | None:
    """`becuase`: the word that can stand here is read in its place."""
    kind, start, end = mistake.token
    if kind != "NAME":
        return None
    written = mistake.text(mistake.token)
    expected = {word.lower(): word for word in _KEYWORDS & mistake.failure.expected}
    other = _OTHER_WORDS.get(written, frozenset()) & mistake.failure.expected
    close = [word.lower() for word in other] or difflib.get_close_matches(written.lower(), expected, n=1, cutoff=0.75)
    if not close or close[0] == written:
        return None
    message = f"expected `{close[0]}`, found `{written}`"
    diagnostic = say(mistake, message, f"write `{close[0]}`", instead=close[0])
    return diagnostic, mistake.replaced((expected[close[0]], start, end))


def quoted_word(mistake: Mistake) -> Explanation | None:
    """`input = "int8"` where only a bare word can stand."""
    kind, start, end = mistake.token
    inner = mistake.source.text[start + 1 : end - 1]
    if kind != "STRING" or not inner.isidentifier() or not inner.isascii():
        return None
    if "NAME" not in mistake.failure.expected or "STRING" in mistake.failure.expected:
        return None
    message = f"a word of the language or a name stands without quotes, found {mistake.text(mistake.token)}"
    return say(mistake, message, f"write `{inner}`", instead=inner), mistake.replaced(("NAME", start + 1, end - 1))


def on_and_extends(mistake: Mistake) -> Explanation | None:
    """`target a on b extends c`: what it extends is kept, and brings its host."""
    tokens, index = mistake.tokens, mistake.failure.index
    words = [mistake.text(token) for token in tokens[max(0, index - 4) : index + 2]]
    if len(words) < 6 or words[0] != "target" or {words[2], words[4]} != {"on", "extends"}:
        return None
    base = words[words.index("extends", 2) + 1]
    first = index - 2 if words[2] == "on" else index
    hint = f"`extends {base}` brings the host of `{base}` along: remove `on {words[words.index('on', 2) + 1]}`"
    message = "a target has either `on` or `extends`"
    return say(mistake, message, hint), [*tokens[:first], *tokens[first + 2 :]]


def list_of_one(mistake: Mistake) -> Explanation | None:
    """`option variant = "a" in ("a")`: parentheses alone make no list."""
    before = mistake.failure.previous
    if "THROUGH" not in mistake.failure.expected or "option" not in list(mistake.words()):
        return None
    if mistake.token[0] not in (NEWLINE, END, "COMMA", "RBRACE") or mistake.previous[0] != "RPAR":
        return None
    start = mistake.previous[1]
    item = mistake.text(mistake.tokens[before - 1])
    message = "one value in parentheses is no list"
    diagnostic = say(mistake, message, f"write `({item},)`", Span(mistake.source, start, start + 1))
    tokens = mistake.tokens
    return diagnostic, [*tokens[:before], ("COMMA", start, start), *tokens[before:]]
