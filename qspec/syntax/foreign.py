"""Statements and patterns as other languages write them: comments, declarations, arrows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from qspec.diagnostics import Edit, Fix, Span
from qspec.syntax.lexer import END, NEWLINE, STATEMENTS
from qspec.syntax.mistake import Explanation, Mistake, say, span_of, statement_word, touch

_IN_FLOAT = frozenset({"float", "skip", "none", "exclude", "ignore", "off"})
_IMPORTS = frozenset({"include", "use", "using", "from"})
_ARROWS = ("=>", ">>", ">")


def _in_pattern(mistake: Mistake) -> bool:
    """Whether the mistake stands in a pattern, where another step or alternative could."""
    return {"ARROW", "VBAR"} <= mistake.failure.expected


def _rest_of_line(mistake: Mistake, index: int) -> int:
    """The index of the token that ends the line of the token at *index*."""
    ends = (NEWLINE, END)
    return next(i for i in range(index, len(mistake.tokens)) if mistake.tokens[i][0] in ends)


def comment(mistake: Mistake) -> Explanation | None:
    """`// …`, `/* … */`, `-- …`: the rest of the line is passed over."""
    tokens, index = mistake.tokens, mistake.failure.index
    for first in (index, index - 1):
        if not 0 <= first < len(tokens) - 1 or not touch(tokens[first], tokens[first + 1]):
            continue
        sign = mistake.text(tokens[first]) + mistake.text(tokens[first + 1])
        if first and tokens[first - 1][0] == "NAME" and touch(tokens[first - 1], tokens[first]) and sign == "/*":
            continue  # `encoder/*` is a path
        if sign in ("//", "/*", "--"):
            span = span_of(mistake, tokens[first], tokens[first + 1])
            diagnostic = say(mistake, f"a comment begins with `#`, found `{sign}`", "write `#`", span, "#")
            return diagnostic, [*tokens[:first], *tokens[_rest_of_line(mistake, index) :]]
    return None


def options_in_braces(mistake: Mistake) -> Explanation | None:
    """`deploy edgetpu { runtime = 14 }`"""
    if mistake.token[0] != "LBRACE" or statement_word(mistake) != "deploy":
        return None
    start = mistake.previous[2]
    written = re.match(r"\s*\{([^{}\n#]*)\}", mistake.source.text[start:])
    message = "the options of a target stand in parentheses"
    if written is None:
        return say(mistake, message, f"write `deploy {mistake.text(mistake.tokens[1])}(option = value)`"), None
    options = f"({written.group(1).strip()})"
    span = Span(mistake.source, start, start + written.end())
    return say(mistake, message, f"write `deploy {mistake.text(mistake.tokens[1])}{options}`", span, options), None


def word_before_a_target(mistake: Mistake) -> Explanation | None:
    """`deploy to edgetpu`"""
    word = mistake.text(mistake.previous)
    if mistake.failure.index != 2 or statement_word(mistake) != "deploy" or mistake.token[0] != "NAME":
        return None
    if word not in ("to", "on", "for"):
        return None
    target = mistake.text(mistake.token)
    span = span_of(mistake, mistake.previous, mistake.token)
    message = f"the name of a target stands directly behind `deploy`, found `{word}`"
    return say(mistake, message, f"write `deploy {target}`", span, target), None


def base_of_a_quantizer(mistake: Mistake) -> Explanation | None:
    """`quantizer w4 = w8(…)`, `quantizer w4(w8) { … }`, `quantizer w4: w8 { … }`"""
    if mistake.failure.index != 2 or statement_word(mistake) != "quantizer":
        return None
    if mistake.text(mistake.token) not in ("=", "(", ":") or mistake.following[0] != "NAME":
        return None
    name, base = mistake.text(mistake.previous), mistake.text(mistake.following)
    hint = f"write `quantizer {name} extends {base} {{ … }}`"
    return say(mistake, f"expected `{{` or `extends` after `{name}`, found `{mistake.text(mistake.token)}`", hint), None


def colon_for_a_block(mistake: Mistake) -> Explanation | None:
    """`rule a match Dense: …`, `default: …`, `default: { … }`"""
    if mistake.text(mistake.token) != ":" or not mistake.failure.index or "EQUAL" in mistake.failure.expected:
        return None
    if "LBRACE" not in mistake.failure.expected:
        return None
    if mistake.following[0] == "LBRACE":
        fix = Fix("remove `:`", (Edit(mistake.span, ""),))
        return replace(say(mistake, "no `:` stands before a block", "remove it"), fix=fix), mistake.replaced()
    return say(mistake, "a block stands in braces, found `:`", "write `{ … }`"), None


def several_slots(mistake: Mistake) -> Explanation | None:
    """`weights, output = float`"""
    if mistake.token[0] != "COMMA" or mistake.failure.expected - {"DOT", "LSQB"} != {"EQUAL"}:
        return None
    name, other = mistake.text(mistake.previous), mistake.text(mistake.following)
    message = f"`{name}` has no value: each slot has its own"
    span = span_of(mistake, mistake.previous, mistake.previous)
    return say(mistake, message, f"write `{name} = …, {other} = …`", span), None


def quoted_name(mistake: Mistake) -> Explanation | None:
    """`rule "my rule" match …`; of one word: `words.quoted_word`."""
    if mistake.token[0] != "STRING" or mistake.failure.expected != {"NAME"} or mistake.failure.index != 1:
        return None
    text = mistake.text(mistake.token)[1:-1]
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")
    if not name or name[0].isdigit() or name == text:
        return None
    message = f"a name stands without quotes, found {mistake.text(mistake.token)}"
    return say(mistake, message, f"write `{name}`", instead=name), None


def block_for_one_layer(mistake: Mistake) -> Explanation | None:
    """`layer conv1 { … }`, `layer "conv1" { … }`"""
    tokens, index = mistake.tokens, mistake.failure.index
    if statement_word(mistake) != "layer" or index > 2 or len(tokens) < 4 or tokens[2][0] != "LBRACE":
        return None
    name = mistake.text(tokens[1]).strip("\"'")
    message = "`layer` tells what a class of your own computes as, and takes no block"
    hint = f'for one layer write `rule NAME match any where name == "{name}" {{ … }}`'
    return say(mistake, message, hint, span_of(mistake, tokens[0], tokens[0])), None


def words_between_classes(mistake: Mistake) -> Explanation | None:
    """`Conv2D or Dense`, `Conv2D and Dense`"""
    word = mistake.text(mistake.token)
    if not _in_pattern(mistake) or word not in ("or", "and"):
        return None
    if word == "or":
        message = "alternatives of a pattern are separated by `|`"
        return say(mistake, message, "write `|`", instead="|"), mistake.replaced(("VBAR", *mistake.token[1:]))
    hint = "a condition begins with `where`; `A | B` is either, `A -> B` one behind the other"
    return say(mistake, "a pattern has no `and`: no layer is of two classes", hint), None


def classes_in_brackets(mistake: Mistake) -> Explanation | None:
    """`match [Conv2D, Dense]`, `match *`"""
    if mistake.text(mistake.previous) != "match" or "NAME" not in mistake.failure.expected:
        return None
    if mistake.token[0] == "STAR":
        message = "expected a pattern after `match`, found `*`"
        return say(mistake, message, "write `any` for any layer", instead="any"), None
    if mistake.token[0] != "LSQB":
        return None
    listed = re.match(r"\[([\w\s,]*)\]", mistake.source.text[mistake.token[1] :])
    message = "alternatives of a pattern stand without brackets"
    if listed is None or not listed.group(1).strip(" ,\n"):
        return say(mistake, message, "write `A | B`"), None
    written = " | ".join(name.strip() for name in listed.group(1).split(",") if name.strip())
    span = Span(mistake.source, mistake.token[1], mistake.token[1] + listed.end())
    return say(mistake, message, f"write `{written}`", span, written), None


def missing_pattern(mistake: Mistake) -> Explanation | None:
    """`rule a where …`"""
    if mistake.failure.expected != {"MATCH"} or mistake.text(mistake.token) != "where" or mistake.failure.index != 2:
        return None
    hint = f"write `rule {mistake.text(mistake.previous)} match any where …`"
    return say(mistake, "the rule has no pattern", hint, instead="match any where"), None


def pattern_without_match(mistake: Mistake) -> Explanation | None:
    """`rule g Conv2D`"""
    if mistake.failure.expected != {"MATCH"} or mistake.failure.index != 2 or mistake.token[0] != "NAME":
        return None
    if mistake.text(mistake.previous) == "match":  # it is the name that is missing
        return None
    found = mistake.text(mistake.token)
    if not (found[0].isupper() or found == "any"):
        return None
    message = f"the pattern of a rule stands behind `match`, found `{found}`"
    hint = f"write `rule {mistake.text(mistake.previous)} match {found}`"
    match = ("MATCH", mistake.token[1], mistake.token[1])
    return say(mistake, message, hint, instead=f"match {found}"), mistake.replaced(match, mistake.token)


def condition_in_parentheses(mistake: Mistake) -> Explanation | None:
    """`Concatenate(any where name == "a", any)`"""
    openers = [mistake.tokens[index][0] for index in mistake.failure.openers]
    if mistake.text(mistake.token) != "where" or openers[-1:] != ["LPAR"] or "match" not in mistake.words():
        return None
    if mistake.text(mistake.tokens[mistake.failure.previous - 1]) == "as":
        asked = "ask"
    else:
        part = mistake.text(mistake.previous) if mistake.previous[0] == "NAME" else "(…)"
        asked = f"name the part, `{part} as x`, and ask"
    hint = f"{asked} behind the last `)`: `where x.name == …`"
    return say(mistake, "`where` stands behind the whole pattern", hint), None


def qualified_class(mistake: Mistake) -> Explanation | None:
    """`keras.layers.Conv2D`"""
    tokens, last = mistake.tokens, mistake.failure.index
    if mistake.token[0] != "DOT" or not _in_pattern(mistake):
        return None
    while tokens[last][0] == "DOT" and tokens[last + 1][0] == "NAME":
        last += 2
    name, first = tokens[last - 1], mistake.failure.previous
    if name[0] != "NAME":
        return None
    span = span_of(mistake, tokens[first], name)
    message = "a class of layers is one word, without its module"
    diagnostic = say(mistake, message, f"write `{mistake.text(name)}`", span, mistake.text(name))
    return diagnostic, [*tokens[:first], *tokens[last - 1 :]]


def other_arrows(mistake: Mistake) -> Explanation | None:
    """`Conv2D => ReLU`, `Conv2D >> ReLU`, `Conv2D + ReLU`, `Conv2D ReLU`"""
    if not _in_pattern(mistake):
        return None
    tokens, index = mistake.tokens, mistake.failure.index
    kind, start, _ = mistake.token
    sign = next((arrow for arrow in _ARROWS if mistake.source.text.startswith(arrow, start)), "")
    before, text = mistake.text(mistake.previous), mistake.text(mistake.token)
    message = "layers that follow each other are joined by `->`"
    if sign:
        last = next(i for i in range(index, len(tokens)) if tokens[i][2] >= start + len(sign))
        arrow = ("ARROW", start, start + len(sign))
        diagnostic = say(mistake, message, f"write `->`, found `{sign}`", Span(mistake.source, *arrow[1:]), "->")
        return diagnostic, [*tokens[:index], arrow, *tokens[last + 1 :]]
    if kind == "PLUS":
        return say(mistake, message, "write `->`", instead="->"), mistake.replaced(("ARROW", *mistake.token[1:]))
    if kind == "NAME" and text[:1].isupper() and before[:1].isupper():
        return say(mistake, message, f"write `{before} -> {text}`", instead=f"-> {text}"), None
    return None


def slots_left_out(mistake: Mistake) -> Explanation | None:
    """`rule a match Dense { float }`, `{ skip }`"""
    word = mistake.text(mistake.previous)
    if word not in _IN_FLOAT or "EQUAL" not in mistake.failure.expected:
        return None
    if mistake.token[0] not in ("RBRACE", "COMMA", NEWLINE, END) or statement_word(mistake) not in ("rule", "default"):
        return None
    span = span_of(mistake, mistake.previous, mistake.previous)
    hint = "to leave layers in float write `all = float`"
    return say(mistake, f"`{word}` assigns nothing", hint, span, "all = float"), None


def import_by_another_word(mistake: Mistake) -> Explanation | None:
    """`include "std/int8.qspec"`, `from std import int8`, `version 1`"""
    word = mistake.text(mistake.token)
    if not {"RULE", "QUANTIZER"} <= mistake.failure.expected:
        return None
    if word in _IMPORTS:
        message = f"no statement begins with `{word}`"
        if mistake.following[0] == "STRING":
            hint = f"write `import {mistake.text(mistake.following)}`"
            return say(mistake, message, hint, instead="import"), mistake.replaced(("IMPORT", *mistake.token[1:]))
        return say(mistake, message, 'write `import "std/int8.qspec"`, with the path in quotes'), None
    if word in ("version", "edition"):
        return say(mistake, f"no statement begins with `{word}`", "write `qspec 1`"), None
    return None


def rule_without_its_head(mistake: Mistake) -> Explanation | None:
    """`match Dense { … }`, `Dense { … }`, `weights = w8`"""
    word = mistake.text(mistake.token)
    if not {"RULE", "QUANTIZER"} <= mistake.failure.expected or mistake.token[0] != "NAME":
        return None
    message = f"no statement begins with `{word}`"
    if word == "match":
        return say(mistake, message, "write `rule NAME match …`"), None
    if word[0].isupper() and word.lower() not in STATEMENTS and mistake.following[0] == "LBRACE":
        return say(mistake, message, f"write `rule NAME match {word} {{ … }}`"), None
    if word in ("weights", "bias", "state", "inner", "all") and mistake.following[0] == "EQUAL":
        return say(mistake, message, f"an assignment stands in a block: `default {{ {word} = … }}`"), None
    return None


READINGS: tuple[Callable[[Mistake], Explanation | None], ...] = (
    comment,
    options_in_braces,
    word_before_a_target,
    base_of_a_quantizer,
    colon_for_a_block,
    several_slots,
    quoted_name,
    block_for_one_layer,
    words_between_classes,
    classes_in_brackets,
    missing_pattern,
    pattern_without_match,
    condition_in_parentheses,
    qualified_class,
    other_arrows,
    slots_left_out,
    import_by_another_word,
    rule_without_its_head,
)
"""In the order in which they are asked; each is None where it does not apply."""
