"""The layer graph of a model that Python code describes: a subclassed one, or one with layers of the user's own.

Keras writes no graph for these. Here they run once on symbolic tensors, and the calls that are recorded become the
graph, as those in a config do. Paths read like those of nested models: the name of a layer behind those of the models
and layers of the user's own that it is in. Inside of these, a layer to which nobody gave a name goes by the attribute
that holds it.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNREADABLE_MODEL, UNSUPPORTED_LAYER
from qspec.graph.document import Malformed, Node
from qspec.graph.keras_config import described_layer
from qspec.graph.keras_format import leaves, read_argument
from qspec.graph.layers import Call, Layer, LayerGraph, Value
from qspec.graph.masks import with_masks
from qspec.keras.reading.expressions import Expression, RecordedOperation
from qspec.keras.reading.recording import (
    Record,
    Recorder,
    Scope,
    all_layers,
    is_graph,
    is_looked_into,
    recording,
    symbols,
)
from qspec.keras.reading.signatures import Signature
from qspec.keras.reading.untraceable import advice_for, reason_of
from qspec.lowering.literals import PARAMETER


@dataclass(frozen=True, eq=False)
class Recorded:
    """A graph, the live layer behind each path, and the structures of the model's inputs and outputs. The code of the
    classes `adding_losses` adds losses, which the graph has not."""

    graph: LayerGraph
    layers: dict[str, Any]
    inputs: Any
    outputs: Any
    adding_losses: tuple[str, ...]


def record(model: keras.Model, signature: Signature, kept: Collection[str]) -> Recorded:
    """Run *model* on symbolic inputs of the *signature*, and read what it calls. Layers of the classes *kept* are not
    looked into.

    Raises:
        SpecError: its code cannot run on symbolic tensors.
    """
    inputs = signature.symbols()
    recorder = Recorder(kept, reason_of)
    nodes = [(layer, len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in all_layers(model)]
    _check_arguments(model)
    try:
        with recording(recorder), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras tells at length what the exception will
            outputs = model(inputs, training=False)
    except Exception as error:  # whatever a model's code raises on symbolic tensors; it stays the cause
        message = f"`{type(model).__name__}` cannot be traced: {reason_of(error)}"
        raise SpecError([UNREADABLE_MODEL.at(Place(model.name), message, help=advice_for(error))]) from error
    finally:
        for layer, inbound, outbound in nodes:
            del layer._inbound_nodes[inbound:], layer._outbound_nodes[outbound:]
    return _Reader(model, signature, recorder, inputs, outputs).read()


def _check_arguments(model: keras.Model) -> None:
    """Raise SpecError if the model's code takes several arguments, of which Keras' own methods can fill but one."""
    parameters = list(inspect.signature(model.call).parameters.values())[1:]
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    wanted = [each.name for each in parameters if each.default is inspect.Parameter.empty and each.kind in plain]
    wanted = [name for name in wanted if name not in ("training", "mask")]  # which Keras gives
    if wanted:
        message = f"the `call` of `{type(model).__name__}` takes several arguments, `{wanted[0]}` besides the first"
        advice = "hand its inputs over as one list or dict"
        raise SpecError([UNREADABLE_MODEL.at(Place(model.name), message, help=advice)])


@dataclass(eq=False)
class _Reader:
    model: keras.Model
    signature: Signature
    recorder: Recorder
    inputs: Any
    outputs: Any
    calls: list[Call] = field(default_factory=list)
    values: dict[int, Value] = field(default_factory=dict)
    live: dict[str, Any] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)

    def read(self) -> Recorded:
        used = self._used()
        self.writers = {id(symbol): record for record in self.recorder.records for symbol in record.results}
        self.names = _Names(self.model)
        inputs = tuple(map(self._input, self.signature.names, symbols(self.inputs)))
        for record in self.recorder.records:
            if id(record) in used and any(id(symbol) in self.values for symbol in self._read(record)):
                self._call(record)
        outputs = tuple(self._output(symbol) for symbol in keras.tree.flatten(self.outputs))
        shapes = {value: tuple(symbol.shape) for symbol, value in self._shapes()}
        graph = LayerGraph(
            self.model.name, self.model.name, tuple(self.calls), inputs, outputs, tuple(self.signature.names),
            self._output_names(outputs), shapes,
        )  # fmt: skip
        graph = with_masks(graph, [(call.index,) for call in graph.calls], ())
        adding = tuple(dict.fromkeys(type(layer).__name__ for layer in self.recorder.adding_losses))
        return Recorded(graph, self.live, self.inputs, self.outputs, adding)

    def _used(self) -> set[int]:
        """The records that an output needs."""
        writers = {id(symbol): record for record in self.recorder.records for symbol in record.results}
        used: set[int] = set()
        pending = symbols(self.outputs)
        while pending:
            record = writers.get(id(pending.pop()))
            if record is not None and id(record) not in used:
                used.add(id(record))
                pending += self._read(record)
        return used

    def _read(self, record: Record) -> list[Any]:
        return symbols((record.arguments, record.keywords))

    def _shapes(self) -> list[tuple[Any, Value]]:
        found = [symbol for record in self.recorder.records for symbol in record.results]
        return [(symbol, self.values[id(symbol)]) for symbol in found if id(symbol) in self.values]

    def _input(self, name: str, symbol: Any) -> Value:
        config = {"batch_shape": list(symbol.shape), "dtype": symbol.dtype, "name": name}
        value = Value(len(self.calls))
        layer = Layer(name, "InputLayer", "keras.layers", config)
        self.calls.append(Call(value.call, layer, ()))
        self.values[id(symbol)] = value
        return value

    def _output(self, symbol: Any) -> Value:
        if id(symbol) not in self.values:
            message = f"an output of `{type(self.model).__name__}` depends on none of its inputs"
            raise SpecError([UNREADABLE_MODEL.at(Place(self.model.name), message)])
        return self.values[id(symbol)]

    def _output_names(self, outputs: Sequence[Value]) -> tuple[str, ...]:
        if isinstance(self.outputs, Mapping) and len(self.outputs) == len(outputs):
            return tuple(sorted(self.outputs))
        names = [self.calls[value.call].layer.name for value in outputs]
        return tuple(
            name if names.count(name) == 1 else f"{name}_{names[:position].count(name)}"
            for position, name in enumerate(names)
        )

    def _call(self, record: Record) -> None:
        path = self.names.path(record)
        expressions: list[Expression] = []
        arguments, keywords = keras.tree.map_structure(
            lambda leaf: self._argument(leaf, expressions), (record.arguments, record.keywords)
        )
        operation = not isinstance(record.operation, keras.layers.Layer)
        if expressions and not operation:
            why = record.reason or "the spec names its class"
            message = f"`{path}` reads a weight of the code around it, and was not looked into: {why}"
            raise SpecError([UNSUPPORTED_LAYER.at(Place(self.model.name), message, layer=path)])
        if path not in self.layers:
            reason = record.reason or ("" if operation else self._kept(record.operation))
            self.layers[path] = replace(_described(record.operation, path, operation), untraced=reason)
            self.live[path] = RecordedOperation(record.operation, expressions) if operation else record.operation
        inputs = tuple(leaves((arguments, keywords), Value))
        call = Call(len(self.calls), self.layers[path], inputs, tuple(arguments), keywords)
        self.calls.append(call)
        self.values |= {id(symbol): Value(call.index, place) for place, symbol in enumerate(record.results)}

    def _kept(self, layer: Any) -> str:
        """Why a layer of the user's own was not looked into, if that was not tried."""
        return "the spec names its class" if is_looked_into(layer, ()) else ""

    def _argument(self, leaf: Any, expressions: list[Expression]) -> Any:
        """An argument as a config has it: a value of the graph, an array, a number, or a parameter."""
        if not isinstance(leaf, keras.KerasTensor):
            return read_argument(Node(keras.saving.serialize_keras_object(leaf), "call"))
        if id(leaf) in self.values:
            return self.values[id(leaf)]
        expression = Expression(leaf, self.writers, self.recorder.leaves)
        if expression.is_fixed:
            array = keras.ops.convert_to_numpy(expression.value)
            return read_argument(Node(keras.saving.serialize_keras_object(array), "call"))
        expressions.append(expression)
        # Its own shape tells more than the symbol's, and what it is for every sample it is for one.
        shape = [int(size) for size in expression.value.shape]
        described = {"index": len(expressions) - 1, "shape": shape, "dtype": leaf.dtype}
        return {"class_name": PARAMETER, "config": described}


def _described(operation: Any, path: str, is_operation: bool) -> Layer:
    """A layer as its config tells it; one of the user's own that has none, by its class alone."""
    try:
        return described_layer(Node(keras.saving.serialize_keras_object(operation), path), path)
    except (Malformed, NotImplementedError, TypeError, ValueError):
        class_ = type(operation)
        return Layer(path, class_.__name__, class_.__module__, {"name": operation.name}, is_operation)


class _Names:
    """A path for every layer, and for every call of a raw operation."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.paths: dict[tuple[str, int], str] = {}
        self.taken: set[str] = set()

    def path(self, record: Record) -> str:
        """The path of what a record calls."""
        return self._of(record.operation, record.scope, record)

    def _of(self, operation: Any, scope: Scope, record: Record | None = None) -> str:
        prefix = self._prefix(scope)
        is_layer = isinstance(operation, keras.layers.Layer)
        key = (prefix, id(operation if is_layer or record is None else record))
        if key not in self.paths:
            self.paths[key] = self._free(prefix + self._name(operation, scope))
        return self.paths[key]

    def _prefix(self, scope: Scope) -> str:
        if scope.owner is None or scope.outer is None or scope.outer.owner is None:
            return ""
        return f"{self._of(scope.owner, scope.outer)}/"

    def _name(self, operation: Any, scope: Scope) -> str:
        """The name of its own; of one that Keras named, the attribute that holds it, or its class."""
        plain = _snake_case(type(operation).__name__)
        if self._keeps_names(scope) or not re.fullmatch(rf"{re.escape(plain)}(_\d+)?", operation.name):
            return str(operation.name)
        return _attribute(scope.owner, operation) or str(plain)

    def _keeps_names(self, scope: Scope) -> bool:
        """Whether the names there are those of a graph that is saved with them."""
        while scope.owner is not None:
            if not is_graph(scope.owner):
                return False
            assert scope.outer is not None
            scope = scope.outer
        return True

    def _free(self, path: str) -> str:
        number, found = 0, path
        while found in self.taken:
            number += 1
            found = f"{path}_{number}"
        self.taken.add(found)
        return found


def _snake_case(name: str) -> str:
    """As Keras names a layer after its class (`keras/src/utils/naming.py`)."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _attribute(owner: Any, layer: Any) -> str:
    """The attribute of *owner* that is *layer*, or `name_0` for the first element of a list."""
    attributes: dict[str, Any] = vars(owner)
    for name, value in attributes.items():
        if name.startswith("_"):
            continue
        if value is layer:
            return name
        items = enumerate(value) if isinstance(value, list | tuple) else ()
        entries = value.items() if isinstance(value, Mapping) else items
        for key, each in entries:
            if each is layer:
                return f"{name}_{key}" if re.fullmatch(r"\w+", str(key)) else name
    return ""
