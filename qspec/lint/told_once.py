"""What several targets say of one op and one assignment, said once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from qspec.diagnostics import Diagnostic, Place, Span
from qspec.diagnostics.catalogue import LEFT_TO_HOST, NOT_ACCEPTED


def told_once(diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """*diagnostics* in their order; those of an op that nothing runs, and that one assignment keeps off several
    targets, as one error with the rows of all."""
    found = tuple(diagnostics)
    errors = {key: item for item in found if item.code == NOT_ACCEPTED.code for key in _keys(item)}
    joined: dict[int, list[Diagnostic]] = {}
    gone: set[int] = set()
    for item in found:
        error = errors.get((item.span, item.layer, item.op))
        if error is None or error is item:
            continue
        if item.code == LEFT_TO_HOST.code or (item.code == NOT_ACCEPTED.code and item.target != error.target):
            joined.setdefault(id(error), []).append(item)
            gone.add(id(item))
    for item in found:
        if id(item) not in gone:
            yield _joined(item, joined.get(id(item), ()))


def _keys(error: Diagnostic) -> Iterator[tuple[Span | Place, str, str]]:
    """An op at the places that an error shows."""
    for span in (error.span, *(span for span, _ in error.related)):
        yield span, error.layer, error.op


def _joined(error: Diagnostic, others: Iterable[Diagnostic]) -> Diagnostic:
    """*error* with what the targets of *others* take."""
    for other in others:
        (span, label), *_ = other.related
        further = other.label.removeprefix("and ").removeprefix("nor ")
        nor = [f"`{other.target}` does not take it either"] if other.target != error.target else []
        if further and further not in error.label:
            nor.append(f"nor {further}")
        told = f"{label} ({', '.join(nor)})" if nor else label
        if (span, label) in error.related:  # a row that is shown already is shown once
            related = tuple((span, told) if each == (span, label) else each for each in error.related)
            error = replace(error, related=related)
        elif (span, told) not in error.related:
            error = error.with_related(span, told)
    return error
