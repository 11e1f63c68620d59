"""Matching without captures that are asked for again: each node of a pattern becomes a function, made once.

Nothing then depends on how a match began: behind a node and a layer there is one preferred way to the end, or none. So
what leads nowhere is remembered for all first layers together, and the time is proportional to layers and nodes. The
functions choose as `qspec.plan.search` does, which says why a layer does not match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from qspec.graph.layers import Call, Value
from qspec.plan.index import LayerIndex
from qspec.plan.program import Accept, Atom, Close, Fork, MergeInputs, Node, Open

Calls = tuple[Call, ...]

Path = tuple[Any, ...]
"""What a match meets, as (first, rest), and () at its end: calls, the Open and Close of captures, and tuples with the
paths of a merge's inputs, which begin at their last layer."""

Onwards = Callable[[Call], Path | None]
"""From the layer that was met last to the end."""

Back = Callable[[Calls, bool], Path | None]
"""From the layers that may come next, and whether one must, to the end."""


def matcher(start: Node, index: LayerIndex) -> Onwards:
    """The function that gives the preferred match from a first layer, None where there is none."""
    return _Maker(index).first(start)


def collected(path: Path) -> tuple[Calls, Mapping[str, Calls]]:
    """The calls of a match in execution order, and those of each capture that is there."""
    calls: list[Call] = []
    captures: dict[str, Calls] = {}
    if _collect(path, calls, captures):
        return _in_order(calls), {name: _in_order(found) for name, found in captures.items()}
    return tuple(calls), captures


def _collect(path: Path, calls: list[Call], captures: dict[str, Calls]) -> bool:
    """Whether there is a merge among them, after which the calls are in no order."""
    merged = False
    opened: list[int] = []
    while path:
        step, path = path
        kind = type(step)
        if kind is Call:
            calls.append(step)
        elif kind is Open:
            opened.append(len(calls))
        elif kind is Close:
            found = calls[opened.pop() :]
            if found:
                captures[step.name] = tuple(found)
        else:
            merged = True
            for inner in step:
                _collect(inner, calls, captures)
    return merged


def _in_order(calls: Sequence[Call]) -> Calls:
    return tuple(sorted(dict.fromkeys(calls), key=_POSITION))


_POSITION = attrgetter("index")


class _Maker:
    def __init__(self, index: LayerIndex) -> None:
        self.index = index
        self.first_made: dict[int, Onwards] = {}
        self.onwards_made: dict[int, Onwards] = {}
        self.back_made: dict[int, Back] = {}

    # ---- forwards

    def first(self, node: Node) -> Onwards:
        """As `onwards`, from the first layer itself."""
        if id(node) not in self.first_made:
            self.first_made[id(node)] = self.make_first(node)
        return self.first_made[id(node)]

    def make_first(self, node: Node) -> Onwards:
        if isinstance(node, Open | Close):
            return _marked(node, self.first(node.next))
        if isinstance(node, Fork):
            return _preferred([self.first(branch) for branch in node.branches])
        assert isinstance(node, Atom)
        return self.first_layer(node)

    def onwards(self, node: Node) -> Onwards:
        """From the layer before *node*, by its only reader. Nodes that several lead to are made once."""
        if id(node) not in self.onwards_made:
            self.onwards_made[id(node)] = self.make_onwards(node)
        return self.onwards_made[id(node)]

    def make_onwards(self, node: Node) -> Onwards:
        if isinstance(node, Accept):
            return lambda previous: ()
        if isinstance(node, Open | Close):
            return _marked(node, self.onwards(node.next))
        if isinstance(node, Fork):
            return _preferred([self.onwards(branch) for branch in node.branches])
        assert isinstance(node, Atom)
        rest, readers = self.onwards(node.next), self.index.only_consumers
        if node.merge is None:
            name, operation = node.class_name, node.operation

            def step(previous: Call) -> Path | None:
                call = readers.get(previous.index)
                if call is None:
                    return None
                if name is not None and (call.layer.class_name != name or call.layer.operation != operation):
                    return None
                path = rest(call)
                return None if path is None else (call, path)

            return step
        accepts, inputs = node.accepts, self.inputs(node.merge)

        def join(previous: Call) -> Path | None:
            call = readers.get(previous.index)
            if call is None or not accepts(call.layer):
                return None
            # What follows is told faster than what the inputs are.
            path = rest(call)
            found = None if path is None else inputs(without_arrow(call, previous.index))
            return None if found is None else (call, (found, path))

        return join

    def first_layer(self, atom: Atom) -> Onwards:
        rest = self.onwards(atom.next)
        if atom.merge is None:

            def plain(call: Call) -> Path | None:
                path = rest(call) if atom.accepts(call.layer) else None
                return None if path is None else (call, path)

            return plain
        inputs = self.inputs(atom.merge)

        def merge(call: Call) -> Path | None:
            path = rest(call) if atom.accepts(call.layer) else None
            found = None if path is None else inputs(call.inputs)
            return None if found is None else (call, (found, path))

        return merge

    # ---- backwards

    def back(self, node: Node) -> Back:
        if id(node) not in self.back_made:
            self.back_made[id(node)] = self.make_back(node)
        return self.back_made[id(node)]

    def make_back(self, node: Node) -> Back:
        if isinstance(node, Accept):
            return lambda choice, must: None if must else ()
        if isinstance(node, Open | Close):
            rest = self.back(node.next)

            def marked(choice: Calls, must: bool) -> Path | None:
                path = rest(choice, must)
                return None if path is None else (node, path)

            return marked
        if isinstance(node, Fork):
            branches = [self.back(branch) for branch in node.branches]
            dead: set[tuple[Calls, bool]] = set()

            def preferred(choice: Calls, must: bool) -> Path | None:
                if (choice, must) not in dead:
                    for branch in branches:
                        path = branch(choice, must)
                        if path is not None:
                            return path
                    dead.add((choice, must))
                return None

            return preferred
        assert isinstance(node, Atom)
        return self.back_to(node)

    def back_to(self, atom: Atom) -> Back:
        before = self.before(atom)
        dead: set[int] = set()

        def step(choice: Calls, must: bool) -> Path | None:
            for call in choice:
                if call.index not in dead and atom.accepts(call.layer):
                    path = before(call)
                    if path is not None:
                        return call, path
                    dead.add(call.index)
            return None

        return step

    def before(self, atom: Atom) -> Onwards:
        """From a layer that is *atom*, read backwards, to the end."""
        rest, producers = self.back(atom.next), self.producers
        if atom.merge is None:
            return lambda call: rest(producers(call, call.inputs), False)
        inputs = self.inputs(atom.merge)

        def merge(call: Call) -> Path | None:
            for arrow in dict.fromkeys([value.call for value in call.inputs]):
                found = inputs(without_arrow(call, arrow))
                value = next(value for value in call.inputs if value.call == arrow)
                path = None if found is None else rest(producers(call, (value,)), True)
                if path is not None:
                    return found, path
            found = inputs(call.inputs)
            path = None if found is None else rest((), False)
            return None if path is None else (found, path)

        return merge

    def producers(self, call: Call, values: Sequence[Value]) -> Calls:
        """The layers that these inputs of *call* come from and that it alone reads."""
        readers = self.index.only_consumers
        found = dict.fromkeys([self.index.by_index[value.call] for value in values])
        return tuple([each for each in found if readers.get(each.index) is call])

    # ---- what a merge reads

    def inputs(self, merge: MergeInputs) -> Callable[[Sequence[Value]], Path | None]:
        """The function that gives the paths of a merge's inputs, part by part."""
        parts = [self.part(part.start) for part in merge.inputs]
        index, wanted, rest, any_order = self.index, len(parts), merge.rest, merge.any_order

        def assign(values: Sequence[Value]) -> Path | None:
            if len(values) < wanted or (len(values) > wanted and not rest):
                return None
            calls = [index.producer(value) for value in values]
            return _assigned(parts, calls) if any_order else _in_turn(parts, calls)

        return assign

    def part(self, start: Node) -> Onwards:
        """What an input is to be, by the layer that it comes from; each answer is found once."""
        back, found = self.back(start), dict[int, Path | None]()

        def ask(call: Call) -> Path | None:
            if call.index not in found:
                found[call.index] = back((call,), False)
            return found[call.index]

        return ask


def _marked(node: Open | Close, rest: Onwards) -> Onwards:
    def mark(call: Call) -> Path | None:
        path = rest(call)
        return None if path is None else (node, path)

    return mark


def _preferred(branches: Sequence[Onwards]) -> Onwards:
    dead: set[int] = set()

    def fork(call: Call) -> Path | None:
        if call.index not in dead:
            for branch in branches:
                path = branch(call)
                if path is not None:
                    return path
            dead.add(call.index)
        return None

    return fork


def _in_turn(parts: Sequence[Onwards], calls: Sequence[Call]) -> Path | None:
    paths = []
    for part, call in zip(parts, calls, strict=False):
        path = part(call)
        if path is None:
            return None
        paths.append(path)
    return tuple(paths)


def _assigned(parts: Sequence[Onwards], calls: Sequence[Call]) -> Path | None:
    """Each part gets the first of the layers that leaves the parts behind it theirs; it is absent only if none does."""
    paths = [
        {position: path for position, call in enumerate(calls) if (path := part(call)) is not None} for part in parts
    ]
    if len(paths) == 1:
        return (min(paths[0].items(), key=_is_absent)[1],) if paths[0] else None
    left = set(range(len(calls)))
    chosen = []
    for number, fits in enumerate(paths):
        for position, path in sorted(fits.items(), key=_is_absent):
            if position in left and can_be_placed(paths[number + 1 :], left - {position}):
                left.remove(position)
                chosen.append(path)
                break
        else:
            return None
    return tuple(chosen)


def _is_absent(placed: tuple[int, Path]) -> bool:
    """Whether a path meets no layer: the part was optional."""
    path = placed[1]
    while path:
        if type(path[0]) is Call:
            return False
        path = path[1]
    return True


def can_be_placed(fits: Sequence[Iterable[int]], left: set[int]) -> bool:
    """Whether each part can have one of the positions *left* that fit it, for itself: a matching of a bipartite graph,
    found by augmenting paths, where trying every order would take factorial time."""
    if not fits:
        return True
    taken: dict[int, int] = {}

    def place(part: int, seen: set[int]) -> bool:
        for position in fits[part]:
            if position in left and position not in seen:
                seen.add(position)
                if position not in taken or place(taken[position], seen):
                    taken[position] = part
                    return True
        return False

    return all(place(part, set()) for part in range(len(fits)))


def without_arrow(call: Call, previous: int) -> tuple[Value, ...]:
    """The inputs of *call* but for the one that the arrow from *previous* brings: the first that comes from there."""
    position = next(position for position, value in enumerate(call.inputs) if value.call == previous)
    return call.inputs[:position] + call.inputs[position + 1 :]
