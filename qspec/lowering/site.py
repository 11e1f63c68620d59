"""What a lowering function sees of one layer call, and how it writes ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qspec.graph.document import Node
from qspec.graph.layers import Call, Shape
from qspec.graph.ops import Slot
from qspec.lowering.builder import Draft, DraftOp


class Unsupported(Exception):
    """A layer, or a setting of one, that has no entry in the lowering table. The text is the reason."""


class UnknownShape(Exception):
    """A shape that cannot be computed. The text is the reason, or empty if an earlier layer has said it."""


@dataclass
class Site:
    """One layer call. `inputs` are the tensors it reads, None where an earlier layer could not be lowered."""

    call: Call
    draft: Draft
    inputs: Sequence[int | None]
    ops: list[DraftOp] = field(default_factory=list)

    @property
    def config(self) -> Node:
        """The layer's config."""
        return Node(self.call.layer.config, "config")

    @property
    def output(self) -> Slot:
        """The slot of the layer's result."""
        return Slot(self.call.index, "output", 0)

    def inner(self, key: str) -> Slot:
        """The slot of a tensor inside the layer."""
        return Slot(self.call.index, "inner", key)

    def input(self, position: int = 0) -> int:
        """The tensor the call reads at a position."""
        if position >= len(self.inputs):
            raise Unsupported(f"it is called with {len(self.inputs)} tensors")
        tensor = self.inputs[position]
        if tensor is None:
            raise UnknownShape("")
        return tensor

    def single_input(self) -> int:
        """The only tensor the call reads."""
        if len(self.inputs) != 1:
            raise Unsupported(f"it is called with {len(self.inputs)} tensors, and takes one")
        return self.input()

    def shape(self, tensor: int) -> Shape:
        """The shape of a tensor, whose rank is known."""
        shape = self.draft.tensors[tensor].shape
        if shape is None:
            raise UnknownShape("")
        return shape

    def image(self, tensor: int, rank: int = 4) -> Shape:
        """The shape of a tensor of a certain rank, with its channels last and known."""
        if self.config.get("data_format").value == "channels_first":
            raise Unsupported('its data format is "channels_first", and LiteRT\'s ops take "channels_last"')
        shape = self.shape(tensor)
        if len(shape) != rank:
            raise Unsupported(f"its input has {len(shape)} dimensions, and the layer takes {rank}")
        if shape[-1] is None:
            raise UnknownShape("the number of channels is unknown")
        return shape

    def write(
        self,
        kind: str,
        inputs: Sequence[int],
        shape: Shape,
        slot: Slot | None,
        type: str = "float32",
        **attributes: Any,
    ) -> int:
        """Add an op; the result is its output tensor, which has *slot* for its name."""
        output = self.draft.tensor(shape, slot, type=type)
        op = DraftOp(kind, list(inputs), output, attributes, [self.call.index])
        self.draft.ops.append(op)
        self.ops.append(op)
        return output

    def vanish(self, tensor: int) -> int:
        """The layer leaves no op: its result is *tensor* itself."""
        self.draft.vanished[self.output] = tensor
        return tensor

    def weights(self, key: str, shape: Shape) -> int:
        """A weight operand, *shape* in the flatbuffer's layout."""
        return self._variable(Slot(self.call.index, "weights", key), shape)

    def bias(self, shape: Shape, key: str = "bias") -> int:
        """A bias operand."""
        return self._variable(Slot(self.call.index, "bias", key), shape)

    def inner_constant(self, key: str, shape: Shape, value: Any = None) -> int:
        """A float constant inside the layer: the multiplier of a normalization. With a *value* that is known from the
        config, it equals other layers' constants of that value."""
        return self._variable(self.inner(key), shape, None if value is None else ("value", value))

    def _variable(self, slot: Slot, shape: Shape, owner: tuple[Any, ...] | None = None) -> int:
        return self.draft.variable(shape, slot, owner or (self.call.layer.path, slot.kind, slot.key))


Lowering = Callable[[Site], int]
"""Writes the ops of a layer call and gives the tensor of its result."""
