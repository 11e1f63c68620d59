"""A Keras model as plain data: which layers it calls, in which order, on what. Nothing here imports Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor between layer calls: the *output*-th output of the *call*-th call of the graph."""

    call: int
    output: int = 0


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer object. Shared layers are one object called several times.

    `path` joins nested models' names and the layer's own by `/` and is unique. `class_name` is the class's own name
    (`Conv2D`); `package` its module or registered package (`keras.layers`). A raw operation (`keras.ops.add`) has
    `operation` true and its operation class as `class_name`. `untraced` says why the code of a layer of the user's own
    could not be looked into, if that was tried.
    """

    path: str
    class_name: str
    package: str
    config: Mapping[str, Any] = field(repr=False)
    operation: bool = False
    build_shapes: Any = field(default=None, repr=False)
    untraced: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def built_in(self) -> bool:
        """Whether the class is Keras' own, so that its name and config say what it does."""
        return self.package.split(".")[0] == "keras"


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer. `inputs` are the tensors in its arguments, in order; `arguments` and `keywords` are the
    arguments as they were, with `Value` objects (in lists and dicts too) where tensors stood."""

    index: int
    layer: Layer
    inputs: tuple[Value, ...]
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LayerGraph:
    """A model's layer calls in execution order, nested models flattened. `inputs` are the calls of its InputLayers (in
    the model's order), `outputs` its results. `input_names` and `output_names` are Keras' own names for them.
    `path` is the file it was read from, or the model's name. `recorded` are the shapes that the file tells of some
    values, which help where a layer's own class does not."""

    name: str
    path: str
    calls: tuple[Call, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    recorded: Mapping[Value, Shape] = field(default_factory=dict, repr=False)

    def consumers(self) -> Mapping[Value, tuple[Call, ...]]:
        """The calls that read each value, in execution order; a call that reads it twice stands there once."""
        found: dict[Value, list[Call]] = {}
        for call in self.calls:
            for value in dict.fromkeys(call.inputs):
                found.setdefault(value, []).append(call)
        return {value: tuple(calls) for value, calls in found.items()}


def with_input_shapes(graph: LayerGraph, shapes: Sequence[Shape]) -> LayerGraph:
    """*graph* with inputs of these *shapes*, for sizes that it does not tell."""
    calls = list(graph.calls)
    for value, shape in zip(graph.inputs, shapes, strict=True):
        call = calls[value.call]
        layer = replace(call.layer, config={**call.layer.config, "batch_shape": list(shape)})
        calls[value.call] = replace(call, layer=layer)
    return replace(graph, calls=tuple(calls))
