"""One block, one model: attributes collected, validated, and what does not fit told in our own sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from qspec.diagnostics import Advice, Diagnostic, Diagnostics, Span
from qspec.diagnostics.catalogue import DUPLICATE_ATTRIBUTE, INVALID_VALUE, UNKNOWN_ATTRIBUTE
from qspec.schema.names import in_quotes, listed, meant, offer
from qspec.schema.quantizer import CountType, EndType, FloatType, IntegerType, Range, Rounding, Scheme
from qspec.schema.settings import BatchNorm
from qspec.schema.values import Text, shown
from qspec.syntax import tree

if TYPE_CHECKING:
    from qspec.schema.models import Block

Kind = Literal["quantizer", "boundary", "calibrate", "train"]

_TYPES = frozenset((*get_args(IntegerType), *get_args(FloatType)))
_END_TYPES = frozenset((*get_args(EndType), *get_args(CountType)))
# Words that their models are known to take, so that the models need not be asked; a test holds the two together.
_WORDS: Mapping[str, frozenset[str]] = {
    "type": _TYPES,
    "scheme": frozenset(get_args(Scheme)),
    "rounding": frozenset(get_args(Rounding)),
    "batch_norm": frozenset(get_args(BatchNorm)),
}
_SWITCHES = frozenset({"narrow"})
_COUNTS = frozenset({"samples", "batch", "seed"})
_READ_BEFORE = frozenset({"range", "granularity", "block_size", "freeze_ranges_after"})


@dataclass(frozen=True)
class Attributes:
    """The assignments of a block by attribute, each attribute once."""

    values: Mapping[str, tree.Expression]
    names: Mapping[str, Span] = field(default_factory=dict)  # where each attribute is named


def read_attributes(
    body: Iterable[tree.Assignment], allowed: Sequence[str], block: str, found: Diagnostics
) -> Attributes:
    """The attributes of a block; unknown ones and those assigned twice are reported and left out."""
    values: dict[str, tree.Expression] = {}
    names: dict[str, Span] = {}
    for assignment in body:
        path = assignment.path
        name = path.head.text
        if name not in allowed or path.trailers:
            message = f"{block} has no attribute {shown(path)}"
            known = meant("ATTRIBUTES", name) if "range" in allowed else None
            hint = known.on(assignment.span) if known else offer("an attribute", name, allowed)
            found.add(UNKNOWN_ATTRIBUTE.at(path.span, message, help=hint))
        elif name in names:
            message = f"`{name}` is assigned twice"
            twice = DUPLICATE_ATTRIBUTE.at(path.span, message, help="remove one of the two")
            found.add(twice.with_related(names[name], "first assigned here"))
        else:
            values[name], names[name] = assignment.value, path.span
    return Attributes(values, names)


def fitting(
    kind: Kind, values: Mapping[str, Any], expressions: Mapping[str, tree.Expression], found: Diagnostics
) -> dict[str, Any]:
    """The values that the model of the block takes; the others are reported, each at its expression."""
    if all(_surely_fits(kind, name, value) for name, value in values.items()):
        return dict(values)
    from pydantic import ValidationError

    model = _model(kind)
    try:
        model.model_validate(values)
    except ValidationError as error:
        problems = {str(problem["loc"][0]): problem for problem in reversed(error.errors(include_url=False))}
        for name, problem in problems.items():
            found.add(_describe(model, name, problem, expressions[name]))
        return {name: value for name, value in values.items() if name not in problems}
    return dict(values)


def _surely_fits(kind: Kind, name: str, value: Any) -> bool:
    if name in _READ_BEFORE:
        return isinstance(value, Range | tuple | int | str) or value is None
    if name in _SWITCHES:
        return isinstance(value, bool)
    if name in _COUNTS:
        return type(value) is int and 1 <= value < 2**31
    words = _END_TYPES if (kind, name) == ("boundary", "type") else _WORDS.get(name, ())
    return isinstance(value, str) and value in words


def _model(kind: Kind) -> type[Block]:
    from qspec.schema import models

    kinds: dict[Kind, type[Block]] = {
        "quantizer": models.QuantizerBlock,
        "boundary": models.BoundaryBlock,
        "calibrate": models.CalibrateBlock,
        "train": models.TrainBlock,
    }
    return kinds[kind]


TYPES_OF_ENDS = f"`type` is {listed(get_args(EndType), 'or')} here"
"""Advice for the type of an input or output."""


def _describe(model: type[Block], name: str, problem: Any, expression: tree.Expression) -> Diagnostic:
    """What pydantic complains about, in our words, at the value."""
    written = shown(expression)
    bounds = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}
    if problem["type"] in bounds:
        key, phrase = bounds[problem["type"]]
        message = f"`{name}` must be {phrase} {problem['ctx'][key]}, found {written}"
        return INVALID_VALUE.at(expression.span, message, help=f"write a number of {phrase} {problem['ctx'][key]}")
    words, others = _choices(model.model_fields[name].annotation)
    if name == "type" and problem["input"] in _TYPES:
        message = f"a file takes and gives no {written}, which is a type of tensors inside"
        return INVALID_VALUE.at(expression.span, message, help=TYPES_OF_ENDS)
    expected = " or ".join(filter(None, [*others, f"one of {listed(words, 'or')}" if words else ""]))
    hint = Advice(f"`{name}` is {expected}")
    if isinstance(problem["input"], Text) and problem["input"].text in words:
        word = problem["input"].text
        return in_quotes(expression.span, f"`{name}` cannot be {written}", word, word)
    if isinstance(problem["input"], str) and words:
        hint = offer("a value", problem["input"], words)
    return INVALID_VALUE.at(expression.span, f"`{name}` cannot be {written}", help=hint)


def _choices(annotation: Any) -> tuple[list[str], list[str]]:
    """The words that a field takes, and in our words what else."""
    origin = get_origin(annotation)
    if origin is Literal:
        return list(get_args(annotation)), []
    if origin is Annotated:
        return _choices(get_args(annotation)[0])
    if origin in (Union, UnionType):
        parts = [_choices(part) for part in get_args(annotation) if part is not type(None)]
        return [word for words, _ in parts for word in words], [other for _, others in parts for other in others]
    return [], ["`true` or `false`" if annotation is bool else "a whole number"]
