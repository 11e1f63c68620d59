"""Names in a target that mean nothing: a row with a misspelt operand would hold for ops that it does not mean to take,
one with a misspelt op or a misspelt name in a condition for none."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from qspec.diagnostics import Advice, Diagnostic, Span
from qspec.diagnostics.catalogue import UNDEFINED_NAME
from qspec.graph.attributes import attributes
from qspec.graph.op_names import OP_NAMES
from qspec.graph.operands import LISTS, operand_count, operand_names
from qspec.schema.conditions import nodes
from qspec.schema.evaluate import Mistake
from qspec.schema.meant_ops import op_of_layer
from qspec.schema.names import listed, similar, there_is
from qspec.schema.rows import OP_NAME
from qspec.schema.target import Form, Group, Operand, OptionDefinition, Row, TargetDefinition
from qspec.schema.values import number, shown
from qspec.syntax import tree
from qspec.targets.scope import COMPUTED, PROPERTIES
from qspec.targets.table import MODEL_NAMES

_WORDS = frozenset({"true", "false", "none"})


def unknown_names(targets: Iterable[TargetDefinition]) -> Iterator[Diagnostic]:
    """An error for every name in *targets* that is no op of LiteRT, or nothing that the row's ops, the model or the
    target's options have.

    What a target takes over from another is not looked at: it belongs to the target there.
    """
    for target in targets:
        own = target.written or target
        for row in own.rows:
            yield from _of_row(row, target)
        every = _Names(("any",), target.options)
        yield from _of_conditions((one.condition for one in own.conditions), every)
        yield from _of_model((one.condition for one in own.model), target)


def _of_row(row: Row, target: TargetDefinition) -> Iterator[Diagnostic]:
    unknown = [name for name in row.names if name.text not in OP_NAMES and name.text != "any"]
    for name in unknown:
        if OP_NAME.fullmatch(name.text):  # any other name was reported when the row was read
            message = f"`{name.text}` is no op of LiteRT"
            hint = _op(name.text)
            yield UNDEFINED_NAME.at(name.span, message, label="not an op", help=hint)
    kinds = tuple(name.text for name in row.names if name.text not in row.exceptions)
    if kinds and not unknown:  # what operands an unknown op has is not known either
        yield from _of_part(row, _Names(kinds, target.options))


def _op(name: str) -> Advice:
    """The op that was meant: that of a layer, or one with a similar name."""
    if op := op_of_layer(name):
        return Advice(f"op names are LiteRT's: write `{op}`", (op,))
    if close := similar(name, sorted(OP_NAMES)):
        return Advice(f"an op with a similar name exists: `{close}`", (close,))
    return Advice("ops are named as in LiteRT's schema")


@dataclass(frozen=True)
class _Names:
    """What can be asked for in a row about ops of these *kinds*, or `any`."""

    kinds: Sequence[str]
    options: Mapping[str, OptionDefinition]

    @cached_property
    def each(self) -> Sequence[str]:
        """The kinds one by one."""
        return sorted(OP_NAMES) if "any" in self.kinds else self.kinds

    @cached_property
    def operands(self) -> tuple[str, ...]:
        """The operands that these ops have, each name once."""
        return tuple(dict.fromkeys(["input", *(name for kind in self.each for name in operand_names(kind)), "output"]))

    @cached_property
    def attributes(self) -> Mapping[str, tuple[str, ...]]:
        """The attributes that these ops have, each with the names of its values if there are such."""
        return {name: values for kind in self.each for name, values in attributes(kind).items()}

    def most(self, operand: str) -> int | None:
        """How many operands of that name one op can have; None for any number."""
        counts = [operand_count(kind, operand) for kind in self.each]
        return None if None in counts else max((count for count in counts if count is not None), default=None)

    def spelled(self, article: str, what: str, subject: str) -> str:
        """`CONV_2D` has no operand `kernel`."""
        if "any" in self.kinds:
            return f"no op has {article} {what} {subject}"
        return f"{listed(self.kinds, 'or')} has no {what} {subject}"


def _of_part(part: Row | Form | Group, names: _Names) -> Iterator[Diagnostic]:
    for operand in part.operands:
        yield from _of_operand(operand, names)
    expressions = [condition.condition for condition in part.conditions]
    if isinstance(part, Group):
        expressions.append(part.condition)
    if isinstance(part, Row) and part.when is not None:
        expressions.append(part.when)
    yield from _of_conditions(expressions, names)
    inner: tuple[Form | Group, ...] = (*part.groups, *part.forms) if isinstance(part, Row) else part.groups
    for one in inner:
        yield from _of_part(one, names)


def _of_operand(operand: Operand, names: _Names) -> Iterator[Diagnostic]:
    if operand.name not in names.operands:
        yield _no_operand(operand.name, operand.span, names)
    elif operand.key is not None:
        yield from _out_of_range(operand.name, operand.key, operand.span, names)
    for words in operand.types:
        for name in words.scale_of:
            if name not in names.operands:
                yield _no_operand(name, words.span, names)


def _no_operand(operand: str, span: Span, names: _Names) -> Diagnostic:
    hint = there_is(operand, names.operands)
    if named := re.search(rf"\b{re.escape(operand)}\b", span.source.text[span.start : span.end]):
        hint = hint.on(Span(span.source, span.start + named.start(), span.start + named.end()))
    message = names.spelled("an", "operand", f"`{operand}`")
    return UNDEFINED_NAME.at(span, message, label="not an operand", help=hint)


def _out_of_range(operand: str, position: int, span: Span, names: _Names) -> Iterator[Diagnostic]:
    most = names.most(operand)
    if most is not None and not -most <= position < most:
        message = names.spelled("an", "operand", f"`{operand}[{position}]`")
        last = f" to `{operand}[{most - 1}]`" if most > 1 else ""
        hint = f"there is `{operand}[0]`{last}" if most > 1 else f"there is one: write `{operand}`"
        yield UNDEFINED_NAME.at(span, message, label="not an operand", help=hint)


# ---- conditions


def _of_conditions(expressions: Iterable[tree.Expression], names: _Names) -> Iterator[Diagnostic]:
    for expression in expressions:
        texts = _meant_as_texts(expression, names)
        for node in nodes(expression, inside_calls=False):
            match node:
                case tree.Path() if node.span in texts:
                    yield _without_quotes(node)
                case tree.Path():
                    yield from _of_path(node, names)
                case tree.Call():
                    yield from _of_call(node, names)


def _meant_as_texts(expression: tree.Expression, names: _Names) -> Collection[Span]:
    """The unknown words that are compared with something that is a text: `padding == SAME`, `input.type == int8`."""
    found: list[Span] = []
    for node in nodes(expression, inside_calls=False):
        pairs: list[tuple[tree.Expression, tree.Expression]] = []
        match node:
            case tree.Compare(left=left, right=right):
                pairs = [(left, right), (right, left)]
            case tree.Member(item=item, container=tree.TupleLiteral(items=items)):
                pairs = [(item, one) for one in items]
        found += [one.span for text, one in pairs if _is_text(text, names) and _is_unknown_word(one, names)]
    return found


def _is_text(expression: tree.Expression, names: _Names) -> bool:
    """Whether *expression* is a name whose values are texts."""
    if not isinstance(expression, tree.Path):
        return False
    name, last = expression.head.text, expression.trailers[-1] if expression.trailers else None
    if last is not None:
        return isinstance(last, tree.Name) and last.text == "type"
    option = names.options.get(name)
    return isinstance(option.default, str) if option is not None else bool(names.attributes.get(name)) or name == "kind"


def _is_unknown_word(expression: tree.Expression, names: _Names) -> bool:
    if not isinstance(expression, tree.Path) or expression.trailers:
        return False
    name = expression.head.text
    known = name in _WORDS or name in names.options or name in COMPUTED or name in names.operands
    return not known and name not in names.attributes


def _without_quotes(path: tree.Path) -> Diagnostic:
    name = path.head.text
    message = f"`{name}` is a name here: a bare word is never a text"
    hint = Advice(f'write it in quotes: `"{name}"`', (f'"{name}"',))
    return UNDEFINED_NAME.at(path.span, message, label="not found", help=hint)


def _of_path(path: tree.Path, names: _Names) -> Iterator[Diagnostic]:
    name = path.head.text
    if name in _WORDS or name in names.options or name in COMPUTED:
        return
    if name in names.operands:
        yield from _of_trailers(path, names)
    elif name not in names.attributes:
        known = [*names.options, *names.operands, *names.attributes, *COMPUTED]
        close = similar(name, known)
        every = Advice(_all_there_is(names))
        hint = Advice(f"a name that is similar: `{close}`", (close,)) if close else every
        message = names.spelled("an", "operand and no attribute", f"`{name}`")
        if "any" in names.kinds:
            message = f"no op has an operand or an attribute `{name}`"
        yield UNDEFINED_NAME.at(path.head.span, message, label="not found", help=hint)


def _all_there_is(names: _Names) -> str:
    """What a condition may ask for, apart from what is computed of every op."""
    options = f"; the options are {listed(names.options)}" if names.options else ""
    attributed = f", the attributes {listed(names.attributes)}" if names.attributes else ", no attributes"
    return f"there are the operands {listed(names.operands)}{attributed}{options}"


def _of_trailers(path: tree.Path, names: _Names) -> Iterator[Diagnostic]:
    """The position and the property behind an operand."""
    operand, trailers = path.head.text, path.trailers
    if trailers and isinstance(trailers[0], tree.Index) and operand not in LISTS:
        position = _constant(trailers[0].value)
        if position is not None:
            yield from _out_of_range(operand, position, path.span, names)
        trailers = trailers[1:]
    if trailers and isinstance(trailers[0], tree.Name) and trailers[0].text not in PROPERTIES:
        hint = there_is(trailers[0].text, PROPERTIES)
        message = f"an operand has no `{trailers[0].text}`"
        yield UNDEFINED_NAME.at(trailers[0].span, message, label="not found", help=hint)


def _constant(expression: tree.Expression) -> int | None:
    try:
        value = number(expression)
    except Mistake:
        return None
    return value if isinstance(value, int) else None


def _of_call(node: tree.Call, names: _Names) -> Iterator[Diagnostic]:
    """`same_scale(a, b)` speaks of operands; every other function of values."""
    for argument in node.arguments:
        if not isinstance(argument.value, tree.Path):
            yield from _of_conditions([argument.value], names)
        elif node.function.head.text == "same_scale" and argument.value.head.text not in names.operands:
            yield _no_operand(argument.value.head.text, argument.value.head.span, names)
        else:
            yield from _of_path(argument.value, names)


def _of_model(expressions: Iterable[tree.Expression], target: TargetDefinition) -> Iterator[Diagnostic]:
    every = _Names(("any",), target.options)
    for expression in expressions:
        texts = _meant_as_texts(expression, every)
        for node in nodes(expression):
            if isinstance(node, tree.Path) and node.span in texts and node.head.text not in MODEL_NAMES:
                yield _without_quotes(node)
            elif isinstance(node, tree.Path) and node.head.text == "memory":
                yield from _of_memory(node, target)
            elif isinstance(node, tree.Path) and node.head.text not in {*_WORDS, *MODEL_NAMES, *target.options}:
                known = [*MODEL_NAMES, *target.options]
                hint = there_is(node.head.text, known)
                message = f"a model has no `{node.head.text}`"
                yield UNDEFINED_NAME.at(node.head.span, message, label="not found", help=hint)


def _of_memory(path: tree.Path, target: TargetDefinition) -> Iterator[Diagnostic]:
    """`memory.parameters` is what the table says; there is nothing else, and nothing where it does not say that."""
    subject = shown(path)
    hint: str | Advice
    if subject != "`memory.parameters`":
        message, hint = f"there is no {subject}", Advice.write("memory.parameters")
    elif "parameters" not in target.memory:
        message, hint = f"`{target.name}` does not say its {subject}", "write `memory.parameters = 8 MiB` in the target"
    else:
        return
    yield UNDEFINED_NAME.at(path.span, message, label="not found", help=hint)
