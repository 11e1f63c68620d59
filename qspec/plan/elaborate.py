"""A pattern written out: other patterns put in where it names them, captures with their whole names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qspec.schema.patterns import MOST_LAYERS
from qspec.syntax import tree


@dataclass(frozen=True, slots=True)
class LayerPart:
    """A layer of a class, None for any, or a raw operation. With `inputs`, these are asked for; `rest` allows more."""

    class_name: str | None
    operation: bool = False
    inputs: tuple[Elaborated, ...] | None = None
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Same:
    """The last layer of an earlier capture."""

    name: str


@dataclass(frozen=True, slots=True)
class Captured:
    """A part under a name."""

    name: str
    part: Elaborated


@dataclass(frozen=True, slots=True)
class Perhaps:
    """A part or nothing."""

    part: Elaborated


@dataclass(frozen=True, slots=True)
class Row:
    """Parts one behind the other."""

    parts: tuple[Elaborated, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several parts."""

    parts: tuple[Elaborated, ...]


Elaborated = LayerPart | Same | Captured | Perhaps | Row | Alternatives


class TooLarge(Exception):
    """A pattern that comes to more than `MOST_LAYERS` layers, or that uses itself."""


@dataclass
class Elaborator:
    """Writes patterns out in the order of the text: `captures` are those so far, `asked_again` those that a later input
    names."""

    definitions: Mapping[str, tree.PatternDefinition]
    captures: list[str] = field(default_factory=list)
    asked_again: set[str] = field(default_factory=set)
    _layers: int = 0
    _visited: int = 0

    def elaborate(self, pattern: tree.Pattern, prefix: str = "", *, in_input: bool = False) -> Elaborated:
        """*pattern*, whose captures stand under *prefix*. Where a chain begins in an input of a merge, a capture's name
        asks for that layer again.

        Raises:
            TooLarge: it has no end, or too many layers.
        """
        self._visited += 1
        if self._visited > MOST_LAYERS * 8:
            raise TooLarge
        match pattern:
            case tree.LayerClass():
                return self._named(pattern.name.text, prefix, in_input)
            case tree.RawOperation():
                return self._layer(LayerPart(pattern.name.text, operation=True))
            case tree.Merge():
                name, operation = pattern.layer.name.text, isinstance(pattern.layer, tree.RawOperation)
                inputs = tuple(self.elaborate(each, prefix, in_input=True) for each in pattern.inputs)
                class_name = None if name == "any" and not operation else name
                return self._layer(LayerPart(class_name, operation, inputs, pattern.rest))
            case tree.Step():
                return self._step(pattern, prefix, in_input)
            case tree.Chain():
                first = self.elaborate(pattern.steps[0], prefix, in_input=in_input)
                return Row((first, *(self.elaborate(each, prefix) for each in pattern.steps[1:])))
            case tree.Union():
                return Alternatives(tuple(self.elaborate(each, prefix, in_input=in_input) for each in pattern.parts))

    def _named(self, name: str, prefix: str, in_input: bool) -> Elaborated:
        """A class, another pattern, or a capture."""
        if in_input and prefix + name in self.captures:
            self.asked_again.add(prefix + name)
            return Same(prefix + name)
        if name in self.definitions:
            return self.elaborate(self.definitions[name].pattern, prefix, in_input=in_input)
        return self._layer(LayerPart(None if name == "any" else name))

    def _layer(self, part: LayerPart) -> LayerPart:
        self._layers += 1
        if self._layers > MOST_LAYERS:
            raise TooLarge
        return part

    def _step(self, step: tree.Step, prefix: str, in_input: bool) -> Elaborated:
        if step.capture is None:
            part = self.elaborate(step.part, prefix, in_input=in_input)
        else:
            name = prefix + step.capture.text
            inside = f"{name}." if self._is_pattern(step.part) else prefix
            captured = self.elaborate(step.part, inside, in_input=in_input)
            self.captures.append(name)
            part = Captured(name, captured)
        return Perhaps(part) if step.optional else part

    def _is_pattern(self, part: tree.Pattern) -> bool:
        """Whether *part* is a pattern by its name: its captures then stand under the name it gets."""
        return isinstance(part, tree.LayerClass) and part.name.text in self.definitions
