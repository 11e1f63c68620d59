"""`--select` and `--ignore`: what they name, and which names are wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qspec.diagnostics import Code, Severity
from qspec.diagnostics.codes import find_code, names
from qspec.diagnostics.selection import Selection, meant
from qspec.schema.names import similar


class WrongSelection(Exception):
    """A selection names no code, or leaves out what cannot be left out; says so in a sentence."""


def selection(select: Sequence[str], ignore: Sequence[str]) -> Selection:
    """What the options ask for; each may be given several times, and names codes with commas between them.

    Raises:
        WrongSelection: a word names no code, or errors alone are to be left out.
    """
    for word in _words(ignore):
        if all(code.severity is Severity.ERROR for code in _meant(word)):
            raise WrongSelection(f"`{word}` cannot be left out: errors are always told")
    return Selection(tuple(_beginnings(select)) or Selection().select, tuple(_beginnings(ignore)))


def offer_code(word: str) -> str:
    """A sentence with the code or name that is similar to *word*; an empty text if there is none."""
    found = similar(word.upper(), names()) or similar(word.lower(), names())
    return f"a code with a similar name exists: `{found}`" if found else ""


def _words(options: Iterable[str]) -> Iterator[str]:
    return (word.strip() for option in options for word in option.split(","))


def _beginnings(options: Iterable[str]) -> Iterator[str]:
    for word in _words(options):
        _meant(word)
        exact = find_code(word)
        yield exact.code if exact is not None else word.upper()


def _meant(word: str) -> tuple[Code, ...]:
    found = meant(word)
    if not found:
        hint = offer_code(word) or "`qspec explain` lists all of them"
        raise WrongSelection(f"there is no code `{word}`; {hint}")
    return found
