"""The syntax tree: one frozen dataclass per rule of `grammar/qspec.lark`, each with the span it was read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qspec.diagnostics import Source, Span


@dataclass(frozen=True, slots=True)
class Name:
    """A word that names something."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class String:
    """`"…"` or `'…'`; `text` is the decoded value."""

    text: str
    span: Span


# ---- expressions: one language for `where`, `require`, `when`, arguments and values


@dataclass(frozen=True, slots=True)
class Quantity:
    """`1.5 MiB`, `3`, `100%`, `1 lsb`; `value` is as written, an int where no dot or exponent was."""

    value: int | float
    unit: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Index:
    """`["key"]` or `[1]` behind a path."""

    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Path:
    """`NAME`, `conv.strides`, `inner["scores"]`: a name and what follows it, `.name` as Name, `[…]` as Index."""

    head: Name
    trailers: tuple[Name | Index, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Argument:
    """`value` or `name = value` inside parentheses."""

    name: Name | None
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """`percentile(99.9)`, `w8(type = int4)`, `mod(a, b)`."""

    function: Path
    arguments: tuple[Argument, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class TupleLiteral:
    """`(2, 2)`, `(1,)`."""

    items: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class RangeLiteral:
    """`1..3`, both ends included; only behind `in`."""

    low: Expression
    high: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Negative:
    """`-x`."""

    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """`a + b`, and `-`, `*`, `/`."""

    operator: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Compare:
    """`a == b`, and `!=`, `<`, `<=`, `>`, `>=`."""

    operator: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Member:
    """`a in (1, 2)`, `a in 1..3`, `a not in b`."""

    item: Expression
    negated: bool
    container: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class TextMatch:
    """`a like "glob"`, `a matches 'regex'`, either with `not` before it."""

    subject: Expression
    negated: bool
    kind: Literal["like", "matches"]
    pattern: String
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    """`not a`."""

    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class And:
    """`a and b and c`."""

    parts: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Or:
    """`a or b or c`."""

    parts: tuple[Expression, ...]
    span: Span


Expression = (
    Quantity
    | String
    | Path
    | Call
    | TupleLiteral
    | RangeLiteral
    | Negative
    | Binary
    | Compare
    | Member
    | TextMatch
    | Not
    | And
    | Or
)


# ---- patterns over the layer graph


@dataclass(frozen=True, slots=True)
class LayerClass:
    """`Conv2D`, `any`, or the name of another pattern."""

    name: Name
    span: Span


@dataclass(frozen=True, slots=True)
class RawOperation:
    """`Operation("Add")`: a Keras operation that is no layer."""

    name: String
    span: Span


@dataclass(frozen=True, slots=True)
class Merge:
    """`Add(a, b)`, `Concatenate(x, ...)`: a layer and the patterns of its inputs."""

    name: Name
    inputs: tuple[Pattern, ...]
    rest: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Step:
    """`part`, `part?`, `part as name`."""

    part: Pattern
    optional: bool
    capture: Name | None
    span: Span


@dataclass(frozen=True, slots=True)
class Chain:
    """`a -> b -> c`."""

    steps: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Union:
    """`a | b`."""

    parts: tuple[Pattern, ...]
    span: Span


Pattern = LayerClass | RawOperation | Merge | Step | Chain | Union


# ---- statements


@dataclass(frozen=True, slots=True)
class Edition:
    """`qspec 1`"""

    number: int
    span: Span


@dataclass(frozen=True, slots=True)
class Import:
    """`import "…"`"""

    path: String
    span: Span


@dataclass(frozen=True, slots=True)
class Deploy:
    """`deploy TARGET(option = value, …) [as NAME]`"""

    target: Name
    options: tuple[Argument, ...]
    alias: Name | None
    span: Span


@dataclass(frozen=True, slots=True)
class Assignment:
    """`path = value`"""

    path: Path
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Quantizer:
    """`quantizer NAME [extends NAME] { … }`"""

    name: Name
    base: Name | None
    body: tuple[Assignment, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class PatternDefinition:
    """`pattern NAME = …`"""

    name: Name
    pattern: Pattern
    span: Span


@dataclass(frozen=True, slots=True)
class Boundary:
    """`input { … }`, `output["name"] { … }`"""

    side: Literal["input", "output"]
    key: String | None
    body: tuple[Assignment, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Default:
    """`default { … }`"""

    body: tuple[Assignment, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Rule:
    """`rule NAME match PATTERN [where …] { … }`"""

    name: Name
    pattern: Pattern
    where: Expression | None
    body: tuple[Assignment, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Require:
    """`require EXPR [because "…"]`"""

    condition: Expression
    reason: String | None
    span: Span


@dataclass(frozen=True, slots=True)
class Settings:
    """`calibrate { … }` or `train { … }`"""

    kind: Literal["calibrate", "train"]
    body: tuple[Assignment, ...]
    span: Span


# ---- targets


@dataclass(frozen=True, slots=True)
class Option:
    """`option runtime = 14 in 10..14`"""

    name: Name
    default: Expression
    choices: RangeLiteral | TupleLiteral | None
    span: Span


@dataclass(frozen=True, slots=True)
class Refuse:
    """`refuse when EXPR [because "…"]`"""

    condition: Expression
    reason: String | None
    span: Span


@dataclass(frozen=True, slots=True)
class Warn:
    """`warn when EXPR [because "…"]`"""

    condition: Expression
    reason: String | None
    span: Span


@dataclass(frozen=True, slots=True)
class SourceNote:
    """`source "…" [read "2026-11"]`"""

    text: String
    read: String | None
    span: Span


@dataclass(frozen=True, slots=True)
class Unverified:
    """`unverified ["reason"]`"""

    reason: String | None
    span: Span


@dataclass(frozen=True, slots=True)
class Word:
    """`int8`, `per_channel(0)`, `scale(1/256)`: of an operand type; `arguments` is None without parentheses."""

    name: Name
    arguments: tuple[Argument, ...] | None
    span: Span


@dataclass(frozen=True, slots=True)
class OperandType:
    """`int8 symmetric per_tensor`"""

    words: tuple[Word, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Operand:
    """`[constant] weights = int8 symmetric per_channel(0) | int8 symmetric per_tensor`"""

    constant: bool
    path: Path
    types: tuple[OperandType, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Form:
    """`form i8 { … }`: operand types that go together"""

    name: Name
    items: tuple[OperationItem, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class When:
    """`when EXPR { … }` inside an operation"""

    condition: Expression
    items: tuple[OperationItem, ...]
    span: Span


OperationItem = Operand | Require | Refuse | Warn | When | Form | SourceNote | Unverified


@dataclass(frozen=True, slots=True)
class Operation:
    """`op CONV_2D | … [except …] [when EXPR] { … }`; `any` is a name here"""

    kinds: tuple[Name, ...]
    exceptions: tuple[Name, ...]
    when: Expression | None
    items: tuple[OperationItem, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Without:
    """`without SOFTMAX | GELU`"""

    kinds: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ModelBlock:
    """`model { … }`"""

    items: tuple[Require | Refuse | Warn | Assignment, ...]
    span: Span


TargetItem = Option | ModelBlock | Operation | Without | Refuse | Warn | SourceNote | Assignment


@dataclass(frozen=True, slots=True)
class Target:
    """`target NAME [on NAME] [extends NAME] { … }`"""

    name: Name
    relation: Literal["on", "extends"] | None
    base: Name | None
    items: tuple[TargetItem, ...]
    span: Span


Statement = (
    Edition | Import | Deploy | Quantizer | PatternDefinition | Boundary | Default | Rule | Require | Settings | Target
)


@dataclass(frozen=True, slots=True)
class File:
    """A whole `.qspec` file: what could be read of it, in source order."""

    statements: tuple[Statement, ...]
    source: Source
