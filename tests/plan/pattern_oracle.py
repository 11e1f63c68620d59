"""The manual's definition of patterns, followed word by word: every reading in the order of preference, nothing pruned;
then those are left out that break a rule about arrows or captures. Slow, and for small graphs alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from qspec.graph.layers import LayerGraph
from qspec.syntax import tree

ANY_ORDER = ("Add", "Multiply", "Average", "Maximum", "Minimum")


@dataclass(frozen=True)
class Reading:
    """One way to read a pattern: the layers, the arrows between them (each with the captures that end where it starts),
    what each capture holds and what its last layer is, and which layers were asked for by a capture's name."""

    calls: frozenset[int] = frozenset()
    arrows: tuple[tuple[int, int, frozenset[str]], ...] = ()
    captures: Mapping[str, tuple[frozenset[int], int]] = field(default_factory=dict)
    asked: tuple[tuple[str, int], ...] = ()

    def __add__(self, other: Reading) -> Reading:
        return Reading(
            self.calls | other.calls,
            self.arrows + other.arrows,
            {**self.captures, **other.captures},
            self.asked + other.asked,
        )


NOTHING = Reading()


@dataclass(frozen=True)
class End:
    """The last layer of a chain that is read forwards, and the captures that end with it."""

    call: int
    captures: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Before:
    """Where a chain that is read backwards has come to: what may come next, which layer that leads to (none at the
    start), and whether something must come."""

    choice: tuple[int, ...]
    reader: int | None = None
    must: bool = False


@dataclass(frozen=True)
class Oracle:
    graph: LayerGraph
    definitions: Mapping[str, tree.PatternDefinition]

    def match(self, pattern: tree.Pattern, first: int) -> Reading | None:
        """The preferred reading from *first*, None if there is none."""
        asked = set(self.asked(pattern, "", False))
        readings = (reading for reading, _ in self.forwards(pattern, None, first, ""))
        return next((reading for reading in readings if self.holds(reading, asked)), None)

    def holds(self, reading: Reading, asked: set[str]) -> bool:
        """Whether arrows lead to the only reader, unless from what is asked for again, and what is asked for is it."""
        results = {value.call for value in self.graph.outputs}
        for start, end, captures in reading.arrows:
            if asked.isdisjoint(captures) and (self.readers(start) != [end] or start in results):
                return False
        return all(name in reading.captures and reading.captures[name][1] == call for name, call in reading.asked)

    def asked(self, pattern: tree.Pattern, prefix: str, head: bool) -> Iterator[str]:
        """The captures that the text asks for again, wherever that stands."""
        match pattern:
            case tree.LayerClass() if pattern.name.text in self.definitions:
                yield from self.asked(self.definitions[pattern.name.text].pattern, prefix, head)
            case tree.LayerClass() if head and is_capture(pattern.name.text):
                yield prefix + pattern.name.text
            case tree.Merge():
                for part in pattern.inputs:
                    yield from self.asked(part, prefix, True)
            case tree.Step():
                yield from self.asked(pattern.part, self.named(pattern, prefix)[0], head)
            case tree.Chain():
                for number, step in enumerate(pattern.steps):
                    yield from self.asked(step, prefix, head and number == 0)
            case tree.Union():
                for part in pattern.parts:
                    yield from self.asked(part, prefix, head)

    def readers(self, call: int) -> list[int]:
        return [each.index for each in self.graph.calls if any(value.call == call for value in each.inputs)]

    def inputs(self, call: int) -> list[int]:
        return [value.call for value in self.graph.calls[call].inputs]

    def is_a(self, call: int, pattern: tree.LayerClass | tree.RawOperation | tree.Merge) -> bool:
        asked, layer = pattern.layer if isinstance(pattern, tree.Merge) else pattern, self.graph.calls[call].layer
        operation = isinstance(asked, tree.RawOperation)
        return (asked.name.text == "any" and not operation) or (asked.name.text, operation) == (
            layer.class_name,
            layer.operation,
        )

    # ---- forwards: a reading and its last layer

    def forwards(
        self, pattern: tree.Pattern, previous: End | None, first: int, prefix: str
    ) -> Iterator[tuple[Reading, End | None]]:
        match pattern:
            case tree.LayerClass() if pattern.name.text in self.definitions:
                yield from self.forwards(self.definitions[pattern.name.text].pattern, previous, first, prefix)
            case tree.LayerClass() | tree.RawOperation() | tree.Merge():
                for call in [first] if previous is None else self.readers(previous.call):
                    if self.is_a(call, pattern):
                        yield from ((each, End(call)) for each in self.at_layer(pattern, call, previous, prefix))
            case tree.Step():
                inside, name = self.named(pattern, prefix)
                for reading, end in self.forwards(pattern.part, previous, first, inside):
                    if name and end is not None and reading.calls:
                        named = replace(end, captures=end.captures | {name})
                        yield with_capture(reading, name, end.call), named
                    else:
                        yield reading, end
                if pattern.optional:
                    yield NOTHING, previous
            case tree.Chain():
                yield from self.chain(pattern.steps, previous, first, prefix)
            case tree.Union():
                for part in pattern.parts:
                    yield from self.forwards(part, previous, first, prefix)

    def chain(
        self, steps: Sequence[tree.Pattern], previous: End | None, first: int, prefix: str
    ) -> Iterator[tuple[Reading, End | None]]:
        if not steps:
            yield NOTHING, previous
            return
        for reading, last in self.forwards(steps[0], previous, first, prefix):
            for rest, end in self.chain(steps[1:], last, first, prefix):
                yield reading + rest, end

    def at_layer(
        self, pattern: tree.LayerClass | tree.RawOperation | tree.Merge, call: int, previous: End | None, prefix: str
    ) -> Iterator[Reading]:
        here = Reading(frozenset({call}), () if previous is None else ((previous.call, call, previous.captures),))
        if not isinstance(pattern, tree.Merge):
            yield here
            return
        inputs = self.inputs(call)
        if previous is not None:
            inputs.remove(previous.call)  # the first of them
        for reading in self.assigned(pattern, inputs, prefix):
            yield here + reading

    def named(self, step: tree.Step, prefix: str) -> tuple[str, str]:
        """The prefix inside a step, and the name it gives; empty for none."""
        if step.capture is None:
            return prefix, ""
        name = prefix + step.capture.text
        is_pattern = isinstance(step.part, tree.LayerClass) and step.part.name.text in self.definitions
        return (f"{name}." if is_pattern else prefix), name

    # ---- inputs of a merge

    def assigned(self, merge: tree.Merge, inputs: list[int], prefix: str) -> Iterator[Reading]:
        if len(inputs) < len(merge.inputs) or (len(inputs) > len(merge.inputs) and not merge.rest):
            return
        yield from self.placed(merge.inputs, inputs, prefix, merge.layer.name.text in ANY_ORDER)

    def placed(
        self, parts: Sequence[tree.Pattern], inputs: list[int], prefix: str, any_order: bool
    ) -> Iterator[Reading]:
        if not parts:
            yield NOTHING
            return
        placed = [
            (reading, inputs[:position] + inputs[position + 1 :])
            for position, producer in enumerate(inputs if any_order else inputs[:1])
            for reading, before in self.backwards(parts[0], Before((producer,)), prefix, True)
            if not before.must
        ]
        if any_order:  # what is absent comes last
            placed.sort(key=lambda way: not way[0].calls and not way[0].asked)
        for reading, others in placed:
            for rest in self.placed(parts[1:], others, prefix, any_order):
                yield reading + rest

    # ---- backwards: a reading and what may come before it

    def backwards(
        self, pattern: tree.Pattern, before: Before, prefix: str, head: bool
    ) -> Iterator[tuple[Reading, Before]]:
        """*head*: whether the chain begins with this part, so that a capture's name asks for its layer."""
        match pattern:
            case tree.LayerClass() if pattern.name.text in self.definitions:
                yield from self.backwards(self.definitions[pattern.name.text].pattern, before, prefix, head)
            case tree.LayerClass() if head and is_capture(pattern.name.text):
                for call in before.choice:
                    name = prefix + pattern.name.text
                    yield Reading(arrows=arrow(call, before, name), asked=((name, call),)), Before(())
            case tree.LayerClass() | tree.RawOperation() | tree.Merge():
                for call in before.choice:
                    if self.is_a(call, pattern):
                        for reading, behind in self.before_layer(pattern, call, prefix):
                            yield Reading(arrows=arrow(call, before)) + reading, behind
            case tree.Step():
                inside, name = self.named(pattern, prefix)
                for reading, behind in self.backwards(pattern.part, before, inside, head):
                    if name and reading.calls:
                        # The last layer comes after all others of its chain.
                        yield with_capture(leading_out(reading, name, before), name, max(reading.calls)), behind
                    else:
                        yield reading, behind
                if pattern.optional:
                    yield NOTHING, before
            case tree.Chain():
                yield from self.chain_backwards(pattern.steps, before, prefix, head)
            case tree.Union():
                for part in pattern.parts:
                    yield from self.backwards(part, before, prefix, head)

    def chain_backwards(
        self, steps: Sequence[tree.Pattern], before: Before, prefix: str, head: bool
    ) -> Iterator[tuple[Reading, Before]]:
        if not steps:
            yield NOTHING, before
            return
        for reading, behind in self.backwards(steps[-1], before, prefix, head and len(steps) == 1):
            for rest, start in self.chain_backwards(steps[:-1], behind, prefix, head):
                yield reading + rest, start

    def before_layer(
        self, pattern: tree.LayerClass | tree.RawOperation | tree.Merge, call: int, prefix: str
    ) -> Iterator[tuple[Reading, Before]]:
        here, inputs = Reading(frozenset({call})), self.inputs(call)
        if not isinstance(pattern, tree.Merge):
            yield here, Before(tuple(dict.fromkeys(inputs)), call)
            return
        for producer in dict.fromkeys(inputs):
            others = list(inputs)
            others.remove(producer)
            for reading in self.assigned(pattern, others, prefix):
                yield here + reading, Before((producer,), call, must=True)
        for reading in self.assigned(pattern, inputs, prefix):
            yield here + reading, Before((), call)


def is_capture(name: str) -> bool:
    """Of a word that is no pattern; the tests write captures in lower case."""
    return name[0].islower() and name != "any"


def arrow(call: int, before: Before, *captures: str) -> tuple[tuple[int, int, frozenset[str]], ...]:
    return () if before.reader is None else ((call, before.reader, frozenset(captures)),)


def leading_out(reading: Reading, name: str, before: Before) -> Reading:
    """The first arrow of a part that is read backwards is the one that leads out of it, if any does."""
    if before.reader is None:
        return reading
    (start, end, captures), *others = reading.arrows
    return replace(reading, arrows=((start, end, captures | {name}), *others))


def with_capture(reading: Reading, name: str, last: int) -> Reading:
    return replace(reading, captures={**reading.captures, name: (reading.calls, last)})
