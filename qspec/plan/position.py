"""The `index` of a match: a number counted from both ends."""

from __future__ import annotations


class Position(int):
    """A position that equals its number from the front and its number from the end: 0 and -3 of three."""

    length: int

    def __new__(cls, value: int, length: int) -> Position:
        position = super().__new__(cls, value)
        position.length = length
        return position

    def towards(self, other: object) -> int:
        """The number to compare with *other*: from the end if that is negative."""
        return int(self) - self.length if isinstance(other, int | float) and other < 0 else int(self)

    def __eq__(self, other: object) -> bool:
        return self.towards(other) == other

    def __ne__(self, other: object) -> bool:
        # That of `int` does not ask `__eq__`.
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()

    def __lt__(self, other: float) -> bool:
        return self.towards(other) < other

    def __le__(self, other: float) -> bool:
        return self.towards(other) <= other

    def __gt__(self, other: float) -> bool:
        return self.towards(other) > other

    def __ge__(self, other: float) -> bool:
        return self.towards(other) >= other
