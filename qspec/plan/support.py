"""What the language says and this release cannot do yet: each a clear error at its place, in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import INVALID_VALUE, NOT_SUPPORTED_YET
from qspec.plan.quantizers import fixed_parameters
from qspec.schema.quantizer import Quantizer
from qspec.schema.spec import Spec

_Table = tuple[tuple[Callable[[Quantizer], bool], str], ...]

_NOT_YET: _Table = (
    (lambda quantizer: quantizer.range.method in ("kl", "learned", "learned_clip"), "a range by `{range}`"),
    (lambda quantizer: quantizer.granularity == "per_block", "`per_block`"),
    (lambda quantizer: quantizer.rounding != "half_away", "rounding by `{rounding}`"),
    (lambda quantizer: quantizer.type == "float16", "`float16`"),
)
# Weights have a range from their own extremes unless the spec fixes it.
_NOT_YET_FOR_WEIGHTS: _Table = (
    (lambda quantizer: quantizer.type == "int2", "`{type}` for weights"),
    (lambda quantizer: quantizer.range.method in ("ema", "percentile", "mse"), "a range by `{range}` for weights"),
)


def unsupported(spec: Spec) -> Iterator[Diagnostic]:
    """Everything in *spec* that cannot be done yet; definitions that nobody uses do no harm."""
    if spec.train.batch_norm == "track":
        span = spec.train.spans.get("batch_norm", spec.span)
        message = "`batch_norm = track` is not supported yet"
        yield NOT_SUPPORTED_YET.at(span, message, help="`fold` and `keep` are")
    for assignment in (*spec.default, *(assignment for rule in spec.rules for assignment in rule.assignments)):
        if assignment.quantizer is not None:
            table = _NOT_YET + _NOT_YET_FOR_WEIGHTS if assignment.slot.kind == "weights" else _NOT_YET
            yield from _of_quantizer(assignment.quantizer, assignment.value_span, table)
    for block in (*spec.inputs, *spec.outputs):
        if block.type == "float16":
            yield NOT_SUPPORTED_YET.at(block.spans.get("type", block.span), "`float16` is not supported yet")
        if block.range is not None:
            quantizer = Quantizer(name=block.side, range=block.range)
            yield from _of_quantizer(quantizer, block.spans.get("range", block.span), _NOT_YET)


def _of_quantizer(quantizer: Quantizer, span: Span, table: _Table) -> Iterator[Diagnostic]:
    related = ((quantizer.span, f"`{quantizer.name}` says so"),) if quantizer.span else ()
    for applies, words in table:
        if applies(quantizer):
            what = words.format(type=quantizer.type, range=quantizer.range.method, rounding=quantizer.rounding)
            yield NOT_SUPPORTED_YET.at(span, f"{what} is not supported yet", related=related)
    if not quantizer.range.estimated and not quantizer.is_float and fixed_parameters(quantizer) is None:
        message = f"`{quantizer.range.method}` gives a scale or zero point that the type cannot hold"
        yield INVALID_VALUE.at(span, message, related=related)
