"""Strict access to JSON that a person did not write by hand and that may be damaged: every wrong turn says where."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LARGEST_INTEGER = 2**31 - 1
"""The largest size or index that a LiteRT file can hold (int32)."""


class Malformed(Exception):
    """A document that does not have the expected structure. Caught by the readers, which make it a diagnostic."""

    def __init__(self, location: str, message: str) -> None:
        self.location = location
        self.message = message
        super().__init__(location, message)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a JSON document and the way to it, as `config.layers[3].config`."""

    value: Any
    location: str

    def fail(self, message: str) -> Malformed:
        """The error to raise about this value."""
        return Malformed(self.location, message)

    def expected(self, what: str) -> Malformed:
        """The error that *what* was expected here."""
        return self.fail(f"expected {what}, found {described(self.value)}")

    @property
    def is_none(self) -> bool:
        """Whether it is JSON's null."""
        return self.value is None

    def has(self, key: str) -> bool:
        """Whether it is an object with *key*, and not null there."""
        return isinstance(self.value, Mapping) and self.value.get(key) is not None

    def mapping(self) -> Mapping[str, Any]:
        """It as an object."""
        if not isinstance(self.value, Mapping):
            raise self.expected("an object")
        return self.value

    def __getitem__(self, key: str) -> Node:
        mapping = self.mapping()
        if key not in mapping:
            raise self.fail(f"`{key}` is missing")
        return Node(mapping[key], f"{self.location}.{key}" if self.location else key)

    def get(self, key: str) -> Node:
        """The value of *key*, null where it is missing."""
        return Node(self.mapping().get(key), f"{self.location}.{key}" if self.location else key)

    def members(self) -> Iterator[tuple[str, Node]]:
        """Keys and values of an object."""
        for key in self.mapping():
            yield key, self[key]

    def items(self) -> list[Node]:
        """The elements of an array."""
        if not isinstance(self.value, list | tuple):
            raise self.expected("an array")
        return [Node(item, f"{self.location}[{index}]") for index, item in enumerate(self.value)]

    def text(self) -> str:
        """It as a string."""
        if not isinstance(self.value, str):
            raise self.expected("a string")
        return self.value

    def boolean(self) -> bool:
        """It as true or false."""
        if not isinstance(self.value, bool):
            raise self.expected("true or false")
        return self.value

    def integer(self, least: int = 0, most: int = LARGEST_INTEGER) -> int:
        """It as a whole number, `least <= value <= most`."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.expected("a whole number")
        if not least <= self.value <= most:
            raise self.expected(f"a whole number from {least} to {most}")
        return self.value

    def number(self) -> float:
        """It as a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.expected("a number")
        too_large = isinstance(self.value, int) and abs(self.value) > 2**1000
        if too_large or not math.isfinite(self.value):
            raise self.expected("a finite number")
        return float(self.value)

    def shape(self, most_rank: int = 16) -> tuple[int | None, ...]:
        """It as a shape: positive sizes, null for an unknown one."""
        items = self.items()
        if len(items) > most_rank:
            raise self.expected(f"a shape of at most {most_rank} dimensions")
        return tuple(None if item.is_none else item.integer(1) for item in items)


def described(value: Any) -> str:
    """A short name for a JSON value: itself if it is short, else its kind."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value}" if abs(value) < 10**18 else "a number of too many digits"
        case float():
            return f"{value}"
        case str():
            return f"`{value}`" if len(value) <= 40 and value.isprintable() else "a string"
        case Mapping():
            return "an object"
        case list() | tuple():
            return "an array"
    return "something else"
