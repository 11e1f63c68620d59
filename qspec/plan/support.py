"""What the language says and this release cannot do yet: each a clear error at its place, in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import INVALID_VALUE, NOT_SUPPORTED_YET
from qspec.diagnostics.diagnostic import Code
from qspec.plan.quantizers import fixed_parameters
from qspec.schema.quantizer import Quantizer
from qspec.schema.spec import Spec

_MOST_USES = 3  # shown with one diagnostic


@dataclass(frozen=True)
class _Limit:
    """What cannot be done: the attribute that asks for it, when it does, what to call it, and what can be done."""

    attribute: str
    applies: Callable[[Quantizer], bool]
    words: str
    instead: str


_RANGES = "`minmax`, `ema(0.99)`, `percentile(99.9)`, `mse`, `fixed(…)` and `exact(…)` are"
_NOT_YET = (
    _Limit("range", lambda one: one.range.method in ("kl", "learned", "learned_clip"), "a range by `{range}`", _RANGES),
    _Limit(
        "granularity", lambda one: one.granularity == "per_block", "`per_block`", "`per_channel` and `per_tensor` are"
    ),
    _Limit("rounding", lambda one: one.rounding != "half_away", "rounding by `{rounding}`", "`half_away` is"),
    _Limit("type", lambda one: one.type == "float16", "`float16`", "assign `float` to leave the tensor in float32"),
)
# Weights have a range from their own extremes unless the spec fixes it.
_NOT_YET_FOR_WEIGHTS = (
    _Limit(
        "range",
        lambda one: one.range.method in ("kl", "learned", "learned_clip", "ema", "percentile", "mse"),
        "a range by `{range}` for weights",
        "for weights `minmax`, `fixed(…)` and `exact(…)` are",
    ),
    *(limit for limit in _NOT_YET if limit.attribute != "range"),
    _Limit("type", lambda one: one.type == "int2", "`{type}` for weights", "`int4` and `int8` are"),
)


def unsupported(spec: Spec) -> Iterator[Diagnostic]:
    """Everything in *spec* that cannot be done yet; definitions that nobody uses do no harm."""
    if spec.train.batch_norm == "track":
        span = spec.train.spans.get("batch_norm", spec.span)
        message = "`batch_norm = track` is not supported yet"
        yield NOT_SUPPORTED_YET.at(span, message, help="`fold` and `keep` are")
    found = _Found()
    for assignment in (*spec.default, *(assignment for rule in spec.rules for assignment in rule.assignments)):
        if assignment.quantizer is not None:
            limits = _NOT_YET_FOR_WEIGHTS if assignment.slot.kind == "weights" else _NOT_YET
            found.look_at(assignment.quantizer, assignment.value_span, limits)
    for block in (*spec.inputs, *spec.outputs):
        if block.type == "float16":
            message, hint = "`float16` is not supported yet", "`float32` is"
            yield NOT_SUPPORTED_YET.at(block.spans.get("type", block.span), message, help=hint)
        if block.range is not None:
            quantizer = Quantizer(name=block.side, range=block.range)
            found.look_at(quantizer, block.spans.get("range", block.span), _NOT_YET)
    yield from found.diagnostics()


class _Found:
    """What is asked for and cannot be done, once for each place that asks for it, with the places that use it."""

    def __init__(self) -> None:
        self.uses: dict[tuple[Code, Span, str, str], dict[Span, str]] = {}

    def look_at(self, quantizer: Quantizer, use: Span, limits: Sequence[_Limit]) -> None:
        """Take up what *quantizer*, assigned at *use*, asks for."""
        for limit in limits:
            if limit.applies(quantizer):
                what = limit.words.format(
                    type=quantizer.type, range=quantizer.range.method, rounding=quantizer.rounding
                )
                message = f"{what} is not supported yet"
                self._add(NOT_SUPPORTED_YET, quantizer, limit.attribute, use, message, limit.instead)
        if not quantizer.range.estimated and not quantizer.is_float and fixed_parameters(quantizer) is None:
            message = f"`{quantizer.range.method}` gives a scale or zero point that the type cannot hold"
            hint = f"choose numbers that `{quantizer.type}` and float32 can hold"
            self._add(INVALID_VALUE, quantizer, "range", use, message, hint)

    def _add(self, code: Code, quantizer: Quantizer, attribute: str, use: Span, message: str, hint: str) -> None:
        place = quantizer.spans.get(attribute, use)
        self.uses.setdefault((code, place, message, hint), {})[use] = f"`{quantizer.name}` is used here"

    def diagnostics(self) -> Iterator[Diagnostic]:
        """One for each place, in the order in which they were met."""
        for (code, place, message, hint), uses in self.uses.items():
            related = tuple((span, words) for span, words in uses.items() if not _within(place, span))
            yield code.at(place, message, help=hint, related=related[:_MOST_USES])


def _within(span: Span, other: Span) -> bool:
    return span.source is other.source and other.start <= span.start and span.end <= other.end
