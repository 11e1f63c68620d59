"""What each token of a text is, as the parser decides it: the truth that colours are held against."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from qspec._resources import resource
from qspec.syntax.automaton import Failure
from qspec.syntax.lexer import lex
from qspec.syntax.machine import machine

CHECKOUT = Path(__file__).parents[2]
_OPAQUE = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|(#[^\n]*)")
_PLAIN = ("NAME", "NUMBER", "STRING", "UNIT")


@dataclass(frozen=True)
class Parsed:
    """One token: `keyword`, `name`, `number`, `unit`, `string` or `comment`."""

    kind: str
    start: int
    end: int


def parsed_tokens(text: str) -> list[Parsed] | None:
    """The tokens of a text that has no mistakes, symbols left out; None of one that has."""
    automaton, scanner = machine()
    found: list[Parsed] = []
    keywords = set(automaton.table.keywords.values())

    def leaf(kind: str):
        def taken(start: int, end: int) -> None:
            found.append(Parsed("keyword" if kind in keywords else kind.lower(), start, end))

        return taken

    builds = {production.origin: lambda *_: [] for production in automaton.table.productions}
    result = automaton.run(text, lex(text, scanner), builds, {kind: leaf(kind) for kind in (*keywords, *_PLAIN)})
    if isinstance(result, Failure):
        return None
    comments = (match.span(1) for match in _OPAQUE.finditer(text) if match.group(1) is not None)
    return [*found, *(Parsed("comment", start, end) for start, end in comments)]


def texts() -> Iterator[tuple[str, str]]:
    """Every spec of the project, and every example of the manual, with a name."""
    for path in sorted((*resource("specs").rglob("*.qspec"), *(CHECKOUT / "tests").rglob("*.qspec"))):
        yield str(path.relative_to(path.parents[1])), path.read_text("utf-8")
    manual = (resource("grammar") / "README.md").read_text("utf-8")
    for number, text in enumerate(re.findall(r"```qspec\n(.*?)```", manual, re.DOTALL)):
        yield f"manual-{number}", text


def parsed_text(name: str) -> tuple[str, list[Parsed]]:
    """One of the texts and its tokens; skips the test if it has mistakes."""
    text = dict(texts())[name]
    parsed = parsed_tokens(text)
    if parsed is None:
        pytest.skip("a text with a mistake, of which the parser does not tell what is what")
    return text, parsed
