"""Rows that take nothing, or not what they seem to: types that no tensor has, types that exclude each other, rows of
which one undoes the other."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import combinations

from qspec.diagnostics import Advice, Diagnostic, Span
from qspec.diagnostics.catalogue import DUPLICATE_NAME, INVALID_VALUE, MEANINGLESS_COMBINATION
from qspec.graph.op_names import OP_NAMES
from qspec.graph.ranks import MOST_DIMENSIONS, channel_axis, operand_rank
from qspec.schema.names import listed
from qspec.schema.operands import written
from qspec.schema.target import Form, Group, Operand, OperandWords, Row, TargetDefinition
from qspec.targets.value_kinds import each_kind, has_operand

_CODES = {
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (*range(2, 9), 16, 32, 64)},
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}


def impossible_rows(target: TargetDefinition) -> Iterator[Diagnostic]:
    """An error for each part of what *target* itself says that cannot be, or cannot be meant."""
    own = target.written or target
    if target.written is None and not any(kind != "any" for kinds in own.deferred_rows().kinds for kind in kinds):
        message = f"`{target.name}` takes no op: it has no row for one"
        hint = "write a row for each op that it takes; a row for `any` only restricts the others"
        yield MEANINGLESS_COMBINATION.at(target.span, message, help=hint)
    for row in own.rows:
        yield from _names(row)
        yield from _types(row)
        for form in row.forms:
            yield from _clashes(row.operands, form)
        for group in row.groups:
            yield from _clashes(row.operands, group)
    for one, other in combinations(own.rows, 2):
        yield from _alternatives(one, other)


def _names(row: Row) -> Iterator[Diagnostic]:
    seen: dict[str, Span] = {}
    for name in row.names:
        first = seen.setdefault(name.text, name.span)
        if first != name.span:
            twice = DUPLICATE_NAME.at(name.span, f"`{name.text}` is named twice", help="remove one of the two")
            yield twice.with_related(first, "first named here")
    if row.exceptions and "any" not in row.kinds:
        span = next(name.span for name in row.names if name.text == row.exceptions[0])
        hint = "name the ops that the row is for"
        yield INVALID_VALUE.at(span, "`except` stands behind `any` only", help=hint)
    if "any" in row.kinds and len(row.kinds) > 1:
        hint = "write `any` alone, with `except` for the ops that it is not for"
        yield INVALID_VALUE.at(row.span, "`any` is every op: there is nothing to add to it", help=hint)


# ---- types that no tensor has


def _types(row: Row) -> Iterator[Diagnostic]:
    kinds = [kind for kind in dict.fromkeys(each_kind(row.kinds, row.exceptions)) if kind in OP_NAMES]
    for operand in _operands(row):
        for words in operand.types:
            yield from _words(words, operand.name, [kind for kind in kinds if has_operand(kind, operand.name)])


def _operands(part: Row | Form | Group) -> Iterator[Operand]:
    """Every operand line in *part*, those of its forms and groups too."""
    yield from part.operands
    inner: Iterable[Form | Group] = (*part.forms, *part.groups) if isinstance(part, Row) else part.groups
    for one in inner:
        yield from _operands(one)


def _words(words: OperandWords, operand: str, kinds: Sequence[str]) -> Iterator[Diagnostic]:
    stored = [words.scheme, words.granularity, words.scale, words.zero_point, words.scale_of or None]
    if words.type not in _CODES and any(one is not None for one in stored):
        message = f"`{written(words)}`: {words.type} is not quantized, and has no scale and no zero point"
        yield MEANINGLESS_COMBINATION.at(words.span, message, help=Advice.write(words.type))
        return
    if words.scheme == "symmetric" and words.zero_point:
        message = f"`{written(words)}`: the zero point of a symmetric tensor is 0"
        yield MEANINGLESS_COMBINATION.at(words.span, message, help="write `asymmetric`, or leave the zero point out")
    elif words.zero_point is not None and not _CODES[words.type][0] <= words.zero_point <= _CODES[words.type][1]:
        message = "`{}`: the zero points of {} go from {} to {}"
        low, high = _CODES[words.type]
        yield MEANINGLESS_COMBINATION.at(words.span, message.format(written(words), words.type, low, high))
    if words.axis is not None and kinds:  # an operand that none of them has is told elsewhere
        yield from _axis(words, words.axis, operand, kinds)


def _axis(words: OperandWords, axis: int, operand: str, kinds: Sequence[str]) -> Iterator[Diagnostic]:
    ranks = [operand_rank(kind, operand) or MOST_DIMENSIONS for kind in kinds]
    channels = {channel_axis(kind) for kind in kinds} if operand == "weights" else {None}
    names = listed(kinds, "or") if len(kinds) <= 3 else "these ops"
    if ranks and axis >= max(ranks):
        message = f"`{operand}` of {names} has at most {max(ranks)} dimensions, and axis {axis} is none of them"
        hint = f"the channels are on axis {next(iter(channels))}" if len(channels) == 1 and None not in channels else ""
        yield MEANINGLESS_COMBINATION.at(words.span, message, help=hint)
    elif channels and None not in channels and axis not in channels:
        known = " or ".join(sorted(str(each) for each in channels))
        message = f"`{operand}` of {names} has its output channels on axis {known}, not {axis}"
        yield MEANINGLESS_COMBINATION.at(words.span, message, help=f"write `per_channel({known})`")


# ---- types that exclude each other


def _clashes(outer: Sequence[Operand], part: Form | Group) -> Iterator[Diagnostic]:
    """Operands that *part* takes in no type in which the lines around it take them: both hold."""
    for operand in part.operands:
        for other in outer:
            same = other.name == operand.name and (None in (other.key, operand.key) or other.key == operand.key)
            if same and operand.types and other.types and not _in_common(operand, other):
                where = f"form `{part.name}`" if isinstance(part, Form) else "`when`"
                message = f"no `{operand.name}` fits both this line and the one around its {where}"
                hint = f"move the line of the row into the forms, or let one narrow the other: {_both(other, operand)}"
                clash = MEANINGLESS_COMBINATION.at(operand.span, message, help=hint)
                yield clash.with_related(other.span, "this line holds too")
    for group in part.groups:
        yield from _clashes((*outer, *part.operands), group)


def _both(outer: Operand, inner: Operand) -> str:
    types = " | ".join(dict.fromkeys(words.type for operand in (outer, inner) for words in operand.types))
    return f"`{outer.name} = {types}` around it"


def _in_common(one: Operand, other: Operand) -> bool:
    return any(_agree(first, second) for first in one.types for second in other.types)


def _agree(one: OperandWords, other: OperandWords) -> bool:
    said = ("type", "scheme", "granularity", "axis", "scale", "zero_point")
    pairs = ((getattr(one, name), getattr(other, name)) for name in said)
    return all(None in pair or pair[0] == pair[1] for pair in pairs)


# ---- rows of which one undoes the other


def _alternatives(one: Row, other: Row) -> Iterator[Diagnostic]:
    """What one of two rows for an op takes is taken, whatever the other says."""
    both = [kind for kind in one.kinds if kind in other.kinds and kind != "any"]
    if not both or one.when is not None or other.when is not None:
        return
    if _all_taken(one) == _all_taken(other):
        message = f"this row takes {listed(both)} in the types of another row: only one of the two has to hold"
    elif not any(_operands(other)) or not any(_operands(one)):
        message = f"one of two rows for {listed(both)} names no types, and takes what the other leaves"
    else:
        return
    hint = "rows for one op are alternatives: join them, so that all conditions hold, or tell them apart with `when`"
    yield MEANINGLESS_COMBINATION.at(other.span, message, help=hint).with_related(one.span, "the other row")


def _all_taken(row: Row) -> Hashable:
    """The types that *row* takes, to be compared."""
    return _taken(row), frozenset(_taken(form) for form in row.forms)


def _taken(part: Row | Form | Group) -> Hashable:
    operands = [(operand.name, operand.key, operand.constant, _all_words(operand)) for operand in part.operands]
    return frozenset(operands), frozenset(_taken(group) for group in part.groups)


def _all_words(operand: Operand) -> Hashable:
    names = [field.name for field in fields(OperandWords) if field.name != "span"]
    return frozenset(tuple(getattr(words, name) for name in names) for words in operand.types)
