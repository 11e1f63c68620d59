"""The rendering for people: the message, a frame with the line and carets under it, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qspec.diagnostics.diagnostic import Diagnostic, Place, Severity, Span
from qspec.diagnostics.text import Excerpt, broken, display_width, printable

WIDTH = 120
_NARROWEST = 40
# Of a span over more lines than this, the first ones and the last are shown.
_MOST_LINES = 6
_FIRST_LINES = 3

_HUES = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.NOTE: "1;36"}
_BOLD = "1"
_GUTTER = "1;34"


def full(diagnostic: Diagnostic, color: bool = False, width: int | None = None) -> str:
    """One diagnostic as several lines, without a newline at the end.

    *width*: columns of the terminal. Where there is none, source lines take up to 120, and sentences are not broken, so
    that programs find them whole.
    """
    places = (diagnostic.span, *(place for place, _ in diagnostic.related))
    gutter = max(len(str(_lines(place)[1])) if isinstance(place, Span) else 0 for place in places)
    page = _Page(gutter or 1, max(width or WIDTH, _NARROWEST), color, breaks=width is not None)
    return "\n".join(page.lines(diagnostic))


def _lines(span: Span) -> tuple[int, int]:
    """The first and the last line that a span touches."""
    last = max(span.start, span.end - 1)
    return span.source.position(span.start)[0], span.source.position(last)[0]


@dataclass(frozen=True)
class _Page:
    """Where the bar stands, how wide the page is, whether it has colours, and whether long sentences are broken."""

    gutter: int
    width: int
    color: bool
    breaks: bool

    def lines(self, diagnostic: Diagnostic) -> Iterator[str]:
        hue = _HUES[diagnostic.severity]
        yield from self._title(hue, f"{diagnostic.severity.value}[{diagnostic.code}]", diagnostic.message)
        yield from self._frame(diagnostic.span, diagnostic.label, hue)
        if diagnostic.help:
            yield from self._remark("help", diagnostic.help)
        for place, sentence in diagnostic.related:
            yield from self._title(_HUES[Severity.NOTE], "note", sentence)
            yield from self._frame(place, "", _HUES[Severity.NOTE])

    def _title(self, hue: str, kind: str, sentence: str) -> Iterator[str]:
        first, *others = self._broken(printable(sentence), self.width, len(kind) + 2)
        yield self._paint(hue, kind) + self._paint(_BOLD, f": {first}")
        yield from (self._paint(_BOLD, line) for line in others)

    def _frame(self, place: Span | Place, label: str, hue: str) -> Iterator[str]:
        yield f"{' ' * self.gutter}{self._paint(_GUTTER, '-->')} {printable(str(place))}"
        if isinstance(place, Place):
            if label:
                yield from self._remark("note", label)
            return
        first, last = _lines(place)
        yield self._row()
        if first == last:
            yield from self._one_line(place, first, label, hue)
        else:
            yield from self._several_lines(place, first, last, label, hue)

    def _one_line(self, span: Span, number: int, label: str, hue: str) -> Iterator[str]:
        column = span.source.position(span.start)[1] - 1
        excerpt = Excerpt(span.source.line(number), self.width - self.gutter - 3, column)
        left = excerpt.column(column)
        right = excerpt.column(column + span.end - span.start)
        yield self._row(excerpt.text, number)
        yield from self._marked(left, "^" * max(right - left, 1), label, hue)

    def _several_lines(self, span: Span, first: int, last: int, label: str, hue: str) -> Iterator[str]:
        numbers = range(first, last + 1)
        shown = numbers if len(numbers) <= _MOST_LINES else [*numbers[:_FIRST_LINES], last]
        for number in shown:
            if number == last and len(shown) < len(numbers):
                yield self._row(self._paint(hue, "|"), bar="…")
            edge = self._paint(hue, "/" if number == first else "|")
            excerpt = Excerpt(span.source.line(number), self.width - self.gutter - 5)
            yield self._row(f"{edge} {excerpt.text}".rstrip(), number)
        under = excerpt.column(span.source.position(span.end - 1)[1] - 1)
        yield from self._marked(0, "|" + "_" * (under + 1) + "^", label, hue)

    def _row(self, text: str = "", number: int | None = None, bar: str = "|") -> str:
        margin = self._paint(_GUTTER, f"{'' if number is None else number:>{self.gutter}} {bar}")
        return f"{margin} {text}" if text else margin

    def _marked(self, left: int, marks: str, label: str, hue: str) -> Iterator[str]:
        """The marks *left* columns from the bar with *label* beside them, or below where there is no room."""
        text, room = printable(label), self.width - self.gutter - 3
        beside = f"{marks} {text}".rstrip()
        if not self.breaks or left + display_width(beside) <= room:
            yield self._row(" " * left + self._paint(hue, beside))
            return
        yield self._row(" " * left + self._paint(hue, marks))
        left = min(left, max(room - display_width(text), 0))
        yield from (self._row(" " * left + self._paint(hue, line)) for line in self._broken(text, room - left))

    def _remark(self, kind: str, text: str) -> Iterator[str]:
        lead = f"{' ' * (self.gutter + 1)}{self._paint(_GUTTER, '=')} {self._paint(_BOLD, kind)}: "
        margin = self.gutter + 5 + len(kind)
        lines = [part for line in text.split("\n") for part in self._broken(printable(line), self.width - margin)]
        for index, line in enumerate(lines):
            yield (lead if index == 0 else " " * margin) + line

    def _broken(self, text: str, width: int, first: int = 0) -> list[str]:
        return broken(text, width, first) if self.breaks else [text]

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text
