"""A target's capability table as data, `extends` and `without` already applied."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal, overload

from qspec.diagnostics import Span
from qspec.syntax import tree


@dataclass(frozen=True, kw_only=True)
class Citation:
    """`source "…" read "2026-11"`"""

    text: str
    read: str = ""


@dataclass(frozen=True, kw_only=True)
class OperandWords:
    """One alternative of an operand: `int8 symmetric per_channel(0)`, `int8 scale(1/256) zero_point(-128)`.

    None means that the table does not say. `axis` is the flatbuffer's. `scale_of` are the operand names of
    `scale(input * weights)`.
    """

    type: str
    scheme: Literal["symmetric", "asymmetric"] | None = None
    granularity: Literal["per_tensor", "per_channel", "per_block"] | None = None
    axis: int | None = None
    scale: float | None = None
    zero_point: int | None = None
    scale_of: tuple[str, ...] = ()
    span: Span


@dataclass(frozen=True, kw_only=True)
class Operand:
    """`[constant] weights = … | …`; `key` is the position in `input[1]`."""

    name: str
    key: int | None = None
    constant: bool = False
    types: tuple[OperandWords, ...]
    span: Span


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A `require`, `refuse when` or `warn when` with its reason."""

    kind: Literal["require", "refuse", "warn"]
    condition: tree.Expression
    reason: str = ""
    span: Span


@dataclass(frozen=True, kw_only=True)
class Form:
    """Operand types that go together, with conditions of their own; the row's own operands and conditions hold too."""

    name: str
    operands: tuple[Operand, ...] = ()
    conditions: tuple[Condition, ...] = ()
    groups: tuple[Group, ...] = ()
    unverified: str | None = None
    span: Span


@dataclass(frozen=True, kw_only=True)
class Group:
    """`when EXPR { … }` inside a row or a form: what holds only then."""

    condition: tree.Expression
    operands: tuple[Operand, ...] = ()
    conditions: tuple[Condition, ...] = ()
    groups: tuple[Group, ...] = ()
    span: Span


@dataclass(frozen=True, kw_only=True)
class Row:
    """`op A | B [except C] [when EXPR] { … }`; `kinds` is `("any",)` for every op.

    `unverified` is None, or why no source settles the row (an empty text when it does not say).
    """

    kinds: tuple[str, ...]
    exceptions: tuple[str, ...] = ()
    when: tree.Expression | None = None
    operands: tuple[Operand, ...] = ()
    conditions: tuple[Condition, ...] = ()
    forms: tuple[Form, ...] = ()
    groups: tuple[Group, ...] = ()
    sources: tuple[Citation, ...] = ()
    unverified: str | None = None
    names: tuple[tree.Name, ...] = ()  # of the ops and the exceptions, as they were written
    span: Span  # the op names


class DeferredRows(Sequence[Row]):
    """Rows that are read when somebody asks: of a shipped table, most runs need a few, or its options alone.

    *kinds* are those of each row, known beforehand; *read* gives the row at a position.
    """

    def __init__(self, kinds: Sequence[tuple[str, ...]], read: Callable[[int], Row]) -> None:
        self.kinds = kinds
        self._row = cache(read)

    def naming(self, kind: str) -> tuple[Row, ...]:
        """The rows that name *kind*; no other is read."""
        return tuple(self._row(index) for index, kinds in enumerate(self.kinds) if kind in kinds)

    def amended(self, own: DeferredRows, removed: Collection[str]) -> DeferredRows:
        """These rows without the kinds *removed*, then *own*; none of them is read yet."""
        kept = [tuple(kind for kind in kinds if kind not in removed) for kinds in self.kinds]
        positions = [index for index, kinds in enumerate(kept) if kinds]

        def read(index: int) -> Row:
            if index >= len(positions):
                return own[index - len(positions)]
            return replace(self[positions[index]], kinds=kept[positions[index]])

        return DeferredRows([*(kept[position] for position in positions), *own.kinds], read)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        positions = range(len(self))[index]
        return self._row(positions) if isinstance(positions, int) else tuple(map(self._row, positions))

    def __len__(self) -> int:
        return len(self.kinds)


@dataclass(frozen=True, kw_only=True)
class OptionDefinition:
    """`option runtime = 14 in 10..14`: `choices` are the allowed values, or `limits` both ends, included."""

    name: str
    default: int | float | str
    choices: tuple[int | float | str, ...] | None = None
    limits: tuple[float, float] | None = None
    span: Span


@dataclass(frozen=True, kw_only=True)
class Deprecation:
    """`deprecated "…"`: why nobody should begin to use the target."""

    reason: str
    span: Span


@dataclass(frozen=True, kw_only=True)
class TargetDefinition:
    """`target NAME [on HOST] [extends NAME] { … }`"""

    name: str
    title: str = ""
    partition: Literal["prefix", "any"] = "any"
    host: TargetDefinition | None = None
    options: Mapping[str, OptionDefinition] = field(default_factory=dict)
    rows: Sequence[Row] = ()
    model: tuple[Condition, ...] = ()  # of the `model` block: over the whole model
    conditions: tuple[Condition, ...] = ()  # of the target itself: over every op
    memory: Mapping[str, int] = field(default_factory=dict)  # bytes, by the word behind `memory.`
    excess: str = ""  # `memory.excess`: what becomes of what is more
    sources: tuple[Citation, ...] = ()
    deprecated: Deprecation | None = None
    written: TargetDefinition | None = None  # what its own block says, where it amends another target
    span: Span  # the name

    def deferred_rows(self) -> DeferredRows:
        """The rows, not read before somebody asks if they have not been so far."""
        if isinstance(self.rows, DeferredRows):
            return self.rows
        return DeferredRows([row.kinds for row in self.rows], self.rows.__getitem__)

    def rows_naming(self, kind: str) -> tuple[Row, ...]:
        """The rows that name *kind*, which may be `any`."""
        if isinstance(self.rows, DeferredRows):
            return self.rows.naming(kind)
        return tuple(row for row in self.rows if kind in row.kinds)
