"""Which calls of a layer graph a pattern speaks of, and for the rest why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from qspec.graph.layers import Call
from qspec.plan.index import LayerIndex
from qspec.plan.program import Atom, Program, room_for_patterns
from qspec.plan.quick import Calls, Onwards, Path, collected, matcher
from qspec.plan.search import MOST_STEPS, MOST_STEPS_IN_ALL, Failure, Search, TooManySteps, as_path

_NONE: Mapping[str, Calls] = {}  # one for all matches without captures: a model has many


class Match(NamedTuple):
    """What a pattern matched: `calls` in execution order and, by name, the calls of each capture that is there.

    Captures inside a used pattern are under its name: `block.conv`.
    """

    first: Call
    calls: Calls
    captures: Mapping[str, Calls]


@dataclass(frozen=True, eq=False)
class Mismatch:
    """Why no match begins at `first`. It is found out when somebody asks: most rules match something."""

    first: Call
    _search: Search = field(repr=False)

    @property
    def matched(self) -> int:
        """How many layers agreed before something did not."""
        return self._furthest[0]

    @property
    def failure(self) -> Failure:
        """What did not agree."""
        return self._furthest[1]

    @property
    def reason(self) -> str:
        """The same in a sentence."""
        return self.failure.sentence(self._search.index)

    @cached_property
    def _furthest(self) -> tuple[int, Failure]:
        with suppress(TooManySteps), room_for_patterns():
            self._search.match_from(self.first)
        return self._search.furthest


@dataclass(frozen=True, eq=False)
class Found:
    """All matches in execution order of their first layers. `given_up` are first layers from which there are too many
    ways to try them all."""

    matches: tuple[Match, ...]
    given_up: tuple[Call, ...] = ()
    _failed: tuple[Call, ...] = field(default=(), repr=False)
    _search: Search | None = field(default=None, repr=False)

    @cached_property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """For the layers that could have been first but are not, why not."""
        return tuple(Mismatch(call, self._search) for call in self._failed if self._search is not None)


def find(program: Program, index: LayerIndex) -> Found:
    """Match *program* wherever it fits: one match per first layer, overlapping ones included."""
    candidates = _candidates(program, index)
    if isinstance(program.start, Atom) and not program.several and program.start.merge is None:
        return Found(tuple([Match(call, (call,), _NONE) for call in candidates]))
    search = Search(program, index)
    matches: list[Match] = []
    failed: list[Call] = []
    given_up: list[Call] = []
    with room_for_patterns():
        match_from = _searched(search, given_up) if program.reused else matcher(program.start, index)
        for call in candidates:
            path = match_from(call)
            if path is None:
                failed.append(call)
            else:
                matches.append(Match(call, *collected(path)))
    failed = [call for call in failed if call not in given_up] if given_up else failed
    return Found(tuple(matches), tuple(given_up), tuple(failed), search)


def _searched(search: Search, given_up: list[Call]) -> Onwards:
    """The search as a function. What no reader's class can follow is told at once."""
    second = search.program.second_atoms()
    steps = 0

    def match_from(first: Call) -> Path | None:
        nonlocal steps
        if second is not None:
            readers = search.index.consumers(first)
            if not any(atom.accepts(reader.layer) for reader in readers for atom in second):
                return None
        try:
            trail = search.match_from(first) if steps < MOST_STEPS_IN_ALL else None
        except TooManySteps:
            trail = None
        steps += search.steps
        if trail is None and (search.steps > MOST_STEPS or steps >= MOST_STEPS_IN_ALL):
            given_up.append(first)
        return None if trail is None else as_path(trail)

    return match_from


def _candidates(program: Program, index: LayerIndex) -> Iterable[Call]:
    atoms = list(program.first_atoms())
    if any(atom.class_name is None for atom in atoms):
        return index.graph.calls
    keys = dict.fromkeys((atom.class_name or "", atom.operation) for atom in atoms)
    found = [index.by_class.get(key, ()) for key in keys]
    return found[0] if len(found) == 1 else sorted((call for calls in found for call in calls), key=_position)


def _position(call: Call) -> int:
    return call.index
