"""Conditions of a table that have no meaning, found without a model: what cannot be compared, is no condition, has no
such position, or is never what it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from qspec.diagnostics import Advice, Diagnostic, Span
from qspec.diagnostics.catalogue import INVALID_EXPRESSION, UNDEFINED_NAME
from qspec.schema.conditions import parts
from qspec.schema.evaluate import Mistake, Value, evaluate, unknown_function
from qspec.schema.names import listed, there_is
from qspec.schema.text_patterns import glob_matches
from qspec.schema.values import shown
from qspec.syntax import tree
from qspec.targets.scope import spelled
from qspec.targets.value_kinds import ANYTHING, NUMBER, TRUTH, Kind, Numbers

Names = Callable[[tree.Path], tuple[Kind, int]]

_NONE = Kind(frozenset({"none"}))


def condition_mistakes(
    conditions: Iterable[tree.Expression], names: Names, functions: Iterable[str]
) -> Iterator[Diagnostic]:
    """An error for each thing in *conditions* that no op can give a meaning. *names* says what a path can be, as far as
    it is a name (an operand with its property, an attribute, an option), and how many of its trailers that takes;
    *functions* are those that give true or false."""
    for condition in conditions:
        for part in parts(condition):
            check = _Check(names, frozenset(functions))
            check.truth(part)
            yield from check.found


@dataclass
class _Check:
    names: Names
    functions: frozenset[str]
    found: list[Diagnostic] = field(default_factory=list)

    def report(self, span: Span, message: str, help: str | Advice = "") -> Kind:
        self.found.append(INVALID_EXPRESSION.at(span, message, help=help))
        return ANYTHING

    def truth(self, node: tree.Expression) -> None:
        """*node* stands where something is true or false."""
        kind = self.kind(node)
        if kind.sorts and "truth" not in kind.sorts and not kind.constant:
            message = f"a condition is true or false, and {shown(node)} is {kind.word}"
            self.report(node.span, message, f"compare it: `{spelled(node)} == …`")

    def number(self, node: tree.Expression) -> Kind:
        """*node* stands where a number is calculated with."""
        kind = self.kind(node)
        if kind.sorts and not kind.sorts & {"number", "none"} and not kind.constant:
            return self.report(node.span, f"expected a number, and {shown(node)} is {kind.word}")
        return kind

    def kind(self, node: tree.Expression) -> Kind:
        """What *node* can be; what is wrong inside is reported."""
        match node:
            case tree.String(text=text):
                return Kind(frozenset({"text"}), texts=(text,), constant=True)
            case tree.Quantity():
                return _number(node)
            case tree.TupleLiteral(items=items):
                inner = tuple(self.kind(item) for item in items)
                return Kind(frozenset({"tuple"}), parts=inner, constant=all(part.constant for part in inner))
            case tree.Path():
                return self.path(node)
            case tree.Call():
                return self.call(node)
            case tree.Negative(operand=operand):
                return _number(node) if self.number(operand).constant else NUMBER
            case tree.Binary(left=left, right=right):
                sides = self.number(left), self.number(right)
                return _number(node) if all(side.constant for side in sides) else NUMBER
        self.condition(node)
        return TRUTH

    def condition(self, node: tree.Expression) -> None:
        match node:
            case tree.And(parts=inner) | tree.Or(parts=inner):
                for part in inner:
                    self.truth(part)
            case tree.Not(operand=operand):
                self.truth(operand)
            case tree.Compare(left=left, right=right, operator=operator):
                self.compare(node, operator, left, right)
            case tree.Member():
                self.member(node)
            case tree.TextMatch():
                self.text_match(node)

    # ---- names

    def path(self, node: tree.Path) -> Kind:
        if not node.trailers and node.head.text in ("true", "false"):
            return replace(TRUTH, constant=True)
        if not node.trailers and node.head.text == "none":
            return _NONE
        for trailer in node.trailers:
            if isinstance(trailer, tree.Index):
                self.position(trailer)
        kind, used = self.names(node)
        return self.steps(node, kind, node.trailers[used:])

    def position(self, trailer: tree.Index) -> None:
        kind = self.number(trailer.value)
        if kind.constant and (kind.numbers is None or kind.numbers.low != int(kind.numbers.low)):
            self.report(trailer.value.span, f"a position is a whole number, found {shown(trailer.value)}")

    def steps(self, path: tree.Path, kind: Kind, trailers: Iterable[tree.Name | tree.Index]) -> Kind:
        """What the end of *path*, the *trailers* behind something of *kind*, can be."""
        for trailer in trailers:
            subject = f"`{_words(path, trailer)}`"
            if not kind.sorts:
                return ANYTHING
            if isinstance(trailer, tree.Name):
                return self.report(trailer.span, f"{subject} is {kind.word} and has no `{trailer.text}`")
            if "tuple" not in kind.sorts:
                return self.report(trailer.span, f"{subject} is {kind.word} and has no positions to ask for")
            self.in_range(subject, kind, trailer)
            kind = kind.items or (Kind(kind.sorts) if kind.sorts != {"tuple"} else ANYTHING)
        return kind

    def in_range(self, subject: str, kind: Kind, trailer: tree.Index) -> None:
        position = _constant(trailer.value)
        if kind.longest is None or not isinstance(position, int) or -kind.longest <= position < kind.longest:
            return
        message = f"{subject} has at most {_positions(kind.longest)}: there is no [{position}]"
        several = f"they go from 0 to {kind.longest - 1}, or backwards from -1 to -{kind.longest}"
        self.report(trailer.span, message, several if kind.longest > 1 else "there is [0]")

    def call(self, node: tree.Call) -> Kind:
        name = node.function.head.text
        if name == "mod":
            for argument in node.arguments:
                self.number(argument.value)
            return NUMBER
        if name not in self.functions:
            mistake = unknown_function(node, sorted(self.functions))
            return self.report(mistake.span, mistake.message, mistake.help)
        for argument in node.arguments:
            self.kind(argument.value)
        return TRUTH

    # ---- comparisons

    def compare(self, node: tree.Compare, operator: str, left: tree.Expression, right: tree.Expression) -> None:
        first, second = self.kind(left), self.kind(right)
        if not self.comparable(node.span, (left, first), (right, second)):
            return
        if operator in ("==", "!="):
            for (one, kind), (other, fixed) in (((left, first), (right, second)), ((right, second), (left, first))):
                if fixed.constant and not kind.constant:
                    self.possible(shown(one), kind, other, fixed)
            return
        if not _ordered(first, second):
            message = f"{shown(left)} and {shown(right)} have no order"
            self.report(node.span, message, "use `==` or `in`")
        elif second.constant and not first.constant:
            self.decided(left, first, operator, right, second)
        elif first.constant and not second.constant:
            self.decided(right, second, _TURNED[operator], left, first)

    def comparable(self, span: Span, one: tuple[tree.Expression, Kind], other: tuple[tree.Expression, Kind]) -> bool:
        (left, first), (right, second) = one, other
        if not first.sorts or not second.sorts or "none" in first.sorts | second.sorts:
            return False
        if first.sorts & second.sorts == {"tuple"} and _items_differ(first, second):
            message = f"what stands in {shown(left)} is {_items(first)}, and in {shown(right)} {_items(second)}"
            self.report(span, f"{message}: they cannot be compared")
            return False
        if first.sorts & second.sorts:
            return True
        if not (first.constant and second.constant):  # found when the file is read
            message = f"{shown(left)} is {first.word} and {shown(right)} is {second.word}: they cannot be compared"
            self.report(span, message, _advice(one, other) or _advice(other, one))
        return False

    def possible(self, subject: str, kind: Kind, other: tree.Expression, fixed: Kind) -> None:
        """Report *other*, which is written out, if *subject* is never that."""
        if "text" in fixed.sorts and kind.texts is not None and fixed.texts is not None:
            text = fixed.texts[0]
            if text not in kind.texts:
                help = there_is(text, kind.texts, text=True)
                message = f"{subject} is never `{text}`"
                self.found.append(UNDEFINED_NAME.at(other.span, message, label="not found", help=help))
        elif fixed.numbers is not None and kind.numbers is not None:
            if not kind.numbers.has(fixed.numbers.low):
                self.report(other.span, f"{subject} is never {_spell(fixed.numbers.low)}", _all(kind.numbers))
        elif fixed.parts is not None and isinstance(other, tree.TupleLiteral):
            self.possible_tuple(subject, kind, other, fixed.parts)

    def possible_tuple(self, subject: str, kind: Kind, other: tree.TupleLiteral, parts: tuple[Kind, ...]) -> None:
        if kind.longest is not None and len(parts) > kind.longest:
            message = f"{subject} has at most {_positions(kind.longest)}, and this {len(parts)}"
            self.report(other.span, message)
        items = kind.items
        for node, part in zip(other.items, parts, strict=True):
            if items is None or not items.sorts or "none" in part.sorts:
                continue
            if not items.sorts & part.sorts:
                message = f"what stands in {subject} is {items.word}, and {shown(node)} is {part.word}"
                self.report(node.span, message)
            else:
                self.possible(f"what stands in {subject}", items, node, part)

    def decided(self, subject: tree.Expression, kind: Kind, operator: str, other: tree.Expression, fixed: Kind) -> None:
        """Report a limit that is the same for all that *subject* can be."""
        numbers, limit = kind.numbers, fixed.numbers
        if numbers is None or limit is None or float("inf") in (-numbers.low, numbers.high):
            return
        answers = {_holds(operator, end, limit.low) for end in (numbers.low, numbers.high)}
        beyond = numbers.choices is None and not numbers.low <= limit.low <= numbers.high
        if answers == {False} or (answers == {True} and beyond):
            always = "always" if answers == {True} else "never"
            message = f"{shown(subject)} is {always} {operator} {_spell(limit.low)}"
            self.report(other.span, message, _all(numbers))

    def member(self, node: tree.Member) -> None:
        item = self.kind(node.item)
        match node.container:
            case tree.RangeLiteral(low=low, high=high):
                ends = self.kind(low), self.kind(high)
                for end, kind in zip((low, high), ends, strict=True):
                    before = len(self.found)
                    if self.comparable(node.span, (node.item, item), (end, kind)) and not _ordered(item, kind):
                        self.report(node.span, f"{shown(node.item)} has no order", "use `in (…, …)`")
                    if len(self.found) > before:
                        return
                self.some_in_range(node, item, *ends)
            case tree.TupleLiteral(items=items):
                for other in items:
                    kind = self.kind(other)
                    if self.comparable(node.span, (node.item, item), (other, kind)) and kind.constant:
                        self.possible(shown(node.item), item, other, kind)
            case container:
                self.in_container(node, item, container, self.kind(container))

    def some_in_range(self, node: tree.Member, item: Kind, low: Kind, high: Kind) -> None:
        if item.numbers is None or low.numbers is None or high.numbers is None:
            return
        if item.numbers.high < low.numbers.low or item.numbers.low > high.numbers.high:
            message = f"{shown(node.item)} is never in {shown(node.container)}"
            self.report(node.container.span, message, _all(item.numbers))

    def in_container(self, node: tree.Member, item: Kind, container: tree.Expression, kind: Kind) -> None:
        if not kind.sorts or kind.constant:
            return
        if "tuple" not in kind.sorts:
            self.report(container.span, f"`in` asks a tuple or a range, and {shown(container)} is {kind.word}")
        elif kind.items is not None and kind.items.sorts and item.sorts and not item.sorts & kind.items.sorts:
            message = f"what stands in {shown(container)} is {kind.items.word}, and {shown(node.item)} is {item.word}"
            self.report(node.span, message)
        elif kind.items is not None and item.constant:
            self.possible(f"what stands in {shown(container)}", kind.items, node.item, item)

    def text_match(self, node: tree.TextMatch) -> None:
        kind = self.kind(node.subject)
        if not kind.sorts or kind.constant:
            return
        if "text" not in kind.sorts:
            message = f"`{node.kind}` asks a text, and {shown(node.subject)} is {kind.word}"
            self.report(node.subject.span, message)
            return
        if node.kind != "like" or kind.texts is None:
            return
        if not any(glob_matches(node.pattern.text, text) for text in kind.texts):
            message = f"{shown(node.subject)} is never like `{node.pattern.text}`"
            self.report(node.pattern.span, message, f"there is {listed(kind.texts)}")


def _items_differ(one: Kind, other: Kind) -> bool:
    """Whether two tuples hold what cannot be compared."""
    first, second = one.items, other.items
    return (
        first is not None
        and second is not None
        and bool(_items(one) and _items(other) and not first.sorts & second.sorts)
    )


def _items(kind: Kind) -> str:
    return kind.items.word if kind.items is not None else ""


_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _holds(operator: str, value: float, limit: float) -> bool:
    return {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}[operator]


def _ordered(one: Kind, other: Kind) -> bool:
    common = one.sorts & other.sorts
    return not common or "number" in common or ("text" in common and one.ordered and other.ordered)


def _number(node: tree.Expression) -> Kind:
    value = _constant(node)
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return replace(NUMBER, numbers=Numbers(value, value, (value,)), constant=True) if known else NUMBER


def _constant(node: tree.Expression) -> Value:
    """The value of *node*, which uses no names; None if it does or has none."""
    try:
        return evaluate(node, _no_names)
    except Mistake:
        return None


def _no_names(path: tree.Path) -> Value:
    raise Mistake(path.span, "")


def _advice(one: tuple[tree.Expression, Kind], other: tuple[tree.Expression, Kind]) -> str:
    """How *one* could be meant, next to *other*."""
    (node, fixed), (subject, kind) = one, other
    if not fixed.constant:
        return ""
    text = spelled(node)
    if kind.sorts == {"number"} and fixed.texts is not None and fixed.texts[0].replace(".", "", 1).isdigit():
        return "a number stands without quotes"
    if kind.sorts == {"truth"}:
        return f"it is asked without comparing: `{spelled(subject)}`, `not {spelled(subject)}`"
    if kind.sorts == {"tuple"} and kind.items is not None and kind.items.sorts == fixed.sorts:
        return f"ask for one of its positions, `{spelled(subject)}[0]`, or compare with a tuple, `({text},)`"
    if kind.sorts == {"text"} and kind.texts:
        return f"there is {listed(kind.texts)}, each in quotes"
    return ""


def _words(path: tree.Path, before: tree.Name | tree.Index) -> str:
    """*path* as it is written, up to *before*."""
    return path.span.source.text[path.span.start : before.span.start].rstrip(" .[")


def _positions(count: int) -> str:
    return f"{count} position{'' if count == 1 else 's'}"


def _all(numbers: Numbers) -> str:
    if numbers.choices is not None:
        return f"it is {listed([_spell(each) for each in numbers.choices], 'or')}"
    if float("inf") in (-numbers.low, numbers.high):
        return "it is a whole number" if numbers.whole else ""
    whole = "a whole number " if numbers.whole else ""
    return f"it is {whole}from {_spell(numbers.low)} to {_spell(numbers.high)}"


def _spell(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)
