"""The rendering for programs, a public contract. `VERSION` rises when a field changes its meaning or goes away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qspec.diagnostics.diagnostic import Diagnostic, Fix, Place, Span
from qspec.diagnostics.summary import counts, in_order

VERSION = 1


def document(diagnostics: Iterable[Diagnostic], sections: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The whole answer as plain data: `version`, `diagnostics`, *sections* (`placement`, `plan`), `summary`."""
    ordered = in_order(diagnostics)
    return {
        "version": VERSION,
        "diagnostics": [as_data(diagnostic) for diagnostic in ordered],
        **(sections or {}),
        "summary": counts(ordered),
    }


def as_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """One diagnostic as plain data. What does not apply is None."""
    return {
        "code": diagnostic.code,
        "name": diagnostic.name,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        **_location(diagnostic.span),
        "label": diagnostic.label or None,
        "related": [{"message": sentence, **_location(place)} for place, sentence in diagnostic.related],
        "help": diagnostic.help or None,
        "fix": None if diagnostic.fix is None else _fix(diagnostic.fix),
        "offers": [_fix(offer) for offer in diagnostic.offers],
        "layer": diagnostic.layer or None,
        "op": diagnostic.op or None,
        "target": diagnostic.target or None,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {"title": fix.title, "edits": [{**_location(edit.span), "text": edit.text} for edit in fix.edits]}


def _location(place: Span | Place) -> dict[str, Any]:
    """`path`, `start` and `end`; lines and columns count code points from 1, and `end` is the first one behind it."""
    if isinstance(place, Place):
        return {"path": place.path, "start": None, "end": None}
    return {"path": place.source.path, "start": _position(place, place.start), "end": _position(place, place.end)}


def _position(span: Span, offset: int) -> dict[str, int]:
    line, column = span.source.position(offset)
    return {"line": line, "column": column}
