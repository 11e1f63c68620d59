"""The plan: for every tensor a quantizer or float, who decided it, and the ops as they will stand in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from qspec.diagnostics import Diagnostic, Span
from qspec.graph.layers import LayerGraph
from qspec.graph.ops import OpGraph, Slot
from qspec.schema.quantizer import Quantizer
from qspec.schema.spec import Spec

if TYPE_CHECKING:
    from qspec.plan.cascade import AppliedRule


@dataclass(frozen=True, slots=True)
class Origin:
    """Who decided: a rule (by name), the `default` block, an `input`/`output` block, or the language's own defaults
    (a bias, a cast). `span` is the value assigned, where a person wrote one."""

    kind: Literal["rule", "default", "boundary", "built_in"]
    rule: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Assigned:
    """A quantizer (None: float) for a tensor or an edge, and who assigned it. `slot_span` is the slot as written.
    `taken_over`: it was assigned to another tensor, whose quantizer this one has as nobody spoke of it. `amended` is
    what was assigned before, where this gives it another range and leaves the rest. `to_all_inside`: the slot was
    `inner` without a key, which speaks of every tensor inside a layer that can follow."""

    quantizer: Quantizer | None
    origin: Origin
    slot_span: Span | None = None
    taken_over: bool = False
    amended: Assigned | None = None
    to_all_inside: bool = False

    @property
    def name(self) -> str:
        """The quantizer's name, or `float`."""
        return self.quantizer.name if self.quantizer is not None else "float"

    @property
    def by_person(self) -> bool:
        """Whether it was assigned to these layers in particular, not in general."""
        return self.origin.kind in ("rule", "boundary")


@dataclass(frozen=True, slots=True)
class Decision:
    """What one tensor becomes. `quantizer` None is float. `range_by` is who decided its range, where that is a block of
    the model's edges that leaves the rest to `origin`.

    `axis` is the flatbuffer's axis of a per-channel constant. `range` indexes `Plan.ranges` for a tensor whose range
    comes from data or is fixed; constants take theirs from their own values, biases from their op's input and weights.
    `said` is all that was assigned to the tensor, in the order in which it applied: the last is what a constraint, told
    in `changes` in a sentence each, started from. It is empty where nobody spoke of the tensor.
    """

    quantizer: Quantizer | None
    origin: Origin
    axis: int | None = None
    range: int | None = None
    changes: tuple[str, ...] = ()
    said: tuple[Assigned, ...] = ()
    range_by: Origin | None = None

    @property
    def in_general(self) -> bool:
        """Whether no person spoke of this tensor in particular."""
        return self.range_by is None and self.origin.kind in ("default", "built_in")


@dataclass(frozen=True, slots=True)
class RangeGroup:
    """Tensors that share one scale and zero point. Only `sources` bring values of their own; the rest move or select
    them (RESHAPE, MAX_POOL_2D, CONCATENATION …). `fixed` is (scale, zero point) where the op or the spec fixes it.
    `shifted`: the scale is a power of two, 2^-15 to 2^-9, since the op shifts by it."""

    quantizer: Quantizer
    tensors: tuple[int, ...]
    sources: tuple[int, ...]
    fixed: tuple[float, int] | None = None
    shifted: bool = False


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything decided, once.

    `predicted` is the op graph of the float file; `ops` the same with the QUANTIZE and DEQUANTIZE ops that the plan
    adds and with every tensor's type: tensor ids of `predicted` stay valid in it, added tensors come behind.
    `decisions` has every float or quantized tensor of `ops`. `casts` says which tensor an op reads instead of the
    one it is given: (first result of the op, tensor id) → tensor id. The tensor that the InputLayer's slot names is the
    quantized one, while `ops.inputs` holds what the interface takes; the outputs likewise. A uint8 tensor there has its
    int8 tensor's range: the same scale, the zero point 128 higher.
    `rewritten` has the ops that `ops` writes in another form, by their first output: their kinds in `predicted`.
    `said_of_inputs` is what `input` slots said, in order, of a call reading a tensor. `rules` is what became of the
    rules, in their order.
    """

    spec: Spec
    layers: LayerGraph
    predicted: OpGraph
    ops: OpGraph
    decisions: Mapping[int, Decision]
    casts: Mapping[tuple[int, int], int]
    ranges: tuple[RangeGroup, ...]
    batch: int | None
    diagnostics: tuple[Diagnostic, ...] = field(default=())
    rewritten: Mapping[int, str] = field(default_factory=dict)
    said_of_inputs: Mapping[tuple[int, int], tuple[Assigned, ...]] = field(default_factory=dict)
    rules: tuple[AppliedRule, ...] = field(default=())

    def decision(self, slot: Slot) -> Decision | None:
        """What the tensor of *slot* becomes; None where fusion left no such tensor."""
        tensor = self.ops.slots.get(slot)
        return None if tensor is None else self.decisions.get(tensor)

    def is_quantized(self, tensor: int) -> bool:
        """Whether a quantizer stands behind a tensor."""
        decision = self.decisions.get(tensor)
        return decision is not None and decision.quantizer is not None
