"""Patterns compiled to a small graph of nodes: a chain of layers read forwards or, for a merge's inputs, backwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import INVALID_PATTERN
from qspec.schema.patterns import MOST_LAYERS
from qspec.syntax import tree

ORDER_FREE = frozenset({"Add", "Multiply", "Average", "Maximum", "Minimum"})


@dataclass(frozen=True, slots=True, eq=False)
class Accept:
    """The pattern ends here."""


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """One layer: of class *class_name*, any layer if None, or a raw operation."""

    class_name: str | None
    operation: bool
    merge: MergeInputs | None
    next: Node


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """Alternatives, tried in this order."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Open:
    """A capture begins."""

    name: str
    next: Node


@dataclass(frozen=True, slots=True, eq=False)
class Close:
    """A capture ends; the layers since its beginning belong to it."""

    name: str
    next: Node


Node = Accept | Atom | Fork | Open | Close


@dataclass(frozen=True, slots=True, eq=False)
class MergeInputs:
    """What the inputs of a merge must be: each a program read backwards, or the name of an earlier capture."""

    inputs: tuple[Node | str, ...]
    rest: bool
    any_order: bool


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A compiled pattern. `several` is whether a match may hold more than one layer; `reused` are the captures that a
    merge asks for again."""

    start: Node
    captures: tuple[str, ...]
    reused: frozenset[str]
    several: bool

    def first_atoms(self) -> Iterator[Atom]:
        """The atoms with which a match may begin."""
        todo: list[Node] = [self.start]
        while todo:
            node = todo.pop(0)
            if isinstance(node, Atom):
                yield node
            elif isinstance(node, Fork):
                todo[:0] = node.branches
            elif isinstance(node, Open | Close):
                todo.insert(0, node.next)

    def atoms(self) -> Iterator[Atom]:
        """Every atom, those of merges' inputs included, each once."""
        todo: list[Node] = [self.start]
        seen: set[int] = set()
        while todo:
            node = todo.pop(0)
            if id(node) in seen or isinstance(node, Accept):
                continue
            seen.add(id(node))
            if isinstance(node, Fork):
                todo[:0] = node.branches
                continue
            if isinstance(node, Atom):
                yield node
                todo[:0] = [part for part in node.merge.inputs if not isinstance(part, str)] if node.merge else []
            todo.append(node.next)


class TooLarge(Exception):
    """A pattern that comes to more than `MOST_LAYERS` layers, or that uses itself."""


def compile_pattern(pattern: tree.Pattern, definitions: Mapping[str, tree.PatternDefinition]) -> Program | Diagnostic:
    """*pattern* as a program, other patterns put in where it names them; a diagnostic where it has no end."""
    compiler = _Compiler(definitions)
    try:
        scope = compiler.scope(pattern, "")
        start = compiler.forwards(pattern, Accept(), "", scope)
    except TooLarge:
        return INVALID_PATTERN.at(
            pattern.span,
            f"this pattern comes to more than {MOST_LAYERS} layers",
            label="the patterns it names counted in",
            help="split the rule into several with shorter patterns",
        )
    return Program(start, tuple(dict.fromkeys(scope)), frozenset(compiler.reused), longest(start) > 1)


def longest(node: Node) -> int:
    """The number of layers that the longest match from *node* holds, a merge's inputs included."""
    known: dict[int, int] = {}

    def count(node: Node) -> int:
        if id(node) not in known:
            known[id(node)] = measure(node)
        return known[id(node)]

    def measure(node: Node) -> int:
        match node:
            case Atom():
                inputs = node.merge.inputs if node.merge else ()
                return 1 + sum(longest(part) for part in inputs if not isinstance(part, str)) + count(node.next)
            case Fork():
                return max(map(count, node.branches))
            case Open() | Close():
                return count(node.next)
        return 0

    return count(node)


class _Compiler:
    def __init__(self, definitions: Mapping[str, tree.PatternDefinition]) -> None:
        self.definitions = definitions
        self.reused: set[str] = set()
        self.parts = 0
        self.visited = 0

    def scope(self, pattern: tree.Pattern, prefix: str) -> list[str]:
        """The captures that *pattern* brings, under *prefix*."""
        self.visited += 1
        if self.visited > MOST_LAYERS * 8:
            raise TooLarge
        names: list[str] = []
        for name, inner, inner_prefix in self._pieces(pattern, prefix):
            if name is not None:
                names.append(name)
            names += self.scope(inner, inner_prefix)
        return names

    def _pieces(self, pattern: tree.Pattern, prefix: str) -> Iterator[tuple[str | None, tree.Pattern, str]]:
        match pattern:
            case tree.LayerClass() if pattern.name.text in self.definitions:
                yield None, self.definitions[pattern.name.text].pattern, prefix
            case tree.Step():
                inside = self.prefix_inside(pattern, prefix)
                yield (prefix + pattern.capture.text if pattern.capture else None), pattern.part, inside
            case tree.Chain():
                yield from ((None, step, prefix) for step in pattern.steps)
            case tree.Union():
                yield from ((None, part, prefix) for part in pattern.parts)
            case tree.Merge():
                yield from ((None, part, prefix) for part in pattern.inputs)

    def prefix_inside(self, step: tree.Step, prefix: str) -> str:
        """`p as x`, p a pattern's name: its captures stand under `x.`."""
        named = isinstance(step.part, tree.LayerClass) and step.part.name.text in self.definitions
        return f"{prefix}{step.capture.text}." if step.capture and named else prefix

    def forwards(self, pattern: tree.Pattern, then: Node, prefix: str, scope: list[str]) -> Node:
        return self._compile(pattern, then, prefix, scope, backwards=False)

    def _compile(self, pattern: tree.Pattern, then: Node, prefix: str, scope: list[str], *, backwards: bool) -> Node:
        match pattern:
            case tree.LayerClass() if pattern.name.text in self.definitions:
                inner = self.definitions[pattern.name.text].pattern
                return self._compile(inner, then, prefix, scope, backwards=backwards)
            case tree.LayerClass():
                return self._atom(None if pattern.name.text == "any" else pattern.name.text, then)
            case tree.RawOperation():
                return self._atom(pattern.name.text, then, operation=True)
            case tree.Merge():
                inputs = tuple(self._input(part, prefix, scope) for part in pattern.inputs)
                merge = MergeInputs(inputs, pattern.rest, pattern.name.text in ORDER_FREE)
                return self._atom(pattern.name.text, then, merge=merge)
            case tree.Step():
                return self._step(pattern, then, prefix, scope, backwards)
            case tree.Chain():
                for step in pattern.steps if backwards else reversed(pattern.steps):
                    then = self._compile(step, then, prefix, scope, backwards=backwards)
                return then
            case tree.Union():
                parts = (self._compile(part, then, prefix, scope, backwards=backwards) for part in pattern.parts)
                return Fork(tuple(parts))

    def _atom(self, name: str | None, then: Node, *, operation: bool = False, merge: MergeInputs | None = None) -> Atom:
        self.parts += 1
        if self.parts > MOST_LAYERS:
            raise TooLarge
        return Atom(name, operation, merge, then)

    def _step(self, step: tree.Step, then: Node, prefix: str, scope: list[str], backwards: bool) -> Node:
        inside = self.prefix_inside(step, prefix)
        if step.capture is None:
            node = self._compile(step.part, then, inside, scope, backwards=backwards)
        else:
            name = prefix + step.capture.text
            node = self._compile(step.part, Close(name, then), inside, scope, backwards=backwards)
            node = Open(name, node)
        return Fork((node, then)) if step.optional else node

    def _input(self, pattern: tree.Pattern, prefix: str, scope: list[str]) -> Node | str:
        bare = pattern.part if isinstance(pattern, tree.Step) and not pattern.capture else pattern
        if isinstance(bare, tree.LayerClass) and prefix + bare.name.text in scope:
            self.reused.add(prefix + bare.name.text)
            return prefix + bare.name.text
        return self._compile(pattern, Accept(), prefix, scope, backwards=True)
