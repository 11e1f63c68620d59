"""Diagnostics of a text carried over to the next state of it, until it has been looked at anew."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from qspec.diagnostics import Diagnostic, Place, Source, Span


def retained(diagnostics: Iterable[Diagnostic], old: Source, new: Source) -> Iterator[Diagnostic]:
    """*diagnostics* of the text *old* where they stand in *new*; those that speak of what has changed are left out.

    They lose their fixes and offers, which were made for the earlier text.
    """
    change = _change(old, new)
    for item in diagnostics:
        span = change.moved(item.span)
        if span is not None:
            related = ((change.moved(place), sentence) for place, sentence in item.related)
            kept = tuple((place, sentence) for place, sentence in related if place is not None)
            yield replace(item, span=span, related=kept, fix=None, offers=())


@dataclass(frozen=True)
class _Change:
    """Of two texts, how many characters at the start are the same, and how many at the end."""

    old: Source
    new: Source
    start: int
    end: int

    def moved(self, place: Span | Place) -> Span | Place | None:
        """Where what *place* covered stands now; None if something in it has changed."""
        if not isinstance(place, Span) or place.source is not self.old:
            return place
        if place.end <= self.start:
            return Span(self.new, place.start, place.end)
        if place.start < len(self.old.text) - self.end:
            return None
        shift = len(self.new.text) - len(self.old.text)
        return Span(self.new, place.start + shift, place.end + shift)


def _change(old: Source, new: Source) -> _Change:
    most = min(len(old.text), len(new.text))
    start = bisect_left(range(1, most + 1), True, key=lambda size: not new.text.startswith(old.text[:size]))
    rest = most - start
    end = bisect_left(range(1, rest + 1), True, key=lambda size: not new.text.endswith(old.text[-size:]))
    return _Change(old, new, start, end)
