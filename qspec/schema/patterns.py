"""Patterns checked: names known, captures told apart, something left to match."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from qspec.diagnostics import Advice, Diagnostics, Span
from qspec.diagnostics.catalogue import INVALID_PATTERN, TOO_DEEP, UNDEFINED_NAME
from qspec.schema.keras_layers import similar_classes
from qspec.schema.names import listed, offer, similar
from qspec.syntax import tree

LONGEST_CHAIN = 64  # of patterns that use each other
MOST_LAYERS = 150  # in one pattern, those of the patterns that it uses counted in


@dataclass
class Patterns:
    """The patterns that are defined. `unread` are names whose definitions could not be read."""

    definitions: Mapping[str, tree.PatternDefinition]
    unread: Collection[str]
    found: Diagnostics
    _broken: set[str] = field(default_factory=set)
    _endless: set[str] = field(default_factory=set)  # those that use themselves, come to too much, or use such a one
    # What is known of a definition is found out once: patterns that double each other would take forever.
    _names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _layers: dict[str, int] = field(default_factory=dict)
    _several: dict[str, bool] = field(default_factory=dict)
    _alone: bool = True  # whether the pattern that is checked is a name and no more

    def check_all(self) -> None:
        """Check every definition, cycles first; one with a mistake counts as unread from then on."""
        for name in self.definitions:
            self._check_uses(name)
        for name in self.definitions:
            self._layers_of(name)
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
        used = self._all_used(pattern)
        return used.isdisjoint(self._broken) and not any(self._is_unread(name) for name in used)

    def _is_unread(self, name: str) -> bool:
        """Whether *name* may be that of a pattern whose definition could not be read."""
        return name in self.unread and name not in self.definitions and name != "any"

    def ends(self, pattern: tree.Pattern) -> bool:
        """Whether none of the patterns that *pattern* uses is without end, or too large: its captures are known."""
        return self._all_used(pattern).isdisjoint(self._endless)

    def _all_used(self, pattern: tree.Pattern) -> set[str]:
        """The names of the patterns that *pattern* uses, and of those that they use."""
        pending, seen = [name.text for name in _used(pattern)], set[str]()
        while pending:
            name = pending.pop()
            if name not in seen:
                seen.add(name)
                if name in self.definitions:
                    pending += [used.text for used in _used(self.definitions[name].pattern)]
        return seen

    def check(self, pattern: tree.Pattern) -> None:
        """Report what is wrong with *pattern*."""
        self._alone = isinstance(pattern, tree.LayerClass)
        self._check_names(pattern, {}, in_input=False)
        if _can_be_empty(pattern):
            message = "a pattern of optional parts alone matches everywhere and nowhere"
            self.found.add(INVALID_PATTERN.at(pattern.span, message, help="leave one part without `?`"))
        if self._count(pattern) > MOST_LAYERS and self.ends(pattern):
            self._report_size(pattern.span)
        self._report_clashes(pattern)

    def captures(self, pattern: tree.Pattern) -> Mapping[str, Span]:
        """The captures of *pattern*, those of used patterns under their name where they have one (`p.conv`)."""
        captures: dict[str, Span] = {}
        for name, span in self._captured(pattern):
            captures.setdefault(name, span)
        return captures

    def several_layers(self, pattern: tree.Pattern) -> bool:
        """Whether *pattern* can match more than one layer."""
        match pattern:
            case tree.Chain():
                return True
            case tree.Merge(inputs=inputs):
                return any(not self._is_reference(part) for part in inputs)
            case tree.Step(part=part):
                return self.several_layers(part)
            case tree.Union(parts=parts):
                return any(self.several_layers(part) for part in parts)
            case tree.LayerClass(name=name) if name.text in self.definitions:
                return self._are_several(name.text)
        return False

    def _are_several(self, name: str) -> bool:
        if name in self._endless:
            return True
        if name not in self._several:
            self._several[name] = False  # as with the layers
            self._several[name] = self.several_layers(self.definitions[name].pattern)
        return self._several[name]

    def _count(self, pattern: tree.Pattern) -> int:
        """How many layers *pattern* comes to, written out."""
        match pattern:
            case tree.Step(part=part):
                return self._count(part)
            case tree.Chain(steps=parts) | tree.Union(parts=parts):
                return sum(map(self._count, parts))
            case tree.Merge(inputs=parts):
                return 1 + sum(map(self._count, parts))
            case tree.LayerClass(name=name) if name.text in self.definitions:
                return self._layers_of(name.text)
        return 0 if self._is_reference(pattern) else 1

    def _layers_of(self, name: str) -> int:
        """How many layers the pattern *name* comes to. Too many are reported, once for those that use each other."""
        if name in self._endless:
            return MOST_LAYERS + 1
        if name not in self._layers:
            definition = self.definitions[name]
            self._layers[name] = 0  # found again in itself, the name is that of a capture
            self._layers[name] = self._count(definition.pattern)
            if self._layers[name] > MOST_LAYERS:
                if self.ends(definition.pattern):
                    self._report_size(definition.name.span)
                    self._broken.add(name)
                self._endless.add(name)
        return self._layers[name]

    def _report_size(self, span: Span) -> None:
        message = f"this pattern comes to more than {MOST_LAYERS} layers"
        label = "the patterns that it uses counted in"
        self.found.add(TOO_DEEP.at(span, message, label=label, help="write several rules with shorter patterns"))

    def _is_reference(self, part: tree.Pattern) -> bool:
        """Whether *part* can only be a capture: a word in lower case that is no pattern."""
        return (
            isinstance(part, tree.LayerClass)
            and part.name.text not in self.definitions
            and part.name.text != "any"
            and not part.name.text[:1].isupper()
        )

    def _check_names(self, pattern: tree.Pattern, captured: dict[str, Span], *, in_input: bool) -> None:
        """Check the names in *pattern*, in the order of the text. *captured* are the captures so far; where an input of
        a merge begins (*in_input*), one of them asks for its layer again."""
        match pattern:
            case tree.LayerClass(name=name):
                if not (in_input and name.text in captured):
                    self._check_name(name, captured)
                if name.text in self.definitions:
                    captured |= dict.fromkeys(self._names_in(name.text), name.span)
            case tree.Step(part=part, capture=capture):
                inside = captured if capture is None or not isinstance(part, tree.LayerClass) else dict(captured)
                self._check_names(part, inside, in_input=in_input)
                if capture is not None:
                    self._check_capture(part, capture, captured, in_input)
                    captured[capture.text] = capture.span
            case tree.Chain(steps=steps):
                for number, step in enumerate(steps):
                    self._check_names(step, captured, in_input=in_input and number == 0)
            case tree.Union(parts=parts):
                for part in parts:
                    self._check_names(part, captured, in_input=in_input)
            case tree.Merge(layer=layer, inputs=parts):
                if isinstance(layer, tree.LayerClass):
                    self._check_merge(layer.name)
                for part in parts:
                    self._check_names(part, captured, in_input=True)

    def _check_capture(
        self, part: tree.Pattern, capture: tree.Name, captured: Mapping[str, Span], in_input: bool
    ) -> None:
        if in_input and isinstance(part, tree.LayerClass) and part.name.text in captured:
            message = f"`{part.name.text}` names a layer already, which gets no second name"
            hint = f"write `{part.name.text}` alone"
            again = INVALID_PATTERN.at(capture.span, message, help=hint)
            self.found.add(again.with_related(captured[part.name.text], "named here"))

    def _check_name(self, name: tree.Name, captured: Mapping[str, Span]) -> None:
        known = name.text in self.definitions or name.text in self.unread
        if known or name.text == "any" or name.text[0].isupper():
            return
        if name.text in captured:
            message = f"`{name.text}` names an earlier layer, which cannot come again here"
            hint = f"it can be an input of a merge, or begin one: `Add({name.text})`, `Add({name.text} -> Conv2D)`"
            again = INVALID_PATTERN.at(name.span, message, help=hint)
            self.found.add(again.with_related(captured[name.text], "named here"))
            return
        message = f"pattern `{name.text}` is not defined"
        meant = self._meant(name.text, captured)
        self.found.add(UNDEFINED_NAME.at(name.span, message, label="not found", help=meant))

    def _meant(self, word: str, captured: Mapping[str, Span]) -> Advice:
        """The class or pattern that a *word* may stand for, and how a layer is asked for by that name."""
        by_name = _asked_by_name(word) if self._alone else _part_asked_by_name(word)
        patterns, classes = [*self.definitions, *captured], similar_classes(word)
        if not classes:
            return offer("a pattern", word, patterns).then(f"; {by_name}")
        named = f"layer classes begin with a capital, as {listed(classes, 'or')}"
        close = similar(word, patterns)
        first = f"a pattern with a similar name exists: `{close}`; " if close else ""
        return Advice(f"{first}{named}; {by_name}", (*((close,) if close else ()), *classes))

    def _check_merge(self, name: tree.Name) -> None:
        if name.text in self.definitions:
            message = f"`{name.text}` is a pattern and takes no inputs in parentheses"
            self.found.add(INVALID_PATTERN.at(name.span, message, help="only layer classes do, as `Add(a, b)`"))
        elif name.text != "any" and not name.text[0].isupper():
            message = f"`{name.text}` is no layer class: those begin with a capital"
            classes = similar_classes(name.text)
            hint = Advice.write(classes[0]) if classes else Advice("write the class of the merge, as `Add(a, b)`")
            self.found.add(INVALID_PATTERN.at(name.span, message, help=hint))

    def _report_clashes(self, pattern: tree.Pattern) -> None:
        first: dict[str, Span] = {}
        for name, span in self._captured(pattern):
            if name in first and first[name] != span:
                message = f"two parts of the pattern are named `{name}`"
                hint = "name one of them differently, or the pattern that brings it: `p as x`"
                clash = INVALID_PATTERN.at(span, message, help=hint)
                self.found.add(clash.with_related(first[name], "the other part"))
            first.setdefault(name, span)

    def _captured(self, pattern: tree.Pattern) -> Iterator[tuple[str, Span]]:
        """Every capture with the place in *pattern* that brings it. Alternatives may use a name each."""
        match pattern:
            case tree.Step(part=part, capture=capture):
                if capture is None:
                    yield from self._captured(part)
                    return
                yield capture.text, capture.span
                # Only a pattern used by its name has names of its own; parts in parentheses keep theirs.
                prefix = f"{capture.text}." if isinstance(part, tree.LayerClass) else ""
                yield from ((prefix + name, span) for name, span in self._captured(part))
            case tree.Chain(steps=parts):
                for part in parts:
                    yield from self._captured(part)
            case tree.Merge(inputs=parts):
                for part in parts:
                    yield from self._captured(part)
            case tree.Union(parts=parts):
                names: dict[str, Span] = {}
                for part in parts:
                    names = {**dict(self._captured(part)), **names}
                yield from names.items()
            case tree.LayerClass(name=name) if name.text in self.definitions:
                yield from ((inner, name.span) for inner in self._names_in(name.text))

    def _names_in(self, name: str) -> tuple[str, ...]:
        """The captures of the pattern *name*, each once."""
        if name in self._endless:
            return ()
        if name not in self._names:
            self._names[name] = ()  # as with the layers
            captured = self._captured(self.definitions[name].pattern)
            self._names[name] = tuple(dict.fromkeys(inner for inner, _ in captured))
        return self._names[name]

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
                        self._endless.add(start)
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
        self._endless |= {start, *(hop.text for hop in route)}
        self._broken |= self._endless


def _asked_by_name(word: str) -> str:
    whole, inside = f'any where name == "{word}"', f'any where path like "{word}/**"'
    return f"a layer is asked for by `{whole}`, those of a nested model by `{inside}`"


def _part_asked_by_name(word: str) -> str:
    """As `_asked_by_name`, of a part of a pattern: a condition stands behind the whole alone."""
    return f'a layer is asked for by `any as x` here, and `where x.name == "{word}"` behind the whole pattern'


def parts_of(pattern: tree.Pattern) -> Iterator[tree.Pattern]:
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
            case tree.Union(parts=parts):
                pending += reversed(parts)
            case tree.Merge(layer=layer, inputs=parts):
                pending += [*reversed(parts), layer]


def all_parts(pattern: tree.Pattern, definitions: Mapping[str, tree.PatternDefinition]) -> Iterator[tree.Pattern]:
    """*pattern*, its parts, and behind them those of the patterns that it uses, of each once."""
    pending, seen = [pattern], set[str]()
    for each in pending:
        for node in parts_of(each):
            yield node
            used = definitions.get(node.name.text) if isinstance(node, tree.LayerClass) else None
            if used is not None and used.name.text not in seen:
                seen.add(used.name.text)
                pending.append(used.pattern)


def _used(pattern: tree.Pattern, captured: set[str] | None = None) -> Iterator[tree.Name]:
    """The names in *pattern* that may be patterns, less those *captured* before them; `captured` grows by its own."""
    captured = set() if captured is None else captured
    match pattern:
        case tree.LayerClass(name=name) if name.text not in captured:
            yield name
        case tree.Step(part=part, capture=capture):
            yield from _used(part, captured)
            captured |= {capture.text} if capture is not None else set()
        case tree.Chain(steps=parts) | tree.Merge(inputs=parts):
            for part in parts:
                yield from _used(part, captured)
        case tree.Union(parts=alternatives):
            # One alternative does not know the captures of another.
            own = [set(captured) for _ in alternatives]
            for alternative, names in zip(alternatives, own, strict=True):
                yield from _used(alternative, names)
            captured.update(*own)


def _can_be_empty(pattern: tree.Pattern) -> bool:
    match pattern:
        case tree.Step(part=part, optional=optional):
            return optional or _can_be_empty(part)
        case tree.Chain(steps=parts):
            return all(_can_be_empty(part) for part in parts)
        case tree.Union(parts=parts):
            return any(_can_be_empty(part) for part in parts)
    return False
