"""The attributes of layers, as conditions ask for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qspec.graph.layers import Call, Shape
from qspec.graph.ops import OpGraph, Slot
from qspec.plan.index import LayerIndex
from qspec.schema.evaluate import UNKNOWN
from qspec.schema.named_parts import GENERAL


@dataclass
class Attributes:
    """The attributes of a model's layers. *ops* knows the shapes."""

    index: LayerIndex
    ops: OpGraph

    def names(self, call: Call) -> tuple[str, ...]:
        """What can be asked of the layer of *call*: the general ones, then the keys of its config."""
        return (*GENERAL, *(key for key in call.layer.config if key != "name"))

    def value(self, call: Call, name: str) -> Any:
        """An attribute by its name in one word (`input.shape` and the like aside). Raises KeyError for one it lacks."""
        match name:
            case "name":
                return call.layer.name
            case "path":
                return call.layer.path
            case "class":
                return call.layer.class_name
            case "params":
                return self.parameters(call)
        return comparable(call.layer.config[name])

    def shape(self, call: Call, side: str) -> Any:
        """The shape of the first input or output as a tuple, unknown dimensions unknown; UNKNOWN if nothing is."""
        if side == "output":
            return _comparable_shape(self._output_shape(call.index, 0))
        if not call.inputs:
            return _comparable_shape(self._output_shape(call.index, 0))
        return _comparable_shape(self._output_shape(call.inputs[0].call, call.inputs[0].output))

    def _output_shape(self, call: int, output: int) -> Shape | None:
        shapes = self.ops.shapes.get(call, ())
        return shapes[output] if output < len(shapes) else None

    def parameters(self, call: Call) -> Any:
        """How many numbers the layer's variables hold, as Keras' `count_params` gives them."""
        if call.layer.class_name == "BatchNormalization" and call.layer.built_in:
            return self._batch_norm_parameters(call)
        counts: list[Any] = []
        for slot, tensor in self._variables.get(call.index, ()):
            # Some ops have a bias of zeros, or one from folding, where the layer has no such variable.
            if slot.kind == "weights" or (slot.key == "bias" and call.layer.config.get("use_bias", True)):
                shape = self.ops.tensors[tensor].shape
                counts.append(UNKNOWN if shape is None or None in shape else math.prod(shape))  # type: ignore[arg-type]
        return UNKNOWN if UNKNOWN in counts else sum(counts)

    @cached_property
    def _variables(self) -> Mapping[int, Sequence[tuple[Slot, int]]]:
        found: dict[int, list[tuple[Slot, int]]] = {}
        for slot, tensor in self.ops.slots.items():
            if slot.kind in ("weights", "bias"):
                found.setdefault(slot.call, []).append((slot, tensor))
        return found

    def _batch_norm_parameters(self, call: Call) -> Any:
        config, shape = call.layer.config, self.shape(call, "input")
        axis = config.get("axis", -1)
        channels = step_or_unknown(shape, axis)
        vectors = 2 + bool(config.get("scale", True)) + bool(config.get("center", True))
        return UNKNOWN if channels is UNKNOWN else vectors * channels


def step_or_unknown(values: Any, position: Any) -> Any:
    """The item of a tuple, or UNKNOWN where there is none."""
    if not isinstance(values, tuple) or not isinstance(position, int) or not -len(values) <= position < len(values):
        return UNKNOWN
    return values[position]


def comparable(value: Any) -> Any:
    """A config's value as conditions see it: lists are tuples, objects (initializers, regularizers) unknown."""
    if isinstance(value, list | tuple):
        return tuple(comparable(item) for item in value)
    if isinstance(value, Mapping):
        # Keras writes some tuples, and a function by its name, as an object around the value.
        if value.get("class_name") == "__tuple__":
            return comparable(value.get("items", ()))
        if value.get("class_name") == "function" and isinstance(value.get("config"), str):
            return value["config"]
        if value.get("class_name") == "DTypePolicy" and isinstance(value.get("config"), Mapping):
            return comparable(value["config"].get("name", {}))
        return UNKNOWN
    return value if value is None or isinstance(value, bool | int | float | str) else UNKNOWN


def _comparable_shape(shape: Shape | None) -> Any:
    return UNKNOWN if shape is None else tuple(UNKNOWN if size is None else size for size in shape)
