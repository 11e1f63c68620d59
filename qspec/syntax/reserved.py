"""Words that the grammar could take as names, and that may not be names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import RESERVED_WORD
from qspec.syntax import tree

OPERATORS = frozenset({"and", "or", "not", "in", "as", "where", "because"})
VALUES = frozenset({"any", "float", "true", "false", "none"})
RESERVED = OPERATORS | VALUES


def reserved_words(statements: tuple[tree.Statement, ...]) -> Iterator[Diagnostic]:
    """An error for every reserved word that defines something, or stands where only a value can."""
    pending: list[Any] = [*reversed(statements)]
    while pending:
        node = pending.pop()
        yield from _of_node(node)
        if is_dataclass(node):
            for field in reversed(fields(node)):
                value = getattr(node, field.name)
                if isinstance(value, tuple):
                    pending += reversed(value)
                elif is_dataclass(value) and field.name not in ("span", "name", "alias", "capture", "head"):
                    pending.append(value)


def _of_node(node: Any) -> Iterator[Diagnostic]:
    match node:
        case tree.Path(head=name):
            yield from _taken(name, OPERATORS)
        case tree.Merge(name=name) | tree.LayerClass(name=name):
            yield from _taken(name, RESERVED - {"any"})
        case tree.Step(capture=tree.Name() as name) | tree.Deploy(alias=tree.Name() as name):
            yield from _taken(name, RESERVED)
        case (
            tree.Quantizer(name=name)
            | tree.PatternDefinition(name=name)
            | tree.Rule(name=name)
            | tree.Target(name=name)
            | tree.Option(name=name)
            | tree.Form(name=name)
        ):
            yield from _taken(name, RESERVED)


def _taken(name: tree.Name, words: frozenset[str]) -> Iterator[Diagnostic]:
    if name.text in words:
        message = f"`{name.text}` is a word of the language and cannot be a name"
        yield RESERVED_WORD.at(name.span, message, help="choose another name")
