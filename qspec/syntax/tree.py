"""The syntax tree: one class per rule of `grammar/qspec.lark`, each node with the span it was read from."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NoReturn, dataclass_transform

from qspec.diagnostics import Source, Span


@dataclass_transform(eq_default=False, frozen_default=True)
class Node:
    """What all nodes have in common: made of their fields in order, never changed, compared by identity, shown without
    their spans.

    A frozen dataclass is no more, but it compiles its functions for each of these fifty classes, and `qspec check`
    would take a tenth longer.
    """

    _fields: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(cls.__annotations__)

    def __init__(self, *values: Any) -> None:
        self.__dict__.update(zip(self._fields, values, strict=False))  # what is left out has the class's default

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a node's `{name}` cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a node's `{name}` cannot be deleted")

    def __repr__(self) -> str:
        shown = (name for name in self._fields if name not in ("span", "source"))
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


class Name(Node):
    """A word that names something."""

    text: str
    span: Span


class String(Node):
    """`"…"` or `'…'`; `text` is the decoded value."""

    text: str
    span: Span


# ---- expressions: one language for `where`, `require`, `when`, arguments and values


class Quantity(Node):
    """`1.5 MiB`, `3`, `100%`, `1 lsb`; `value` is as written, an int where no dot or exponent was."""

    value: int | float
    unit: str | None
    span: Span


class Index(Node):
    """`["key"]` or `[1]` behind a path."""

    value: Expression
    span: Span


class Path(Node):
    """`NAME`, `conv.strides`, `inner["scores"]`: a name and what follows it, `.name` as Name, `[…]` as Index."""

    head: Name
    trailers: tuple[Name | Index, ...]
    span: Span


class Argument(Node):
    """`value` or `name = value` inside parentheses."""

    name: Name | None
    value: Expression
    span: Span


class Call(Node):
    """`percentile(99.9)`, `w8(type = int4)`, `mod(a, b)`."""

    function: Path
    arguments: tuple[Argument, ...]
    span: Span


class TupleLiteral(Node):
    """`(2, 2)`, `(1,)`."""

    items: tuple[Expression, ...]
    span: Span


class RangeLiteral(Node):
    """`1..3`, both ends included; only behind `in`."""

    low: Expression
    high: Expression
    span: Span


class Negative(Node):
    """`-x`."""

    operand: Expression
    span: Span


class Binary(Node):
    """`a + b`, and `-`, `*`, `/`."""

    operator: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression
    span: Span


class Compare(Node):
    """`a == b`, and `!=`, `<`, `<=`, `>`, `>=`."""

    operator: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Expression
    right: Expression
    span: Span


class Member(Node):
    """`a in (1, 2)`, `a in 1..3`, `a not in b`."""

    item: Expression
    negated: bool
    container: Expression
    span: Span


class TextMatch(Node):
    """`a like "glob"`, `a matches 'regex'`, either with `not` before it."""

    subject: Expression
    negated: bool
    kind: Literal["like", "matches"]
    pattern: String
    span: Span


class Not(Node):
    """`not a`."""

    operand: Expression
    span: Span


class And(Node):
    """`a and b and c`."""

    parts: tuple[Expression, ...]
    span: Span


class Or(Node):
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


class LayerClass(Node):
    """`Conv2D`, `any`, or the name of another pattern."""

    name: Name
    span: Span


class RawOperation(Node):
    """`Operation("Add")`: a Keras operation that is no layer."""

    name: String
    span: Span


class Merge(Node):
    """`Add(a, b)`, `Concatenate(x, ...)`, `Operation("Add")(a, b)`: a layer and the patterns of its inputs."""

    layer: LayerClass | RawOperation
    inputs: tuple[Pattern, ...]
    rest: bool
    span: Span


class Step(Node):
    """`part`, `part?`, `part as name`."""

    part: Pattern
    optional: bool
    capture: Name | None
    span: Span


class Chain(Node):
    """`a -> b -> c`."""

    steps: tuple[Step, ...]
    span: Span


class Union(Node):
    """`a | b`."""

    parts: tuple[Pattern, ...]
    span: Span


Pattern = LayerClass | RawOperation | Merge | Step | Chain | Union


# ---- statements


class Edition(Node):
    """`qspec 1`"""

    number: int
    span: Span


class Import(Node):
    """`import "…"`"""

    path: String
    span: Span


class Deploy(Node):
    """`deploy TARGET(option = value, …) [as NAME]`"""

    target: Name
    options: tuple[Argument, ...]
    alias: Name | None
    span: Span


class Likeness(Node):
    """`layer NAME as NAME`: the layers of a class of the user's own, and the class of Keras' that they compute as"""

    name: Name
    like: Name
    span: Span


class Assignment(Node):
    """`path = value`"""

    path: Path
    value: Expression
    span: Span


class Quantizer(Node):
    """`quantizer NAME [extends NAME] { … }`"""

    name: Name
    base: Name | None
    body: tuple[Assignment, ...]
    span: Span


class PatternDefinition(Node):
    """`pattern NAME = …`"""

    name: Name
    pattern: Pattern
    span: Span


class Boundary(Node):
    """`input { … }`, `output["name"] { … }`"""

    side: Literal["input", "output"]
    key: String | None
    body: tuple[Assignment, ...]
    span: Span


class Default(Node):
    """`default { … }`"""

    body: tuple[Assignment, ...]
    span: Span


class Rule(Node):
    """`rule NAME match PATTERN [where …] { … }`"""

    name: Name
    pattern: Pattern
    where: Expression | None
    body: tuple[Assignment, ...]
    span: Span


class Require(Node):
    """`require EXPR [because "…"]`"""

    condition: Expression
    reason: String | None
    span: Span


class Settings(Node):
    """`calibrate { … }` or `train { … }`"""

    kind: Literal["calibrate", "train"]
    body: tuple[Assignment, ...]
    span: Span


# ---- targets


class Option(Node):
    """`option runtime = 14 in 10..14`"""

    name: Name
    default: Expression
    choices: RangeLiteral | TupleLiteral | None
    span: Span


class Refuse(Node):
    """`refuse when EXPR [because "…"]`"""

    condition: Expression
    reason: String | None
    span: Span


class Warn(Node):
    """`warn when EXPR [because "…"]`"""

    condition: Expression
    reason: String | None
    span: Span


class SourceNote(Node):
    """`source "…" [read "2026-11"]`"""

    text: String
    read: String | None
    span: Span


class Unverified(Node):
    """`unverified ["reason"]`"""

    reason: String | None
    span: Span


class Deprecated(Node):
    """`deprecated "reason"`"""

    reason: String
    span: Span


class Word(Node):
    """`int8`, `per_channel(0)`, `scale(1/256)`: of an operand type; `arguments` is None without parentheses."""

    name: Name
    arguments: tuple[Argument, ...] | None
    span: Span


class OperandType(Node):
    """`int8 symmetric per_tensor`"""

    words: tuple[Word, ...]
    span: Span


class Operand(Node):
    """`[constant] weights = int8 symmetric per_channel(0) | int8 symmetric per_tensor`"""

    constant: bool
    path: Path
    types: tuple[OperandType, ...]
    span: Span


class Form(Node):
    """`form i8 { … }`: operand types that go together"""

    name: Name
    items: tuple[OperationItem, ...]
    span: Span


class When(Node):
    """`when EXPR { … }` inside an operation"""

    condition: Expression
    items: tuple[OperationItem, ...]
    span: Span


OperationItem = Operand | Require | Refuse | Warn | When | Form | SourceNote | Unverified


class Operation(Node):
    """`op CONV_2D | … [except …] [when EXPR] { … }`; `any` is a name here"""

    kinds: tuple[Name, ...]
    exceptions: tuple[Name, ...]
    when: Expression | None
    items: tuple[OperationItem, ...]
    span: Span


class Without(Node):
    """`without SOFTMAX | GELU`"""

    kinds: tuple[Name, ...]
    span: Span


class ModelBlock(Node):
    """`model { … }`"""

    items: tuple[Require | Refuse | Warn | Assignment, ...]
    span: Span


TargetItem = Option | ModelBlock | Operation | Without | Refuse | Warn | SourceNote | Deprecated | Assignment


class Target(Node):
    """`target NAME [on NAME] [extends NAME] { … }`"""

    name: Name
    relation: Literal["on", "extends"] | None
    base: Name | None
    items: tuple[TargetItem, ...]
    span: Span


Statement = (
    Edition
    | Import
    | Deploy
    | Likeness
    | Quantizer
    | PatternDefinition
    | Boundary
    | Default
    | Rule
    | Require
    | Settings
    | Target
)


class File(Node):
    """A whole `.qspec` file: what could be read of it, in source order.

    `unread` are the names that statements with a mistake would have defined: they exist, although nobody knows what
    they mean.
    """

    statements: tuple[Statement, ...]
    source: Source
    unread: tuple[Name, ...] = ()
