"""A target's capability table as data, `extends` and `without` already applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from qspec.diagnostics import Span
from qspec.schema.quantizer import Model
from qspec.syntax import tree


class Citation(Model):
    """`source "…" read "2026-11"`"""

    text: str
    read: str = ""


class OperandWords(Model):
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


class Operand(Model):
    """`[constant] weights = … | …`; `key` is the position in `input[1]`."""

    name: str
    key: int | None = None
    constant: bool = False
    types: tuple[OperandWords, ...]
    span: Span


class Condition(Model):
    """A `require`, `refuse when` or `warn when` with its reason."""

    kind: Literal["require", "refuse", "warn"]
    condition: tree.Expression
    reason: str = ""
    span: Span


class Form(Model):
    """Operand types that go together, with conditions of their own; the row's own operands and conditions hold too."""

    name: str
    operands: tuple[Operand, ...] = ()
    conditions: tuple[Condition, ...] = ()
    groups: tuple[Group, ...] = ()
    unverified: str | None = None
    span: Span


class Group(Model):
    """`when EXPR { … }` inside a row or a form: what holds only then."""

    condition: tree.Expression
    operands: tuple[Operand, ...] = ()
    conditions: tuple[Condition, ...] = ()
    groups: tuple[Group, ...] = ()
    span: Span


class Row(Model):
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
    span: Span  # the op names


class OptionDefinition(Model):
    """`option runtime = 14 in 10..14`: `choices` are the allowed values, or `limits` both ends, included."""

    name: str
    default: int | float | str
    choices: tuple[int | float | str, ...] | None = None
    limits: tuple[float, float] | None = None
    span: Span


class TargetDefinition(Model):
    """`target NAME [on HOST] [extends NAME] { … }`"""

    name: str
    title: str = ""
    partition: Literal["prefix", "any"] = "any"
    host: TargetDefinition | None = None
    options: Mapping[str, OptionDefinition] = {}
    rows: tuple[Row, ...] = ()
    model: tuple[Condition, ...] = ()  # of the `model` block: over the whole model
    conditions: tuple[Condition, ...] = ()  # of the target itself: over every op
    memory: Mapping[str, int] = {}  # bytes, by the word behind `memory.`
    sources: tuple[Citation, ...] = ()
    span: Span  # the name
