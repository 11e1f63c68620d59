"""Three-valued evaluation of expressions: `where`, `require`, `when`, and the values of assignments.

A value is an int, float, string, bool, `none` (None) or a tuple of values. What cannot be known is `UNKNOWN`: an
attribute that a layer lacks, a dynamic dimension, a division by zero. `and`, `or` and `not` follow Kleene's strong
logic; a comparison with something unknown is unknown; ordering against `none` is unknown.

Units turn into plain numbers: `KiB MiB GiB KB MB GB B` into bytes, `lsb` and `dB` into the number before them, and `%`
into the number of percent: `100%` is 100, as a coverage of 100 is.

What a person got wrong (a tuple compared with a number, an unknown function) is a `Mistake`, raised here and caught by
whoever reads the expression, who knows which diagnostic it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import lru_cache
from operator import ge, gt, le, lt
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from qspec.diagnostics import Advice, Span
from qspec.schema.text_patterns import glob_matches
from qspec.syntax import tree

if TYPE_CHECKING:
    from qspec.schema.regular_expression import RegularExpression


class Unknown(Enum):
    """The type of `UNKNOWN`, the value of what cannot be known."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN

Value: TypeAlias = Any  # int | float | str | bool | None | tuple of values | UNKNOWN
Lookup: TypeAlias = Callable[[tree.Path], Value]
CallHook: TypeAlias = Callable[[tree.Call], Value]


class Mistake(Exception):
    """An expression without meaning: what is wrong, where, and what to do about it."""

    def __init__(self, span: Span, message: str, help: str | Advice = "") -> None:
        super().__init__(message)
        self.span = span
        self.message = message
        self.help = help


_BYTES = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_WORDS: dict[str, Value] = {"true": True, "false": False, "none": None}


def evaluate(expression: tree.Expression, lookup: Lookup, call: CallHook | None = None) -> Value:
    """The value of *expression*, or `UNKNOWN`. Raises `Mistake` where it has no meaning.

    *lookup* gives a path its value; `true`, `false` and `none` never reach it. *call* gives the value of a function
    other than `mod`; without it there is none.
    """
    return _Evaluation(lookup, call).value(expression)


def condition_holds(expression: tree.Expression, lookup: Lookup, call: CallHook | None = None) -> bool | Unknown:
    """As `evaluate`, for an expression that must be a condition: true, false or unknown."""
    evaluation = _Evaluation(lookup, call)
    return evaluation.truth(expression)


def step_into(value: Value, trailers: Iterable[tree.Name | tree.Index], lookup: Lookup) -> Value:
    """*value* followed along `[1]`, `["key"]` and `.name`; a step that leads nowhere is unknown."""
    for trailer in trailers:
        if value is UNKNOWN:
            return UNKNOWN
        key = trailer.text if isinstance(trailer, tree.Name) else evaluate(trailer.value, lookup)
        value = _item(value, key, trailer.span)
    return value


def _item(value: Value, key: Value, span: Span) -> Value:
    if isinstance(value, dict):
        return value.get(key, UNKNOWN) if isinstance(key, str) else UNKNOWN
    if not is_number(key):
        return UNKNOWN
    if not isinstance(value, tuple | list):
        raise Mistake(span, f"{describe(value)} has no positions to ask for")
    if not isinstance(key, int):
        raise Mistake(span, f"a position is a whole number, found {describe(key)}")
    return value[key] if -len(value) <= key < len(value) else UNKNOWN


def known(value: Value) -> bool:
    """Whether nothing in *value* is unknown."""
    return all(known(item) for item in value) if isinstance(value, tuple | list) else value is not UNKNOWN


def all_of(values: Iterable[bool | Unknown]) -> bool | Unknown:
    """Kleene's `and`: false if any is false, else unknown if any is unknown."""
    found = tuple(values)
    if False in found:
        return False
    return UNKNOWN if UNKNOWN in found else True


def any_of(values: Iterable[bool | Unknown]) -> bool | Unknown:
    """Kleene's `or`: true if any is true, else unknown if any is unknown."""
    found = tuple(values)
    if True in found:
        return True
    return UNKNOWN if UNKNOWN in found else False


def negate(value: bool | Unknown) -> bool | Unknown:
    """Kleene's `not`."""
    return UNKNOWN if value is UNKNOWN else not value


def describe(value: Value) -> str:
    """A value in the words of a message: ``the tuple `(3, 3)` ``."""
    match value:
        case None | bool():
            return f"`{spell(value)}`"
        case int() | float():
            return f"the number `{spell(value)}`"
        case str():
            return f"the text `{spell(value)}`"
        case tuple() | list():
            return f"the tuple `{spell(value)}`"
    return "this value"


def spell(value: Value) -> str:
    """A value as it is written in the language."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + (value if len(value) <= 40 else value[:39] + "…") + '"'
        case tuple() | list():
            inner = ", ".join(spell(item) for item in value)
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        case int() if value.bit_length() > 200:
            return "a very large number"
    return str(value) if value is not UNKNOWN else "unknown"


def is_number(value: Any) -> bool:
    """Whether it is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Evaluation:
    def __init__(self, lookup: Lookup, call: CallHook | None) -> None:
        self.lookup = lookup
        self.call = call

    def value(self, node: tree.Expression) -> Value:
        return _VALUES[type(node)](self, node)

    def tuple(self, node: tree.TupleLiteral) -> Value:
        return tuple([self.value(item) for item in node.items])

    def negative(self, node: tree.Negative) -> Value:
        operand = self.number(node.operand)
        return UNKNOWN if operand is UNKNOWN else -operand

    def conjunction(self, node: tree.And) -> bool | Unknown:
        # Every part is looked at, so that a mistake in one shows whatever the others say.
        return all_of([self.truth(part) for part in node.parts])

    def disjunction(self, node: tree.Or) -> bool | Unknown:
        return any_of([self.truth(part) for part in node.parts])

    def negation(self, node: tree.Not) -> bool | Unknown:
        return negate(self.truth(node.operand))

    def truth(self, node: tree.Expression) -> bool | Unknown:
        value = self.value(node)
        if value is UNKNOWN or isinstance(value, bool):
            return value
        help = "compare it: `… != none`" if value is None else "compare it with something"
        raise Mistake(node.span, f"a condition is true or false, and this is {describe(value)}", help)

    def number(self, node: tree.Expression) -> Value:
        value = self.value(node)
        if value is UNKNOWN or value is None:
            return UNKNOWN
        if not is_number(value):
            raise Mistake(node.span, f"expected a number, found {describe(value)}")
        return value

    def path(self, node: tree.Path) -> Value:
        if not node.trailers and node.head.text in _WORDS:
            return _WORDS[node.head.text]
        value = self.lookup(node)
        # What a serialized config may hold besides values (a nested object) can be compared with nothing.
        return UNKNOWN if _kind(value) == "other" else value

    def function(self, node: tree.Call) -> Value:
        if not node.function.trailers and node.function.head.text == "mod":
            return self.modulo(node)
        if self.call is None:
            raise unknown_function(node, ())
        return self.call(node)

    def modulo(self, node: tree.Call) -> Value:
        if len(node.arguments) != 2 or any(argument.name for argument in node.arguments):
            raise Mistake(node.span, f"`mod` takes two numbers, found {len(node.arguments)}", "write `mod(a, b)`")
        a, b = (self.number(argument.value) for argument in node.arguments)
        return _calculate(node.span, lambda: a % b, a, b)

    def arithmetic(self, node: tree.Binary) -> Value:
        a, b = self.number(node.left), self.number(node.right)
        operations: dict[str, Callable[[], Value]] = {
            "+": lambda: a + b,
            "-": lambda: a - b,
            "*": lambda: a * b,
            "/": lambda: a / b,
        }
        return _calculate(node.span, operations[node.operator], a, b)

    def comparison(self, node: tree.Compare) -> bool | Unknown:
        left, right = self.value(node.left), self.value(node.right)
        try:
            if node.operator in ("==", "!="):
                same = _equal(left, right, node.span)
                return same if node.operator == "==" else negate(same)
            return _ordered(node.operator, left, right, node.span)
        except Mistake as mistake:
            if node.operator not in ("==", "!=") or _is_of_shape(node.left) or _is_of_shape(node.right):
                help = _of_one_position(node.span, (node.left, left, right), (node.right, right, left))
                raise Mistake(mistake.span, mistake.message, help or mistake.help) from None
            raise

    def membership(self, node: tree.Member) -> bool | Unknown:
        found = self._contains(node)
        return negate(found) if node.negated else found

    def _contains(self, node: tree.Member) -> bool | Unknown:
        item = self.value(node.item)
        if isinstance(node.container, tree.RangeLiteral):
            low, high = self.value(node.container.low), self.value(node.container.high)
            try:
                return all_of([_ordered("<=", low, item, node.span), _ordered("<=", item, high, node.span)])
            except Mistake as mistake:
                help = _of_one_position(node.span, (node.item, item, low)) or mistake.help
                raise Mistake(mistake.span, mistake.message, help) from None
        texts = _texts(node.container) if isinstance(node.container, tree.TupleLiteral) else None
        if texts is not None and isinstance(item, str):
            return item in texts
        container = self.value(node.container)
        if container is UNKNOWN or container is None:
            return UNKNOWN
        if not isinstance(container, tuple | list):
            help = f"write `({spell(container)},)`: one value in parentheses is no tuple"
            if isinstance(container, str) and isinstance(item, str):
                help = f'write `like "*{item}*"`'
            raise Mistake(node.container.span, f"`in` asks a tuple or a range, found {describe(container)}", help)
        return any_of([_equal(item, choice, node.span) for choice in container])

    def text_match(self, node: tree.TextMatch) -> bool | Unknown:
        found = self._matches(node)
        return negate(found) if node.negated else found

    def _matches(self, node: tree.TextMatch) -> bool | Unknown:
        expression = _expression(node.pattern) if node.kind == "matches" else None
        subject = self.value(node.subject)
        if subject is UNKNOWN or subject is None:
            return UNKNOWN
        if not isinstance(subject, str):
            raise Mistake(node.subject.span, f"`{node.kind}` asks a text, found {describe(subject)}")
        if expression is None:
            return glob_matches(node.pattern.text, subject)
        return expression.fullmatch(subject)


def _expression(pattern: tree.String) -> RegularExpression:
    from qspec.schema.regular_expression import RegularExpression, compile_regex  # few specs need it
    from qspec.syntax.strings import within

    found = compile_regex(pattern.text)
    if isinstance(found, RegularExpression):
        return found
    raise Mistake(within(pattern, found.start, found.end), found.message, found.help)


@lru_cache
def _texts(node: tree.TupleLiteral) -> frozenset[str] | None:
    """The items of a tuple of texts and nothing else: tables ask for long lists of ops."""
    texts = [item.text for item in node.items if isinstance(item, tree.String)]
    return frozenset(texts) if len(texts) == len(node.items) else None


def _misplaced_range(node: tree.RangeLiteral) -> Value:
    raise Mistake(node.span, "a range stands only behind `in`")


# By class: conditions are decided thousands of times, and trying one class after the other takes most of that.
_VALUES: Mapping[type, Callable[[_Evaluation, Any], Value]] = {
    tree.Quantity: lambda evaluation, node: _quantity(node),
    tree.String: lambda evaluation, node: node.text,
    tree.Path: _Evaluation.path,
    tree.TupleLiteral: _Evaluation.tuple,
    tree.Call: _Evaluation.function,
    tree.Negative: _Evaluation.negative,
    tree.Binary: _Evaluation.arithmetic,
    tree.RangeLiteral: lambda evaluation, node: _misplaced_range(node),
    tree.And: _Evaluation.conjunction,
    tree.Or: _Evaluation.disjunction,
    tree.Not: _Evaluation.negation,
    tree.Compare: _Evaluation.comparison,
    tree.Member: _Evaluation.membership,
    tree.TextMatch: _Evaluation.text_match,
}


def unknown_function(node: tree.Call, known: Iterable[str]) -> Mistake:
    """The mistake of calling a function that is neither `mod` nor one of *known*."""
    from qspec.schema.foreign_names import FUNCTIONS  # for a mistake

    names = ", ".join(f"`{name}`" for name in ("mod", *known))
    span = node.function.span
    path = span.source.text[span.start : span.end]
    owner, _, name = path.rpartition(".")
    known_elsewhere = FUNCTIONS.get(name, "").format(owner or "name")
    return Mistake(span, f"there is no function `{path}` here", known_elsewhere or f"there is {names}")


def _quantity(node: tree.Quantity) -> Value:
    factor = _BYTES.get(node.unit or "", 1)
    if factor == 1:
        return node.value
    scaled = _calculate(node.span, lambda: node.value * factor)
    return int(scaled) if isinstance(scaled, float) and scaled.is_integer() else scaled


def _calculate(span: Span, operation: Callable[[], Value], *operands: Value) -> Value:
    if UNKNOWN in operands:
        return UNKNOWN
    try:
        result = operation()
    except ZeroDivisionError:
        return UNKNOWN
    except OverflowError:
        raise Mistake(span, "the result is too large for a number") from None
    return UNKNOWN if isinstance(result, float) and math.isnan(result) else result


_KINDS = {bool: "truth", int: "number", float: "number", str: "text", tuple: "tuple", list: "tuple", NoneType: "none"}


def _kind(value: Value) -> str:
    found = _KINDS.get(type(value))
    if found is not None:
        return found
    return next((kind for plain, kind in _KINDS.items() if isinstance(value, plain)), "other")


def _equal(left: Value, right: Value, span: Span) -> bool | Unknown:
    if any(side is UNKNOWN for side in (left, right)):
        return UNKNOWN
    if left is None or right is None:
        return bool(left is right)
    kind = _kind(left)
    if kind != _kind(right):
        raise _incomparable(left, right, span)
    if kind != "tuple":
        return bool(left == right)
    if len(left) != len(right):
        return False
    return all_of([_equal(a, b, span) for a, b in zip(left, right, strict=True)])


_ORDERS: Mapping[str, Callable[[Value, Value], Value]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def _ordered(operator: str, left: Value, right: Value, span: Span) -> bool | Unknown:
    if left is UNKNOWN or right is UNKNOWN or left is None or right is None:
        return UNKNOWN
    if _kind(left) != _kind(right):
        raise _incomparable(left, right, span)
    if _kind(left) not in ("number", "text"):
        raise Mistake(span, f"{describe(left)} and {describe(right)} have no order", "use `==` or `in`")
    return bool(_ORDERS[operator](left, right))


def _of_one_position(span: Span, *sides: tuple[tree.Expression, Value, Value]) -> str:
    """What to write at *span* where an attribute that is a tuple meets a number, as only one position of it can:
    each side, its value, and what that is compared with."""
    for side, value, other in sides:
        if isinstance(side, tree.Path) and _kind(value) == "tuple" and _kind(other) == "number":
            text, end = span.source.text, side.span.end
            position = "[-1]" if _is_of_shape(side) else "[0]"
            return f"ask one position: `{text[span.start : end]}{position}{text[end : span.end]}`"
    return ""


def _is_of_shape(node: tree.Expression) -> bool:
    trailers = node.trailers if isinstance(node, tree.Path) else ()
    return any(isinstance(word, tree.Name) and word.text == "shape" for word in trailers)


def _incomparable(left: Value, right: Value, span: Span) -> Mistake:
    message = f"{describe(left)} cannot be compared with {describe(right)}"
    for one, other in ((left, right), (right, left)):
        if _kind(one) == "tuple" and _kind(other) == "number":
            return Mistake(span, message, f"write `{spell((other,) * max(len(one), 1))}`")
        if _kind(one) == "number" and _kind(other) == "text" and other.replace(".", "", 1).isdigit():
            return Mistake(span, message, f"a number stands without quotes: `{other}`")
        if _kind(one) == "truth" and other in (0, 1):
            return Mistake(span, message, "a truth stands by itself, or behind `not`: `use_bias`, `not use_bias`")
    return Mistake(span, message)
