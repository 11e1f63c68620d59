"""The other places of a conflict, to be shown beside the first: who decided, where a quantizer is defined, and what the
runtime's table says."""

from __future__ import annotations

from qspec.diagnostics import Place, Span
from qspec.plan.plan import Origin
from qspec.schema.quantizer import Quantizer
from qspec.targets import Table

Related = tuple[tuple[Span | Place, str], ...]


def decided(origin: Origin, words: str) -> Related:
    """Where a person decided; nothing where the language did."""
    return () if origin.span is None else ((origin.span, words),)


def defined(quantizer: Quantizer | None, used: Span | Place | None) -> Related:
    """Where *quantizer* is defined, unless that is where it is *used*: a quantizer may be amended in place."""
    span = None if quantizer is None else quantizer.span
    if quantizer is None or span is None or (isinstance(used, Span) and span.is_in(used)):
        return ()
    return ((span, f"`{quantizer.name}` is defined here"),)


def row(table: Table, kind: str) -> Related:
    """The first row of *table* for ops of that kind."""
    rows = table.rows(kind)
    return ((rows[0].span, f"the row of {kind} in {table.name}"),) if rows else ()
