"""`where`: the attributes that layers have, and for which matches a condition is true."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import compress, pairwise
from typing import Any

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import INVALID_EXPRESSION, UNKNOWN_LAYER_ATTRIBUTE
from qspec.graph.layers import Call, Shape
from qspec.graph.ops import OpGraph, Slot
from qspec.plan.index import LayerIndex
from qspec.plan.patterns import Match
from qspec.plan.program import Program
from qspec.plan.quick_conditions import quick
from qspec.schema.evaluate import UNKNOWN, Mistake, condition_holds, describe, evaluate, step_into
from qspec.schema.names import listed
from qspec.syntax import tree

# What few conditions ask for, in the config of most layers.
_INTERNAL = ("quantization_config", "_constraint", "_regularizer", "_initializer")
GENERAL = ("name", "path", "class", "index", "params", "input.shape", "input.rank", "output.shape")


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
        return number + _similarity(part, self._condition.lookup(self._position))

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


@dataclass
class Attributes:
    """The attributes of a model's layers. *ops* knows the shapes."""

    index: LayerIndex
    ops: OpGraph

    def names(self, call: Call) -> tuple[str, ...]:
        """What can be asked of the layer of *call*: the general ones, then the keys of its config."""
        return (*GENERAL, *(key for key in call.layer.config if key != "name"))

    def value(self, call: Call, name: str) -> Any:
        """An attribute by its name in one word (`input.shape` and the like aside). Raises KeyError for one it lacks."""
        match name:
            case "name":
                return call.layer.name
            case "path":
                return call.layer.path
            case "class":
                return call.layer.class_name
            case "params":
                return self.parameters(call)
        return comparable(call.layer.config[name])

    def shape(self, call: Call, side: str) -> Any:
        """The shape of the first input or output as a tuple, unknown dimensions unknown; UNKNOWN if nothing is."""
        if side == "output":
            return _comparable_shape(self._output_shape(call.index, 0))
        if not call.inputs:
            return _comparable_shape(self._output_shape(call.index, 0))
        return _comparable_shape(self._output_shape(call.inputs[0].call, call.inputs[0].output))

    def _output_shape(self, call: int, output: int) -> Shape | None:
        shapes = self.ops.shapes.get(call, ())
        return shapes[output] if output < len(shapes) else None

    def parameters(self, call: Call) -> Any:
        """How many numbers the layer's variables hold, as Keras' `count_params` gives them."""
        if call.layer.class_name == "BatchNormalization" and call.layer.built_in:
            return self._batch_norm_parameters(call)
        counts: list[Any] = []
        for slot, tensor in self._variables.get(call.index, ()):
            # Some ops have a bias of zeros, or one from folding, where the layer has no such variable.
            if slot.kind == "weights" or (slot.key == "bias" and call.layer.config.get("use_bias", True)):
                shape = self.ops.tensors[tensor].shape
                counts.append(UNKNOWN if shape is None or None in shape else math.prod(shape))  # type: ignore[arg-type]
        return UNKNOWN if UNKNOWN in counts else sum(counts)

    @cached_property
    def _variables(self) -> Mapping[int, Sequence[tuple[Slot, int]]]:
        found: dict[int, list[tuple[Slot, int]]] = {}
        for slot, tensor in self.ops.slots.items():
            if slot.kind in ("weights", "bias"):
                found.setdefault(slot.call, []).append((slot, tensor))
        return found

    def _batch_norm_parameters(self, call: Call) -> Any:
        config, shape = call.layer.config, self.shape(call, "input")
        axis = config.get("axis", -1)
        channels = step_or_unknown(shape, axis)
        vectors = 2 + bool(config.get("scale", True)) + bool(config.get("center", True))
        return UNKNOWN if channels is UNKNOWN else vectors * channels


def step_or_unknown(values: Any, position: Any) -> Any:
    """The item of a tuple, or UNKNOWN where there is none."""
    if not isinstance(values, tuple) or not isinstance(position, int) or not -len(values) <= position < len(values):
        return UNKNOWN
    return values[position]


def comparable(value: Any) -> Any:
    """A config's value as conditions see it: lists are tuples, objects (initializers, regularizers) unknown."""
    if isinstance(value, list | tuple):
        return tuple(comparable(item) for item in value)
    if isinstance(value, Mapping):
        # Keras writes some tuples, and a function by its name, as an object around the value.
        if value.get("class_name") == "__tuple__":
            return comparable(value.get("items", ()))
        if value.get("class_name") == "function" and isinstance(value.get("config"), str):
            return value["config"]
        if value.get("class_name") == "DTypePolicy" and isinstance(value.get("config"), Mapping):
            return comparable(value["config"].get("name", {}))
        return UNKNOWN
    return value if value is None or isinstance(value, bool | int | float | str) else UNKNOWN


def _comparable_shape(shape: Shape | None) -> Any:
    return UNKNOWN if shape is None else tuple(UNKNOWN if size is None else size for size in shape)


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
    present: set[tree.Path] = field(default_factory=set)
    questions: dict[tree.Path, _Question] = field(default_factory=dict)
    true: list[bool] = field(default_factory=list)

    def mistakes(self) -> Iterator[Mistake]:
        """Evaluates everything once; what has no meaning, and then the answers in `true`."""
        quickly = quick(self.where) or _unusual
        for position in range(len(self.matches)):
            lookup = self.lookup(position)
            try:
                answer = quickly(lookup)
                self.true.append(condition_holds(self.where, lookup) is True if answer is None else answer)
            except Mistake as mistake:
                self.true.append(False)
                yield mistake

    @property
    def unknown(self) -> list[tree.Path]:
        return [path for path in self.questions if path not in self.present]

    def lookup(self, position: int) -> Any:
        match, questions, present = self.matches[position], self.questions, self.present

        def look_up(path: tree.Path) -> Any:
            question = questions.get(path) or self.question(path)
            value = question(match, position)
            if value is _ABSENT:
                return UNKNOWN
            present.add(path)
            return value

        return look_up

    def value(self, position: int, path: tree.Path) -> Any:
        return (self.questions.get(path) or self.question(path))(self.matches[position], position)

    def question(self, path: tree.Path) -> _Question:
        """What *path* asks of a match and its position, worked out once."""
        self.questions[path] = question = self._question(path, *self.split(path))
        return question

    def _question(self, path: tree.Path, capture: str | None, trailers: list[Any]) -> _Question:
        if capture is not None and not trailers:
            return lambda match, position: capture in match.captures
        if not isinstance(trailers[0], tree.Name):
            return _mistaken(path, f"`{capture}` is a layer, and has no positions", "name an attribute of it")
        if trailers[0].text == "index":
            return lambda match, position: Position(position, len(self.matches))
        if capture is None and self.program.several:
            return _mistaken(path, *self.unqualified(path))
        ask = self.asked_of_layer(trailers)

        def of_layer(match: Match, position: int) -> Any:
            calls = match.calls if capture is None else match.captures.get(capture, ())
            if len(calls) == 1:
                return ask(calls[0])
            if not calls:
                # The optional part is not there: unknown here, and known to exist where it is.
                return _ABSENT
            message = f"`{capture}` is {len(calls)} layers, and an attribute is of one"
            raise Mistake(path.span, message, "capture one")

        return of_layer

    def asked_of_layer(self, trailers: list[Any]) -> Callable[[Call], Any]:
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
            return step_into(value, rest, lambda path: _ABSENT) if rest else value

        return attribute

    def of_shape(self, call: Call, side: str, trailers: list[Any]) -> Any:
        if trailers[0].text not in ("shape", "rank"):
            return _ABSENT
        shape = self.known.shape(call, side)
        if trailers[0].text == "rank":
            return UNKNOWN if shape is UNKNOWN else len(shape)
        return step_into(shape, trailers[1:], lambda path: _ABSENT)

    def split(self, path: tree.Path) -> tuple[str | None, list[Any]]:
        """The longest capture at the head of *path*, and the trailers behind it (the head among them if none)."""
        words = [path.head, *path.trailers]
        names = []
        for word in words:
            if not isinstance(word, tree.Name):
                break
            names.append(word.text)
        for length in range(len(names), 0, -1):
            if ".".join(names[:length]) in self.program.captures:
                return ".".join(names[:length]), words[length:]
        return None, words

    def unqualified(self, path: tree.Path) -> tuple[str, str]:
        word = path.head.text
        captures = self.program.captures
        message = f"the pattern speaks of several layers, so `{word}` must say whose it is"
        if captures:
            return message, "write " + " or ".join(f"`{name}.{word}`" for name in captures[:3])
        return message, f"name a layer in the pattern with `as`, then write `name.{word}`"

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
            advice = f"there is a similar one, `{similar[0]}`; {there_are}" if similar else there_are
            whose = "no matched layer" if capture is None else f"no layer that `{capture}` captures"
            yield UNKNOWN_LAYER_ATTRIBUTE.at(path.span, f"{whose} has an attribute `{word}`", help=advice)

    def names(self, capture: str | None) -> list[str]:
        """The attributes that some matched layer has."""
        names: dict[str, None] = dict.fromkeys(self.program.captures if capture is None else ())
        for match in self.matches:
            for call in match.calls if capture is None else match.captures.get(capture, ()):
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


def _spelled(value: Any) -> str:
    """A value in backticks, without its kind."""
    text = describe(value)
    return text[text.index("`") :] if "`" in text else text


class Position(int):
    """A position that equals its number from the front and its number from the end: 0 and -3 of three."""

    length: int

    def __new__(cls, value: int, length: int) -> Position:
        position = super().__new__(cls, value)
        position.length = length
        return position

    def towards(self, other: object) -> int:
        """The number to compare with *other*: from the end if that is negative."""
        return int(self) - self.length if isinstance(other, int | float) and other < 0 else int(self)

    def __eq__(self, other: object) -> bool:
        return self.towards(other) == other

    def __hash__(self) -> int:
        return super().__hash__()

    def __lt__(self, other: float) -> bool:
        return self.towards(other) < other

    def __le__(self, other: float) -> bool:
        return self.towards(other) <= other

    def __gt__(self, other: float) -> bool:
        return self.towards(other) > other

    def __ge__(self, other: float) -> bool:
        return self.towards(other) >= other


_Question = Callable[[Match, int], Any]


def _unusual(lookup: Any) -> None:
    """Of a condition that is not one of the usual ones."""


def _mistaken(path: tree.Path, message: str, help: str) -> _Question:
    def raise_mistake(match: Match, position: int) -> Any:
        raise Mistake(path.span, message, help)

    return raise_mistake


class _Absent:
    """An attribute that a layer does not have."""


_ABSENT = _Absent()


def _paths(node: Any) -> Iterator[tree.Path]:
    if isinstance(node, tree.Path):
        if node.head.text not in ("true", "false", "none"):
            yield node
        return
    for child in vars(node).values() if isinstance(node, tree.Node) else ():
        for item in child if isinstance(child, tuple) else (child,):
            yield from _paths(item)


def _similarity(part: tree.Expression, lookup: Any) -> float:
    """How near the two sides of a comparison, a `like` or an `in` are, 0 to below 1."""
    match part:
        case tree.Compare(left=left, right=right):
            return _likeness(evaluate(left, lookup), evaluate(right, lookup))
        case tree.TextMatch(negated=False, subject=subject, pattern=pattern):
            return _likeness(evaluate(subject, lookup), pattern.text)
        case tree.Member(negated=False, item=item, container=tree.TupleLiteral(items=choices)):
            value = evaluate(item, lookup)
            return max(_likeness(value, evaluate(choice, lookup)) for choice in choices)
        case tree.Member(negated=False, item=item, container=tree.RangeLiteral(low=low, high=high)):
            value = evaluate(item, lookup)
            return max(_likeness(value, evaluate(end, lookup)) for end in (low, high))
    return 0.0


def _likeness(one: Any, other: Any) -> float:
    """Of texts the pairs of letters that they share, of tuples the items, of numbers how close they are."""
    if isinstance(one, str) and isinstance(other, str):
        first, second = _pairs(one), _pairs(other)
        return 0.99 * 2 * len(first & second) / max(1, len(first) + len(second))
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other) > 0:
        return 0.99 * sum(map(_same, one, other)) / len(one)
    if isinstance(one, int | float) and isinstance(other, int | float):
        number = one.towards(other) if isinstance(one, Position) else one
        return 0.99 / (1 + abs(number - other) / (1 + abs(other)))
    return 0.0


@lru_cache(maxsize=4096)
def _pairs(text: str) -> frozenset[str]:
    """The letters of *text* two by two."""
    return frozenset(map("".join, pairwise(f" {text.lower()} ")))


def _same(one: Any, other: Any) -> bool:
    return one is not UNKNOWN and other is not UNKNOWN and bool(one == other)
