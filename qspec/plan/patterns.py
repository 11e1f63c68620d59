"""Which calls of a layer graph a pattern speaks of, and for the rest why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from qspec.graph.layers import Call, Value
from qspec.plan.index import LayerIndex
from qspec.plan.program import Accept, Atom, Close, Fork, MergeInputs, Node, Open, Program


@dataclass(frozen=True, slots=True)
class Match:
    """What a pattern matched: `calls` in execution order and, by name, the calls of each capture that is there.

    Captures inside a used pattern are under its name: `block.conv`.
    """

    first: Call
    calls: tuple[Call, ...]
    captures: Mapping[str, tuple[Call, ...]]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why no match begins at `first`: `matched` layers agreed, then `reason`."""

    first: Call
    matched: int
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """All matches in execution order of their first layers, and for the layers that could have been first but are not,
    why not."""

    matches: tuple[Match, ...]
    mismatches: tuple[Mismatch, ...]


def find(program: Program, index: LayerIndex) -> Found:
    """Match *program* wherever it fits: one match per first layer, overlapping ones included."""
    matches: list[Match] = []
    mismatches: list[Mismatch] = []
    for call in _candidates(program, index):
        result = match_at(program, index, call)
        if isinstance(result, Match):
            matches.append(result)
        else:
            mismatches.append(result)
    return Found(tuple(matches), tuple(mismatches))


def match_at(program: Program, index: LayerIndex, call: Call) -> Match | Mismatch:
    """The match that begins at *call*: alternatives in written order, optional parts greedily."""
    attempt = _Attempt(program, index)
    state = next(attempt.run(program.start, None, (call,), _State()), None)
    if state is None:
        return Mismatch(call, attempt.furthest, attempt.reason)
    return Match(call, _in_order(state.calls), {name: _in_order(calls) for name, calls in state.captures})


def _candidates(program: Program, index: LayerIndex) -> Iterable[Call]:
    atoms = list(program.first_atoms())
    if any(atom.class_name is None for atom in atoms):
        return index.graph.calls
    keys = {(atom.class_name or "", atom.operation) for atom in atoms}
    found = [call for key in keys for call in index.by_class.get(key, ())]
    return sorted(found, key=lambda call: call.index)


def _in_order(calls: Iterable[Call]) -> tuple[Call, ...]:
    return tuple(sorted(set(calls), key=lambda call: call.index))


@dataclass(frozen=True, slots=True)
class _State:
    """How far a match has come. `opened` are captures not yet closed, with the number of calls before them; `arrow` is,
    backwards, the call from which a merge's arrow must come (an empty tuple: none may)."""

    calls: tuple[Call, ...] = ()
    opened: tuple[tuple[str, int], ...] = ()
    captures: tuple[tuple[str, tuple[Call, ...]], ...] = ()
    arrow: tuple[Call, ...] | None = None

    def open(self, name: str) -> _State:
        return replace(self, opened=(*self.opened, (name, len(self.calls))))

    def close(self, name: str) -> _State:
        start = next(start for opened, start in reversed(self.opened) if opened == name)
        opened = tuple(item for item in self.opened if item != (name, start))
        captured = self.calls[start:]
        captures = (*self.captures, (name, captured)) if captured else self.captures
        return replace(self, opened=opened, captures=captures)

    def captured(self, name: str) -> tuple[Call, ...]:
        return dict(self.captures).get(name, ())


@dataclass
class _Attempt:
    """One search, from one first layer. Remembers dead ends, and the furthest point with what went wrong there."""

    program: Program
    index: LayerIndex
    furthest: int = -1
    reason: str = ""
    dead: set[tuple[object, ...]] = field(default_factory=set)

    def run(
        self, node: Node, previous: Call | None, first: tuple[Call, ...], state: _State, *, back: bool = False
    ) -> Iterator[_State]:
        """Every way in which *node* and what follows it fit behind *previous* (before it if *back*); without one, the
        first layer is one of *first*."""
        while isinstance(node, Open | Close):
            state = state.open(node.name) if isinstance(node, Open) else state.close(node.name)
            node = node.next
        key = (id(node), previous and previous.index, first, state.arrow, self._reused(state), back)
        if key in self.dead:
            return
        alive = False
        for result in self._step(node, previous, first, state, back):
            alive = True
            yield result
        if not alive:
            self.dead.add(key)

    def _reused(self, state: _State) -> tuple[object, ...]:
        return tuple(state.captured(name) for name in sorted(self.program.reused))

    def _step(
        self, node: Node, previous: Call | None, first: tuple[Call, ...], state: _State, back: bool
    ) -> Iterator[_State]:
        match node:
            case Accept():
                if not state.arrow:
                    yield state
            case Fork():
                for branch in node.branches:
                    yield from self.run(branch, previous, first, state, back=back)
            case Atom():
                for call in self._next_calls(previous, first, state, back):
                    for reached in self._atom(node, call, previous, state, back):
                        yield from self.run(node.next, call, (), reached, back=back)

    def _next_calls(
        self, previous: Call | None, first: tuple[Call, ...], state: _State, back: bool
    ) -> tuple[Call, ...]:
        if previous is None:
            return first
        if back:
            producers = dict.fromkeys(map(self.index.producer, previous.inputs))
            choice = tuple(producers) if state.arrow is None else state.arrow
            return tuple(call for call in choice if self._leads_to(call, previous, state))
        if self._asked_again(previous, state):
            return self.index.consumers(previous)
        consumer = self.index.only_consumer(previous)
        if isinstance(consumer, str):
            self._fail(state, consumer)
            return ()
        return (consumer,)

    def _leads_to(self, call: Call, consumer: Call, state: _State) -> bool:
        only = self.index.only_consumer(call)
        if isinstance(only, str) and not self.program.reused:
            self._fail(state, only)
        # Read backwards, a capture that is asked for again later has not been made yet.
        return only is consumer or bool(self.program.reused)

    def _asked_again(self, call: Call, state: _State) -> bool:
        captured = (state.captured(name) for name in self.program.reused)
        return any(calls and calls[-1] is call for calls in captured)

    def _atom(self, atom: Atom, call: Call, previous: Call | None, state: _State, back: bool) -> Iterator[_State]:
        layer = call.layer
        if atom.class_name is not None and (layer.class_name, layer.operation) != (atom.class_name, atom.operation):
            wanted = f'Operation("{atom.class_name}")' if atom.operation else atom.class_name
            found = f'Operation("{layer.class_name}")' if layer.operation else layer.class_name
            self._fail(state, f"`{layer.path}` is `{found}`, not `{wanted}`")
            return
        if atom.merge is None:
            yield replace(state, calls=(*state.calls, call), arrow=None)
        elif back:
            yield from self._merge_backwards(atom.merge, call, state)
        else:
            inputs = _without_arrow(call, previous)
            for reached in self._inputs(atom.merge, call, inputs, state):
                yield replace(reached, calls=(*reached.calls, call))

    def _merge_backwards(self, merge: MergeInputs, call: Call, state: _State) -> Iterator[_State]:
        for position, value in enumerate(call.inputs):
            others = call.inputs[:position] + call.inputs[position + 1 :]
            for reached in self._inputs(merge, call, others, state):
                yield replace(reached, calls=(*reached.calls, call), arrow=(self.index.producer(value),))
        for reached in self._inputs(merge, call, call.inputs, state):
            yield replace(reached, calls=(*reached.calls, call), arrow=())

    def _inputs(self, merge: MergeInputs, call: Call, values: tuple[Value, ...], state: _State) -> Iterator[_State]:
        wanted = len(merge.inputs)
        if len(values) < wanted or (len(values) > wanted and not merge.rest):
            least = "at least " if merge.rest else ""
            self._fail(state, f"`{call.layer.path}` has {len(values)} such inputs, not {least}{wanted}")
            return
        if merge.any_order:
            yield from self._any_order(merge.inputs, call, values, state)
        else:
            yield from self._in_order(merge.inputs, call, values, state)

    def _in_order(
        self, parts: tuple[Node | str, ...], call: Call, values: tuple[Value, ...], state: _State
    ) -> Iterator[_State]:
        if not parts:
            yield state
            return
        for reached in self._input(parts[0], call, values[0], state):
            yield from self._in_order(parts[1:], call, values[1:], reached)

    def _any_order(
        self, parts: tuple[Node | str, ...], call: Call, values: tuple[Value, ...], state: _State
    ) -> Iterator[_State]:
        if not parts:
            yield state
            return
        # A part that fits no input ends the search at once; trying every order first would take factorial time.
        if not all(any(self._fits(part, call, value, state) for value in values) for part in parts):
            return
        for position, value in enumerate(values):
            others = values[:position] + values[position + 1 :]
            for reached in self._input(parts[0], call, value, state):
                yield from self._any_order(parts[1:], call, others, reached)

    def _fits(self, part: Node | str, call: Call, value: Value, state: _State) -> bool:
        return next(self._input(part, call, value, state), None) is not None

    def _input(self, part: Node | str, call: Call, value: Value, state: _State) -> Iterator[_State]:
        producer = self.index.producer(value)
        if not isinstance(part, str):
            for reached in self.run(part, None, (producer,), replace(state, arrow=None), back=True):
                yield replace(reached, arrow=None)
        elif (calls := state.captured(part)) and calls[-1] is producer:
            yield state
        else:
            self._fail(state, f"input `{producer.layer.path}` of `{call.layer.path}` is not `{part}`")

    def _fail(self, state: _State, reason: str) -> None:
        if len(state.calls) > self.furthest:
            self.furthest, self.reason = len(state.calls), reason


def _without_arrow(call: Call, previous: Call | None) -> tuple[Value, ...]:
    """The inputs of *call* but for the one that the arrow from *previous* brings."""
    if previous is None:
        return call.inputs
    position = next(position for position, value in enumerate(call.inputs) if value.call == previous.index)
    return call.inputs[:position] + call.inputs[position + 1 :]
