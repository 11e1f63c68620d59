"""The operators of a float file between the tensors that the plan knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import Any


class Pieces:
    """Finds operators by what they write. *known* are the file's tensors at which a piece begins and ends."""

    def __init__(self, operators: Sequence[Any], known: Set[int]) -> None:
        self.operators, self.known = operators, known
        self.writer = {int(index): position for position, op in enumerate(operators) for index in op.outputs}

    def behind(self, outputs: Iterable[int]) -> list[Any]:
        """The operators that *outputs* come from, back to tensors that are known, in the file's order."""
        found: set[int] = set()
        pending = list(outputs)
        while pending:
            position = self.writer.get(pending.pop())
            if position is None or position in found:
                continue
            found.add(position)
            pending += [index for index in map(int, self.operators[position].inputs) if index not in self.known]
        return [self.operators[position] for position in sorted(found)]
