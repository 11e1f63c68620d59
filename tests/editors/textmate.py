"""A TextMate tokenizer: line by line, the rule that matches first. For grammars whose begin and end share a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Scoped:
    """What stands between two offsets, and its scope; the innermost if several lie above each other."""

    scope: str
    start: int
    end: int


@dataclass(frozen=True)
class Tokenizer:
    """Reads texts by a grammar as its JSON has it."""

    grammar: dict[str, Any]

    def read(self, text: str) -> Iterator[Scoped]:
        """The tokens of *text* that have a scope."""
        offset = 0
        for line in text.split("\n"):
            yield from self._read_line(line, offset)
            offset += len(line) + 1

    def _read_line(self, line: str, offset: int) -> Iterator[Scoped]:
        at = 0
        while found := self._first(self.grammar["patterns"], line, at):
            match, rule = found
            if "begin" in rule:
                at = yield from self._read_inside(rule, line, match, offset)
                continue
            yield from _scoped(rule, match, offset)
            at = max(match.end(), at + 1)

    def _read_inside(self, rule: dict[str, Any], line: str, begin: re.Match[str], offset: int) -> Any:
        at = begin.end()
        yield Scoped(rule["name"], offset + begin.start(), offset + at)
        while True:
            end = _compiled(rule["end"]).search(line, at)
            assert end is not None, "the end of a line ends everything"
            inner = self._first(rule.get("patterns", []), line, at)
            stop = inner[0].start() if inner and inner[0].start() < end.start() else end.start()
            yield Scoped(rule["name"], offset + at, offset + stop)
            if stop == end.start():
                yield Scoped(rule["name"], offset + stop, offset + end.end())
                return max(end.end(), begin.start() + 1)
            yield from _scoped(inner[1], inner[0], offset)
            at = inner[0].end()

    def _first(self, patterns: list[dict[str, Any]], line: str, at: int) -> tuple[re.Match[str], dict[str, Any]] | None:
        best: tuple[re.Match[str], dict[str, Any]] | None = None
        for rule in self._flat(patterns):
            match = _compiled(rule.get("match") or rule["begin"]).search(line, at)
            if match and (best is None or match.start() < best[0].start()):
                best = match, rule
        return best

    def _flat(self, patterns: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for rule in patterns:
            if "include" in rule:
                yield from self._flat([self.grammar["repository"][rule["include"].removeprefix("#")]])
            elif "match" in rule or "begin" in rule:
                yield rule
            else:
                yield from self._flat(rule["patterns"])


@cache
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex)


def _scoped(rule: dict[str, Any], match: re.Match[str], offset: int) -> Iterator[Scoped]:
    groups = {int(number): capture["name"] for number, capture in rule.get("captures", {}).items()}
    at = match.start()
    for number, scope in sorted(groups.items()):
        start, end = match.span(number)
        if start >= 0:
            if "name" in rule:
                yield Scoped(rule["name"], offset + at, offset + start)
            yield Scoped(scope, offset + start, offset + end)
            at = end
    if "name" in rule:
        yield Scoped(rule["name"], offset + at, offset + match.end())
