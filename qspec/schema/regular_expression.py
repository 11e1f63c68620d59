"""Regular expressions for `matches`, as a machine that reads each character once: none can take long."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TypeAlias

from qspec.schema.regex_problems import MOST_STATES, RegexProblem, first_problem, too_large

_MOST_REMEMBERED = 10_000  # situations of one expression

_TOKEN = re.compile(
    r"(?P<assertion>[\^$]|\\[AZbB])"
    r"|(?P<back>\\[0-9])"
    r"|(?P<character>\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|.)|\[\^?+\]?+(?:\\.|[^\]\\])*\])"
    r"|(?P<extension>\(\?(?!:))"
    r"|(?P<open>\((?:\?:)?)"
    r"|(?P<close>\))"
    r"|(?P<repeat>[*+?]|\{(?:(?P<times>[0-9]+)|(?P<low>[0-9]*),(?P<high>[0-9]*))\})(?P<lazy>\??)"
    r"|(?P<choice>\|)"
    r"|(?P<any>\.)"
    r"|(?P<literal>.)",
    re.DOTALL,
)
_WORD = re.compile(r"\w")


# ---- the expression as a tree


@dataclass(frozen=True, slots=True, eq=False)
class _Character:
    """One character that `test` takes."""

    test: re.Pattern[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Assertion:
    r"""A place between characters: `^`, `$`, `\A`, `\Z`, `\b` or `\B`."""

    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Alternatives, each a sequence."""

    alternatives: list[list[_Part]] = field(default_factory=lambda: [[]])


@dataclass(frozen=True, slots=True, eq=False)
class _Repeat:
    """From `low` to `high` times, None: without end. The quantifier stands at `place`."""

    part: _Part
    low: int
    high: int | None
    place: tuple[int, int]


_Part: TypeAlias = _Character | _Assertion | _Group | _Repeat


# ---- the machine: states by number, the last of which accepts


@dataclass(frozen=True, slots=True, eq=False)
class _Fork:
    """Goes on in each of these states without reading anything."""

    ways: list[int]


_State: TypeAlias = tuple[_Character | _Assertion, int] | _Fork | None


@dataclass(eq=False)
class RegularExpression:
    """An expression ready to be held against texts: a machine of `states`, of which any number are reached at once.
    A character costs a step of each; where reading stood before is remembered, and costs next to nothing."""

    states: list[_State] = field(default_factory=list)
    start: int = 0
    looks_back: bool = False  # whether a state asks for the character before it
    _known: dict[tuple[frozenset[int], str], _Situation] = field(default_factory=dict)

    def fullmatch(self, text: str) -> bool:
        """Whether the whole of *text* fits."""
        situation = self.situation(frozenset({self.start}), "")
        for character in text:
            situation = situation[character]
        return situation.accepts

    def situation(self, reached: frozenset[int], before: str) -> _Situation:
        """The situation with these states reached, behind the character *before*."""
        key = reached, before if self.looks_back else ""
        if key not in self._known:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = _Situation(self, *key)
        return self._known[key]

    def closure(self, reached: frozenset[int], before: str, after: str) -> set[int]:
        """*reached* and all that follows without reading, between the characters *before* and *after*."""
        pending, seen = list(reached), set(reached)
        while pending:
            match self.states[pending.pop()]:
                case _Fork(ways):
                    new = ways
                case (_Assertion(kind), then) if _holds(kind, before, after):
                    new = [then]
                case _:
                    continue
            pending += [way for way in new if way not in seen]
            seen.update(new)
        return seen


class _Situation(dict[str, "_Situation"]):
    """Where reading stands: the states that are reached. By each character, where it stands behind that; found when it
    is first read."""

    def __init__(self, machine: RegularExpression, reached: frozenset[int], before: str) -> None:
        super().__init__()
        self.machine, self.reached, self.before = machine, reached, before

    def __missing__(self, character: str) -> _Situation:
        states = self.machine.states
        found = (states[number] for number in self.machine.closure(self.reached, self.before, character))
        pairs = (state for state in found if isinstance(state, tuple))
        following = frozenset(then for part, then in pairs if _takes(part, character))
        self[character] = self.machine.situation(following, character)
        return self[character]

    @cached_property
    def accepts(self) -> bool:
        """Whether a text that ends here fits."""
        closure = self.machine.closure(self.reached, self.before, "")
        return any(self.machine.states[number] is None for number in closure)


def _takes(part: _Character | _Assertion, character: str) -> bool:
    return isinstance(part, _Character) and part.test.fullmatch(character) is not None


def _holds(kind: str, before: str, after: str) -> bool:
    match kind:
        case "^" | r"\A":
            return not before
        case "$" | r"\Z":
            return not after
    at_edge = (_WORD.match(before) is None) != (_WORD.match(after) is None)
    return at_edge == (kind == r"\b")


# ---- from text to machine


@lru_cache(maxsize=256)
def compile_regex(pattern: str) -> RegularExpression | RegexProblem:
    """The expression in Python's syntax, or what is wrong with it.

    What a machine without memory cannot do is refused: look-around and other `(?…)`, back-references. So is what comes
    to more than `MOST_STATES` states.
    """
    tokens = list(_TOKEN.finditer(pattern))
    problem = first_problem(pattern, tokens)
    if problem is not None:
        return problem
    tree = _tree(tokens)
    if _size(tree) > MOST_STATES:
        largest = max(_repeats(tree), key=_size, default=None)
        return too_large((0, len(pattern)) if largest is None else largest.place)
    return _machine(tree)


def _tree(tokens: list[re.Match[str]]) -> _Group:
    """The tree of an expression without mistakes."""
    groups = [_Group()]
    for token in tokens:
        sequence = groups[-1].alternatives[-1]
        if token["open"]:
            groups.append(_Group())
            sequence.append(groups[-1])
        elif token["close"]:
            groups.pop()
        elif token["choice"]:
            groups[-1].alternatives.append([])
        elif token["repeat"]:
            sequence.append(_Repeat(sequence.pop(), *_bounds(token), token.span("repeat")))
        elif token["assertion"]:
            sequence.append(_Assertion(token.group()))
        else:
            text = re.escape(token.group()) if token["literal"] else token.group()
            sequence.append(_Character(_compiled(text)))
    return groups[0]


def _compiled(text: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.compile(text)


def _repeats(part: _Part) -> Iterator[_Repeat]:
    """The outermost repetitions in *part*, in order."""
    match part:
        case _Repeat():
            yield part
        case _Group(alternatives):
            for sequence in alternatives:
                for each in sequence:
                    yield from _repeats(each)


def _bounds(token: re.Match[str]) -> tuple[int, int | None]:
    match token["repeat"]:
        case "*":
            return 0, None
        case "+":
            return 1, None
        case "?":
            return 0, 1
    if token["times"]:
        return int(token["times"]), int(token["times"])
    return int(token["low"] or 0), int(token["high"]) if token["high"] else None


def _size(part: _Part) -> int:
    """How many states *part* comes to, or somewhat more."""
    match part:
        case _Repeat(inner, low, high, _):
            return max(1, low + 1 if high is None else high) * (_size(inner) + 1)
        case _Group(alternatives):
            return sum(sum(map(_size, sequence)) for sequence in alternatives) + len(alternatives) - 1
    return 1


def _machine(tree: _Group) -> RegularExpression:
    """The states of *tree*, made from the end: each knows where it goes on."""
    machine = RegularExpression()
    machine.states.append(None)

    def add(state: _State) -> int:
        machine.states.append(state)
        return len(machine.states) - 1

    def build(part: _Part, then: int) -> int:
        match part:
            case _Group(alternatives):
                ways = [sequence(one, then) for one in alternatives]
                return ways[0] if len(ways) == 1 else add(_Fork(ways))
            case _Repeat(inner, low, high, _):
                return repeat(inner, low, high, then)
        machine.looks_back |= isinstance(part, _Assertion)
        return add((part, then))

    def sequence(parts: list[_Part], then: int) -> int:
        for part in reversed(parts):
            then = build(part, then)
        return then

    def repeat(part: _Part, low: int, high: int | None, then: int) -> int:
        if high is None:
            loop = _Fork([then])
            then = add(loop)
            loop.ways.append(build(part, then))
        for _ in range(0 if high is None else high - low):
            then = add(_Fork([build(part, then), then]))
        for _ in range(low):
            then = build(part, then)
        return then

    machine.start = build(tree, 0)
    return machine
