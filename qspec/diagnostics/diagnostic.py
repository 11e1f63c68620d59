"""One value for everything qspec has to say about a person's file, and the positions it points at."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any


class Severity(Enum):
    """How bad it is. Only an error makes `qspec check` exit with 1."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, eq=False)
class Source:
    """A text and the name by which people know it (a path, or `<stdin>`)."""

    path: str
    text: str = field(repr=False)

    @cached_property
    def _line_starts(self) -> list[int]:
        # Only "\n" ends a line, as in the lexer; str.splitlines would also split on form feeds.
        return [0, *(index + 1 for index, character in enumerate(self.text) if character == "\n")]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a code point, both counted from 1."""
        line = bisect.bisect_right(self._line_starts, offset) - 1
        return line + 1, offset - self._line_starts[line] + 1

    def line(self, number: int) -> str:
        """The text of a line counted from 1, without its line end."""
        start = self._line_starts[number - 1]
        end = self._line_starts[number] - 1 if number < len(self._line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r")

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self._line_starts)


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of code points, `start <= offset < end`, in one source."""

    source: Source
    start: int
    end: int

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of *other*."""
        return Span(self.source, self.start, other.end)

    def is_in(self, other: Span) -> bool:
        """Whether it stands in *other*."""
        return self.source is other.source and other.start <= self.start and self.end <= other.end

    def __str__(self) -> str:
        line, column = self.source.position(self.start)
        return f"{self.source.path}:{line}:{column}"


@dataclass(frozen=True, slots=True)
class Place:
    """A file without lines to point at: a model archive, a flatbuffer, data."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Edit:
    """Text to stand in place of what a span covers; an empty span inserts, an empty text deletes."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that together take the cause of a diagnostic away, and what they do in a few words (`remove the rule`).

    They do not overlap, and each span stands in the text as it was read.
    """

    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence of help, and what in it may have been meant: a text to write in place of what the diagnostic points
    at, or edits of their own. The sentence is for people; whoever changes a file has the offers."""

    sentence: str
    offers: tuple[str | Fix, ...] = ()

    @classmethod
    def write(cls, text: str, more: str = "") -> Advice:
        """The advice to write *text*; *more* is told behind it."""
        return cls(f"write `{text}`{more}", (text,))

    def then(self, more: str) -> Advice:
        """The same, with *more* behind the sentence."""
        return Advice(self.sentence + more, self.offers)

    def after(self, before: str) -> Advice:
        """The same, with *before* in front of the sentence."""
        return Advice(before + self.sentence, self.offers)

    def on(self, place: Span | Place) -> Advice:
        """The same, with each text to be written at *place*."""
        return Advice(self.sentence, self.fixes(place))

    def fixes(self, place: Span | Place) -> tuple[Fix, ...]:
        """The offers as edits, the texts at *place*; of those there are none where there is no text to change."""
        made = [offer for offer in self.offers if isinstance(offer, Fix)]
        if isinstance(place, Span) and place.start < place.end:
            made += [writing(place, offer) for offer in self.offers if isinstance(offer, str)]
        return tuple(made)

    def __str__(self) -> str:
        return self.sentence


def writing(span: Span, text: str) -> Fix:
    """The change that leaves *text* where *span* stands."""
    return Fix(f"write `{text}`", (Edit(span, text),))


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something a person should know: what is wrong, where, and what to do about it.

    `span` is a range of text, or a `Place` where there is no text. `label` stands beside the carets. `related` are
    further places with a sentence each. `fix` is set where one change is right without doubt, `offers` are changes of
    which one may be. `layer`, `op` and `target` name what it is about, where that applies.
    """

    code: str
    name: str
    severity: Severity
    message: str
    span: Span | Place
    label: str = ""
    related: tuple[tuple[Span | Place, str], ...] = ()
    help: str = ""
    fix: Fix | None = None
    offers: tuple[Fix, ...] = ()
    layer: str = ""
    op: str = ""
    target: str = ""

    def with_related(self, span: Span | Place, label: str) -> Diagnostic:
        """The same, with one more place to look at."""
        return replace(self, related=(*self.related, (span, label)))

    def with_advice(self, advice: Advice) -> Diagnostic:
        """The same, with this advice in place of its own."""
        return replace(self, help=advice.sentence, offers=advice.fixes(self.span))


@dataclass(frozen=True, slots=True)
class Code:
    """An entry of the catalogue: a stable code, its name in kebab case, and how bad it is."""

    code: str
    name: str
    severity: Severity = Severity.ERROR

    def at(self, span: Span | Place, message: str, help: str | Advice = "", **details: Any) -> Diagnostic:
        """A diagnostic of this code. *help* may bring offers; *details* are further fields of `Diagnostic`."""
        severity = details.pop("severity", self.severity)
        made = Diagnostic(self.code, self.name, severity, message, span, help=str(help), **details)
        return made.with_advice(help) if isinstance(help, Advice) and help.offers else made


class SpecError(Exception):
    """A spec, a model or data cannot be used. Carries every diagnostic; its text is their full rendering."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        from qspec.diagnostics.full import full

        return "\n" + "\n".join(full(diagnostic) for diagnostic in self.diagnostics)


class SpecWarning(UserWarning):
    """The `diagnostic` of a function that goes on all the same, and whose result has no place for it."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic)

    def __str__(self) -> str:
        from qspec.diagnostics.full import full

        return "\n" + full(self.diagnostic)


@dataclass
class Diagnostics:
    """Collects diagnostics while a step goes on, so that one mistake does not hide the next."""

    items: list[Diagnostic] = field(default_factory=list)

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep *diagnostic*."""
        self.items.append(diagnostic)

    @property
    def failed(self) -> bool:
        """Whether an error is among them."""
        return any(item.severity is Severity.ERROR for item in self.items)

    def raise_errors(self) -> None:
        """Raise `SpecError` with everything collected if an error is among it."""
        if self.failed:
            raise SpecError(self.items)
