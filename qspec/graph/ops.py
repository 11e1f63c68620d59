"""A LiteRT model as plain data: ops and tensors, in the flatbuffer's own spelling. Nothing here imports LiteRT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from qspec.graph.layers import Shape


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """The name of a tensor in the words of the spec.

    `call` indexes `LayerGraph.calls`. `kind` and `key`: `output` with the output's index; `inner` with its name
    (`depthwise`, `pre_activation`, `sigmoid`, `multiplier`, …); `weights` and `bias` with the variable's name, behind
    which a part of it may be named (`kernel.forget`); `state` with the state's (`hidden`, `cell`). What a layer has one
    of goes without a key: its first output, and the bias that is called so.
    """

    call: int
    kind: Literal["output", "inner", "weights", "bias", "state"]
    key: str | int

    def __str__(self) -> str:
        if self.kind == "output":
            return f"output[{self.key}]" if self.key else "output"
        return "bias" if self.kind == self.key == "bias" else f'{self.kind}["{self.key}"]'


CASTS = frozenset({"QUANTIZE", "DEQUANTIZE"})
"""The ops that only change a type to or from one of integers with a scale."""

OPAQUE = "OPAQUE"
"""The kind of an op that stands for all ops of a layer, where it is not known which these are."""


@dataclass(frozen=True, slots=True)
class Source:
    """How a constant comes from a variable of its layer.

    `variable` is the path of attributes that leads to it (`kernel`, `query_dense.kernel`). Of it are taken, in this
    order: the `part` (axis, start, size), the `permutation` of its axes, and the constant's shape.
    """

    variable: str
    part: tuple[int, int, int] | None = None
    permutation: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of an op graph; `id` is its position in `OpGraph.tensors`.

    `type` is LiteRT's name in lower case (`float32`, `int8`, `int32`). `slot` is None for what no spec speaks of
    (shapes, axes, paddings) and for the ends that a QUANTIZE or DEQUANTIZE adds. `shape` has None for an unknown
    dimension and is itself None if nothing is known. `value` holds small constants (axes, paddings, shapes, factors) as
    numbers or nested tuples. `source` tells how a weight comes from a variable, where the layer is computed op by op.
    """

    id: int
    name: str
    shape: Shape | None
    type: str = "float32"
    constant: bool = False
    slot: Slot | None = None
    value: Any = None
    source: Source | None = None

    @property
    def is_state(self) -> bool:
        """Whether it is a variable of the file that an op reads and writes, and that no op gives."""
        return self.slot is not None and self.slot.kind == "state"


@dataclass(frozen=True, eq=False)
class Op:
    """An op: LiteRT's name for it (`CONV_2D`), tensor ids (-1 for an absent operand), and its attributes in the
    flatbuffer's spelling (`stride_w`, `fused_activation_function`, …; enum values by name).

    `calls` are the layer calls it came from, the first being the one that gave it its kind; the others were fused in.
    `layer` is the path of the first.
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    calls: tuple[int, ...] = ()
    layer: str = ""


@dataclass(frozen=True, eq=False)
class Composition:
    """One layer call's ops as its lowering wrote them, before passes joined any. `tensors` are by their ids in `ops`;
    `inputs` are those that the call reads, `outputs` its results."""

    tensors: Mapping[int, Tensor]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class OpGraph:
    """Ops in execution order and their tensors.

    `slots` finds the tensor of a slot. `fused` names, for a layer output that fusion removed, the slot that holds the
    value instead (a convolution's output before its ReLU → the ReLU's output). `folded` maps the call of a batch
    normalization to the call of the layer whose kernel it is folded into. `shapes` are every layer call's output
    shapes, whether or not the tensor still exists; an unknown one is None. `compositions` are the calls' own ops.
    `absorbed` are the calls of activations that an earlier layer computes inside.
    """

    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    slots: Mapping[Slot, int] = field(default_factory=dict)
    fused: Mapping[Slot, Slot] = field(default_factory=dict)
    folded: Mapping[int, int] = field(default_factory=dict)
    shapes: Mapping[int, tuple[Shape | None, ...]] = field(default_factory=dict)
    compositions: Mapping[int, Composition] = field(default_factory=dict)
    absorbed: frozenset[int] = frozenset()

    def producers(self) -> Mapping[int, Op]:
        """The op that writes each tensor."""
        return {tensor: op for op in self.ops for tensor in op.outputs}

    def consumers(self) -> Mapping[int, tuple[Op, ...]]:
        """The ops that read each tensor, in execution order."""
        found: dict[int, list[Op]] = {}
        for op in self.ops:
            for tensor in dict.fromkeys(op.inputs):
                found.setdefault(tensor, []).append(op)
        return {tensor: tuple(ops) for tensor, ops in found.items()}
