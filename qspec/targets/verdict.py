"""What a table is asked about and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from qspec.diagnostics import Span
from qspec.graph.operands import operand_name
from qspec.graph.ops import Op
from qspec.schema.target import Row

Granularity = Literal["per_tensor", "per_channel", "per_block"]


@dataclass(frozen=True, slots=True)
class Representation:
    """How a tensor is, or will be, stored.

    `type` is LiteRT's name in lower case. `axis` is the flatbuffer's, of a per-channel constant. `scale` and
    `zero_point` are None where they are not known yet (data decides), where there are several, and for what is not
    quantized. `scales` are those of a per-channel tensor, where they are known.
    """

    type: str = "float32"
    scheme: Literal["symmetric", "asymmetric"] | None = None
    granularity: Granularity | None = None
    axis: int | None = None
    scale: float | None = None
    zero_point: int | None = None
    scales: tuple[float, ...] = ()

    @property
    def is_quantized(self) -> bool:
        """Whether it stores integers that stand for real numbers. Plain int32 and int64 (axes, shapes) do not."""
        return self.type in QUANTIZED_TYPES


QUANTIZED_TYPES = frozenset({"int2", "int3", "int4", "int5", "int6", "int7", "int8", "int16", "uint8"})


class Outcome(Enum):
    """What becomes of an op or a model."""

    ACCEPTED = "accepted"
    LEFT_TO_HOST = "left to host"
    NOT_ACCEPTED = "not accepted"  # and there is no host that could run it
    REFUSED = "refused"  # the whole model is


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, in a sentence, and the place in the table that says so.

    `operand` and `tensor` (its id) name the operand that is the cause, where one is; a condition names the operand
    alone. `undecided` tells that something it rests on is not known; `broken` that the table's own expression has no
    meaning.
    """

    message: str
    span: Span
    operand: str = ""
    tensor: int | None = None
    undecided: bool = False
    broken: bool = False
    help: str = ""

    def cause(self, op: Op) -> int | None:
        """The tensor of *op* that is the cause, where one is."""
        if self.tensor is not None or not self.operand:
            return self.tensor
        named = [tensor for at, tensor in enumerate(op.inputs) if operand_name(op.kind, at) == self.operand]
        return next((tensor for tensor in (*named, op.outputs[0]) if tensor >= 0), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A table's answer for one op, or for a model (then `row` is None).

    `reasons` say why it is not taken; they are those of `form`, the one that came closest. `unverified` is None, or
    what no source settles about the row that decided (an empty text when the table does not say what).
    """

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()
    row: Row | None = None
    form: str = ""
    unverified: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the target runs it."""
        return self.outcome is Outcome.ACCEPTED
