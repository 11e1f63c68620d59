"""The layer graph out of what Keras 3 serializes for a model.

The format is that of `keras.saving.serialize_keras_object(model)` in Keras 3.15 (`saving/serialization_lib.py`,
`models/functional.py`, `models/sequential.py`); `config.json` of a `.keras` archive is the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import NOT_KERAS_3, UNKNOWN_SHAPE, UNREADABLE_MODEL
from qspec.graph.document import Malformed, Node
from qspec.graph.layers import Call, Layer, LayerGraph, Value

MAXIMUM_CALLS = 50_000
"""Nested models that call nested models can describe any number of layer calls in a few lines."""
MAXIMUM_NESTING = 32

_MODEL_CLASSES = ("Functional", "Sequential", "Model")


class LegacyFormat(Malformed):
    """A config as Keras 1 and 2 wrote it."""


class NeverBuilt(Malformed):
    """A model whose input shape nobody knows yet."""


def layer_graph(config: Mapping[str, Any], path: str) -> LayerGraph:
    """The layer calls of a serialized Functional or Sequential model, nested models flattened.

    *path* names the model to people and becomes `LayerGraph.path`. Raises `SpecError` where *config* does not describe
    such a model; nothing that it names is imported or run.
    """
    try:
        return read_model(Node(config, ""), path)
    except Malformed as error:
        raise SpecError([diagnostic_of(error, path)]) from None


def diagnostic_of(error: Malformed, path: str, document: str = "config.json") -> Any:
    """The diagnostic for a malformed *document* of the model at *path*."""
    where = f"{document}: {error.location}" if error.location else document
    code = {LegacyFormat: NOT_KERAS_3, NeverBuilt: UNKNOWN_SHAPE}.get(type(error), UNREADABLE_MODEL)
    advice = {
        LegacyFormat: "load the model in Keras 3 and save it again as a `.keras` file",
        NeverBuilt: "call `model.build(input_shape)` or add a `keras.Input`, and save it again",
    }
    return code.at(Place(path), f"{where}: {error.message}", help=advice.get(type(error), ""))


def read_model(root: Node, path: str) -> LayerGraph:
    """As `layer_graph`, but a malformed *root* raises `Malformed`."""
    _require_model(root)
    reader = _Reader()
    config = root["config"]
    name = config["name"].text()
    inputs, outputs, output_names, input_names = reader.top(root)
    return LayerGraph(name, path, tuple(reader.calls), inputs, outputs, input_names, output_names)


def _require_model(root: Node) -> None:
    class_name = root["class_name"].text()
    if "module" not in root.mapping():
        raise LegacyFormat(root.location, "this is the config of a Keras 2 model")
    if not _is_model(root):
        raise root.fail(
            f"`{class_name}` is not a Functional or Sequential model; "
            "subclassed models have no layer graph in their file"
        )


def _is_model(entry: Node) -> bool:
    """Whether *entry* is one of Keras' own models that tell their layers."""
    mapping = entry.mapping()
    module, class_name = mapping.get("module"), mapping.get("class_name")
    if class_name not in _MODEL_CLASSES or not isinstance(module, str) or module.split(".")[0] != "keras":
        return False
    config = mapping.get("config")
    return isinstance(config, Mapping) and "layers" in config


def _is_functional(entry: Node) -> bool:
    return _is_model(entry) and entry["class_name"].text() != "Sequential"


@dataclass(frozen=True)
class _Reference:
    """`keras_history`: which output of which call of which layer."""

    layer: str
    call: int
    output: int


@dataclass
class _Arguments:
    """One inbound node: its arguments with `_Reference` objects where tensors stood."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    location: str

    def references(self) -> Iterator[_Reference]:
        yield from _leaves((self.arguments, self.keywords), _Reference)


def _leaves(structure: Any, kind: type) -> Iterator[Any]:
    """The leaves of a type, in the order in which Keras flattens: dicts by sorted key."""
    if isinstance(structure, kind):
        yield structure
    elif isinstance(structure, list | tuple):
        for item in structure:
            yield from _leaves(item, kind)
    elif isinstance(structure, Mapping):
        for key in sorted(structure):
            yield from _leaves(structure[key], kind)


def _mapped(structure: Any, kind: type, function: Any) -> Any:
    """The same structure with *function* applied to the leaves of a type."""
    if isinstance(structure, kind):
        return function(structure)
    if isinstance(structure, list):
        return [_mapped(item, kind, function) for item in structure]
    if isinstance(structure, tuple):
        return tuple(_mapped(item, kind, function) for item in structure)
    if isinstance(structure, Mapping):
        return {key: _mapped(item, kind, function) for key, item in structure.items()}
    return structure


def _argument(node: Node, depth: int = 0) -> Any:
    """An argument as it was: tensors as references, tuples as tuples; other serialized objects stay as they are."""
    if depth > MAXIMUM_NESTING:
        raise node.fail("nested too deep")
    if isinstance(node.value, list | tuple):
        return type(node.value)(_argument(item, depth + 1) for item in node.items())
    if not isinstance(node.value, Mapping):
        return node.value
    match node.value.get("class_name"):
        case "__keras_tensor__":
            return _reference(node["config"]["keras_history"])
        case "__tuple__":
            return tuple(_argument(item, depth + 1) for item in node["items"].items())
    return {key: _argument(value, depth + 1) for key, value in node.members()}


def _reference(node: Node) -> _Reference:
    items = node.items()
    if len(items) != 3:
        raise node.expected("a layer's name, a call's and an output's index")
    return _Reference(items[0].text(), items[1].integer(), items[2].integer())


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


def _names(structure: Any, entries: list[_Reference]) -> tuple[str, ...]:
    """Keras' names of a boundary: the keys of a dict, else the layers' names."""
    if isinstance(structure, Mapping) and all(isinstance(item, _Reference) for item in structure.values()):
        return tuple(sorted(structure))
    return tuple(reference.layer for reference in entries)


@dataclass
class _Functional:
    """A Functional model's own layers, before they are flattened: entries by name and the order of their calls."""

    entries: dict[str, Node]
    nodes: dict[str, list[_Arguments]]
    order: list[tuple[str, int]]
    inputs: Any
    outputs: Any

    @property
    def input_names(self) -> list[str]:
        return [reference.layer for reference in _leaves(self.inputs, _Reference)]


def _functional(config: Node) -> _Functional:
    """The layers of a Functional model, their calls in an order in which each can be made."""
    entries: dict[str, Node] = {}
    nodes: dict[str, list[_Arguments]] = {}
    for entry in config["layers"].items():
        name = entry["name"].text()
        if name in entries:
            raise entry.fail(f"the name `{name}` is taken by another layer")
        if "module" not in entry.mapping():
            raise LegacyFormat(entry.location, "this is the config of a Keras 2 model")
        entries[name] = entry
        nodes[name] = [_call_arguments(node) for node in entry["inbound_nodes"].items()]
    inputs, outputs = _boundary(config["input_layers"]), _boundary(config["output_layers"])
    model = _Functional(entries, nodes, _call_order(entries, nodes), inputs, outputs)
    _check_boundary(model, config)
    return model


def _call_arguments(node: Node) -> _Arguments:
    if isinstance(node.value, list | tuple):
        raise LegacyFormat(node.location, "this is the config of a Keras 2 model")
    arguments = _argument(node["args"])
    keywords = _argument(node["kwargs"])
    if not isinstance(arguments, list | tuple):
        raise node["args"].expected("an array")
    if not isinstance(keywords, dict):
        raise node["kwargs"].expected("an object")
    return _Arguments(tuple(arguments), keywords, node.location)


def _check_boundary(model: _Functional, config: Node) -> None:
    for reference in _leaves(model.inputs, _Reference):
        if reference.layer not in model.entries or model.nodes[reference.layer]:
            raise config["input_layers"].fail(f"`{reference.layer}` is not an input of the model")
    for reference in _leaves(model.outputs, _Reference):
        if reference.layer not in model.entries:
            raise config["output_layers"].fail(f"there is no layer `{reference.layer}`")
    if not model.input_names:
        raise config["input_layers"].fail("the model has no inputs")
    if not list(_leaves(model.outputs, _Reference)):
        raise config["output_layers"].fail("the model has no outputs")


def _call_order(entries: dict[str, Node], nodes: dict[str, list[_Arguments]]) -> list[tuple[str, int]]:
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


@dataclass
class _Reader:
    """Flattens a model into calls."""

    calls: list[Call] = field(default_factory=list)
    layers: dict[str, tuple[Layer, str]] = field(default_factory=dict)
    models: dict[int, _Functional] = field(default_factory=dict)
    flattened: int = 0

    def top(self, root: Node) -> tuple[tuple[Value, ...], tuple[Value, ...], tuple[str, ...], tuple[str, ...]]:
        """Inputs, outputs, output names and input names of the outermost model."""
        if not _is_functional(root):
            return self._top_sequential(root)
        model = self._model(root)
        references = list(_leaves(model.inputs, _Reference))
        inputs = [self._input(model.entries[reference.layer]) for reference in references]
        results = self._run(root, inputs, "", 0)
        outputs = tuple(_leaves(results, Value))
        output_names = _names(model.outputs, list(_leaves(model.outputs, _Reference)))
        return tuple(inputs), outputs, output_names, _names(model.inputs, references)

    def _top_sequential(
        self, root: Node
    ) -> tuple[tuple[Value, ...], tuple[Value, ...], tuple[str, ...], tuple[str, ...]]:
        layers = root["config"]["layers"].items()
        if not layers:
            raise root["config"]["layers"].fail("the model has no layers")
        if layers[0].mapping().get("class_name") == "InputLayer":
            value = self._input(layers[0])
        else:
            value = self._call(_implied_input(root), "", _Arguments((), {}, root.location), {})
        input_name = self.calls[value.call].layer.name
        result = self._run(root, [value], "", 0)
        outputs = tuple(_leaves(result, Value))
        return (value,), outputs, (_entry_name(layers[-1]),) * len(outputs), (input_name,)

    def _input(self, entry: Node) -> Value:
        if entry["class_name"].text() != "InputLayer":
            raise entry.expected("an InputLayer")
        entry["config"]["batch_shape"].shape()
        return self._call(entry, "", _Arguments((), {}, entry.location), {})

    def _model(self, entry: Node) -> _Functional:
        key = id(entry.value)
        if key not in self.models:
            self.models[key] = _functional(entry["config"])
        return self.models[key]

    def _run(self, entry: Node, inputs: list[Value], scope: str, depth: int) -> Any:
        """The results of a model called on *inputs*, in the model's own structure."""
        if depth > MAXIMUM_NESTING:
            raise entry.fail(f"models are nested more than {MAXIMUM_NESTING} deep")
        if not _is_functional(entry):
            return self._run_sequential(entry, inputs, scope, depth)
        model = self._model(entry)
        if len(inputs) != len(model.input_names):
            raise entry.fail(f"the model takes {len(model.input_names)} inputs and is called with {len(inputs)}")
        results: dict[tuple[str, int], Any] = {
            (name, 0): value for name, value in zip(model.input_names, inputs, strict=True)
        }
        for name, index in model.order:
            arguments = model.nodes[name][index]
            results[name, index] = self._apply(model.entries[name], scope, arguments, results, depth)
        return _mapped(model.outputs, _Reference, lambda reference: self._output(model, entry, reference, results))

    def _output(
        self, model: _Functional, entry: Node, reference: _Reference, results: dict[tuple[str, int], Any]
    ) -> Value:
        # A nested Functional's own, first node counts here (`Functional.get_config`), and only here.
        offset = 1 if _is_functional(model.entries[reference.layer]) else 0
        reference = _Reference(reference.layer, reference.call - offset, reference.output)
        return _resolve(reference, results, entry["config"]["output_layers"].location)

    def _run_sequential(self, entry: Node, inputs: list[Value], scope: str, depth: int) -> Any:
        result: Any = inputs[0] if len(inputs) == 1 else inputs
        names = set()
        for position, layer in enumerate(entry["config"]["layers"].items()):
            if position == 0 and layer.mapping().get("class_name") == "InputLayer":
                continue
            name = _entry_name(layer)
            if name in names:
                raise layer.fail(f"the name `{name}` is taken by another layer")
            names.add(name)
            result = self._apply(layer, scope, _Arguments((result,), {}, layer.location), {}, depth)
            if isinstance(result, list) and len(result) == 1:
                result = result[0]
        return result

    def _apply(
        self, entry: Node, scope: str, arguments: _Arguments, results: dict[tuple[str, int], Any], depth: int
    ) -> Any:
        self.flattened += 1
        if self.flattened > MAXIMUM_CALLS:
            raise entry.fail(f"the model calls more than {MAXIMUM_CALLS} layers")
        if not _is_model(entry):
            return self._call(entry, scope, arguments, results)
        values = self._model_inputs(entry, _resolved(arguments, results))
        return list(_leaves(self._run(entry, values, f"{scope}{_entry_name(entry)}/", depth + 1), Value))

    def _model_inputs(self, entry: Node, arguments: _Arguments) -> list[Value]:
        given = arguments.arguments[0] if arguments.arguments else arguments.keywords.get("inputs")
        if isinstance(given, Mapping) and _is_functional(entry):
            model = self._model(entry)
            if not isinstance(model.inputs, Mapping) and set(model.input_names) <= set(given):
                given = [given[name] for name in model.input_names]
        values = list(_leaves(given, Value))
        if not values:
            raise Malformed(arguments.location, "the nested model is called without a tensor")
        return values

    def _call(self, entry: Node, scope: str, arguments: _Arguments, results: dict[tuple[str, int], Any]) -> Value:
        resolved = _resolved(arguments, results)
        inputs = tuple(_leaves((resolved.arguments, resolved.keywords), Value))
        layer = self._layer(entry, scope)
        self.calls.append(Call(len(self.calls), layer, inputs, resolved.arguments, resolved.keywords))
        return Value(len(self.calls) - 1)

    def _layer(self, entry: Node, scope: str) -> Layer:
        path = scope + _entry_name(entry)
        known = self.layers.get(path)
        if known is None:
            known = self.layers[path] = (_layer(entry, path), entry.location)
        elif known[1] != entry.location:
            raise entry.fail(f"the name `{path}` is taken by another layer")
        return known[0]


def _resolved(arguments: _Arguments, results: dict[tuple[str, int], Any]) -> _Arguments:
    def value(reference: _Reference) -> Value:
        return _resolve(reference, results, arguments.location)

    return _Arguments(
        _mapped(arguments.arguments, _Reference, value),
        _mapped(arguments.keywords, _Reference, value),
        arguments.location,
    )


def _resolve(reference: _Reference, results: dict[tuple[str, int], Any], location: str) -> Value:
    """The value behind a reference: an output of a nested model, or of a layer's call."""
    missing = Malformed(
        location, f"there is no output {reference.output} of call {reference.call} of `{reference.layer}`"
    )
    if (reference.layer, reference.call) not in results:
        raise missing
    result = results[reference.layer, reference.call]
    if isinstance(result, Value):
        # How many outputs a layer has, only its class knows.
        return Value(result.call, result.output + reference.output) if reference.output else result
    values: list[Value] = result
    if reference.output >= len(values):
        raise missing
    return values[reference.output]


def _entry_name(entry: Node) -> str:
    name = entry["name"].text() if "name" in entry.mapping() else entry["config"]["name"].text()
    if not name or "/" in name:
        raise entry.fail("a layer's name must not be empty or contain `/`")
    return name


def _layer(entry: Node, path: str) -> Layer:
    class_name = entry["class_name"].text()
    module = entry.get("module")
    registered = entry.get("registered_name")
    package = module.value if isinstance(module.value, str) else ""
    if not package and isinstance(registered.value, str):
        package = registered.value.rpartition(">")[0]
    if not package and not registered.is_none:
        registered.text()
    config = entry["config"].mapping()
    build = entry.get("build_config").value
    shapes = build.get("input_shape", build.get("shapes_dict")) if isinstance(build, Mapping) else None
    operation = package.startswith(("keras.src.ops", "keras.ops"))
    return Layer(path, class_name, package, config, operation, shapes)


def _implied_input(root: Node) -> Node:
    """The InputLayer of a Sequential model that was built without one."""
    config = root["config"]
    for node in (config.get("build_input_shape"), _build_shape(root)):
        if not node.is_none:
            break
    else:
        raise NeverBuilt(root.location, "the Sequential model was saved before it was built: it has no input shape")
    node.shape()
    entry = {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": node.value, "dtype": "float32", "name": "input"},
    }
    return Node(entry, node.location)


def _build_shape(root: Node) -> Node:
    build = root.get("build_config")
    return build if build.is_none else build.get("input_shape")
