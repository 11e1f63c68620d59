"""One thing that could be written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "keyword",
    "unit",
    "quantizer",
    "pattern",
    "capture",
    "target",
    "option",
    "deploy",
    "class",
    "slot",
    "attribute",
    "value",
    "quantity",
    "op",
    "operand",
    "layer",
    "file",
    "code",
]


@dataclass(frozen=True)
class Candidate:
    """`label` is shown; `text` is written, the label unless it is given. `detail` stands beside it, `documentation`
    (Markdown) below."""

    label: str
    kind: Kind
    detail: str = ""
    documentation: str = ""
    text: str = ""


def named(names: Iterable[str], kind: Kind) -> Iterator[Candidate]:
    """A candidate for each name."""
    return (Candidate(name, kind) for name in names)
