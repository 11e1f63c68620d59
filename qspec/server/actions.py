"""Quick fixes: what diagnostics offer to change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qspec.diagnostics import Diagnostic, Edit, Span
from qspec.syntax import tree


@dataclass(frozen=True)
class Action:
    """A change with its title, and the diagnostic that it takes away; None for that of all at once. Where it is not
    *certain*, it is one of several things that may have been meant."""

    title: str
    edits: tuple[Edit, ...]
    diagnostic: Diagnostic | None = None
    certain: bool = False


def fixes(diagnostics: Iterable[Diagnostic], file: tree.File, start: int, end: int) -> Iterator[Action]:
    """The fixes of what is wrong between two offsets of *file*, and what else its diagnostics offer."""
    for item in diagnostics:
        span = item.span
        if not isinstance(span, Span) or span.source is not file.source or span.start > end or span.end < start:
            continue
        if item.fix is not None:
            yield Action(item.fix.title, item.fix.edits, item, certain=True)
        for offer in item.offers:
            yield Action(offer.title, offer.edits, item)


def fix_all(diagnostics: Iterable[Diagnostic], path: str) -> Action | None:
    """Every fix in the file at *path* that does not touch what another changes; None if there is none."""
    chosen: list[Edit] = []
    for item in diagnostics:
        edits = item.fix.edits if item.fix is not None else ()
        inside = all(edit.span.source.path == path for edit in edits)
        if edits and inside and not any(_touch(edit, other) for edit in edits for other in chosen):
            chosen += edits
    if not chosen:
        return None
    return Action("fix everything that has one remedy", tuple(sorted(chosen, key=lambda edit: edit.span.start)))


def _touch(one: Edit, other: Edit) -> bool:
    return one.span.start <= other.span.end and other.span.start <= one.span.end
