"""What an attribute cannot mean for the tensor that it is assigned to: each an error at its place, in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import INVALID_VALUE
from qspec.plan.quantizers import fixed_parameters
from qspec.schema.quantizer import Quantizer
from qspec.schema.spec import Spec

_MOST_USES = 3  # shown with one diagnostic


@dataclass(frozen=True)
class _Limit:
    """What makes no sense: the attribute that says it, when it does, why not, and what to write."""

    attribute: str
    applies: Callable[[Quantizer], bool]
    words: str
    instead: str


_OF_ACTIVATIONS = (
    _Limit(
        "rounding",
        lambda one: one.rounding == "half_even",
        "`half_even` is not how the runtime's kernels round activations",
        "leave it out; of weights it can be said",
    ),
    _Limit(
        "type",
        lambda one: one.type == "float16",
        "no kernel of LiteRT's computes a layer in float16",
        "`float` leaves the tensor in float32; weights and biases can be stored as float16",
    ),
)
_OF_WEIGHTS = (
    _Limit(
        "range",
        lambda one: one.range.method == "learned" and one.granularity == "per_block",
        "`learned` has one scale for the tensor or for each channel, and `per_block` asks for more",
        "write `mse`, or `granularity = per_channel`",
    ),
    _Limit(
        "range",
        lambda one: one.range.method == "learned_clip",
        "`learned_clip` learns where activations are cut off, and weights are not",
        "write `learned`, which learns the scale",
    ),
    _Limit(
        "range",
        lambda one: one.range.method == "ema",
        "`ema` averages over batches of data, and weights are no data",
        "write `minmax`, the extremes that they have",
    ),
    _Limit(
        "range",
        lambda one: one.range.method == "kl",
        "`kl` compares distributions of data, and a channel has too few weights for one",
        "write `mse`, which searches the range with the least error",
    ),
)
_OF_BIASES = (
    _Limit(
        "range",
        lambda one: not one.is_float and one.range.method != "minmax",
        "a bias has the scale of its op's input times that of the weights, and no range of its own",
        "leave it out",
    ),
    _Limit("narrow", lambda one: one.narrow, "a bias has all the codes of its type", "leave it out"),
    _Limit(
        "rounding",
        lambda one: one.rounding != "half_away",
        "a bias is rounded to the nearest, ties away from zero",
        "leave it out",
    ),
)
_BY_SLOT: Mapping[str, Sequence[_Limit]] = {"weights": _OF_WEIGHTS, "bias": _OF_BIASES}


def meaningless(spec: Spec) -> Iterator[Diagnostic]:
    """Everything in *spec* that makes no sense where it is assigned; definitions that nobody uses do no harm."""
    found = _Found()
    for assignment in (*spec.default, *(assignment for rule in spec.rules for assignment in rule.assignments)):
        if assignment.quantizer is not None:
            limits = _BY_SLOT.get(assignment.slot.kind, _OF_ACTIVATIONS)
            found.look_at(assignment.quantizer, assignment.value_span, limits)
    for block in (*spec.inputs, *spec.outputs):
        if block.range is not None:
            quantizer = Quantizer(name=block.side, range=block.range)
            found.look_at(quantizer, block.spans.get("range", block.span), _OF_ACTIVATIONS)
    yield from found.diagnostics()


class _Found:
    """What is asked for and makes no sense, once for each place that asks for it, with the places that use it."""

    def __init__(self) -> None:
        self.uses: dict[tuple[Span, str, str], dict[Span, str]] = {}

    def look_at(self, quantizer: Quantizer, use: Span, limits: Sequence[_Limit]) -> None:
        """Take up what *quantizer*, assigned at *use*, asks for."""
        for limit in limits:
            if limit.applies(quantizer):
                self._add(quantizer, limit.attribute, use, limit.words, limit.instead)
        if not quantizer.range.estimated and not quantizer.is_float and fixed_parameters(quantizer) is None:
            message = f"`{quantizer.range.method}` gives a scale or zero point that the type cannot hold"
            hint = f"choose numbers that `{quantizer.type}` and float32 can hold"
            self._add(quantizer, "range", use, message, hint)

    def _add(self, quantizer: Quantizer, attribute: str, use: Span, message: str, hint: str) -> None:
        place = quantizer.spans.get(attribute, use)
        self.uses.setdefault((place, message, hint), {})[use] = f"`{quantizer.name}` is used here"

    def diagnostics(self) -> Iterator[Diagnostic]:
        """One for each place, in the order in which they were met."""
        for (place, message, hint), uses in self.uses.items():
            related = tuple((span, words) for span, words in uses.items() if not place.is_in(span))
            yield INVALID_VALUE.at(place, message, help=hint, related=related[:_MOST_USES])
