"""Which codes a person wants to hear of: `--select` and `--ignore`."""

from __future__ import annotations

from dataclasses import dataclass

from qspec.diagnostics.catalogue import UNUSED_SUPPRESSION
from qspec.diagnostics.codes import codes, find_code
from qspec.diagnostics.diagnostic import Code, Diagnostic, Severity, Span


@dataclass(frozen=True)
class Selection:
    """Beginnings of codes, `QS3` or a whole `QS301`: those to tell, and those to leave out.

    Of several that fit a code the longest decides, and of two equal ones `ignore`. Errors are always told.
    """

    select: tuple[str, ...] = ("QS",)
    ignore: tuple[str, ...] = ()

    def keeps(self, diagnostic: Diagnostic) -> bool:
        """Whether *diagnostic* is to be told."""
        if diagnostic.severity is Severity.ERROR:
            return True
        span = diagnostic.span
        if diagnostic.code == UNUSED_SUPPRESSION.code and isinstance(span, Span):
            # Whether a comment has an effect is of no interest where its code is not.
            suppressed = find_code(span.source.text[span.start : span.end])
            if suppressed is not None and not self._wants(suppressed.code):
                return False
        return self._wants(diagnostic.code)

    def _wants(self, code: str) -> bool:
        return _longest(self.select, code) > _longest(self.ignore, code)


def _longest(beginnings: tuple[str, ...], code: str) -> int:
    """The length of the longest beginning of *code*; -1 if none is one, which no selection beats."""
    return max((len(one) for one in beginnings if code.startswith(one)), default=-1)


def meant(word: str) -> tuple[Code, ...]:
    """The codes that *word* speaks of: by a code, a name, or the beginning of codes; in capitals or not."""
    exact = find_code(word)
    if exact is not None:
        return (exact,)
    beginning = word.upper()
    return tuple(code for code in codes() if beginning.startswith("QS") and code.code.startswith(beginning))
