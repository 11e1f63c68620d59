"""Patterns checked: names known, captures told apart, something left to match."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from qspec.diagnostics import Diagnostics, Span
from qspec.diagnostics.catalogue import INVALID_PATTERN, TOO_DEEP, UNDEFINED_NAME
from qspec.schema.names import offer
from qspec.syntax import tree

LONGEST_CHAIN = 64  # of patterns that use each other


@dataclass
class Patterns:
    """The patterns that are defined. `unread` are names whose definitions could not be read."""

    definitions: Mapping[str, tree.PatternDefinition]
    unread: Collection[str]
    found: Diagnostics
    _captures: dict[str, Mapping[str, Span]] = field(default_factory=dict)
    _broken: set[str] = field(default_factory=set)

    def check_all(self) -> None:
        """Check every definition, cycles first; one with a mistake counts as unread from then on."""
        for name in self.definitions:
            self._check_uses(name)
        for name, definition in self.definitions.items():
            before = len(self.found.items)
            if name not in self._broken:
                self.check(definition.pattern)
            if len(self.found.items) > before:
                self._broken.add(name)

    def usable(self) -> Mapping[str, tree.PatternDefinition]:
        """The definitions without mistakes."""
        return {name: item for name, item in self.definitions.items() if name not in self._broken}

    def is_known(self, pattern: tree.Pattern) -> bool:
        """Whether every pattern that *pattern* uses, and those they use, can be read and ends."""
        pending, seen = [name.text for name in _used(pattern)], set[str]()
        while pending:
            name = pending.pop()
            if name in self._broken or (name in self.unread and name not in self.definitions):
                return False
            if name in self.definitions and name not in seen:
                seen.add(name)
                pending += [used.text for used in _used(self.definitions[name].pattern)]
        return True

    def check(self, pattern: tree.Pattern) -> None:
        """Report what is wrong with *pattern*."""
        captured: set[str] = set()
        for node in _nodes(pattern):
            match node:
                case tree.Step(capture=tree.Name(text=name)):
                    captured.add(name)
                case tree.LayerClass(name=name):
                    self._check_name(name, captured)
                case tree.Merge(name=name):
                    self._check_merge(name)
        if _can_be_empty(pattern):
            message = "a pattern of optional parts alone matches everywhere and nowhere"
            self.found.add(INVALID_PATTERN.at(pattern.span, message, help="leave one part without `?`"))
        self._report_clashes(pattern)

    def captures(self, pattern: tree.Pattern) -> Mapping[str, Span]:
        """The captures of *pattern*, those of used patterns under their name where they have one (`p.conv`)."""
        captures: dict[str, Span] = {}
        for name, span in self._captured(pattern, 0):
            captures.setdefault(name, span)
        return captures

    def several_layers(self, pattern: tree.Pattern, depth: int = 0) -> bool:
        """Whether *pattern* can match more than one layer."""
        match pattern:
            case tree.Chain():
                return True
            case tree.Merge(inputs=inputs):
                return any(not self._is_reference(part) for part in inputs)
            case tree.Step(part=part):
                return self.several_layers(part, depth)
            case tree.Union(parts=parts):
                return any(self.several_layers(part, depth) for part in parts)
            case tree.LayerClass(name=name) if name.text in self.definitions and depth < LONGEST_CHAIN:
                return self.several_layers(self.definitions[name.text].pattern, depth + 1)
        return False

    def _is_reference(self, part: tree.Pattern) -> bool:
        """Whether *part* can only be a capture: a word in lower case that is no pattern."""
        return (
            isinstance(part, tree.LayerClass)
            and part.name.text not in self.definitions
            and part.name.text != "any"
            and not part.name.text[:1].isupper()
        )

    def _check_name(self, name: tree.Name, captured: Collection[str]) -> None:
        known = name.text in self.definitions or name.text in captured or name.text in self.unread
        if known or name.text == "any" or name.text[0].isupper():
            return
        hint = offer("a pattern", name.text, [*self.definitions, *captured])
        message = f"pattern `{name.text}` is not defined"
        help = f"{hint}; layer classes begin with a capital"
        self.found.add(UNDEFINED_NAME.at(name.span, message, label="not found", help=help))

    def _check_merge(self, name: tree.Name) -> None:
        if name.text in self.definitions:
            message = f"`{name.text}` is a pattern and takes no inputs in parentheses"
            self.found.add(INVALID_PATTERN.at(name.span, message, help="only layer classes do, as `Add(a, b)`"))
        elif name.text != "any" and not name.text[0].isupper():
            message = f"`{name.text}` is no layer class: those begin with a capital"
            self.found.add(INVALID_PATTERN.at(name.span, message, help="write the class of the merge, as `Add(a, b)`"))

    def _report_clashes(self, pattern: tree.Pattern) -> None:
        first: dict[str, Span] = {}
        for name, span in self._captured(pattern, 0):
            if name in first and first[name] != span:
                message = f"two parts of the pattern are named `{name}`"
                hint = "name one of them differently, or the pattern that brings it: `p as x`"
                clash = INVALID_PATTERN.at(span, message, help=hint)
                self.found.add(clash.with_related(first[name], "the other part"))
            first.setdefault(name, span)

    def _captured(self, pattern: tree.Pattern, depth: int) -> Iterator[tuple[str, Span]]:
        """Every capture with the place in *pattern* that brings it. Alternatives may use a name each."""
        match pattern:
            case tree.Step(part=part, capture=capture):
                if capture is None:
                    yield from self._captured(part, depth)
                    return
                yield capture.text, capture.span
                # Only a pattern used by its name has names of its own; parts in parentheses keep theirs.
                prefix = f"{capture.text}." if isinstance(part, tree.LayerClass) else ""
                yield from ((prefix + name, span) for name, span in self._captured(part, depth))
            case tree.Chain(steps=parts):
                for part in parts:
                    yield from self._captured(part, depth)
            case tree.Merge(inputs=parts):
                for part in parts:
                    yield from self._captured(part, depth)
            case tree.Union(parts=parts):
                names: dict[str, Span] = {}
                for part in parts:
                    names = {**dict(self._captured(part, depth)), **names}
                yield from names.items()
            case tree.LayerClass(name=name) if name.text in self.definitions and depth < LONGEST_CHAIN:
                for inner, _ in self._captured(self.definitions[name.text].pattern, depth + 1):
                    yield inner, name.span

    def _check_uses(self, start: str) -> None:
        """Follow the patterns that *start* uses; report a cycle or a chain that is too long."""
        if start in self._broken:
            return
        pending: list[tuple[str, tuple[tree.Name, ...]]] = [(start, ())]
        seen: set[str] = set()
        while pending:
            name, hops = pending.pop()
            for used in _used(self.definitions[name].pattern):
                route = (*hops, used)
                if used.text == start:
                    self._report_cycle(start, route)
                    return
                if used.text in self.definitions and used.text not in seen | self._broken:
                    seen.add(used.text)
                    if len(route) >= LONGEST_CHAIN:
                        message = f"more than {LONGEST_CHAIN} patterns use each other"
                        self.found.add(TOO_DEEP.at(used.span, message, help="write some of them out"))
                        self._broken.add(start)
                        return
                    pending.append((used.text, route))

    def _report_cycle(self, start: str, route: tuple[tree.Name, ...]) -> None:
        message = f"pattern `{start}` uses itself"
        if len(route) > 1:
            message += f", through {', '.join(f'`{hop.text}`' for hop in route[:-1])}"
        span = self.definitions[start].name.span
        diagnostic = INVALID_PATTERN.at(span, message, help="a pattern is finite: leave one of the uses out")
        for hop in route:
            diagnostic = diagnostic.with_related(hop.span, f"`{hop.text}` is used here")
        self.found.add(diagnostic)
        self._broken |= {start, *(hop.text for hop in route)}


def _nodes(pattern: tree.Pattern) -> Iterator[tree.Pattern]:
    """*pattern* and its parts, in the order of the text."""
    pending: list[tree.Pattern] = [pattern]
    while pending:
        node = pending.pop()
        yield node
        match node:
            case tree.Step(part=part):
                pending.append(part)
            case tree.Chain(steps=parts):
                pending += reversed(parts)
            case tree.Union(parts=parts) | tree.Merge(inputs=parts):
                pending += reversed(parts)


def _used(pattern: tree.Pattern) -> Iterator[tree.Name]:
    """The names in *pattern* that may be patterns, less its captures."""
    captured: set[str] = set()
    for node in _nodes(pattern):
        match node:
            case tree.Step(capture=tree.Name(text=name)):
                captured.add(name)
            case tree.LayerClass(name=name) if name.text not in captured:
                yield name


def _can_be_empty(pattern: tree.Pattern) -> bool:
    match pattern:
        case tree.Step(part=part, optional=optional):
            return optional or _can_be_empty(part)
        case tree.Chain(steps=parts):
            return all(_can_be_empty(part) for part in parts)
        case tree.Union(parts=parts):
            return any(_can_be_empty(part) for part in parts)
    return False
