"""What a token out of place means, in a person's words, and how reading can go on behind it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

from qspec.diagnostics import Advice, Span
from qspec.diagnostics.catalogue import TOO_DEEP
from qspec.syntax.automaton import DEEPEST
from qspec.syntax.blocks import ITEMS, innermost_block, misplaced_item, open_block, unopened_block, where_it_stands
from qspec.syntax.foreign import READINGS as FOREIGN_STATEMENTS
from qspec.syntax.foreign_values import READINGS as FOREIGN_VALUES
from qspec.syntax.lexer import END, ERROR, NEWLINE, STATEMENTS
from qspec.syntax.mistake import Explanation, Mistake, say, span_of, statement_word, touch
from qspec.syntax.semicolon import semicolon
from qspec.syntax.values import ASSIGNMENT, no_value, unquoted
from qspec.syntax.words import (
    list_of_one,
    misspelt_keyword,
    misspelt_unit,
    on_and_extends,
    quoted_word,
    swapped_comparison,
)

_SHOWN = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a string in quotes",
    "UNIT": "a unit",
    "COMPARE": "a comparison",
    NEWLINE: "a new line",
    END: "the end of the file",
    "EQUAL": "`=`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "COMMA": "`,`",
    "VBAR": "`|`",
    "ARROW": "`->`",
    "THROUGH": "`..`",
    "OPTIONAL": "`?`",
    "REST": "`...`",
    "DOT": "`.`",
}
_GOING_ON = {"DOT", "LSQB", "LPAR", "UNIT", "PLUS", "MINUS", "STAR", "SLASH", "OPTIONAL"}
_OPERATORS = {"COMPARE", "AND", "OR", "IN", "NOT", "LIKE", "MATCHES"}
_OF_PATHS = frozenset({"NAME", "SLASH", "STAR", "NUMBER"})
_CHARACTERS = {
    "&": ("`&` is no operator", "write `and`"),
    "!": ("`!` is no operator", "write `not`, or `!=` to compare"),
    "~": ("`~` is no operator", "write `not`"),
    "^": ("`^` is no operator", "only `+`, `-`, `*` and `/` calculate"),
    "@": ("`@` means nothing in qspec", "remove it"),
    "$": ("`$` means nothing in qspec", "remove it"),
    "\\": ("`\\` stands only inside strings", "a statement goes on in the next line behind a comma or an operator"),
    "\u201c": ("a curly quote is no quote", 'write straight quotes: `"`'),
    "\u201d": ("a curly quote is no quote", 'write straight quotes: `"`'),
    "\u2018": ("a curly quote is no quote", "write straight quotes: `'`"),
    "\u2019": ("a curly quote is no quote", "write straight quotes: `'`"),
    "\u2192": ("`→` is no arrow", "write `->`"),
    "\u2265": ("`≥` is no operator", "write `>=`"),
    "\u2264": ("`≤` is no operator", "write `<=`"),
    "\u2260": ("`≠` is no operator", "write `!=`"),
    "\r": ("a carriage return without a line feed", "end lines with a line feed"),
}


def explain(mistake: Mistake) -> Explanation:
    """The first explanation that fits."""
    return next(found for reading in _READINGS if (found := reading(mistake)) is not None)


def _too_deep(mistake: Mistake) -> Explanation | None:
    if not mistake.failure.too_deep:
        return None
    message = f"more than {DEEPEST} levels of nesting"
    return TOO_DEEP.at(mistake.span, message, help="name parts of it and put them together"), None


def _open_string(mistake: Mistake) -> Explanation | None:
    quote = mistake.text(mistake.token)
    if mistake.token[0] != ERROR or quote not in ("'", '"'):
        return None
    start = mistake.token[1]
    end = mistake.source.text.find("\n", start)
    span = Span(mistake.source, start, len(mistake.source.text) if end < 0 else end)
    return say(mistake, "the string is not closed", f"close it with {quote} before the end of the line", span), None


def _strange_character(mistake: Mistake) -> Explanation | None:
    if mistake.token[0] != ERROR:
        return None
    character = mistake.text(mistake.token)
    if character == ":" and "EQUAL" in mistake.failure.expected:
        message = f"expected `=` after `{mistake.text(mistake.previous)}`, found `:`"
        return say(mistake, message, ASSIGNMENT, instead=" ="), mistake.replaced(("EQUAL", *mistake.token[1:]))
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    unknown = (f"{shown} means nothing in qspec", "remove it, or put text into quotes")
    message, hint = _CHARACTERS.get(character, unknown)
    return say(mistake, message, hint), None


def _brace_on_next_line(mistake: Mistake) -> Explanation | None:
    if mistake.token[0] != NEWLINE or mistake.following[0] != "LBRACE" or "LBRACE" not in mistake.failure.expected:
        return None
    brace = mistake.following
    span = Span(mistake.source, brace[1], brace[2])
    message = "the opening brace stands on the line of its statement"
    return say(mistake, message, "move `{` to the end of the line before", span), mistake.replaced()


def _open_parenthesis(mistake: Mistake) -> Explanation | None:
    openers = [mistake.tokens[index] for index in mistake.failure.openers]
    opener = next((token for token in reversed(openers) if token[0] != "LBRACE"), None)
    if opener is None or opener is not openers[-1]:
        return None
    if mistake.token[0] not in (END, "LBRACE", "RBRACE") and mistake.line(mistake.token) == mistake.line(opener):
        return None
    closer = {"LPAR": "`)`", "LSQB": "`]`"}[opener[0]]
    span = Span(mistake.source, opener[1], opener[2])
    message = f"`{mistake.text(opener)}` is never closed"
    return say(mistake, message, f"close it with {closer} where its content ends", span), None


def _stray_brace(mistake: Mistake) -> Explanation | None:
    kinds = {"RBRACE": "{", "RPAR": "(", "RSQB": "["}
    kind = mistake.token[0]
    if kind not in kinds or any(mistake.text(mistake.tokens[i]) == kinds[kind] for i in mistake.failure.openers):
        return None
    message = f"`{mistake.text(mistake.token)}` closes nothing"
    return say(mistake, message, f"remove it, or add the missing `{kinds[kind]}`"), mistake.replaced()


def _comma(mistake: Mistake) -> Explanation | None:
    if mistake.token[0] != "COMMA" or mistake.failure.openers:
        return None
    words = list(mistake.words())
    if "match" in words or "pattern" in words:
        if mistake.following[0] in (NEWLINE, END, "LBRACE"):
            return say(mistake, "a pattern does not end with a comma", "remove it"), mistake.replaced()
        repaired = mistake.replaced(("VBAR", *mistake.token[1:]))
        return say(mistake, "alternatives are not separated by commas", _with_bar(mistake)), repaired
    if NEWLINE in mistake.failure.expected:
        repaired = mistake.replaced((NEWLINE, *mistake.token[1:]))
        return say(mistake, "statements are not separated by commas", "give each a line of its own"), repaired
    return None


def _inputs_beside_operation(mistake: Mistake) -> Explanation | None:
    """`Operation("Add", x)`"""
    name, *before = [*mistake.words(), "", "", ""][:3]
    if mistake.token[0] != "COMMA" or mistake.previous[0] != "STRING" or before != ["(", "Operation"]:
        return None
    comma = mistake.token
    span = Span(mistake.source, comma[1], mistake.following[1])
    repaired = mistake.replaced(("RPAR", comma[1], comma[1]), ("LPAR", comma[1], comma[2]))
    message = "the name of an operation stands alone in its parentheses"
    return say(mistake, message, f"inputs stand behind it: `Operation({name})(…)`", span, ")("), repaired


def _with_bar(mistake: Mistake) -> str:
    """How the alternatives on both sides of a comma are written, if each is a plain name."""
    names = [mistake.previous, mistake.following]
    if any(kind != "NAME" for kind, _, _ in names):
        return "put `|` between them"
    return f"write `{' | '.join(map(mistake.text, names))}`"


def _equal_signs(mistake: Mistake) -> Explanation | None:
    expected, token = mistake.failure.expected, mistake.token
    if token[0] == "COMPARE" and "EQUAL" in expected and "COMPARE" not in expected:
        message = f"expected `=` after `{mistake.text(mistake.previous)}`, found `{mistake.text(token)}`"
        hint = "`=` assigns; `==` compares, in conditions"
        return say(mistake, message, hint, instead="="), mistake.replaced(("EQUAL", *token[1:]))
    if token[0] == "EQUAL" and "COMPARE" in expected:
        message = "`=` assigns, a condition compares with `==`"
        repaired = mistake.replaced(("COMPARE", *token[1:]))
        return say(mistake, message, "write `==`", instead="=="), repaired
    return None


def _chained_comparison(mistake: Mistake) -> Explanation | None:
    if mistake.token[0] != "COMPARE" or not {"AND", "OR"} & mistake.failure.expected:
        return None
    message = "comparisons cannot be chained"
    return say(mistake, message, "join two with `and`: `1 < x and x < 3`"), None


def _mixed_pattern(mistake: Mistake) -> Explanation | None:
    words = list(mistake.words())
    if mistake.token[0] not in ("ARROW", "VBAR", "OPTIONAL") and mistake.failure.kind != "AS":
        return None
    if "match" not in words and "pattern" not in words:
        return None
    symbol = mistake.text(mistake.token)
    if symbol == "->" or (symbol == "|" and "->" in words):
        return say(mistake, "`->` and `|` do not mix without parentheses", "write `(A | B) -> C`"), None
    hint = f"put the alternatives into parentheses: `(A | B){' as name' if symbol == 'as' else symbol}`"
    return say(mistake, f"`{symbol}` would belong to one alternative only", hint), None


def _unknown_statement(mistake: Mistake) -> Explanation | None:
    expected = mistake.failure.expected
    if not {"RULE", "QUANTIZER"} <= expected:
        return None
    found = mistake.text(mistake.token)
    every = f"there are {_listed(STATEMENTS)}"
    hint = where_it_stands(found) or _similar("a statement", found, STATEMENTS) or every
    return say(mistake, f"no statement begins with `{found}`", hint), None


def _similar(kind: str, written: str, known: Sequence[str]) -> Advice | None:
    """The word of *known* that looks like what was written; None if there is none but itself."""
    close = difflib.get_close_matches(written, known, n=1)
    if not close or close[0] == written:
        return None
    return Advice(f"{kind} with a similar name exists: `{close[0]}`", (close[0],))


def _keyword_as_name(mistake: Mistake) -> Explanation | None:
    kind = mistake.failure.kind
    if "NAME" not in mistake.failure.expected or kind == mistake.token[0] or len(mistake.failure.expected) > 1:
        return None
    before, word = mistake.text(mistake.previous), mistake.text(mistake.token)
    return say(mistake, f"expected a name after `{before}`, found the word `{word}`", "choose another name"), None


def _strange_name(mistake: Mistake) -> Explanation | None:
    """`rule match Dense`, where the name is missing, and `rule my-head match Dense`."""
    if mistake.failure.expected != {"MATCH"}:
        return None
    if mistake.text(mistake.previous) == "match":
        span = Span(mistake.source, *mistake.previous[1:])
        return say(mistake, "the rule has no name", "write `rule NAME match …`", span), None
    return _name_with_a_minus(mistake)


def _target_with_a_minus(mistake: Mistake) -> Explanation | None:
    """`deploy cmsis-nn`"""
    return _name_with_a_minus(mistake) if statement_word(mistake) == "deploy" and mistake.failure.index == 2 else None


def _name_with_a_minus(mistake: Mistake) -> Explanation | None:
    before, found = mistake.text(mistake.previous), mistake.text(mistake.token)
    if mistake.token[0] != "MINUS":
        return None
    name = f"{before}_{mistake.text(mistake.following)}"
    whole = span_of(mistake, mistake.previous, mistake.following)
    hint = Advice.write(name).on(whole) if touch(mistake.token, mistake.following) else f"write `{name}`"
    return say(mistake, f"a name has letters, digits and `_`, found `{found}`", hint), None


def _layer_name_as_pattern(mistake: Mistake) -> Explanation | None:
    words = list(mistake.words())
    if mistake.token[0] != "STRING" or not {"match", "pattern"} & set(words) or "where" in words:
        return None
    message = f"a pattern names classes of layers, found {mistake.text(mistake.token)}"
    return say(mistake, message, f"for a layer's name write `any where name == {mistake.text(mistake.token)}`"), None


def _path_as_pattern(mistake: Mistake) -> Explanation | None:
    """`match encoder/conv`."""
    index, tokens = mistake.failure.index, mistake.tokens
    if mistake.token[0] != "SLASH" or "ARROW" not in mistake.failure.expected:
        return None
    first = last = mistake.failure.previous
    while index < len(tokens) and tokens[index][0] in _OF_PATHS and touch(tokens[last], tokens[index]):
        last, index = index, index + 1
    if last == first:
        return None
    span = span_of(mistake, tokens[first], tokens[last])
    path = span.source.text[span.start : span.end]
    written = f'any where path {"like" if "*" in path else "=="} "{path}"'
    # Behind it may stand more of the pattern, or a condition.
    alone = mistake.text(tokens[first - 1]) == "match" and tokens[index][0] == "LBRACE"
    message = f"a pattern names classes of layers, found the path `{path}`"
    hint = f"for a layer's path write `{written}`"
    return say(mistake, message, hint, span, written if alone else None), None


def _generic(mistake: Mistake) -> Explanation:
    wanted = _wanted(mistake.failure.expected)
    if mistake.failure.previous < 0:
        return say(mistake, f"`{mistake.text(mistake.token)}` begins no statement", f"expected {wanted}"), None
    found = "" if mistake.token[0] in (NEWLINE, END) else f", found `{mistake.text(mistake.token)}`"
    where = (
        f"after `{mistake.text(mistake.previous)}`" if mistake.previous[0] != NEWLINE else "at the start of the line"
    )
    return say(mistake, f"expected {wanted} {where}{found}", _advice(mistake)), None


def _wanted(expected: frozenset[str]) -> str:
    """What could stand here, without what could merely go on."""
    kinds = expected - _GOING_ON if expected - _GOING_ON else expected
    if kinds >= {"NAME", "NUMBER", "STRING"}:
        return "a value"
    kinds = kinds - _OPERATORS if kinds - _OPERATORS - {"BECAUSE"} else kinds
    words = sorted(f"`{kind.lower()}`" for kind in kinds if kind not in _SHOWN)
    shown = [text for kind, text in _SHOWN.items() if kind in kinds]
    return _listed([*shown, *words][:6])


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


def _advice(mistake: Mistake) -> str | Advice:
    expected = mistake.failure.expected
    if "EQUAL" in expected:
        words = ITEMS.get(innermost_block(mistake), ())
        word = _similar("a word", mistake.text(mistake.previous), words)
        return word.on(span_of(mistake, mistake.previous, mistake.previous)) if word else ASSIGNMENT
    if {"RBRACE", "COMMA"} <= expected:
        return "give each item of a block a line of its own, or put a comma between them"
    if "LBRACE" in expected:
        if statement_word(mistake) == "target" and mistake.failure.index == 2:
            name = mistake.text(mistake.previous)
            return f"to place models on it write `deploy {name}`; `target {name} on tflite {{ … }}` defines one"
        return "a block begins with `{` on the line of its statement"
    if {"NAME", "NUMBER"} <= expected:
        return "a value is a name, a number, a string in quotes, or something in parentheses"
    if "STRING" in expected:
        return "a text stands in quotes"
    if expected == {"NAME"} and mistake.token[0] == "LBRACE":
        return f"write `{mistake.text(mistake.previous)} NAME {{ … }}`"
    return f"the manual, grammar/README.md, shows how `{mistake.text(mistake.tokens[0])}` is written"


_READINGS: tuple[Callable[[Mistake], Explanation | None], ...] = (
    _too_deep,
    no_value,
    _open_string,
    *FOREIGN_STATEMENTS,
    *FOREIGN_VALUES,
    semicolon,
    _strange_character,
    _brace_on_next_line,
    _open_parenthesis,
    open_block,
    misspelt_keyword,
    unopened_block,
    _stray_brace,
    misplaced_item,
    on_and_extends,
    swapped_comparison,
    misspelt_unit,
    list_of_one,
    _comma,
    _inputs_beside_operation,
    _equal_signs,
    _chained_comparison,
    unquoted,
    _mixed_pattern,
    _unknown_statement,
    _keyword_as_name,
    _strange_name,
    _target_with_a_minus,
    _layer_name_as_pattern,
    _path_as_pattern,
    quoted_word,
    _generic,
)
