"""The layer graph out of what Keras 3 serializes for a model.

The format is that of `keras.saving.serialize_keras_object(model)` in Keras 3.15 (`saving/serialization_lib.py`,
`models/functional.py`, `models/sequential.py`); `config.json` of a `.keras` archive is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qspec.diagnostics import Diagnostic, Place, SpecError
from qspec.diagnostics.catalogue import NOT_KERAS_3, UNKNOWN_SHAPE, UNREADABLE_MODEL
from qspec.graph.document import Malformed, Node
from qspec.graph.keras_format import (
    LONGEST_NAME,
    MAXIMUM_NESTING,
    Arguments,
    Functional,
    LegacyFormat,
    Reference,
    boundary_names,
    entry_name,
    is_functional,
    is_model,
    leaves,
    mapped,
    read_functional,
)
from qspec.graph.layers import Call, Layer, LayerGraph, Shape, Value
from qspec.graph.masks import with_masks

MAXIMUM_CALLS = 20_000
"""Nested models that call nested models can describe any number of layer calls in a few lines."""


class Quantized(Malformed):
    """A model with fake quantization, where a float model is meant."""


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


def diagnostic_of(error: Malformed, path: str, document: str = "config.json") -> Diagnostic:
    """The diagnostic for a malformed *document* of the model at *path*."""
    where = f"{document}: {error.location}" if error.location else document
    if isinstance(error, Quantized):
        return quantized_model(Place(path))
    code = {LegacyFormat: NOT_KERAS_3, NeverBuilt: UNKNOWN_SHAPE}.get(type(error), UNREADABLE_MODEL)
    advice = {
        LegacyFormat: "load the model in Keras 3 and save it again as a `.keras` file",
        NeverBuilt: "call `model.build(input_shape)` or add a `keras.Input`, and save it again",
    }
    return code.at(Place(path), f"{where}: {error.message}", help=advice.get(type(error), ""))


def quantized_model(place: Place) -> Diagnostic:
    """The error of a model that `qspec.apply` gave, where the float model is meant."""
    advice = (
        "give the float model that it was made of, or `qspec.strip(model)`; what takes this one is `qspec.export`, "
        "`qspec.verify` and `qspec verify`"
    )
    message = "this model has fake quantization already: `qspec.apply` gave it"
    return UNREADABLE_MODEL.at(place, message, help=advice)


def read_model(root: Node, path: str) -> LayerGraph:
    """As `layer_graph`, but a malformed *root* raises `Malformed`."""
    _require_model(root)
    reader = _Reader()
    config = root["config"]
    name = config["name"].text()
    top = reader.top(root)
    calls = tuple(reader.calls)
    return with_masks(
        LayerGraph(name, path, calls, top.inputs, top.outputs, top.input_names, top.output_names, reader.recorded),
        reader.places,
        reader.masked,
    )


def _require_model(root: Node) -> None:
    class_name = root["class_name"].text()
    if "module" not in root.mapping():
        raise LegacyFormat(root.location, "this is the config of a Keras 2 model")
    if (class_name, root["module"].value) == ("QuantizedModel", "qspec.keras.quantized_model.model"):
        raise Quantized(root.location, "a model with fake quantization")
    if not is_model(root):
        raise root.fail(
            f"`{class_name}` is not a Functional or Sequential model; "
            "subclassed models have no layer graph in their file: load it, and check the live model with "
            "`qspec.check(spec, model)`"
        )


@dataclass(frozen=True)
class _Boundary:
    """What goes into the outermost model and comes out of it."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]


@dataclass
class _Reader:
    """Flattens a model into calls."""

    calls: list[Call] = field(default_factory=list)
    layers: dict[str, tuple[Layer, str]] = field(default_factory=dict)
    models: dict[int, Functional] = field(default_factory=dict)
    recorded: dict[Value, Shape] = field(default_factory=dict)
    places: list[tuple[int, ...]] = field(default_factory=list)  # of each call in Keras' order of running them
    place: tuple[int, ...] = ()
    masked: list[tuple[tuple[int, ...], list[Value]]] = field(default_factory=list)  # nested models called with a mask
    flattened: int = 0

    def top(self, root: Node) -> _Boundary:
        """Flatten the outermost model."""
        if not is_functional(root):
            return self._top_sequential(root)
        model = self._model(root)
        references = list(leaves(model.inputs, Reference))
        inputs = [self._input(model.entries[reference.layer]) for reference in references]
        results = self._run(root, inputs, "", 0)
        return _Boundary(
            tuple(inputs),
            tuple(leaves(results, Value)),
            boundary_names(model.inputs),
            boundary_names(model.outputs),
        )

    def _top_sequential(self, root: Node) -> _Boundary:
        layers = root["config"]["layers"].items()
        if not layers:
            raise root["config"]["layers"].fail("the model has no layers")
        if layers[0].mapping().get("class_name") == "InputLayer":
            value = self._input(layers[0])
        else:
            value = self._call(_implied_input(root), "", Arguments((), {}, root.location), {})
        outputs = tuple(leaves(self._run(root, [value], "", 0), Value))
        input_name = self.calls[value.call].layer.name
        return _Boundary((value,), outputs, (input_name,), (entry_name(layers[-1]),) * len(outputs))

    def _input(self, entry: Node) -> Value:
        if entry["class_name"].text() != "InputLayer":
            raise entry.expected("an InputLayer")
        entry["config"]["batch_shape"].shape()
        return self._call(entry, "", Arguments((), {}, entry.location), {})

    def _model(self, entry: Node) -> Functional:
        key = id(entry.value)
        if key not in self.models:
            self.models[key] = read_functional(entry["config"])
        return self.models[key]

    def _run(self, entry: Node, inputs: list[Value], scope: str, depth: int) -> Any:
        """The results of a model called on *inputs*, in the model's own structure."""
        if depth > MAXIMUM_NESTING:
            raise entry.fail(f"models are nested more than {MAXIMUM_NESTING} deep")
        if not is_functional(entry):
            return self._run_sequential(entry, inputs, scope, depth)
        model = self._model(entry)
        if len(inputs) != len(model.input_names):
            raise entry.fail(f"the model takes {len(model.input_names)} inputs and is called with {len(inputs)}")
        results: dict[tuple[str, int], Any] = {
            (name, 0): value for name, value in zip(model.input_names, inputs, strict=True)
        }
        outer = self.place
        for name, index in model.order:
            arguments = model.nodes[name][index]
            self.place = (*outer, model.places.get((name, index), len(model.order)))
            results[name, index] = self._apply(model.entries[name], scope, arguments, results, depth)
        self.place = outer
        return mapped(model.outputs, Reference, lambda reference: self._output(model, entry, reference, results))

    def _output(
        self, model: Functional, entry: Node, reference: Reference, results: dict[tuple[str, int], Any]
    ) -> Value:
        call = reference.call - model.own_calls(reference.layer)
        reference = Reference(reference.layer, call, reference.output)
        return _resolve(reference, results, entry["config"]["output_layers"].location)

    def _run_sequential(self, entry: Node, inputs: list[Value], scope: str, depth: int) -> Any:
        result: Any = inputs[0] if len(inputs) == 1 else inputs
        names = set()
        outer = self.place
        for position, layer in enumerate(entry["config"]["layers"].items()):
            if position == 0 and layer.mapping().get("class_name") == "InputLayer":
                continue
            name = entry_name(layer)
            if name in names:
                raise layer.fail(f"the name `{name}` is taken by another layer")
            names.add(name)
            self.place = (*outer, position)
            result = self._apply(layer, scope, Arguments((result,), {}, layer.location), {}, depth)
            if isinstance(result, list) and len(result) == 1:
                result = result[0]
        self.place = outer
        return result

    def _apply(
        self, entry: Node, scope: str, arguments: Arguments, results: dict[tuple[str, int], Any], depth: int
    ) -> Any:
        self.flattened += 1
        if self.flattened > MAXIMUM_CALLS:
            raise entry.fail(f"the model calls more than {MAXIMUM_CALLS} layers")
        if not is_model(entry):
            return self._call(entry, scope, arguments, results)
        resolved = self._resolved(arguments, results)
        values = self._model_inputs(entry, resolved)
        if any(leaves(resolved.keywords.get("mask"), Value)):
            self.masked.append((self.place, values))
        return list(leaves(self._run(entry, values, f"{scope}{entry_name(entry)}/", depth + 1), Value))

    def _model_inputs(self, entry: Node, arguments: Arguments) -> list[Value]:
        given = arguments.arguments[0] if arguments.arguments else arguments.keywords.get("inputs")
        if isinstance(given, Mapping) and is_functional(entry):
            model = self._model(entry)
            if not isinstance(model.inputs, Mapping) and set(model.input_names) <= set(given):
                given = [given[name] for name in model.input_names]
        values = list(leaves(given, Value))
        if not values:
            raise Malformed(arguments.location, "the nested model is called without a tensor")
        return values

    def _call(self, entry: Node, scope: str, arguments: Arguments, results: dict[tuple[str, int], Any]) -> Value:
        resolved = self._resolved(arguments, results)
        inputs = tuple(leaves((resolved.arguments, resolved.keywords), Value))
        layer = self._layer(entry, scope)
        self.places.append(self.place)
        self.calls.append(Call(len(self.calls), layer, inputs, resolved.arguments, resolved.keywords))
        return Value(len(self.calls) - 1)

    def _resolved(self, arguments: Arguments, results: dict[tuple[str, int], Any]) -> Arguments:
        def value(reference: Reference) -> Value:
            found = _resolve(reference, results, arguments.location)
            if reference.shape is not None:
                self.recorded[found] = reference.shape
            return found

        positional = mapped(arguments.arguments, Reference, value)
        return Arguments(positional, mapped(arguments.keywords, Reference, value), arguments.location)

    def _layer(self, entry: Node, scope: str) -> Layer:
        path = scope + entry_name(entry)
        known = self.layers.get(path)
        if known is None:
            known = self.layers[path] = (described_layer(entry, path), entry.location)
        elif known[1] != entry.location:
            raise entry.fail(f"the name `{path}` is taken by another layer")
        return known[0]


def _resolve(reference: Reference, results: dict[tuple[str, int], Any], location: str) -> Value:
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


def described_layer(entry: Node, path: str) -> Layer:
    """A layer or operation as Keras serializes it, under *path*. Raises `Malformed` where it is neither."""
    class_name = entry["class_name"].text()
    if not class_name.isprintable() or len(class_name) > LONGEST_NAME:
        raise entry["class_name"].expected("the name of a class")
    module, registered = entry.get("module"), entry.get("registered_name")
    package = "" if module.is_none else module.text()
    if not package and not registered.is_none:
        package = registered.text().rpartition(">")[0]
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
