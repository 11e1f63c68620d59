"""What a model takes: the shape, the type and the name of each of its inputs, in their structure."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from qspec.graph.layers import Shape

_LEAF = "__input__"


@dataclass(frozen=True, slots=True)
class Input:
    """One input. *shape* begins with the batch, None where it is not known."""

    shape: Shape
    type: str
    name: str


@dataclass(frozen=True, eq=False)
class Signature:
    """The inputs of a model: an `Input`, or lists and dicts of them."""

    structure: Any

    @property
    def inputs(self) -> list[Input]:
        """All of them, in the order in which Keras flattens: dicts by sorted key."""
        return list(_flat(self.structure))

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [each.name for each in self.inputs]

    def symbols(self) -> Any:
        """A symbolic tensor for each, in the same structure."""
        return _mapped(self.structure, lambda each: keras.KerasTensor(each.shape, each.type, name=each.name))

    def config(self) -> Any:
        """As plain data."""
        return _mapped(
            self.structure, lambda each: {_LEAF: {"shape": list(each.shape), "type": each.type, "name": each.name}}
        )

    @classmethod
    def from_config(cls, config: Any) -> Signature:
        """What `config` gave."""
        return cls(_restored(config))


def signature_of(model: keras.Model, data: Any = None) -> Signature | None:
    """What *model* was called on: symbolic tensors; else arrays like *data*, one batch in the model's structure; else
    the shapes that it was built for. None if nothing tells, or it is no model.
    """
    if not isinstance(model, keras.Model):
        return None
    if isinstance(model, keras.Sequential):
        return _of_symbols(model, model.inputs[0]) if model.built and model.inputs else None
    if hasattr(model, "operations"):
        return _of_symbols(model, model.input)
    nodes = getattr(model, "_inbound_nodes", ())
    if nodes and nodes[0].arguments.args:
        return _of_symbols(model, nodes[0].arguments.args[0])
    if data is not None:
        return Signature(_named(model, data, _of_array))
    built = model.get_build_config() if model.built else None
    shapes = None if built is None else built.get("input_shape", built.get("shapes_dict"))
    return None if shapes is None else Signature(_named(model, _shapes(shapes), lambda shape: (shape, "float32")))


def sized(signature: Signature, batch: Any) -> Signature:
    """*signature* with the sizes of a *batch* of data where it has none of its own, the number of samples apart."""
    names, inputs = signature.names, signature.inputs
    if isinstance(batch, Mapping):
        arrays = [batch.get(name) for name in names]
    else:
        arrays = list(batch) if isinstance(batch, list | tuple) else [batch]
    found = {
        each: Input((each.shape[0], *_sizes(each.shape[1:], np.shape(array)[1:])), each.type, each.name)
        for each, array in zip(inputs, arrays, strict=False)
        if array is not None
    }
    return Signature(_mapped(signature.structure, lambda each: found.get(each, each)))


def _sizes(wanted: Shape, given: Shape) -> Shape:
    """Sizes of which those that are missing are the *given* ones, if they fit."""
    fits = len(wanted) == len(given) and all(size in (None, have) for size, have in zip(wanted, given, strict=True))
    return given if fits else wanted


def first_batch(data: Any) -> Any:
    """The inputs of one batch of *data*, in the forms that `qspec.apply` takes; None of what can be read only once."""
    if hasattr(data, "__array__") or isinstance(data, Mapping):
        return data
    if isinstance(data, list | tuple) and data and all(hasattr(part, "__array__") for part in data):
        return data if len(data) > 1 else data[0]
    if isinstance(data, str) or not hasattr(data, "__iter__") or iter(data) is data:
        return None
    batch = next(iter(data), None)
    return batch[0] if isinstance(batch, tuple) and len(batch) in (2, 3) else batch


def _of_symbols(model: keras.Model, given: Any) -> Signature:
    return Signature(_named(model, given, lambda symbol: (tuple(symbol.shape), symbol.dtype, symbol.name)))


def _of_array(array: Any) -> tuple[Shape, str]:
    """Integers keep their type, as far as LiteRT has kernels for it; all else is real numbers."""
    array = np.asarray(array)
    type_ = array.dtype.name if array.dtype.name in ("int32", "uint8", "int8", "bool") else "float32"
    return (None, *array.shape[1:]), "int32" if array.dtype.name == "int64" else type_


def _shapes(structure: Any) -> Any:
    """A structure of shapes, each as a tuple: a list of numbers is one."""
    if isinstance(structure, Mapping):
        found = {key.removesuffix("_shape"): _shapes(value) for key, value in structure.items()}
        return next(iter(found.values())) if len(found) == 1 else found
    if all(size is None or isinstance(size, int) for size in structure):
        return _Sizes(tuple(structure))
    return [_shapes(each) for each in structure]


class _Sizes:
    """A shape as a leaf."""

    def __init__(self, sizes: Shape) -> None:
        self.sizes = sizes


def _named(model: keras.Model, structure: Any, read: Any) -> Any:
    """An `Input` for each leaf: by its own name, its key, or the argument of the model's `call` that it is."""
    parameters = [name for name in inspect.signature(model.call).parameters if name != "self"]
    base = parameters[0] if parameters else "input"
    several = isinstance(structure, list | tuple) and len(structure) > 1

    def leaf(value: Any, name: str) -> Input:
        shape, type_, *own = read(value.sizes if isinstance(value, _Sizes) else value)
        given = bool(own) and not re.fullmatch(r"keras_tensor(_\d+)?", own[0])
        return Input((None, *shape[1:]) if not own else shape, type_, own[0] if given else name)

    def walk(value: Any, name: str) -> Any:
        if isinstance(value, Mapping):
            return {key: walk(each, str(key)) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [walk(each, f"{name}_{position}" if several else name) for position, each in enumerate(value)]
        return leaf(value, name)

    return walk(structure, base)


def _flat(structure: Any) -> list[Input]:
    if isinstance(structure, Mapping):
        return [each for key in sorted(structure) for each in _flat(structure[key])]
    if isinstance(structure, list | tuple):
        return [each for part in structure for each in _flat(part)]
    return [structure]


def _mapped(structure: Any, function: Any) -> Any:
    if isinstance(structure, Mapping):
        return {key: _mapped(value, function) for key, value in structure.items()}
    if isinstance(structure, list | tuple):
        return [_mapped(value, function) for value in structure]
    return function(structure)


def _restored(config: Any) -> Any:
    if isinstance(config, Mapping) and _LEAF in config:
        leaf = config[_LEAF]
        return Input(tuple(leaf["shape"]), leaf["type"], leaf["name"])
    if isinstance(config, Mapping):
        return {key: _restored(value) for key, value in config.items()}
    return [_restored(value) for value in config]
