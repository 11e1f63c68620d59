"""The values of `range`, `granularity` and `freeze_ranges_after`: words with numbers in parentheses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from qspec.diagnostics import Advice, Diagnostic, Diagnostics
from qspec.diagnostics.catalogue import INVALID_VALUE
from qspec.schema.evaluate import Mistake
from qspec.schema.names import in_quotes, meant, offer
from qspec.schema.quantizer import Range
from qspec.schema.values import Text, number, plain, shown
from qspec.syntax import tree

Forms = Mapping[str, tuple[int, str]]
"""Words with the number of numbers that each takes, and how it is written."""

RANGES: Forms = {
    "minmax": (0, "minmax"),
    "ema": (1, "ema(0.99)"),
    "percentile": (1, "percentile(99.9)"),
    "mse": (0, "mse"),
    "kl": (0, "kl"),
    "fixed": (2, "fixed(-1, 1)"),
    "exact": (2, "exact(1/256, -128)"),
    "learned": (0, "learned"),
    "learned_clip": (0, "learned_clip"),
}
GRANULARITIES: Forms = {
    "per_tensor": (0, "per_tensor"),
    "per_channel": (0, "per_channel"),
    "per_block": (1, "per_block(32)"),
}
MOMENTS: Forms = {"steps": (1, "steps(1000)"), "epochs": (1, "epochs(2)")}


def range_of(expression: tree.Expression, found: Diagnostics) -> Range | None:
    """The range that *expression* asks for; None, and a diagnostic, if it makes no sense."""
    parts = _word_and_numbers(expression, RANGES, found)
    if parts is None:
        return None
    method, arguments = parts
    problem = _RANGE_CHECKS[method](*arguments) if method in _RANGE_CHECKS else ""
    if problem:
        hint = Advice(f"for example `{RANGES[method][1]}`")
        if method == "percentile" and 0.5 < arguments[0] <= 1:
            hint = Advice.write(f"percentile({100 * arguments[0]:g})").after("a percentile is a number of percent: ")
        found.add(INVALID_VALUE.at(expression.span, f"{problem}, found {shown(expression)}", help=hint))
        return None
    return Range(method=method, arguments=arguments)  # type: ignore[arg-type]


def _check_ema(decay: float) -> str:
    return "" if 0 < decay < 1 else "the decay of `ema` must be above 0 and below 1"


def _check_percentile(percentile: float) -> str:
    # Both tails are cut, so that the two ends would meet at 50.
    return "" if 50 < percentile <= 100 else "`percentile` must be above 50 and at most 100"


def _check_fixed(low: float, high: float) -> str:
    if low >= high:
        return "the low end of `fixed` must be below the high end"
    # Zero must be exact: padding and ReLU produce it, and a range without it would shift it.
    return "" if low <= 0 <= high else "the range of `fixed` must contain 0, which is always exact"


def _check_exact(scale: float, zero_point: float) -> str:
    if scale <= 0:
        return "the scale of `exact` must be above 0"
    return "" if isinstance(zero_point, int) else "the zero point of `exact` must be a whole number"


_RANGE_CHECKS: dict[str, Callable[..., str]] = {
    "ema": _check_ema,
    "percentile": _check_percentile,
    "fixed": _check_fixed,
    "exact": _check_exact,
}


def granularity_of(expression: tree.Expression, found: Diagnostics) -> dict[str, Any] | None:
    """The fields `granularity` and `block_size`; None, and a diagnostic, if the value makes no sense."""
    parts = _word_and_numbers(expression, GRANULARITIES, found)
    if parts is None:
        return None
    name, arguments = parts
    if name != "per_block":
        return {"granularity": name, "block_size": None}
    size = arguments[0]
    if not isinstance(size, int) or size < 1:
        message = f"the size of a block must be a whole number of at least 1, found {shown(expression)}"
        found.add(INVALID_VALUE.at(expression.span, message, help="for example `per_block(32)`"))
        return None
    return {"granularity": name, "block_size": size}


def moment_of(expression: tree.Expression, found: Diagnostics) -> tuple[Literal["steps", "epochs"], int] | None:
    """`steps(N)` or `epochs(N)`; None, and a diagnostic, if it is neither."""
    parts = _word_and_numbers(expression, MOMENTS, found)
    if parts is None:
        return None
    name, (count,) = parts
    if not isinstance(count, int) or count < 0:
        message = f"`{name}` takes a whole number of at least 0, found {shown(expression)}"
        found.add(INVALID_VALUE.at(expression.span, message, help=f"for example `{name}(2)`"))
        return None
    return ("steps" if name == "steps" else "epochs"), count


def _word_and_numbers(
    expression: tree.Expression, forms: Forms, found: Diagnostics
) -> tuple[str, tuple[Any, ...]] | None:
    """A word of *forms* with as many numbers as it takes."""
    match expression:
        case tree.Call(function=tree.Path(head=head, trailers=()), arguments=arguments):
            name = head.text
        case tree.Path(head=head, trailers=()):
            name, arguments = head.text, ()
        case _:
            found.add(_no_word(expression, forms))
            return None
    if name not in forms:
        message = f"`{name}` is no value of this attribute"
        found.add(INVALID_VALUE.at(head.span, message, help=meant("VALUES", name) or offer("a value", name, forms)))
        return None
    count, example = forms[name]
    if len(arguments) != count:
        wanted = ("no number", "a number", "two numbers")[count]
        message = f"`{name}` takes {wanted}, found {len(arguments) or 'none'}"
        found.add(INVALID_VALUE.at(expression.span, message, help=f"write `{example}`"))
        return None
    numbers = _numbers(arguments, example, found)
    return None if numbers is None else (name, numbers)


def _numbers(arguments: Sequence[tree.Argument], example: str, found: Diagnostics) -> tuple[Any, ...] | None:
    values: list[Any] = []
    for argument in arguments:
        if argument.name is not None:
            message = f"`{argument.name.text}` names nothing here: the numbers are told by their order"
            found.add(INVALID_VALUE.at(argument.name.span, message, help=f"write `{example}`"))
            return None
        try:
            values.append(number(argument.value))
        except Mistake as mistake:
            found.add(INVALID_VALUE.at(mistake.span, mistake.message, help=f"write `{example}`"))
            return None
    return tuple(values)


def _no_word(expression: tree.Expression, forms: Forms) -> Diagnostic:
    value, span = plain(expression), expression.span
    message = f"{shown(expression)} is no value of this attribute"
    if isinstance(value, Text) and value.text in forms:
        return in_quotes(span, message, value.text, forms[value.text][1])
    if "fixed" in forms and isinstance(expression, tree.TupleLiteral) and len(expression.items) == 2:
        hint = Advice.write(f"fixed{span.source.text[span.start : span.end]}")
    else:
        hint = offer("a value", "", [example for _, example in forms.values()])
    return INVALID_VALUE.at(span, message, help=hint)
