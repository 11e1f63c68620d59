"""The named parts of a pattern, and whose an attribute in `where` can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from qspec.diagnostics import Span
from qspec.schema.patterns import Patterns, parts_of
from qspec.syntax import tree

GENERAL = frozenset({"name", "path", "class", "params", "input", "output"})
"""What can be asked of every layer; what its config holds comes to these. `index` is the whole match's."""


def has_attribute(pattern: tree.Pattern, attribute: str, definitions: Mapping[str, tree.PatternDefinition]) -> bool:
    """Whether all layers have that attribute, or those of a class of Keras' that *pattern* names."""
    if attribute in GENERAL:
        return True
    from qspec.schema.keras_layers import layer_classes  # few specs ask

    known = layer_classes()
    return any(attribute in known.get(name, ()) for name in _classes(pattern, definitions))


def _classes(pattern: tree.Pattern, definitions: Mapping[str, tree.PatternDefinition]) -> Iterator[str]:
    pending, seen = [pattern], set[str]()
    while pending:
        for node in parts_of(pending.pop()):
            if isinstance(node, tree.LayerClass) and node.name.text not in seen:
                seen.add(node.name.text)
                yield node.name.text
                if node.name.text in definitions:
                    pending.append(definitions[node.name.text].pattern)


@dataclass(frozen=True)
class NamedParts:
    """What *pattern* captures, for questions about its names. *patterns* are those it may use; it uses none without
    end."""

    patterns: Patterns
    pattern: tree.Pattern

    @cached_property
    def captures(self) -> Mapping[str, Span]:
        """The captures by name (`conv`, `p.conv`), each with the place that brings it."""
        return self.patterns.captures(self.pattern)

    @cached_property
    def several(self) -> bool:
        """Whether the pattern can match more than one layer."""
        return self.patterns.several_layers(self.pattern)

    def split(self, path: tree.Path) -> tuple[str, tuple[tree.Name | tree.Index, ...]]:
        """The longest capture at the head of *path*, empty if none is there, and what stands behind it."""
        words = (path.head, *path.trailers)
        names: list[str] = []
        for word in words:
            if not isinstance(word, tree.Name):
                break
            names.append(word.text)
        for length in range(len(names), 0, -1):
            if ".".join(names[:length]) in self.captures:
                return ".".join(names[:length]), words[length:]
        return "", words

    def fewest(self, capture: str) -> int:
        """How many layers *capture* holds at the least."""
        return min((self._fewest(part) for part in self._called(capture, self.pattern)), default=1)

    def can_own(self, attribute: str, within: str = "") -> list[str]:
        """The captures of one layer that *attribute* may be of, those whose class has it if any does; on request those
        *within* another capture alone."""
        single = [name for name in self.captures if name != within and self._is_single(name)]
        if within:
            single = [name for name in single if name.startswith(f"{within}.") or self._stands_in(name, within)]
        return [name for name in single if self.has(name, attribute)] or single

    def _is_single(self, capture: str) -> bool:
        return not any(self.patterns.several_layers(part) for part in self._called(capture, self.pattern))

    def _stands_in(self, name: str, within: str) -> bool:
        """Whether a capture is written inside another's parentheses."""
        span, parts = self.captures[name], self._called(within, self.pattern)
        return any(part.span.source is span.source and part.span.start <= span.start < part.span.end for part in parts)

    def has(self, capture: str, attribute: str) -> bool:
        """Whether a layer that *capture* may hold is known to have that attribute."""
        parts = self._called(capture, self.pattern)
        return any(has_attribute(part, attribute, self._definitions) for part in parts)

    @property
    def _definitions(self) -> Mapping[str, tree.PatternDefinition]:
        return self.patterns.definitions

    def _called(self, name: str, pattern: tree.Pattern, using: tuple[str, ...] = ()) -> Iterator[tree.Pattern]:
        """The parts of *pattern* with that name; alternatives may use a name each. *using* are the patterns that led
        here: found again, such a name is that of a capture."""
        match pattern:
            case tree.Step(part=part, capture=capture):
                if capture is None:
                    yield from self._called(name, part, using)
                elif capture.text == name:
                    yield part
                elif not isinstance(part, tree.LayerClass):
                    yield from self._called(name, part, using)
                elif name.startswith(f"{capture.text}."):
                    yield from self._called(name.removeprefix(f"{capture.text}."), part, using)
            case tree.Chain(steps=parts) | tree.Merge(inputs=parts) | tree.Union(parts=parts):
                for each in parts:
                    yield from self._called(name, each, using)
            case tree.LayerClass(name=used) if used.text in self._definitions and used.text not in using:
                yield from self._called(name, self._definitions[used.text].pattern, (*using, used.text))

    def _fewest(self, pattern: tree.Pattern, using: tuple[str, ...] = ()) -> int:
        """The layers of the shortest match. What may ask for a capture again counts as none."""
        match pattern:
            case tree.Step(part=part, optional=optional):
                return 0 if optional else self._fewest(part, using)
            case tree.Chain(steps=parts):
                return sum(self._fewest(part, using) for part in parts)
            case tree.Union(parts=parts):
                return min(self._fewest(part, using) for part in parts)
            case tree.Merge(inputs=parts):
                return 1 + sum(0 if _may_be_reference(part) else self._fewest(part, using) for part in parts)
            case tree.LayerClass(name=name) if name.text in using:
                return 0
            case tree.LayerClass(name=name) if name.text in self._definitions:
                return self._fewest(self._definitions[name.text].pattern, (*using, name.text))
        return 1


def _may_be_reference(part: tree.Pattern) -> bool:
    """Whether an input of a merge may ask for a capture, or begins with one: its own layers do not count then."""
    while isinstance(part, tree.Step | tree.Chain):
        part = part.part if isinstance(part, tree.Step) else part.steps[0]
    return isinstance(part, tree.LayerClass) and part.name.text != "any" and not part.name.text[:1].isupper()
