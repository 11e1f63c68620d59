"""`where`: for which matches a condition is true."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import compress
from typing import Any

from qspec.diagnostics import Advice, Diagnostic, Fix, Span, writing
from qspec.diagnostics.catalogue import INVALID_EXPRESSION, UNKNOWN_LAYER_ATTRIBUTE
from qspec.graph.layers import Call
from qspec.plan.layer_attributes import Attributes
from qspec.plan.nearness import nearness
from qspec.plan.patterns import Match
from qspec.plan.position import Position
from qspec.plan.program import Program
from qspec.plan.quick_conditions import Column, quick
from qspec.schema.evaluate import UNKNOWN, Mistake, condition_holds, describe, step_into
from qspec.schema.named_parts import GENERAL, split_path
from qspec.schema.names import listed
from qspec.syntax import tree

# What few conditions ask for, in the config of most layers.
_INTERNAL = ("quantization_config", "_constraint", "_regularizer", "_initializer")


@dataclass(frozen=True, eq=False)
class Rejected:
    """A match for which the condition is not true. Why is found out when somebody asks: most rules match something."""

    match: Match
    _condition: _Condition = field(repr=False)
    _position: int

    @property
    def part(self) -> tree.Expression:
        """The first of the parts that `and` joins which is not true."""
        return self._why[1]

    @cached_property
    def values(self) -> tuple[tuple[str, Any], ...]:
        """The attributes in that part as they are written, each with its value; `UNKNOWN` if it has none."""
        return tuple(self._condition.values_in(self.part, self._position))

    @cached_property
    def reason(self) -> str:
        """The values in that part, in a sentence."""
        told = ", ".join(
            f"`{word}` is unknown" if value is UNKNOWN else f"`{word}` is {_spelled(value)}"
            for word, value in self.values
        )
        return told or "the condition is not true"

    @cached_property
    def nearness(self) -> float:
        """How near it came: the parts that are true, and how alike the two sides of the first are that is not."""
        number, part = self._why
        if any(value is UNKNOWN for _, value in self.values):
            return number - 0.5
        return number + nearness(part, self._condition.lookup(self._position))

    @cached_property
    def _why(self) -> tuple[int, tree.Expression]:
        return self._condition.first_not_true(self._position)


@dataclass(frozen=True, eq=False)
class Selected:
    """The matches for which a condition is true, and what is wrong with the condition."""

    matches: tuple[Match, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    _condition: _Condition | None = field(default=None, repr=False)

    @cached_property
    def rejected(self) -> tuple[Rejected, ...]:
        """The matches for which it is not true."""
        condition = self._condition
        if condition is None:
            return ()
        positions = (position for position, true in enumerate(condition.true) if not true)
        return tuple(Rejected(condition.matches[position], condition, position) for position in positions)

    def by(self, part: tree.Expression) -> Selected:
        """What *part* of the condition, which has a meaning, selects by itself of all that the pattern matched."""
        whole = self._condition
        assert whole is not None, "there is no condition to be part of"
        condition = _Condition(part, whole.program, whole.matches, whole.known, whole.columns)
        mistakes = list(condition.mistakes())
        assert not mistakes, "a part of what has a meaning has one"
        return Selected(tuple(compress(whole.matches, condition.true)), (), condition)

    def values(self, path: tree.Path) -> Column:
        """What *path*, which stands in the condition, is in each match."""
        assert self._condition is not None, "there is no condition"
        return self._condition.column(path)


def select(where: tree.Expression | None, program: Program, matches: tuple[Match, ...], known: Attributes) -> Selected:
    """The *matches* for which *where* is true."""
    if where is None or not matches:
        return Selected(matches)
    condition = _Condition(where, program, matches, known)
    mistakes: dict[Span, Mistake] = {}
    for mistake in condition.mistakes():
        mistakes.setdefault(mistake.span, mistake)
    if mistakes:
        diagnostics = (INVALID_EXPRESSION.at(m.span, m.message, help=m.help) for m in mistakes.values())
        return Selected((), tuple(diagnostics))
    if condition.unknown:
        return Selected((), tuple(condition.unknown_attributes()))
    return Selected(tuple(compress(matches, condition.true)), (), condition)


@dataclass
class _Condition:
    """A condition over all matches of a pattern, so that an attribute which none has can be told from one which some
    lack."""

    where: tree.Expression
    program: Program
    matches: tuple[Match, ...]
    known: Attributes
    columns: dict[tree.Path, Column] = field(default_factory=dict)
    true: list[bool] = field(default_factory=list)

    def mistakes(self) -> Iterator[Mistake]:
        """Evaluates everything once; what has no meaning, and then the answers in `true`."""
        question = quick(self.where)
        answers = [None] * len(self.matches) if question is None else question(self.column)
        for position, answer in enumerate(answers):
            if answer is not None:
                self.true.append(answer)
                continue
            try:
                self.true.append(condition_holds(self.where, self.lookup(position)) is True)
            except Mistake as mistake:
                self.true.append(False)
                yield mistake

    @property
    def unknown(self) -> list[tree.Path]:
        return [path for path, column in self.columns.items() if all(value is _ABSENT for value in column)]

    def lookup(self, position: int) -> Callable[[tree.Path], Any]:
        def look_up(path: tree.Path) -> Any:
            value = self.value(position, path)
            return UNKNOWN if value is _ABSENT else value

        return look_up

    def value(self, position: int, path: tree.Path) -> Any:
        value = self.column(path)[position]
        if isinstance(value, Mistake):
            raise value.with_traceback(None)  # which would grow with every match
        return value

    def column(self, path: tree.Path) -> Column:
        """What *path* is in each match, worked out once: a value, `_ABSENT`, or the mistake of asking."""
        column = self.columns.get(path)
        if column is None:
            self.columns[path] = column = self._column(path, *self.split(path))
        return column

    def _column(self, path: tree.Path, capture: str, trailers: Sequence[Any]) -> Column:
        count = len(self.matches)
        if capture and not trailers:
            return [capture in match.captures for match in self.matches]
        if not isinstance(trailers[0], tree.Name):
            mistake = Mistake(path.span, f"`{capture}` is a layer, and has no positions", "name an attribute of it")
            return [mistake] * count
        if trailers[0].text == "index":
            return [Position(position, count) for position in range(count)]
        ask = self.asked_of_layer(trailers)
        asked = [match.captures.get(capture, ()) if capture else match.calls for match in self.matches]
        return [ask(calls[0]) if len(calls) == 1 else _of_several(path, capture, calls) for calls in asked]

    def asked_of_layer(self, trailers: Sequence[Any]) -> Callable[[Call], Any]:
        head, rest = trailers[0].text, trailers[1:]
        known = self.known
        if head in ("input", "output") and rest and isinstance(rest[0], tree.Name):
            return lambda call: self.of_shape(call, head, rest)
        if head == "path" and not rest:
            return lambda call: call.layer.path

        def attribute(call: Call) -> Any:
            try:
                value = known.value(call, head)
            except KeyError:
                return _ABSENT
            return _stepped_into(value, rest) if rest else value

        return attribute

    def of_shape(self, call: Call, side: str, trailers: Sequence[Any]) -> Any:
        if trailers[0].text not in ("shape", "rank"):
            return _ABSENT
        shape = self.known.shape(call, side)
        if trailers[0].text == "rank":
            return UNKNOWN if shape is UNKNOWN else len(shape)
        return _stepped_into(shape, trailers[1:])

    def split(self, path: tree.Path) -> tuple[str, Sequence[Any]]:
        """The longest capture at the head of *path*, and the trailers behind it (the head among them if none)."""
        return split_path(path, self.program.captures)

    def unknown_attributes(self) -> Iterator[Diagnostic]:
        for path in self.unknown:
            capture, trailers = self.split(path)
            word = ".".join(trailer.text for trailer in trailers if isinstance(trailer, tree.Name))
            names = self.names(capture)
            # `layer.name` is `name` here.
            last = [name for name in names if name == word.rpartition(".")[2]]
            similar = last or difflib.get_close_matches(word, names)
            usual = sorted((name for name in names if not name.endswith(_INTERNAL)), key=GENERAL.__contains__)
            there_are = f"there are {listed(dict.fromkeys((*similar, *usual)))}"
            advice = Advice(there_are)
            if similar:
                offer = _in_place(trailers, similar[0])
                advice = Advice(f"there is a similar one, `{similar[0]}`; {there_are}", (offer,) if offer else ())
            whose = f"no layer that `{capture}` captures" if capture else "no matched layer"
            yield UNKNOWN_LAYER_ATTRIBUTE.at(path.span, f"{whose} has an attribute `{word}`", help=advice)

    def names(self, capture: str) -> list[str]:
        """The attributes that some matched layer has."""
        names: dict[str, None] = dict.fromkeys(() if capture else self.program.captures)
        for match in self.matches:
            for call in match.captures.get(capture, ()) if capture else match.calls:
                names |= dict.fromkeys(self.known.names(call))
        return list(names)

    def first_not_true(self, position: int) -> tuple[int, tree.Expression]:
        """The first part of the condition that is not true, and its number."""
        parts = self.where.parts if isinstance(self.where, tree.And) else (self.where,)
        lookup = self.lookup(position)
        for number, part in enumerate(parts):
            if condition_holds(part, lookup) is not True:
                return number, part
        raise AssertionError("the condition is true")

    def values_in(self, part: tree.Expression, position: int) -> Iterator[tuple[str, Any]]:
        """The attributes in *part* as they are written, each with its value; of a position that a tuple lacks, the
        tuple."""
        for path in dict.fromkeys(_paths(part)):
            value, end = self.value(position, path), path.span.end
            if value in (_ABSENT, UNKNOWN) and path.trailers and isinstance(path.trailers[-1], tree.Index):
                whole = tree.Path(path.head, path.trailers[:-1], path.span)
                value, end = self.value(position, whole), path.trailers[-1].span.start
            yield path.span.source.text[path.span.start : end], UNKNOWN if value is _ABSENT else value


def _in_place(trailers: Sequence[Any], name: str) -> Fix | None:
    """The change of an attribute to *name*; None of one with a position within."""
    names = [each for each in trailers if isinstance(each, tree.Name)]
    return writing(names[0].span.to(names[-1].span), name) if names == list(trailers[: len(names)]) else None


def _spelled(value: Any) -> str:
    """A value in backticks, without its kind."""
    text = describe(value)
    return text[text.index("`") :] if "`" in text else text


class _Absent:
    """An attribute that a layer does not have."""


_ABSENT = _Absent()


def _of_several(path: tree.Path, capture: str, calls: Sequence[Call]) -> Any:
    """The attribute of a capture that is not one layer."""
    if not calls:
        # The optional part is not there: unknown here, and known to exist where it is.
        return _ABSENT
    return Mistake(
        path.span, f"`{capture}` is {len(calls)} layers, and an attribute is of one", "name one of them with `as`"
    )


def _stepped_into(value: Any, trailers: Sequence[Any]) -> Any:
    try:
        return step_into(value, trailers, lambda path: _ABSENT)
    except Mistake as mistake:
        return mistake


def _paths(node: Any) -> Iterator[tree.Path]:
    if isinstance(node, tree.Path):
        if node.head.text not in ("true", "false", "none"):
            yield node
        return
    for child in vars(node).values() if isinstance(node, tree.Node) else ():
        for item in child if isinstance(child, tuple) else (child,):
            yield from _paths(item)
