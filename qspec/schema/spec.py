"""A spec, read, resolved and validated: imports in place, names looked up, every value checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from qspec.diagnostics import Span
from qspec.schema.quantizer import Quantizer, Range
from qspec.schema.settings import Calibrate, Train
from qspec.schema.symbols import Symbols
from qspec.schema.target import TargetDefinition
from qspec.syntax import tree

__all__ = [
    "Boundary",
    "Calibrate",
    "Deploy",
    "LayerClass",
    "Requirement",
    "Rule",
    "SlotAssignment",
    "SlotKind",
    "SlotReference",
    "Spec",
    "Train",
]

SlotKind = Literal["weights", "bias", "input", "output", "state", "inner", "all"]


@dataclass(frozen=True, kw_only=True)
class SlotReference:
    """The left side of an assignment: `output`, `conv.weights`, `weights["kernel"]`, `input[1]`, `inner["scores"]`."""

    part: str | None = None  # the capture before the dot; `p.conv` for a capture inside a used pattern
    kind: SlotKind
    key: str | int | None = None

    def __str__(self) -> str:
        key = f'["{self.key}"]' if isinstance(self.key, str) else f"[{self.key}]" if self.key is not None else ""
        return f"{self.part + '.' if self.part else ''}{self.kind}{key}"


@dataclass(frozen=True, kw_only=True)
class SlotAssignment:
    """`slot = quantizer`; `quantizer` is None for `float`."""

    slot: SlotReference
    quantizer: Quantizer | None
    span: Span  # the slot on the left
    value_span: Span


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`rule NAME match PATTERN [where …] { … }`"""

    name: str
    pattern: tree.Pattern  # other patterns by name are looked up in `Spec.patterns`
    where: tree.Expression | None
    assignments: tuple[SlotAssignment, ...]
    span: Span  # the name
    suppressed: frozenset[str] = frozenset()
    statement: Span | None = None  # all of it


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """`input { … }` or `output { … }`: the model's own inputs and outputs; `key` None speaks of all of them."""

    side: Literal["input", "output"]
    key: str | None
    type: str | None = None
    range: Range | None = None
    batch: int | Literal["dynamic"] | None = None
    span: Span
    spans: Mapping[str, Span] = field(default_factory=dict)  # of the values of `type`, `range` and `batch`


@dataclass(frozen=True, kw_only=True)
class Deploy:
    """`deploy TARGET(option = value, …) [as NAME]`; `name` is the alias, else the target's name."""

    target: TargetDefinition
    options: Mapping[str, int | float | str]  # every option of the target, defaults filled in
    name: str
    span: Span


@dataclass(frozen=True, kw_only=True)
class LayerClass:
    """`layer NAME as NAME`: what the layers of a class of the user's own compute as."""

    name: str
    like: str
    span: Span
    like_span: Span


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """`require EXPR [because "…"]`"""

    condition: tree.Expression
    reason: str = ""
    span: Span


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Everything that one `.qspec` file and its imports say.

    `sources` maps each file's path as shown to people to its text, the main file first: `qspec.loads` of the first with
    the rest as `imports` gives the same spec, which is how a saved model carries it.
    """

    path: str
    sources: Mapping[str, str]
    quantizers: Mapping[str, Quantizer]
    patterns: Mapping[str, tree.PatternDefinition]
    targets: Mapping[str, TargetDefinition]
    deploys: tuple[Deploy, ...]
    inputs: tuple[Boundary, ...]
    outputs: tuple[Boundary, ...]
    default: tuple[SlotAssignment, ...]  # of several `default` blocks, already merged slot by slot
    rules: tuple[Rule, ...]  # imports' first, in the order in which they apply
    calibrate: Calibrate = field(default_factory=Calibrate)
    train: Train = field(default_factory=Train)
    requirements: tuple[Requirement, ...]
    span: Span  # the start of the main file
    layer_classes: tuple[LayerClass, ...] = ()
    statements: tuple[Span, ...] = ()  # of every file, for suppression comments
    symbols: Symbols = field(default_factory=lambda: Symbols({}), compare=False, repr=False)
    incomplete: bool = False  # no import could be read: what the spec means is not known

    def to_dict(self) -> dict[str, Any]:
        """As plain data, every default filled in: what `qspec schema FILE` prints, and `qspec schema` describes."""
        from qspec.schema.document import spec_document

        return spec_document(self)
