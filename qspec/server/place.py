"""Where in a statement a word is being typed: what was read before it, in terms of brackets and items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from qspec.syntax import tree
from qspec.syntax.expectation import Expectation

_CLOSERS = {")": "(", "]": "[", "}": "{"}
_BLOCKS = frozenset({"target", "model", "op", "form", "when"})


@dataclass(frozen=True)
class Place:
    """What stands before a word, as the automaton holds it: nodes where a rule was done, texts where it was not."""

    expected: Expectation

    @property
    def stack(self) -> tuple[Any, ...]:
        """Everything from the start of the statement."""
        return self.expected.stack

    @property
    def statement(self) -> str:
        """The word that begins the statement; empty at its start."""
        return self.stack[0] if self.stack and isinstance(self.stack[0], str) else ""

    @property
    def name_is_possible(self) -> bool:
        """Whether a name can stand here."""
        return "NAME" in self.expected.terminals

    @cached_property
    def _opener(self) -> int | None:
        """The position of the innermost bracket that is open."""
        depth = 0
        for index in range(len(self.stack) - 1, -1, -1):
            if isinstance(self.stack[index], str):
                if self.stack[index] in _CLOSERS:
                    depth += 1
                elif self.stack[index] in _CLOSERS.values():
                    if not depth:
                        return index
                    depth -= 1
        return None

    @property
    def bracket(self) -> str:
        """The innermost bracket that is open; empty outside of all."""
        return "" if self._opener is None else self.stack[self._opener]

    @property
    def head(self) -> Sequence[Any]:
        """What stands before that bracket; all, outside of brackets."""
        return self.stack[: self._opener]

    @property
    def inside(self) -> Sequence[Any]:
        """What stands behind that bracket; all, outside of brackets."""
        return self.stack if self._opener is None else self.stack[self._opener + 1 :]

    @property
    def item(self) -> Sequence[Any]:
        """What stands behind the last separator in that bracket."""
        parts = list(self.inside)
        for index in range(len(parts) - 1, -1, -1):
            if isinstance(parts[index], str) and (parts[index] == "," or is_newline(parts[index])):
                return parts[index + 1 :]
        return parts

    @property
    def nodes(self) -> list[Any]:
        """The nodes inside that bracket that are done, in the order of the text."""
        found: list[Any] = []
        for part in self.inside:
            found += part if isinstance(part, list) else [part] if isinstance(part, tree.Node) else []
        return found

    @property
    def in_arguments(self) -> bool:
        """Whether the innermost bracket holds values: arguments, or what behind `in` is a tuple."""
        return self.bracket == "(" and bool(self.head) and (not isinstance(self.head[-1], str) or self.head[-1] == "in")

    @property
    def done(self) -> set[str]:
        """The names of the arguments that stand inside that bracket already."""
        arguments = (node for node in self.nodes if isinstance(node, tree.Argument))
        return {node.name.text for node in arguments if node.name is not None}

    @property
    def block(self) -> str:
        """The word that begins the innermost block of a target that is open: `target`, `op`, `form`."""
        words = [part for part in self.head if isinstance(part, str) and part in _BLOCKS]
        return words[-1] if words else self.statement

    @property
    def braces(self) -> bool:
        """Whether an open brace stands before, at any depth."""
        return "{" in self.stack

    @property
    def assigned(self) -> str:
        """The attribute or argument whose value is being typed, as it is written: `type`, `conv.weights`."""
        return written(self.item[: self.item.index("=")]) if "=" in self.item else ""

    def outer(self) -> Place:
        """The place of what stands before the innermost bracket."""
        return Place(replace(self.expected, stack=tuple(self.head)))


def is_newline(text: str) -> bool:
    """Whether the text of a token is that of the end of a line."""
    return not text.strip() or text.startswith(("\n", "\r"))


def written(parts: Sequence[Any]) -> str:
    """The path that *parts* begin: `conv.weights` of a name, a dot and a name, or of a node that holds them."""
    texts: list[str] = []
    for part in parts:
        match part:
            case tree.Name(text=text) if texts and texts[-1] != ".":
                texts += [".", text]  # a trailing name, whose dot is gone
            case tree.Name(text=text):
                texts.append(text)
            case tree.Path(head=head, trailers=trailers):
                texts.append(written((head, *trailers)))
            case list():
                texts += [".", written(part)] if texts and part else [written(part)]
            case ".":
                texts.append(".")
    return "".join(texts)
