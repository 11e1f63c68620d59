"""Constants among the arguments of a raw operation, as a model's config holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

from qspec.graph.document import Node
from qspec.graph.ops import Source
from qspec.lowering.site import Unsupported

_ARRAYS = ("__numpy__", "__tensor__")
PARAMETER = "__parameter__"
"""The class name of an argument that stands for what a live model computes from its variables."""

_MOST_VALUES = 2**24


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: a number or nested tuples of *shape*, of LiteRT's *type*. A *weak* one, a number that Python code
    wrote, takes the type of the tensor that it meets."""

    value: Any
    shape: tuple[int, ...]
    type: str
    weak: bool = False

    @property
    def flat(self) -> list[Any]:
        """The numbers, the last axis fastest."""
        return list(_leaves(self.value))

    @property
    def uniform(self) -> Any:
        """The number that all of them are; None if they differ or there are none."""
        values = set(self.flat)
        return values.pop() if len(values) == 1 else None

    def mapped(self, function: Callable[[Any], Any], type_: str | None = None) -> Literal:
        """With *function* applied to each number."""
        return replace(self, value=_mapped(self.value, function), type=type_ or self.type)

    def reshaped(self, shape: Sequence[int]) -> Literal:
        """The same numbers in another shape."""
        return replace(self, value=_nested(self.flat, tuple(shape)), shape=tuple(shape))

    def transposed(self, axes: Sequence[int]) -> Literal:
        """With the axes in another order."""
        shape = tuple(self.shape[axis] for axis in axes)
        strides = [prod(self.shape[axis + 1 :]) for axis in axes]
        flat = self.flat
        moved = [
            flat[sum(index * stride for index, stride in zip(place, strides, strict=True))]
            for place in product(*(range(size) for size in shape))
        ]
        return replace(self, value=_nested(moved, shape), shape=shape)


@dataclass(frozen=True, slots=True)
class Parameter(Literal):
    """A constant that code computes from variables: what it is, only the live model tells, by its *source*.

    `places` are the axes of that value which the axes here are, None for one of size 1 that was added; None where the
    values were joined or parted otherwise.
    """

    source: Source | None = None
    places: tuple[int | None, ...] | None = None

    @property
    def flat(self) -> list[Any]:
        """Nobody knows them before training ends."""
        raise Unsupported("it needs the values of a variable beforehand")

    @property
    def uniform(self) -> Any:
        """Nobody knows."""
        return None

    def mapped(self, function: Callable[[Any], Any], type_: str | None = None) -> Literal:
        """Only as what it is: `float` of reals."""
        if function is float and self.type == "float32":
            return self
        raise Unsupported("it computes something of a variable beforehand")

    def reshaped(self, shape: Sequence[int]) -> Literal:
        """The same values in another shape."""
        places = None if self.places is None else _places(self.places, self.shape, tuple(shape))
        if places is None:
            return replace(self, shape=tuple(shape), places=None, source=self.read())
        return replace(self, shape=tuple(shape), places=places)

    def transposed(self, axes: Sequence[int]) -> Literal:
        """With the axes in another order."""
        if list(axes) == sorted(axes):
            return self
        if self.places is None:
            raise Unsupported("it moves the axes of a variable that was reshaped")
        moved = tuple(self.shape[axis] for axis in axes)
        return replace(self, shape=moved, places=tuple(self.places[axis] for axis in axes))

    def read(self) -> Source:
        """How the constant is made of the live value: its axes in this order, then reshaped."""
        assert self.source is not None
        if self.places is None:
            return self.source
        order = [place for place in self.places if place is not None]
        ones = [place for place in range(self.rank) if place not in order]
        permutation = (*order, *ones)
        return self.source if permutation == tuple(range(self.rank)) else replace(self.source, permutation=permutation)

    @property
    def rank(self) -> int:
        """How many axes the live value has."""
        return int(self.value)


def _places(places: Sequence[int | None], shape: Sequence[int], wanted: Sequence[int]) -> tuple[int | None, ...] | None:
    """Where the axes of a shape are found in another that differs in axes of size 1 alone; None if in more."""
    real = [(place, size) for place, size in zip(places, shape, strict=True) if size != 1]
    if [size for _, size in real] != [size for size in wanted if size != 1]:
        return None
    left = iter(real)
    return tuple(next(left)[0] if size != 1 else None for size in wanted)


def literal(value: Any, location: str) -> Literal:
    """The constant that *value* describes: a number, nested lists of them, a serialized array or tensor, a parameter.

    Raises `Malformed` where it is none of these, and `Unsupported` for a type that LiteRT has no kernels for.
    """
    if isinstance(value, bool):
        return Literal(value, (), "bool")
    if isinstance(value, int):
        return Literal(value, (), "int32", weak=True)
    if isinstance(value, float):
        return Literal(value, (), "float32", weak=True)
    if isinstance(value, Mapping) and value.get("class_name") == PARAMETER:
        return _parameter(Node(value, location)["config"])
    if isinstance(value, Mapping) and value.get("class_name") in _ARRAYS:
        node = Node(value, location)["config"]
        return _array(node["value"], _known_type(node["dtype"].text()))
    if isinstance(value, list | tuple):
        found = _array(Node(value, location), "")
        kinds = {type(number) for number in found.flat}
        return replace(found, type="float32" if float in kinds else "bool" if kinds == {bool} else "int32")
    raise Node(value, location).expected("a number or an array of numbers")


def _parameter(config: Node) -> Parameter:
    shape = tuple(item.integer() for item in config["shape"].items())
    source = Source(f"parameters.{config['index'].integer()}.value")
    rank = len(shape)
    return Parameter(rank, shape, _known_type(config["dtype"].text()), source=source, places=tuple(range(rank)))


_TYPES = ("float32", "bool", "int8", "uint8", "int16", "int32", "int64")


def _known_type(name: str) -> str:
    if name not in _TYPES:
        raise Unsupported(f"it computes in {name}, not float32")
    return name


def _array(node: Node, type_: str) -> Literal:
    shape = _shape_of(node)
    if prod(shape) > _MOST_VALUES:
        raise Unsupported(f"its constant has more than {_MOST_VALUES} values")
    value = _checked(node.value, shape, node)
    found = Literal(value, shape, type_)
    return found.mapped(float) if type_ == "float32" else found


def _shape_of(node: Node) -> tuple[int, ...]:
    shape: list[int] = []
    value = node.value
    while isinstance(value, list | tuple):
        shape.append(len(value))
        if not value or len(shape) > 8:
            break
        value = value[0]
    return tuple(shape)


def _checked(value: Any, shape: tuple[int, ...], node: Node) -> Any:
    if not shape:
        if not isinstance(value, bool | int | float):
            raise node.expected("an array of numbers")
        return value
    if not isinstance(value, list | tuple) or len(value) != shape[0]:
        raise node.expected("an array with rows of one length")
    return tuple(_checked(item, shape[1:], node) for item in value)


def _leaves(value: Any) -> Iterator[Any]:
    if not isinstance(value, tuple):
        yield value
        return
    for item in value:
        yield from _leaves(item)


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    return tuple(_mapped(item, function) for item in value) if isinstance(value, tuple) else function(value)


def _nested(flat: Sequence[Any], shape: tuple[int, ...]) -> Any:
    if not shape:
        return flat[0]
    step = prod(shape[1:])
    return tuple(_nested(flat[start * step : (start + 1) * step], shape[1:]) for start in range(shape[0]))
