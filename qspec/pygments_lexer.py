"""Colours for Pygments, and so for Sphinx, MkDocs and rich: the TextMate grammar, read as Pygments wants it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pygments.lexer import RegexLexer
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, Punctuation, String, Text, Whitespace

from qspec._resources import resource

# By the beginning of a scope's name; the longest decides.
_TOKENS: Mapping[str, Any] = {
    "comment": Comment.Single,
    "constant.character.escape": String.Escape,
    "constant.language": Keyword.Constant,
    "constant.numeric": Number,
    "constant.other": Comment.Special,
    "entity.name.class": Name.Class,
    "entity.name.type": Name.Variable,
    "invalid": Error,
    "keyword": Keyword,
    "keyword.declaration": Keyword.Declaration,
    "keyword.operator": Operator,
    "keyword.operator.wordlike": Operator.Word,
    "keyword.other.directive": Comment.Special,
    "keyword.other.unit": Keyword.Type,
    "punctuation": Punctuation,
    "string.quoted.double": String.Double,
    "string.quoted.single": String.Single,
    "support.function": Name.Function,
    "support.type": Keyword.Type,
    "variable.other": Name,
    "variable.other.property": Name.Attribute,
}


def _token(scope: str) -> Any:
    fitting = [known for known in _TOKENS if scope.startswith(f"{known}.")]
    return _TOKENS[max(fitting, key=len)]


def _action(pattern: Mapping[str, Any]) -> Any:
    """What a match becomes: one token, or one for each of its groups and one for what lies between them."""
    whole = _token(pattern["name"]) if "name" in pattern else Text
    groups = {int(number): _token(capture["name"]) for number, capture in pattern.get("captures", {}).items()}
    if not groups:
        return whole

    def parts(lexer: RegexLexer, match: re.Match[str], context: object = None) -> Iterator[tuple[int, Any, str]]:
        behind = match.start()
        for number, token in sorted(groups.items()):
            start, end = match.span(number)
            if start >= 0:
                yield behind, whole, match.string[behind:start]
                yield start, token, match.string[start:end]
                behind = end
        yield behind, whole, match.string[behind : match.end()]

    return parts


def _states() -> dict[str, list[Any]]:
    """The grammar's patterns as states: `root`, and one for each pattern with a begin and an end."""
    grammar = json.loads((resource("grammar") / "qspec.tmLanguage.json").read_text(encoding="utf-8"))
    states: dict[str, list[Any]] = {}

    def rules(patterns: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
        for pattern in patterns:
            if "include" in pattern:
                yield from rules([grammar["repository"][pattern["include"].removeprefix("#")]])
            elif "begin" in pattern:
                name, token = pattern["name"], _token(pattern["name"])
                inside = list(rules(pattern.get("patterns", [])))
                others = "|".join((pattern["end"], *(rule[0] for rule in inside)))
                states[name] = [(pattern["end"], token, "#pop"), *inside, (f"(?:(?!{others}).)+", token)]
                yield pattern["begin"], token, name
            elif "match" in pattern:
                yield pattern["match"], _action(pattern)
            else:
                yield from rules(pattern["patterns"])

    states["root"] = [(r"\s+", Whitespace), *rules(grammar["patterns"]), (".", Error)]
    return states


class QspecLexer(RegexLexer):  # type: ignore[misc]  # without Pygments it is of an unknown class
    """The qspec language."""

    name = "qspec"
    aliases: ClassVar[list[str]] = ["qspec"]
    filenames: ClassVar[list[str]] = ["*.qspec"]
    mimetypes: ClassVar[list[str]] = ["text/x-qspec"]
    flags = re.MULTILINE
    tokens = _states()
