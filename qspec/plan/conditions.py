"""`where`: the attributes that layers have, and for which matches a condition is true."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import INVALID_EXPRESSION, UNKNOWN_LAYER_ATTRIBUTE
from qspec.graph.layers import Call, Shape
from qspec.graph.ops import OpGraph
from qspec.plan.index import LayerIndex
from qspec.plan.patterns import Match
from qspec.plan.program import Program
from qspec.schema.evaluate import UNKNOWN, Mistake, condition_holds, describe, evaluate, step_into
from qspec.syntax import tree

GENERAL = ("name", "path", "class", "index", "params", "input.shape", "input.rank", "output.shape")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A match for which the condition is not true: the part that is not, why, and how near it came (more is nearer)."""

    match: Match
    part: tree.Expression
    reason: str
    nearness: float


@dataclass(frozen=True, slots=True)
class Selected:
    """The matches for which a condition is true, those for which it is not, and what is wrong with the condition."""

    matches: tuple[Match, ...]
    rejected: tuple[Rejected, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


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
        for slot, tensor in self.ops.slots.items():
            # Some ops have a bias of zeros, or one from folding, where the layer has no such variable.
            own = slot.kind == "weights" or (slot.key == "bias" and call.layer.config.get("use_bias", True))
            if slot.call == call.index and own:
                shape = self.ops.tensors[tensor].shape
                counts.append(UNKNOWN if shape is None or None in shape else math.prod(shape))  # type: ignore[arg-type]
        return UNKNOWN if UNKNOWN in counts else sum(counts)

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
        return Selected((), (), tuple(diagnostics))
    if condition.unknown:
        return Selected((), (), tuple(condition.unknown_attributes()))
    kept = tuple(match for position, match in enumerate(matches) if condition.holds(position))
    rejected = tuple(condition.why_not(position) for position in range(len(matches)) if not condition.true[position])
    return Selected(kept, rejected)


@dataclass
class _Condition:
    """A condition over all matches of a pattern, so that an attribute which none has can be told from one which some
    lack."""

    where: tree.Expression
    program: Program
    matches: tuple[Match, ...]
    known: Attributes
    present: set[tree.Path] = field(default_factory=set)
    asked: dict[tree.Path, None] = field(default_factory=dict)
    true: list[bool] = field(default_factory=list)

    def mistakes(self) -> Iterator[Mistake]:
        """Evaluates everything once; what has no meaning, and then the answers in `true`."""
        for position in range(len(self.matches)):
            try:
                self.true.append(condition_holds(self.where, self.lookup(position)) is True)
            except Mistake as mistake:
                self.true.append(False)
                yield mistake

    def holds(self, position: int) -> bool:
        return self.true[position]

    @property
    def unknown(self) -> list[tree.Path]:
        return [path for path in self.asked if path not in self.present]

    def lookup(self, position: int) -> Any:
        def look_up(path: tree.Path) -> Any:
            self.asked[path] = None
            value = self.value(position, path)
            if value is not _ABSENT:
                self.present.add(path)
            return UNKNOWN if value is _ABSENT else value

        return look_up

    def value(self, position: int, path: tree.Path) -> Any:
        match = self.matches[position]
        capture, trailers = self.split(path)
        if capture is not None and not trailers:
            return capture in match.captures
        if not isinstance(trailers[0], tree.Name):
            raise Mistake(path.span, f"`{capture}` is a layer, and has no positions", "name an attribute of it")
        if trailers[0].text == "index":
            return Position(position, len(self.matches))
        if capture is None and self.program.several:
            raise Mistake(path.span, *self.unqualified(path))
        calls = match.calls if capture is None else match.captures.get(capture, ())
        if not calls:
            # The optional part is not there: unknown here, and known to exist where it is.
            return _ABSENT
        if len(calls) > 1:
            raise Mistake(path.span, f"`{capture}` is {len(calls)} layers, and an attribute is of one", "capture one")
        return self.of_call(calls[0], trailers)

    def of_call(self, call: Call, trailers: list[Any]) -> Any:
        head, rest = trailers[0].text, trailers[1:]
        lookup = lambda path: _ABSENT  # noqa: E731
        if head in ("input", "output") and rest and isinstance(rest[0], tree.Name):
            if rest[0].text not in ("shape", "rank"):
                return _ABSENT
            shape = self.known.shape(call, head)
            if rest[0].text == "rank":
                return UNKNOWN if shape is UNKNOWN else len(shape)
            return step_into(shape, rest[1:], lookup)
        try:
            value = self.known.value(call, head)
        except KeyError:
            return _ABSENT
        return step_into(value, rest, lookup) if rest else value

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
            similar = difflib.get_close_matches(word, names, n=1)
            whose = "no matched layer" if capture is None else f"no layer that `{capture}` captures"
            listed = ", ".join(f"`{name}`" for name in names)
            advice = (
                f"there is a similar one, `{similar[0]}`; all there are: {listed}" if similar else f"there are {listed}"
            )
            yield UNKNOWN_LAYER_ATTRIBUTE.at(path.span, f"{whose} has an attribute `{word}`", help=advice)

    def names(self, capture: str | None) -> list[str]:
        """The attributes that some matched layer has."""
        names: dict[str, None] = dict.fromkeys(self.program.captures if capture is None else ())
        for match in self.matches:
            for call in match.calls if capture is None else match.captures.get(capture, ()):
                names |= dict.fromkeys(self.known.names(call))
        return list(names)

    def why_not(self, position: int) -> Rejected:
        """The first part of the condition that is not true, and the values in it."""
        parts = self.where.parts if isinstance(self.where, tree.And) else (self.where,)
        lookup = self.lookup(position)
        for number, part in enumerate(parts):
            holds = condition_holds(part, lookup)
            if holds is not True:
                reason = self.reason(part, position, holds)
                return Rejected(self.matches[position], part, reason, number + _similarity(part, lookup))
        raise AssertionError("the condition is true")

    def reason(self, part: tree.Expression, position: int, holds: Any) -> str:
        found = []
        for path in dict.fromkeys(_paths(part)):
            value = self.value(position, path)
            word = path.span.source.text[path.span.start : path.span.end]
            known = value is not _ABSENT and value is not UNKNOWN
            found.append(f"`{word}` is {_spelled(value)}" if known else f"`{word}` is unknown")
        return ", ".join(found) or f"the condition is {'unknown' if holds is UNKNOWN else 'false'}"


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
    """How alike the two texts of a comparison or a `like` are, 0 to below 1; 0 for anything else."""
    match part:
        case tree.Compare(operator="=="):
            sides = [evaluate(part.left, lookup), evaluate(part.right, lookup)]
        case tree.TextMatch(negated=False):
            sides = [evaluate(part.subject, lookup), part.pattern.text]
        case _:
            return 0.0
    if not all(isinstance(side, str) for side in sides):
        return 0.0
    return 0.99 * difflib.SequenceMatcher(None, *sides).ratio()
