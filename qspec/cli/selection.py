"""`--select` and `--ignore`: what they name, and which names are wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qspec.diagnostics import Code, Severity
from qspec.diagnostics.codes import FAMILIES, find_code, similar_code
from qspec.diagnostics.selection import Selection, meant


class WrongSelection(Exception):
    """A selection names no code, or leaves out what cannot be left out; says so in a sentence."""


def selection(select: Sequence[str], ignore: Sequence[str]) -> Selection:
    """What the options ask for; each may be given several times, and names codes with commas between them.

    Raises:
        WrongSelection: a word names no code, or errors alone are to be left out.
    """
    for word in _words("--ignore", ignore):
        if all(code.severity is Severity.ERROR for code in _meant(word)):
            raise WrongSelection(f"`{word}` cannot be left out: errors are always told")
    chosen = tuple(_beginnings("--select", select)) or Selection().select
    return Selection(chosen, tuple(_beginnings("--ignore", ignore)))


def offer_code(word: str) -> str:
    """A sentence with what *word* may stand for: a code of the same number, a similar name, or else the family that it
    begins with; an empty text if there is nothing."""
    found = similar_code(word)
    if found is not None:
        return f"a code with a similar name exists: `{found.code if _has_digit(word) else found.name}`"
    beginning = word[:3].upper()
    return f"`qspec explain {beginning}` lists those of its family" if beginning in FAMILIES else ""


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _words(name: str, options: Iterable[str]) -> Iterator[str]:
    """The words of all the options of a *name*; a comma too many does no harm."""
    for option in options:
        words = [word.strip() for word in option.split(",") if word.strip()]
        if not words:
            raise WrongSelection(f"`{name} '{option}'` names no code: give some, as in `{name} QS3,unmatched-rule`")
        yield from words


def _beginnings(name: str, options: Iterable[str]) -> Iterator[str]:
    for word in _words(name, options):
        _meant(word)
        exact = find_code(word)
        yield exact.code if exact is not None else word.upper()


def _meant(word: str) -> tuple[Code, ...]:
    found = meant(word)
    if not found:
        hint = offer_code(word) or "`qspec explain` lists all of them"
        raise WrongSelection(f"there is no code `{word}`; {hint}")
    return found
