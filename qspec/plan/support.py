"""What the language says and this release cannot do yet: each a clear error at its place, in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import NOT_SUPPORTED_YET
from qspec.schema.quantizer import Quantizer
from qspec.schema.spec import Spec

_NOT_YET: tuple[tuple[Callable[[Quantizer], bool], str], ...] = (
    (lambda quantizer: quantizer.range.method in ("kl", "learned", "learned_clip"), "a range by `{range}`"),
    (lambda quantizer: quantizer.granularity == "per_block", "`per_block`"),
    (lambda quantizer: quantizer.rounding != "half_away", "rounding by `{rounding}`"),
    (lambda quantizer: quantizer.type == "float16", "`float16`"),
)


def unsupported(spec: Spec) -> Iterator[Diagnostic]:
    """Everything in *spec* that cannot be done yet; definitions that nobody uses do no harm."""
    if spec.train.batch_norm == "track":
        span = spec.train.spans.get("batch_norm", spec.span)
        message = "`batch_norm = track` is not supported yet"
        yield NOT_SUPPORTED_YET.at(span, message, help="`fold` and `keep` are")
    for assignment in (*spec.default, *(assignment for rule in spec.rules for assignment in rule.assignments)):
        quantizer = assignment.quantizer
        for applies, words in _NOT_YET if quantizer is not None else ():
            if quantizer is not None and applies(quantizer):
                what = words.format(range=quantizer.range.method, rounding=quantizer.rounding)
                related = ((quantizer.span, f"`{quantizer.name}` says so"),) if quantizer.span else ()
                yield NOT_SUPPORTED_YET.at(assignment.value_span, f"{what} is not supported yet", related=related)
    for block in (*spec.inputs, *spec.outputs):
        if block.range is not None and block.range.method in ("kl", "learned", "learned_clip"):
            span = block.spans.get("range", block.span)
            yield NOT_SUPPORTED_YET.at(span, f"a range by `{block.range.method}` is not supported yet")
