"""What a model's Python code does with symbolic tensors: every layer and operation that it calls, in order.

Symbolic inputs run through the model. A layer of Keras' own is recorded as one call. The `call` of a model, of a layer
of the user's own and of a `Lambda` is run instead, so that what it calls is recorded. While that code runs, the
variables that it can reach are symbolic too: an operation on a variable is recorded, and not its value of today.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import keras

from qspec.keras.reading.unrolled import unrolled

_REALS = frozenset({"float16", "bfloat16", "float32"})

_RECORDER: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@dataclass(frozen=True, eq=False)
class Scope:
    """Where code runs: in the `call` of *owner*, inside of *outer*. None for what is outside of every model."""

    owner: Any = None
    outer: Scope | None = None


@dataclass(frozen=True, eq=False)
class Record:
    """One call of a layer or operation. `results` are its symbolic results. `reason` says why a layer of the user's own
    was not looked into."""

    operation: Any
    scope: Scope
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    results: tuple[Any, ...]
    reason: str = ""


@dataclass(eq=False)
class Recorder:
    """All calls of one run. `kept` are names of classes that are not looked into.

    `leaves` are the symbolic tensors that stand for a variable or an array, each by its identity, and what they stand
    for. `reason_of` makes a sentence of an exception in a layer's code.
    """

    kept: Collection[str]
    reason_of: Callable[[Exception], str]
    records: list[Record] = field(default_factory=list)
    leaves: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)
    substitutions: list[_Substitution] = field(default_factory=list)
    symbols: dict[int, Any] = field(default_factory=dict)  # of variables, by their identity
    constants: set[int] = field(default_factory=set)  # identities of symbols that depend on no input
    adding_losses: list[Any] = field(default_factory=list)  # layers whose code adds a loss

    def symbolic_call(self, operation: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """The symbolic results of a call, which is recorded, or whose own calls are."""
        reason = ""
        if _converts_nothing(operation, arguments):
            return arguments[0]
        if is_looked_into(operation, self.kept) or self._mixes(operation, arguments, keywords):
            made = len(self.records)
            try:
                return self._look_into(operation, arguments, keywords)
            except Exception as error:  # whatever the code of a layer raises on symbolic tensors
                if self.scope.owner is None:
                    raise
                del self.records[made:]
                reason = self.reason_of(error)
        with self.suspended():
            results = self._results(operation, arguments, keywords)
        flat = tuple(keras.tree.flatten(results))
        if self._all_constant(arguments, keywords):
            self.constants.update(map(id, flat))
        self.records.append(Record(operation, self.scope, arguments, dict(keywords), flat, reason))
        return results

    def _results(self, operation: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        sizes = repeats_for_samples(operation)
        if sizes is None or type(operation).__name__ == "BroadcastTo" or not self._all_constant(arguments):
            return operation.compute_output_spec(*arguments, **keywords)
        # Keras cannot tell how often, as the number of samples is not known.
        shape = zip(arguments[0].shape[1:], sizes, strict=True)
        return keras.KerasTensor((None, *(size * times for size, times in shape)), arguments[0].dtype)

    def _all_constant(self, *structures: Any) -> bool:
        """Whether no symbolic tensor among the arguments depends on an input."""
        return all(id(symbol) in self.constants for symbol in symbols(structures))

    def _mixes(self, operation: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
        """Whether a layer reads constants beside tensors: its operations take them, a layer takes tensors alone."""
        if not isinstance(operation, keras.layers.Layer):
            return False
        constant = [id(symbol) in self.constants for symbol in symbols((arguments, keywords))]
        return any(constant) and not all(constant)

    def _look_into(self, owner: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        outer = self.scope
        self.scope = Scope(owner, outer)
        substitution = _Substitution([] if is_graph(owner) else self._places(owner))
        self.substitutions.append(substitution)
        try:
            with substitution:
                if _has_own_cell(owner):
                    return unrolled(owner, *arguments, **keywords)
                return owner.call(*arguments, **keywords)
        finally:
            self.substitutions.pop()
            self.scope = outer

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Variables are variables inside: Keras' own code runs."""
        active = [each for each in self.substitutions if each.active]
        for each in active:
            each.stop()
        try:
            yield
        finally:
            for each in active:
                each.start()

    def symbolic(self, arguments: Any) -> Any:
        """The arguments of a layer that code calls on arrays alone, as symbolic tensors: what comes out of it depends
        on the layer's variables."""
        leaves = keras.tree.flatten(arguments)
        arrays = [leaf for leaf in leaves if keras.ops.is_tensor(leaf) or hasattr(leaf, "__array__")]
        if not arrays or any(isinstance(leaf, keras.KerasTensor) for leaf in leaves):
            return arguments
        known = {id(leaf) for leaf in arrays}
        return keras.tree.map_structure(lambda leaf: self._leaf(leaf) if id(leaf) in known else leaf, arguments)

    def _leaf(self, value: Any) -> Any:
        value = keras.ops.convert_to_tensor(value)
        symbol = keras.KerasTensor(tuple(value.shape), keras.backend.standardize_dtype(value.dtype))
        self.leaves[id(symbol)] = symbol, value
        self.constants.add(id(symbol))
        return symbol

    def _symbol(self, variable: Any) -> Any:
        if id(variable) not in self.symbols:
            symbol = keras.KerasTensor(tuple(variable.shape), keras.backend.standardize_dtype(variable.dtype))
            self.symbols[id(variable)] = symbol
            self.leaves[id(symbol)] = symbol, variable
            self.constants.add(id(symbol))
        return self.symbols[id(variable)]

    def _places(self, owner: Any) -> list[tuple[Any, Any, Any, Any]]:
        """Where the layers inside of *owner* hold a variable: the holder, its key, the variable and its symbol."""
        found = []
        for layer in all_layers(owner):
            for holder in _holders(vars(layer)):
                entries = enumerate(holder) if isinstance(holder, list) else list(holder.items())
                found += [
                    (holder, key, value, self._symbol(value))
                    for key, value in entries
                    if isinstance(value, keras.Variable)
                ]
        return found


def repeats_for_samples(operation: Any) -> tuple[int, ...] | None:
    """Of an operation that repeats what it reads once for every sample, of which the number is not known: the sizes
    that it asks for behind the batch (`broadcast_to`), or how often it repeats along these axes (`tile`)."""
    match type(operation).__name__:
        case "BroadcastTo":
            sizes = operation.shape
        case "Tile":
            sizes = operation.repeats
        case _:
            return None
    whole = isinstance(sizes, list | tuple) and len(sizes) > 0 and sizes[0] is None
    return tuple(sizes[1:]) if whole and None not in sizes[1:] else None


def symbols(structure: Any) -> list[Any]:
    """The symbolic tensors in a structure of arguments."""
    return [leaf for leaf in keras.tree.flatten(structure) if isinstance(leaf, keras.KerasTensor)]


def _converts_nothing(operation: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether a symbolic tensor is made a tensor of its own type, as a Functional model does with its inputs, or real
    numbers are made real numbers of another width, as mixed precision does: a policy is no part of the plan."""
    kind, dtype = type(operation).__name__, getattr(operation, "dtype", None)
    if kind not in ("Cast", "ConvertToTensor") or not isinstance(arguments[0], keras.KerasTensor):
        return False
    if kind == "Cast":
        return {dtype, arguments[0].dtype} <= _REALS
    return dtype in (None, arguments[0].dtype)


@dataclass(eq=False)
class _Substitution:
    """Symbols in the places of variables, from `start` to `stop`."""

    places: list[tuple[Any, Any, Any, Any]]
    active: bool = False

    def start(self) -> None:
        self.active = True
        for holder, key, _, symbol in self.places:
            _put(holder, key, symbol)

    def stop(self) -> None:
        self.active = False
        for holder, key, variable, _ in self.places:
            _put(holder, key, variable)

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: Any) -> None:
        self.stop()


def _put(holder: Any, key: Any, value: Any) -> None:
    """As `holder[key] = value`, past what Keras watches its lists and dicts with."""
    (list if isinstance(holder, list) else dict).__setitem__(holder, key, value)


def _holders(attributes: dict[str, Any]) -> Iterator[Any]:
    """A layer's attributes, and the lists and dicts among them; those with an underscore are Keras' own lists."""
    yield attributes
    for name, value in list(attributes.items()):
        if isinstance(value, list | dict) and not name.startswith("_"):
            yield value


def all_layers(owner: Any) -> list[Any]:
    """A layer and all those inside of it."""
    found, pending = {id(owner): owner}, [owner]
    while pending:
        for layer in getattr(pending.pop(), "_layers", ()):
            if id(layer) not in found:
                found[id(layer)] = layer
                pending.append(layer)
    return list(found.values())


def is_looked_into(operation: Any, kept: Collection[str]) -> bool:
    """Whether the calls that a layer makes are recorded in place of its own: it is a model, of the user's own, or has a
    function of the user's own for its activation."""
    if not isinstance(operation, keras.layers.Layer) or type(operation).__name__ in kept:
        return False
    if isinstance(operation, keras.Model | keras.layers.Lambda) or not _is_of_keras(type(operation)):
        return True
    if _has_own_cell(operation):
        return True
    activation = getattr(operation, "activation", None)
    return inspect.isfunction(activation) and not _is_of_keras(activation)


def _has_own_cell(layer: Any) -> bool:
    """Whether it is a recurrent layer of Keras' around a cell of the user's own."""
    return type(layer) is keras.layers.RNN and not _is_of_keras(type(layer.cell))


def is_plain_graph(model: Any) -> bool:
    """Whether a model is a Functional or Sequential one of Keras' own class, which its config describes."""
    return is_graph(model) and _is_of_keras(type(model))


def is_graph(model: Any) -> bool:
    """Whether a model is a Functional or Sequential one, or of a class made of these: its code is its layers'."""
    made_of_layers = isinstance(model, keras.Sequential) or hasattr(model, "operations")
    return isinstance(model, keras.Model) and made_of_layers and _is_of_keras(type(model).call)


def _is_of_keras(named: Any) -> bool:
    """Whether a class or function is Keras' own."""
    return str(named.__module__).split(".")[0] == "keras"


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Whatever Keras computes symbolically inside, in this context, is recorded."""
    patched = [
        (keras.Operation, "symbolic_call", _symbolic_call),
        (keras.layers.Layer, "symbolic_call", _symbolic_call),
        (keras.layers.Layer, "__call__", _layer_call(keras.layers.Layer.__call__)),
        (keras.layers.Layer, "add_loss", _add_loss(keras.layers.Layer.add_loss)),
    ]
    originals = [(class_, name, vars(class_)[name]) for class_, name, _ in patched]
    _ORIGINALS.update({(class_, name): original for class_, name, original in originals})
    token = _RECORDER.set(recorder)
    for class_, name, function in patched:
        setattr(class_, name, function)
    try:
        yield
    finally:
        for class_, name, original in originals:
            setattr(class_, name, original)
        _RECORDER.reset(token)


_ORIGINALS: dict[tuple[type, str], Any] = {}


def _symbolic_call(operation: Any, *arguments: Any, **keywords: Any) -> Any:
    recorder = _RECORDER.get()
    if recorder is None:  # another thread
        class_ = keras.layers.Layer if isinstance(operation, keras.layers.Layer) else keras.Operation
        return _ORIGINALS[class_, "symbolic_call"](operation, *arguments, **keywords)
    return recorder.symbolic_call(operation, arguments, keywords)


def _layer_call(original: Any) -> Any:
    def call(layer: Any, *arguments: Any, **keywords: Any) -> Any:
        recorder = _RECORDER.get()
        if recorder is None or not any(each.active for each in recorder.substitutions):
            return original(layer, *arguments, **keywords)
        given, named = recorder.symbolic((arguments, keywords))
        with recorder.suspended():
            return original(layer, *given, **named)

    return call


def _add_loss(original: Any) -> Any:
    def add_loss(layer: Any, loss: Any) -> None:
        recorder = _RECORDER.get()
        symbolic = any(isinstance(leaf, keras.KerasTensor) for leaf in keras.tree.flatten(loss))
        if recorder is None or not symbolic:
            original(layer, loss)
        else:
            recorder.adding_losses.append(layer)

    return add_loss
