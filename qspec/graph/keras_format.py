"""The pieces of a serialized Functional model: its layers, their calls, and what these read.

Keras 3.15: `models/functional.py` (`serialize_node`, `functional_from_config`), `saving/serialization_lib.py`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qspec.graph.document import Malformed, Node
from qspec.graph.layers import Shape
from qspec.graph.running_order import running_order

MAXIMUM_NESTING = 32
LONGEST_NAME = 500
_MOST_OUTPUTS = 1000  # of a layer: a config may name any number

MODEL_CLASSES = ("Functional", "Sequential", "Model")
"""Keras' own models, by their classes."""


class LegacyFormat(Malformed):
    """A config as Keras 1 and 2 wrote it."""


def is_model(entry: Node) -> bool:
    """Whether *entry* is one of Keras' own models that tell their layers."""
    mapping = entry.mapping()
    module, class_name = mapping.get("module"), mapping.get("class_name")
    if class_name not in MODEL_CLASSES or not isinstance(module, str) or module.split(".")[0] != "keras":
        return False
    config = mapping.get("config")
    return isinstance(config, Mapping) and "layers" in config


def is_functional(entry: Node) -> bool:
    """Whether *entry* is a Functional model."""
    return is_model(entry) and entry["class_name"].text() != "Sequential"


@dataclass(frozen=True)
class Reference:
    """`keras_history`: which output of which call of which layer, and the shape that it had when it was saved."""

    layer: str
    call: int
    output: int
    shape: Shape | None = None


@dataclass
class Arguments:
    """One inbound node: its arguments with `Reference` objects where tensors stood."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    location: str

    def references(self) -> Iterator[Reference]:
        """The tensors that the call reads."""
        yield from leaves((self.arguments, self.keywords), Reference)


def leaves(structure: Any, kind: type) -> Iterator[Any]:
    """The leaves of a type, in the order in which Keras flattens: dicts by sorted key."""
    if isinstance(structure, kind):
        yield structure
    elif isinstance(structure, list | tuple):
        for item in structure:
            yield from leaves(item, kind)
    elif isinstance(structure, Mapping):
        for key in sorted(structure):
            yield from leaves(structure[key], kind)


def mapped(structure: Any, kind: type, function: Any) -> Any:
    """The same structure with *function* applied to the leaves of a type."""
    if isinstance(structure, kind):
        return function(structure)
    if isinstance(structure, list):
        return [mapped(item, kind, function) for item in structure]
    if isinstance(structure, tuple):
        return tuple(mapped(item, kind, function) for item in structure)
    if isinstance(structure, Mapping):
        return {key: mapped(item, kind, function) for key, item in structure.items()}
    return structure


def read_argument(node: Node, depth: int = 0) -> Any:
    """An argument as it was: tensors as references, tuples as tuples; other serialized objects stay as they are."""
    if depth > MAXIMUM_NESTING:
        raise node.fail("nested too deep")
    if isinstance(node.value, list | tuple):
        return type(node.value)(read_argument(item, depth + 1) for item in node.items())
    if not isinstance(node.value, Mapping):
        return node.value
    match node.value.get("class_name"):
        case "__keras_tensor__":
            shape = node["config"].get("shape")
            return _reference(node["config"]["keras_history"], None if shape.is_none else shape.shape())
        case "__tuple__":
            return tuple(read_argument(item, depth + 1) for item in node["items"].items())
    return {key: read_argument(value, depth + 1) for key, value in node.members()}


def _reference(node: Node, shape: Shape | None = None) -> Reference:
    items = node.items()
    if len(items) != 3:
        raise node.expected("a layer's name, a call's and an output's index")
    return Reference(items[0].text(), items[1].integer(), items[2].integer(most=_MOST_OUTPUTS), shape)


def _boundary(node: Node, depth: int = 0) -> Any:
    """`input_layers` or `output_layers`: references in lists and objects."""
    if depth > MAXIMUM_NESTING:
        raise node.fail("nested too deep")
    if isinstance(node.value, Mapping):
        if node.value.get("class_name") == "__tuple__":
            return [_boundary(item, depth + 1) for item in node["items"].items()]
        return {key: _boundary(value, depth + 1) for key, value in node.members()}
    items = node.items()
    if len(items) == 3 and isinstance(items[0].value, str):
        return _reference(node)
    return [_boundary(item, depth + 1) for item in items]


def boundary_names(structure: Any) -> tuple[str, ...]:
    """Keras' names of a model's inputs or outputs: the keys of a dict, else the layers' names."""
    if isinstance(structure, Mapping) and all(isinstance(item, Reference) for item in structure.values()):
        return tuple(sorted(structure))
    return tuple(reference.layer for reference in leaves(structure, Reference))


@dataclass
class Functional:
    """A Functional model's own layers, before they are flattened: entries by name and the order of their calls."""

    entries: dict[str, Node]
    nodes: dict[str, list[Arguments]]
    order: list[tuple[str, int]]
    inputs: Any
    outputs: Any

    @property
    def input_names(self) -> list[str]:
        """The names of the InputLayers, in the order in which Keras flattens the inputs."""
        return [reference.layer for reference in leaves(self.inputs, Reference)]

    @cached_property
    def places(self) -> dict[tuple[str, int], int]:
        """By call, how many Keras runs before it. What no output needs, it does not run."""
        sources: dict[tuple[str, int], list[tuple[str, int]]] = {(name, 0): [] for name in self.entries}
        for name, calls in self.nodes.items():
            for index, arguments in enumerate(calls):
                sources[name, index] = [(reference.layer, reference.call) for reference in arguments.references()]
        results = [(each.layer, each.call - self.own_calls(each.layer)) for each in leaves(self.outputs, Reference)]
        order = running_order(sources, [key for key in results if key in sources])
        return {key: place for place, key in enumerate(order)}

    def own_calls(self, layer: str) -> int:
        """How many calls of a layer the outputs count that are not in the file: a nested Functional's own, first one
        (`Functional.get_config`)."""
        return 1 if is_functional(self.entries[layer]) else 0


def read_functional(config: Node) -> Functional:
    """The layers of a Functional model, their calls in an order in which each can be made."""
    entries: dict[str, Node] = {}
    nodes: dict[str, list[Arguments]] = {}
    for entry in config["layers"].items():
        name = entry["name"].text()
        if name in entries:
            raise entry.fail(f"the name `{name}` is taken by another layer")
        if "module" not in entry.mapping():
            raise LegacyFormat(entry.location, "this is the config of a Keras 2 model")
        entries[name] = entry
        nodes[name] = [_call_arguments(node) for node in entry["inbound_nodes"].items()]
    inputs, outputs = _boundary(config["input_layers"]), _boundary(config["output_layers"])
    model = Functional(entries, nodes, _call_order(entries, nodes), inputs, outputs)
    _check_boundary(model, config)
    return model


def _call_arguments(node: Node) -> Arguments:
    if isinstance(node.value, list | tuple):
        raise LegacyFormat(node.location, "this is the config of a Keras 2 model")
    arguments = read_argument(node["args"])
    keywords = read_argument(node["kwargs"])
    if not isinstance(arguments, list | tuple):
        raise node["args"].expected("an array")
    if not isinstance(keywords, dict):
        raise node["kwargs"].expected("an object")
    return Arguments(tuple(arguments), keywords, node.location)


def _check_boundary(model: Functional, config: Node) -> None:
    for reference in leaves(model.inputs, Reference):
        if reference.layer not in model.entries or model.nodes[reference.layer]:
            raise config["input_layers"].fail(f"`{reference.layer}` is not an input of the model")
    for reference in leaves(model.outputs, Reference):
        if reference.layer not in model.entries:
            raise config["output_layers"].fail(f"there is no layer `{reference.layer}`")
    if not model.input_names:
        raise config["input_layers"].fail("the model has no inputs")
    if not list(leaves(model.outputs, Reference)):
        raise config["output_layers"].fail("the model has no outputs")


def _call_order(entries: dict[str, Node], nodes: dict[str, list[Arguments]]) -> list[tuple[str, int]]:
    """Every call behind those whose results it reads; of those that are ready, the one that stands first in the file.

    Keras writes the layers in the order of their first execution, so that only shared layers are moved.
    """
    keys = [(name, index) for name in entries for index in range(len(nodes[name]))]
    position = {key: number for number, key in enumerate(keys)}
    readers: dict[tuple[str, int], list[int]] = {}
    waiting = [0] * len(keys)
    for number, (name, index) in enumerate(keys):
        arguments = nodes[name][index]
        for source in {(reference.layer, reference.call) for reference in arguments.references()}:
            if source in position:
                readers.setdefault(source, []).append(number)
                waiting[number] += 1
            elif source[0] not in entries or nodes[source[0]] or source[1] != 0:
                raise Malformed(arguments.location, f"there is no call {source[1]} of a layer `{source[0]}`")
    ready = [number for number, count in enumerate(waiting) if count == 0]
    order = []
    while ready:
        key = keys[heapq.heappop(ready)]
        order.append(key)
        for number in readers.get(key, ()):
            waiting[number] -= 1
            if waiting[number] == 0:
                heapq.heappush(ready, number)
    if len(order) < len(keys):
        name, index = next(key for number, key in enumerate(keys) if waiting[number])
        raise Malformed(nodes[name][index].location, f"the call of `{name}` reads its own result")
    return order


def entry_name(entry: Node) -> str:
    """A layer's own name."""
    name = entry["name"].text() if "name" in entry.mapping() else entry["config"]["name"].text()
    if not name or "/" in name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise entry.fail(f"a layer's name must have 1 to {LONGEST_NAME} printable characters, and no `/`")
    return name
