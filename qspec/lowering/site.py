"""What a lowering function sees of one layer call, and how it writes ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qspec.graph.document import Node
from qspec.graph.layers import Call, Shape
from qspec.graph.ops import Slot, Source
from qspec.lowering.builder import Draft, DraftOp


class Unsupported(Exception):
    """A layer, or a setting of one, that has no entry in the lowering table. The text is the reason."""


class UnknownShape(Exception):
    """A shape that cannot be computed. The text is the reason, or empty if an earlier layer has said it."""


@dataclass
class Site:
    """One layer call. `inputs` are the tensors it reads. `result` is the slot of what is written, if it is not the
    layer's output but something on the way to it. `within` leads from a layer to the one inside it that is written
    (`layer.`), and `prefix` begins the names of its tensors (`forward/`)."""

    call: Call
    draft: Draft
    inputs: Sequence[int]
    ops: list[DraftOp] = field(default_factory=list)
    result: Slot | None = None
    within: str = ""
    prefix: str = ""

    @property
    def config(self) -> Node:
        """The layer's config."""
        return Node(self.call.layer.config, "config")

    @property
    def output(self) -> Slot:
        """The slot of the layer's result."""
        return self.result or self.output_at(0)

    def inside(self, key: str) -> Site:
        """The same call, where what is written is not its output yet but `inner` by that name."""
        return replace(self, result=self.inner(key))

    def layer_inside(self, config: Node, attribute: str) -> Site:
        """The same call as one of a layer inside the layer, which has it as *attribute*."""
        package = config.get("module").value
        layer = replace(
            self.call.layer,
            class_name=config["class_name"].text(),
            package=str(config.get("registered_name").value or "") if package is None else str(package),
            config=config["config"].mapping(),
        )
        return replace(self, call=replace(self.call, layer=layer), within=f"{self.within}{attribute}.")

    def named(self, prefix: str) -> Site:
        """The same call, the names of what is written beginning with *prefix*."""
        return replace(self, prefix=self.prefix + prefix)

    def output_at(self, position: int) -> Slot:
        """The slot of one of the layer's results."""
        return Slot(self.call.index, "output", position)

    def inner(self, key: str) -> Slot:
        """The slot of a tensor inside the layer."""
        return Slot(self.call.index, "inner", self.prefix + key)

    def input(self, position: int = 0, types: Sequence[str] = ("float32",)) -> int:
        """The tensor the call reads at a position, of one of these *types*."""
        if position >= len(self.inputs):
            raise Unsupported(f"it is called with {len(self.inputs)} tensors")
        tensor = self.inputs[position]
        found = self.draft.tensors[tensor].type
        if found not in types:
            raise Unsupported(f"it reads a tensor of {found}, and {' or '.join(types)} is what is known of it")
        return tensor

    def single_input(self, types: Sequence[str] = ("float32",)) -> int:
        """The only tensor the call reads, of one of these *types*."""
        if len(self.inputs) != 1:
            raise Unsupported(f"it is called with {len(self.inputs)} tensors, and takes one")
        return self.input(types=types)

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
        return self.write_several(kind, inputs, [shape], [slot], type, **attributes)[0]

    def write_several(
        self,
        kind: str,
        inputs: Sequence[int],
        shapes: Sequence[Shape],
        slots: Sequence[Slot | None],
        type: str | Sequence[str] = "float32",
        **attributes: Any,
    ) -> tuple[int, ...]:
        """Add an op with several outputs (SPLIT, UNPACK), of one type or of one each (TOPK_V2)."""
        types = [type] * len(shapes) if isinstance(type, str) else type
        described = zip(shapes, slots, types, strict=True)
        outputs = [self.draft.tensor(shape, slot, type=each) for shape, slot, each in described]
        op = DraftOp(kind, list(inputs), outputs, attributes, [self.call.index])
        self.draft.ops.append(op)
        self.ops.append(op)
        return tuple(outputs)

    def vanish(self, tensor: int) -> int:
        """The layer leaves no op: its result is *tensor* itself."""
        self.draft.vanished[self.output] = tensor
        return tensor

    def weights(self, key: str, shape: Shape, source: Source | None = None) -> int:
        """A weight operand, *shape* in the flatbuffer's layout. *source* tells how it comes from the layer's variables,
        where the layer is computed op by op."""
        return self._variable(Slot(self.call.index, "weights", self.prefix + key), shape, source)

    def bias(self, size: int, key: str = "bias", source: Source | None = None) -> int:
        """A bias operand, [size]; zeros that no variable of the layer gives, without a *source*."""
        return self._variable(Slot(self.call.index, "bias", self.prefix + key), (size,), source)

    def state(self, key: str, shape: Shape) -> int:
        """A variable of the file, zeros before each run, that an op reads and writes."""
        return self.draft.tensor(shape, Slot(self.call.index, "state", self.prefix + key))

    def own_bias(self, size: int) -> int:
        """The layer's own bias, [size], or zeros if its config says that it has none."""
        return self.bias(size, source=Source("bias") if self.uses_bias else None)

    @property
    def uses_bias(self) -> bool:
        """What the layer's config says."""
        use_bias = self.config.get("use_bias")
        return use_bias.is_none or use_bias.boolean()

    def inner_constant(self, key: str, shape: Shape, value: Any = None, source: Source | None = None) -> int:
        """A float constant inside the layer: the multiplier of a normalization. With a *value* that is known from the
        config (a number, or nested tuples), it equals other layers' constants of that value."""
        slot = self.inner(key)
        owner = (self.call.layer.path, slot.kind, slot.key) if value is None else ("value", value)
        return self.draft.variable(shape, slot, owner, self._of_layer(source), value)

    def integers(self, values: Sequence[Any], type: str = "int32") -> int:
        """A constant vector of integers that no spec speaks of: axes, a shape, a permutation."""
        return self.draft.constant(tuple(values), (len(values),), type)

    def _variable(self, slot: Slot, shape: Shape, source: Source | None) -> int:
        return self.draft.variable(shape, slot, (self.call.layer.path, slot.kind, slot.key), self._of_layer(source))

    def _of_layer(self, source: Source | None) -> Source | None:
        return None if source is None else replace(source, variable=self.within + source.variable)


Lowering = Callable[[Site], int | tuple[int, ...]]
"""Writes the ops of a layer call and gives the tensors of its results."""
