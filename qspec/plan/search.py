"""The search for a match from one first layer: choices in the order of the text, each situation visited once.

The main chain of a pattern is read forwards, from its first layer to those that read it. What stands in the parentheses
of a merge is read backwards, from the merge to what its inputs come from. Where two ways lead to the same situation
(the node, the layer, and the layers of those captures that are asked for again), the first has been preferred, and the
second could only lead where the first has led: it is left out. So a search takes at most as many steps as there are
situations, and what an input of a merge must be is found out once for each layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from qspec.graph.layers import Call, Value
from qspec.plan.index import LayerIndex
from qspec.plan.program import Atom, Close, Fork, MergeInput, MergeInputs, Node, Open, Program, Reference
from qspec.plan.quick import Calls, Path, can_be_placed, without_arrow

MOST_STEPS = 20_000
"""Steps from one first layer: more than a pattern without captures that are asked for again ever takes in a model whose
layers have a few inputs."""

MOST_STEPS_IN_ALL = 50 * MOST_STEPS
"""Steps of one pattern in a whole model, some ten seconds: a residual block takes about ten for each layer."""


class TooManySteps(Exception):
    """There are more ways to try than `MOST_STEPS`."""


class Failure(NamedTuple):
    """Why a search went no further, put into words only when somebody asks: `call` is not what `wanted` says, or what
    `call` reads from `other`."""

    kind: str = ""
    call: Call | None = None
    wanted: Atom | str = ""
    other: Call | None = None

    def sentence(self, index: LayerIndex) -> str:
        """The reason for people."""
        if self.call is None:
            return "nothing follows"
        path, layer = self.call.layer.path, self.call.layer
        if isinstance(self.wanted, Atom):
            found = f'Operation("{layer.class_name}")' if layer.operation else layer.class_name
            return f"`{path}` is `{found}`, not {self.wanted.words}"
        if self.kind == "other" and self.other is not None:
            return f"input `{self.other.layer.path}` of `{path}` is not `{self.wanted}`"
        return f"`{path}` has {self.wanted}" if self.kind == "inputs" else index.why_not_one_consumer(self.call)


Trail = tuple[Any, Any] | None
"""The way to a situation, backwards: what was met last and the trail before it. What was met is a call, an Open or a
Close, or a tuple with the trails of a merge's inputs."""


def as_path(trail: Trail) -> Path:
    """The same, from its beginning."""
    path: Path = ()
    while trail is not None:
        step, trail = trail
        path = (tuple(map(as_path, step)) if type(step) is tuple else step), path
    return path


class _Known(NamedTuple):
    """The captures that a merge asks for again, as far as they are known: the last layer of each, by its index.
    `owed` are those that have been asked for before they were met, which happens read backwards."""

    layers: tuple[tuple[str, int], ...] = ()
    owed: frozenset[str] = frozenset()

    def layer(self, name: str) -> int | None:
        for known, layer in self.layers:
            if known == name:
                return layer
        return None

    def has(self, call: Call) -> bool:
        """Whether *call* is the last layer of one of them."""
        return any(layer == call.index for _, layer in self.layers)

    def met(self, name: str, call: Call) -> _Known | None:
        """With *call* as the last layer of the capture; None if another one was asked for."""
        if name in self.owed:
            return self._replace(owed=self.owed - {name}) if self.layer(name) == call.index else None
        return self._replace(layers=(*self.layers, (name, call.index)))

    def asked(self, name: str, call: Call) -> _Known | None:
        """With the capture asked for as *call*, perhaps before it was met; None if it is another."""
        layer = self.layer(name)
        if layer is None:
            return _Known((*self.layers, (name, call.index)), self.owed | {name})
        return self if layer == call.index else None


_NOTHING = _Known()
_MARKS = (Open, Close)


class _State(NamedTuple):
    """A situation, and the way to it.

    `previous` is the layer that was met last, None before the first. `opened` are the captures asked for again that
    have begun: forwards with the layer before them, backwards those without a layer so far. `arrow` is, read backwards,
    what must come next: None anything that the last layer reads, an empty tuple nothing. `length` is the number of
    layers so far.
    """

    node: Node
    previous: Call | None = None
    known: _Known = _NOTHING
    opened: tuple[tuple[str, int], ...] = ()
    arrow: Calls | None = None
    trail: Trail = None
    length: int = 0


class _Result(NamedTuple):
    """What a way comes to; `met` is whether it met a layer, and not only the absence of optional parts."""

    known: _Known
    trail: Trail
    length: int
    met: bool


_Results = tuple[list[_Result], tuple[int, Failure]]


@dataclass
class Search:
    """Finds matches of *program*. `furthest` is how many layers agreed in the last search that failed, and what did not
    agree then; `steps` how many it took."""

    program: Program
    index: LayerIndex
    furthest: tuple[int, Failure] = (-1, Failure())
    steps: int = 0
    _found: dict[tuple[object, ...], _Results] = field(default_factory=dict)

    def match_from(self, first: Call) -> Trail:
        """The preferred match that begins at *first*; None if there is none.

        Raises:
            TooManySteps: it could not be found out.
        """
        self.furthest, self.steps = (-1, Failure()), 0
        result = next(self._run(self.program.start, first, None), None)
        return None if result is None else result.trail

    def _run(self, node: Node, first: Call, reader: Call | None, known: _Known = _NOTHING) -> Iterator[_Result]:
        """Every way in which *node* and what follows it fit, the preferred first. The first layer is *first*. With a
        *reader*, a merge that reads it, it is the last layer instead, and *node* is read backwards."""
        visited: set[tuple[object, ...]] = set()
        ways: list[_State | Iterator[_State]] = [_State(node, None, known)]  # still to be tried, the next one last
        plain = not self.program.reused
        while ways:
            way = ways.pop()
            if not isinstance(way, _State):
                state = next(way, None)
                if state is None:
                    continue
                ways.append(way)
            else:
                state = way
            if type(state.node) in _MARKS:
                state = self._past_marks(state, reader)
            node = state.node
            key = (id(node), state.previous, state.arrow) if plain else (id(node), *state[1:5])
            if key in visited:
                continue
            visited.add(key)
            self._step()
            if type(node) is Fork:
                situation = state[1:]
                ways += [_State(branch, *situation) for branch in reversed(node.branches)]
            elif type(node) is Atom:
                if reader is not None:
                    ways.append(self._backwards(node, state, first))
                elif node.merge is None and (plain or state.previous is None or not state.known.has(state.previous)):
                    self._onwards(node, state, first, ways)
                else:
                    ways.append(self._forwards(node, state, first))
            elif type(node) is Reference:
                ways.append(self._same(node, state, first, reader))
            elif not state.arrow and (reader is not None or not state.known.owed):
                yield _Result(state.known, state.trail, state.length, state.previous is not None)

    # ---- captures

    def _past_marks(self, state: _State, reader: Call | None) -> _State:
        """Past captures that begin or end."""
        node, previous, known, opened, arrow, trail, length = state
        while True:
            if type(node) is Open:
                if node.reused:
                    opened = (*opened, (node.name, -1 if previous is None or reader is not None else previous.index))
            elif type(node) is Close:
                if node.reused:
                    began = dict(opened).get(node.name)
                    opened = tuple(item for item in opened if item[0] != node.name)
                    if reader is None and previous is not None and previous.index != began:
                        known = known.met(node.name, previous) or known
            else:
                return _State(node, previous, known, opened, arrow, trail, length)
            trail, node = (node, trail), node.next

    def _same(self, node: Reference, state: _State, first: Call, reader: Call | None) -> Iterator[_State]:
        """A capture asked for again, with which an input, read backwards, comes to its end."""
        previous = state.previous
        choice = (first,) if previous is None else self._producers(previous, state)
        for call in choice:
            known = state.known.asked(node.name, call)
            if known is not None:
                yield state._replace(node=node.next, previous=call, known=known, arrow=())
                return
        self._fail(state.length, Failure("other", previous or reader, node.name, choice[0] if choice else None))

    # ---- layers, read forwards

    def _onwards(self, atom: Atom, state: _State, first: Call, ways: list[_State | Iterator[_State]]) -> None:
        """To the one layer that can come next."""
        previous, count = state.previous, state.length
        call = first if previous is None else self.index.only_consumer(previous)
        if call is None:
            self._fail(count, Failure("consumers", previous))
        elif atom.accepts(call.layer):
            ways.append(_State(atom.next, call, state.known, state.opened, None, (call, state.trail), count + 1))
        else:
            self._fail(count, Failure("class", call, atom))

    def _forwards(self, atom: Atom, state: _State, first: Call) -> Iterator[_State]:
        """To a merge, or from a layer that is asked for again, which may have several readers."""
        previous = state.previous
        if previous is None:
            choice: Calls = (first,)
        elif state.known.has(previous):
            choice = self.index.consumers(previous)
        else:
            only = self.index.only_consumer(previous)
            if only is None:
                self._fail(state.length, Failure("consumers", previous))
                return
            choice = (only,)
        for call in choice:
            if not atom.accepts(call.layer):
                self._fail(state.length, Failure("class", call, atom))
            elif atom.merge is None:
                trail = (call, state.trail)
                yield _State(atom.next, call, state.known, state.opened, None, trail, state.length + 1)
            else:
                others = call.inputs if previous is None else without_arrow(call, previous.index)
                for known, trails, count in self._inputs(atom.merge, call, others, state.known, state.length):
                    if not known.owed:
                        trail = (call, (trails, state.trail))
                        yield _State(atom.next, call, known, state.opened, None, trail, count + 1)

    # ---- layers, read backwards

    def _backwards(self, atom: Atom, state: _State, first: Call) -> Iterator[_State]:
        previous = state.previous
        for call in (first,) if previous is None else self._producers(previous, state):
            if not atom.accepts(call.layer):
                self._fail(state.length, Failure("class", call, atom))
                continue
            known: _Known | None = state.known
            for name, _ in state.opened:
                known = known and known.met(name, call)
            if known is None:
                continue
            if atom.merge is None:
                yield _State(atom.next, call, known, (), None, (call, state.trail), state.length + 1)
                continue
            for arrow, others in _arrows(call):
                producers = () if arrow is None else (self.index.producer(arrow),)
                for reached, trails, count in self._inputs(atom.merge, call, others, known, state.length):
                    yield _State(atom.next, call, reached, (), producers, (call, (trails, state.trail)), count + 1)

    def _producers(self, call: Call, state: _State) -> Calls:
        """From where the arrow to *call* may come: from layers that it alone reads, or that are asked for again."""
        choice = state.arrow
        if choice is None:
            choice = tuple(dict.fromkeys([self.index.producer(value) for value in call.inputs]))
        again = bool(state.opened) or isinstance(state.node, Reference)
        found = tuple([each for each in choice if again or self.index.only_consumer(each) is call])
        if not found:
            failure = Failure("consumers", choice[0]) if choice else Failure("inputs", call, "no such input")
            self._fail(state.length, failure)
        return found

    # ---- what a merge reads

    def _inputs(
        self, merge: MergeInputs, call: Call, values: Sequence[Value], known: _Known, count: int
    ) -> Iterator[tuple[_Known, tuple[Trail, ...], int]]:
        """The ways in which the inputs of *call* are what *merge* asks for: where they do not differ in what is known,
        the preferred one."""
        wanted = len(merge.inputs)
        if len(values) < wanted or (len(values) > wanted and not merge.rest):
            least = "at least " if merge.rest else ""
            self._fail(count, Failure("inputs", call, f"{len(values)} such inputs, not {least}{wanted}"))
            return iter(())
        producers = tuple([self.index.producer(value) for value in values])
        ways = self._assigned(merge, 0, producers, call, known, count)
        return islice(ways, 1) if all(part.free for part in merge.inputs) else ways

    def _assigned(
        self, merge: MergeInputs, number: int, left: Calls, call: Call, known: _Known, count: int
    ) -> Iterator[tuple[_Known, tuple[Trail, ...], int]]:
        """The inputs from the *number*-th on, which are to come from the layers *left*."""
        self._step()
        if number == len(merge.inputs):
            yield known, (), count
            return
        if merge.any_order and not self._can_be_assigned(merge.inputs[number:], left, call, known, count):
            return
        part = merge.inputs[number]
        # A part takes what it fits before it is absent.
        for met in (True, False) if merge.any_order else (None,):
            for position, producer in enumerate(left if merge.any_order else left[:1]):
                if producer in left[:position]:
                    continue
                others = left[:position] + left[position + 1 :]
                for way in self._input(part, producer, call, known, count):
                    if met is None or met == way.met:
                        for final, trails, total in self._assigned(
                            merge, number + 1, others, call, way.known, way.length
                        ):
                            yield final, (way.trail, *trails), total

    def _can_be_assigned(self, parts: Sequence[MergeInput], left: Calls, call: Call, known: _Known, count: int) -> bool:
        """Whether those of *parts* that do not depend on the rest of the match can each have a layer of their own."""
        free = [part for part in parts if part.free]
        fits = [[k for k, one in enumerate(left) if self._input(part, one, call, known, count)] for part in free]
        return can_be_placed(fits, set(range(len(left))))

    def _input(self, part: MergeInput, producer: Call, reader: Call, known: _Known, count: int) -> list[_Result]:
        """Every way in which the input of *reader* that comes from *producer* is what *part* asks for, found out once.
        Of a part that does not depend on the rest of the match there is one."""
        key = (id(part), producer.index) if part.free else (id(part), producer.index, reader.index, known)
        if key not in self._found:
            before, self.furthest = self.furthest, (-1, Failure())
            ways = self._run(part.start, producer, reader, _NOTHING if part.free else known)
            self._found[key] = list(islice(ways, 1) if part.free else ways), self.furthest
            self.furthest = before
        results, (furthest, failure) = self._found[key]
        if not results:
            self._fail(count + furthest, failure)
        return [way._replace(known=known if part.free else way.known, length=count + way.length) for way in results]

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooManySteps

    def _fail(self, count: int, failure: Failure) -> None:
        if count > self.furthest[0]:
            self.furthest = (count, failure)


def _arrows(call: Call) -> Iterator[tuple[Value | None, tuple[Value, ...]]]:
    """Each input that an arrow may bring, with the others; at last none, with all."""
    seen = set()
    for position, value in enumerate(call.inputs):
        if value.call not in seen:
            seen.add(value.call)
            yield value, call.inputs[:position] + call.inputs[position + 1 :]
    yield None, call.inputs
