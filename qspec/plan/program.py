"""Patterns compiled to a small graph of nodes: a chain of layers read forwards or, for a merge's inputs, backwards."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import INVALID_PATTERN
from qspec.graph.layers import Layer
from qspec.plan.elaborate import Alternatives, Captured, Elaborated, Elaborator, LayerPart, Perhaps, Row, Same, TooLarge
from qspec.schema.patterns import MOST_LAYERS
from qspec.syntax import tree

ORDER_FREE = frozenset({"Add", "Multiply", "Average", "Maximum", "Minimum"})
ORDER_FREE_OPERATIONS = ORDER_FREE - {"Average"}  # whose second input are the weights of the first


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

    def accepts(self, layer: Layer) -> bool:
        """Whether *layer* is of the class that is asked for; its inputs are another question."""
        return self.class_name is None or (self.class_name == layer.class_name and self.operation == layer.operation)

    @property
    def words(self) -> str:
        """What is asked for, in backticks, as a pattern writes it."""
        return f'`Operation("{self.class_name}")`' if self.operation else f"`{self.class_name or 'any'}`"


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The last layer of an earlier capture: no other layer of the match, where its part begins."""

    name: str
    next: Node


@dataclass(frozen=True, slots=True, eq=False)
class Fork:
    """Alternatives, tried in this order."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Open:
    """A capture begins; read backwards, with its last layer. `reused` is whether a merge asks for it again."""

    name: str
    reused: bool
    next: Node


@dataclass(frozen=True, slots=True, eq=False)
class Close:
    """A capture ends; the layers since its beginning belong to it."""

    name: str
    reused: bool
    next: Node


Node = Accept | Atom | Reference | Fork | Open | Close


@dataclass(frozen=True, slots=True, eq=False)
class MergeInput:
    """What an input of a merge must be, read backwards. `free` is whether that can be told whatever the rest of the
    match is: it neither has a capture that is asked for again nor asks for one."""

    start: Node
    free: bool


@dataclass(frozen=True, slots=True, eq=False)
class MergeInputs:
    """What the inputs of a merge must be; with `rest` there may be more."""

    inputs: tuple[MergeInput, ...]
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
        return (node for node in _next_nodes(self.start) if isinstance(node, Atom))

    def second_atoms(self) -> tuple[Atom, ...] | None:
        """The atoms that can follow the first; None if none need follow."""
        found = [node for atom in self.first_atoms() for node in _next_nodes(atom.next)]
        atoms = tuple(node for node in found if isinstance(node, Atom))
        return atoms if len(atoms) == len(found) else None

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
                todo[:0] = [part.start for part in node.merge.inputs] if node.merge else []
            todo.append(node.next)


def _next_nodes(node: Node) -> Iterator[Atom | Accept]:
    """The layers that *node* leads to, and the end if it does."""
    todo, seen = [node], set[int]()
    while todo:
        node = todo.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Atom | Accept):
            yield node
        elif isinstance(node, Fork):
            todo[:0] = node.branches
        else:
            todo.insert(0, node.next)


def compile_pattern(pattern: tree.Pattern, definitions: Mapping[str, tree.PatternDefinition]) -> Program | Diagnostic:
    """*pattern* as a program, other patterns put in where it names them; a diagnostic where it has no end."""
    elaborator = Elaborator(definitions)
    try:
        whole = elaborator.elaborate(pattern)
    except TooLarge:
        return INVALID_PATTERN.at(
            pattern.span,
            f"this pattern comes to more than {MOST_LAYERS} layers",
            label="the patterns it names counted in",
            help="split the rule into several with shorter patterns",
        )
    reused = frozenset(elaborator.asked_again)
    with room_for_patterns():
        start = _Compiler(reused).compile(whole, Accept(), backwards=False)
        return Program(start, tuple(dict.fromkeys(elaborator.captures)), reused, longest(start) > 1)


@contextmanager
def room_for_patterns() -> Iterator[None]:
    """Room to follow a pattern of `MOST_LAYERS` layers from node to node: in each, some functions call each other, and
    Python's usual limit is not made for so many."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 20 * MOST_LAYERS)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


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
                return 1 + sum(longest(part.start) for part in inputs) + count(node.next)
            case Fork():
                return max(map(count, node.branches))
            case Open() | Close() | Reference():
                return count(node.next)
        return 0

    return count(node)


@dataclass(frozen=True)
class _Compiler:
    reused: frozenset[str]

    def compile(self, part: Elaborated, then: Node, *, backwards: bool) -> Node:
        """The nodes of *part*, which end in *then*."""
        match part:
            case LayerPart():
                return Atom(part.class_name, part.operation, self._inputs(part), then)
            case Same():
                return Reference(part.name, then)
            case Captured():
                reused = part.name in self.reused
                inside = self.compile(part.part, Close(part.name, reused, then), backwards=backwards)
                return Open(part.name, reused, inside)
            case Perhaps():
                return Fork((self.compile(part.part, then, backwards=backwards), then))
            case Alternatives():
                return Fork(tuple(self.compile(each, then, backwards=backwards) for each in part.parts))
            case Row():
                for each in part.parts if backwards else reversed(part.parts):
                    then = self.compile(each, then, backwards=backwards)
                return then

    def _inputs(self, part: LayerPart) -> MergeInputs | None:
        if part.inputs is None:
            return None
        inputs = tuple(
            MergeInput(self.compile(each, Accept(), backwards=True), self.reused.isdisjoint(names_in(each)))
            for each in part.inputs
        )
        any_order = part.class_name in (ORDER_FREE_OPERATIONS if part.operation else ORDER_FREE)
        return MergeInputs(inputs, part.rest, any_order)


def names_in(part: Elaborated) -> Iterator[str]:
    """The captures that *part* brings or asks for."""
    match part:
        case LayerPart():
            for each in part.inputs or ():
                yield from names_in(each)
        case Same():
            yield part.name
        case Captured():
            yield part.name
            yield from names_in(part.part)
        case Perhaps():
            yield from names_in(part.part)
        case Alternatives() | Row():
            for each in part.parts:
                yield from names_in(each)
