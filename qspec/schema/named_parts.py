"""The named parts of a pattern, and whose an attribute in `where` can be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from qspec.diagnostics import Span
from qspec.schema.patterns import Patterns, all_parts
from qspec.syntax import tree

GENERAL = ("name", "path", "class", "index", "params", "input.shape", "input.rank", "output.shape")
"""What can be asked of every layer; what its config holds comes to these. `index` is the whole match's."""

_HEADS = frozenset(name.partition(".")[0] for name in GENERAL)


def is_general(attribute: str) -> bool:
    """Whether an attribute, by its first word, can be asked of every layer."""
    return attribute in _HEADS


def has_attribute(pattern: tree.Pattern, attribute: str, definitions: Mapping[str, tree.PatternDefinition]) -> bool:
    """Whether all layers have that attribute, or those of a class of Keras' that *pattern* names."""
    if is_general(attribute):
        return True
    from qspec.schema.keras_layers import layer_classes  # few specs ask

    known, parts = layer_classes(), all_parts(pattern, definitions)
    return any(attribute in known.get(part.name.text, ()) for part in parts if isinstance(part, tree.LayerClass))


def split_path(path: tree.Path, captures: Collection[str]) -> tuple[str, tuple[tree.Name | tree.Index, ...]]:
    """The longest of *captures* at the head of *path*, empty if none is there, and what stands behind it."""
    words = (path.head, *path.trailers)
    names: list[str] = []
    for word in words:
        if not isinstance(word, tree.Name):
            break
        names.append(word.text)
    for length in range(len(names), 0, -1):
        if ".".join(names[:length]) in captures:
            return ".".join(names[:length]), words[length:]
    return "", words


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
        return split_path(path, self.captures)

    def fewest(self, capture: str) -> int:
        """How many layers *capture* holds at the least."""
        return min((self._fewest(part) for part in self.called(capture)), default=1)

    def can_own(self, attribute: str, within: str = "") -> list[str]:
        """The captures of one layer that *attribute* may be of, those whose class has it if any does; on request those
        *within* another capture alone."""
        single = [name for name in self.captures if name != within and self._is_single(name)]
        if within:
            single = [name for name in single if name.startswith(f"{within}.") or self._stands_in(name, within)]
        return [name for name in single if self.has(name, attribute)] or single

    def _is_single(self, capture: str) -> bool:
        return not any(self.patterns.several_layers(part) for part in self.called(capture))

    def _stands_in(self, name: str, within: str) -> bool:
        """Whether a capture is written inside another's parentheses."""
        return any(self.captures[name].is_in(part.span) for part in self.called(within))

    def has(self, capture: str, attribute: str) -> bool:
        """Whether a layer that *capture* may hold is known to have that attribute."""
        parts = self.called(capture)
        return any(has_attribute(part, attribute, self._definitions) for part in parts)

    def called(self, name: str) -> Iterator[tree.Pattern]:
        """The parts with that name; alternatives may use it once each."""
        return self._called(name, self.pattern)

    @property
    def _definitions(self) -> Mapping[str, tree.PatternDefinition]:
        return self.patterns.definitions

    def _called(self, name: str, pattern: tree.Pattern, using: tuple[str, ...] = ()) -> Iterator[tree.Pattern]:
        """Those in *pattern*. *using* are the patterns that led here: found again, such a name is that of a capture."""
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
