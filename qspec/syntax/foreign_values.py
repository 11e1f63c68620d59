"""Values and conditions as other languages write them: operators, numbers, lists, ranges."""

from __future__ import annotations

import re
from collections.abc import Callable

from qspec.diagnostics import Advice, Span
from qspec.syntax.mistake import Explanation, Mistake, say, span_of, statement_word, touch


def remainder(mistake: Mistake) -> Explanation | None:
    """`filters % 8`"""
    if mistake.text(mistake.token) != "%" or not {"STAR", "SLASH"} & mistake.failure.expected:
        return None
    left, right = mistake.text(mistake.previous), mistake.text(mistake.following)
    message = "`%` is a unit, and calculates no remainder"
    before = mistake.text(mistake.tokens[mistake.failure.previous - 1])
    if not (left.isidentifier() and (right.isidentifier() or right.isdigit())) or before in (".", "*", "/"):
        return say(mistake, message, "write `mod(a, b)`"), None
    written = f"mod({left}, {right})"
    return say(
        mistake, message, f"write `{written}`", span_of(mistake, mistake.previous, mistake.following), written
    ), None


def power(mistake: Mistake) -> Explanation | None:
    """`2**8`"""
    if mistake.text(mistake.token) != "*" or mistake.text(mistake.previous) != "*":
        return None
    span = span_of(mistake, mistake.previous, mistake.token)
    return say(mistake, "`**` is no operator", "only `+`, `-`, `*` and `/` calculate", span), None


def comparison_by_a_word(mistake: Mistake) -> Explanation | None:
    """`activation is none`, `activation is not none`"""
    if mistake.text(mistake.token) != "is" or "COMPARE" not in mistake.failure.expected:
        return None
    negated = mistake.text(mistake.following) == "not"
    span = span_of(mistake, mistake.token, mistake.following if negated else mistake.token)
    message, sign = f"`{'is not' if negated else 'is'}` compares nothing", "!=" if negated else "=="
    return say(mistake, message, f"write `{sign}`", span, sign), None


def text_match_by_a_sign(mistake: Mistake) -> Explanation | None:
    """`name ~ "head*"`, `name =~ "head.*"`, `name !~ …`"""
    index = mistake.failure.index
    signs = "".join(map(mistake.text, mistake.tokens[index : index + 2]))
    if "LIKE" not in mistake.failure.expected or not signs.startswith(("~", "=~", "!~")):
        return None
    sign = signs[: signs.index("~") + 1]
    span = Span(mistake.source, mistake.token[1], mistake.token[1] + len(sign))
    negation = "not " if sign == "!~" else ""
    hint = f"write `{negation}like` with a glob, or `{negation}matches` with a regular expression"
    return say(mistake, f"`{sign}` is no operator", hint, span), None


def number(mistake: Mistake) -> Explanation | None:
    """`.5`, `1_000`, `1k`, and `4M` where a size is meant."""
    if mistake.text(mistake.token) == "." and mistake.following[0] == "NUMBER" and "NUMBER" in mistake.failure.expected:
        digits = mistake.text(mistake.following)
        span = span_of(mistake, mistake.token, mistake.following)
        return say(mistake, f"`.{digits}` is no number", f"write `0.{digits}`", span, f"0.{digits}"), None
    if mistake.previous[0] != "NUMBER" or mistake.token[0] != "NAME" or not touch(mistake.previous, mistake.token):
        return None
    digits, rest = mistake.text(mistake.previous), mistake.text(mistake.token)
    written, span = digits + rest, span_of(mistake, mistake.previous, mistake.token)
    if re.fullmatch(r"(_\d+)+", rest):
        plain = written.replace("_", "")
        return say(mistake, f"`{written}` is no number", f"write `{plain}`", span, plain), None
    if rest not in ("k", "K", "m", "M", "g", "G"):
        return None
    if statement_word(mistake) == "require":
        metric, binary = f"{digits} {rest.upper()}B", f"{digits} {rest.upper()}iB"
        hint = Advice(f"write `{metric}`, or `{binary}` of 1024", (metric, binary)).on(span)
        return say(mistake, f"there is no unit `{rest}`", hint), None
    return say(mistake, f"`{written}` is no number", "write all its digits", span), None


def number_of(mistake: Mistake) -> Explanation | None:
    """`5 epochs`, `100 steps`"""
    word, digits = mistake.text(mistake.token), mistake.text(mistake.previous)
    if mistake.previous[0] != "NUMBER" or word not in ("epochs", "steps", "epoch", "step"):
        return None
    written, span = f"{word.rstrip('s')}s({digits})", span_of(mistake, mistake.previous, mistake.token)
    return say(
        mistake, f"a number of {word.rstrip('s')}s stands in parentheses", f"write `{written}`", span, written
    ), None


def list_in_brackets(mistake: Mistake) -> Explanation | None:
    """`kernel_size == [3, 3]`"""
    if mistake.token[0] != "LSQB" or not {"NUMBER", "STRING"} <= mistake.failure.expected:
        return None
    listed = re.match(r"\[([^\[\]\n#]*)\]", mistake.source.text[mistake.token[1] :])
    message = "several values stand in parentheses"
    if listed is None or not listed.group(1).strip(" ,"):
        return say(mistake, message, "write `(3, 3)`"), None
    inside = listed.group(1).strip(" ,")
    written = f"({inside})" if "," in inside else f"({inside},)"
    span = Span(mistake.source, mistake.token[1], mistake.token[1] + listed.end())
    return say(mistake, message, f"write `{written}`", span, written), None


def values_without_parentheses(mistake: Mistake) -> Explanation | None:
    """`name in "a", "b"`"""
    tokens, index = mistake.tokens, mistake.failure.previous
    if mistake.token[0] != "COMMA" or index < 1 or mistake.text(tokens[index - 1]) != "in":
        return None
    last = mistake.failure.index
    while tokens[last][0] == "COMMA" and tokens[last + 1][0] in ("STRING", "NUMBER", "NAME"):
        last += 2
    start, end = tokens[index], tokens[last - 1]
    values = mistake.source.text[start[1] : end[2]]
    left, right = ("LPAR", start[1], start[1]), ("RPAR", end[2], end[2])
    repaired = [*tokens[:index], left, *tokens[index:last], right, *tokens[last:]]
    span = span_of(mistake, start, end)
    hint = f"write `in ({values})`"
    return say(mistake, "several values stand in parentheses", hint, span, f"({values})"), repaired


def range_in_parentheses(mistake: Mistake) -> Explanation | None:
    """`index in (0..2)`"""
    before = [mistake.text(token) for token in mistake.tokens[: mistake.failure.previous]][-2:]
    if mistake.token[0] != "THROUGH" or before != ["in", "("]:
        return None
    start = mistake.tokens[mistake.failure.previous - 1][1]
    written = re.match(r"\(([^()\n#]*)\)", mistake.source.text[start:])
    message = "a range stands without parentheses"
    if written is None:
        return say(mistake, message, "write `in 0..2`"), None
    plain = written.group(1).strip()
    span = Span(mistake.source, start, start + written.end())
    return say(mistake, message, f"write `in {plain}`", span, plain), None


def conditions_by_commas(mistake: Mistake) -> Explanation | None:
    """`where filters >= 16, filters <= 32`"""
    if mistake.token[0] != "COMMA" or mistake.failure.openers or "where" not in list(mistake.words()):
        return None
    message = "conditions are joined by `and` or `or`, not by commas"
    return say(mistake, message, "write `and`", instead=" and"), mistake.replaced(("AND", *mistake.token[1:]))


def range_of_an_attribute(mistake: Mistake) -> Explanation | None:
    """`range = 0..255`"""
    words = list(mistake.words())
    if mistake.token[0] != "THROUGH" or "range" not in words or mistake.following[0] not in ("NUMBER", "MINUS"):
        return None
    start = next(token for token in reversed(mistake.tokens[: mistake.failure.index]) if mistake.text(token) == "=")
    written = re.match(r"\s*(-?[\d.eE]+?)\s*\.\.\s*(-?[\d.eE]+)", mistake.source.text[start[2] :])
    message = "`..` stands behind `in`; a fixed range of values has two numbers"
    if written is None:
        return say(mistake, message, "write `fixed(low, high)`"), None
    fixed = f"fixed({written.group(1)}, {written.group(2)})"
    span = Span(mistake.source, start[2] + written.start(1), start[2] + written.end(2))
    return say(mistake, message, f"write `{fixed}`", span, fixed), None


def amended_in_braces(mistake: Mistake) -> Explanation | None:
    """`weights = w8 { type = int4 }`"""
    tokens, before = mistake.tokens, mistake.failure.previous
    if mistake.token[0] != "LBRACE" or before < 1 or tokens[before][0] != "NAME" or tokens[before - 1][0] != "EQUAL":
        return None
    start = mistake.previous[2]
    written = re.match(r"\s*\{([^{}\n#]*)\}", mistake.source.text[start:])
    message, name = "a quantizer is amended in parentheses", mistake.text(mistake.previous)
    if written is None:
        return say(mistake, message, f"write `{name}(type = int4)`"), None
    amended = f"({written.group(1).strip()})"
    span = Span(mistake.source, start, start + written.end())
    return say(mistake, message, f"write `{name}{amended}`", span, amended), None


READINGS: tuple[Callable[[Mistake], Explanation | None], ...] = (
    remainder,
    power,
    comparison_by_a_word,
    text_match_by_a_sign,
    number,
    number_of,
    list_in_brackets,
    values_without_parentheses,
    range_in_parentheses,
    conditions_by_commas,
    range_of_an_attribute,
    amended_in_braces,
)
"""In the order in which they are asked; each is None where it does not apply."""
