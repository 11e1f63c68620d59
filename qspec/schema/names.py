"""Names that were meant: what to offer where a name is not known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from qspec.diagnostics import Advice, Diagnostic, Source, Span, writing
from qspec.diagnostics.catalogue import DUPLICATE_NAME, INVALID_VALUE


def similar(name: str, known: Iterable[str]) -> str:
    """The known name that looks most like *name*, or an empty text."""
    return _similar(name, tuple(known))


@lru_cache(maxsize=256)  # a mistake that was copied is looked up each time
def _similar(name: str, names: tuple[str, ...]) -> str:
    import difflib

    exact = [other for other in names if other.lower() == name.lower()]
    begun = [other for other in names if min(len(other), len(name)) > 2 and name.startswith(other)]
    longest = sorted(begun, key=len, reverse=True)[:1]
    return next(iter(exact or longest or difflib.get_close_matches(name, names, n=1)), "")


def similar_paths(path: str, known: Iterable[str]) -> list[str]:
    """The known paths of layers that *path* may stand for: those with the same name at their end, else those that look
    like it."""
    import difflib

    paths = list(dict.fromkeys(known))
    name = path.rsplit("/", 1)[-1].lower()
    return [each for each in paths if each.rsplit("/", 1)[-1].lower() == name] or difflib.get_close_matches(path, paths)


def meant(kind: str, name: str) -> Advice | None:
    """What to write for a *name* that a thing has elsewhere, by a table of `foreign_names`; None if it has none."""
    from qspec.schema import foreign_names

    table: dict[str, Advice] = getattr(foreign_names, kind)
    return table.get(name)


def offer(kind: str, name: str, known: Iterable[str]) -> Advice:
    """The similar name, else what there is. *kind* is the word for the thing, with its article."""
    names = list(known)
    found = similar(name, names)
    if found:
        return Advice(f"{kind} with a similar name exists: `{found}`", (found,))
    return Advice(f"there is {listed(names)}" if names else f"define {kind} of that name first")


def there_is(name: str, known: Iterable[str], text: bool = False) -> Advice:
    """What there is, and which of it is similar. It is written in quotes where it is a *text*."""
    names = list(known)
    close = similar(name, names)
    every = Advice(f"there is {listed(names)}", (quoted(close) if text else close,) if close else ())
    return every.then(f"; `{close}` is similar") if close else every


def quoted(text: str) -> str:
    """*text* as it is written in the language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def in_quotes(span: Span, message: str, word: str, form: str) -> Diagnostic:
    """The error of a *word* of the language in quotes, which is written in its *form*: alone, or with numbers."""
    hint = f"a word of the language stands without quotes: `{form}`"
    if form == word:
        return INVALID_VALUE.at(span, message, help=hint, fix=writing(span, word))
    return INVALID_VALUE.at(span, message, help=Advice(hint, (form,)))


def a_few(names: Sequence[str], most: int = 3) -> str:
    """The first of *names* as they are, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def listed(names: Iterable[str], join: str = "and") -> str:
    """Names in backticks: `a`, `b` and `c`; of many, the first ten."""
    shown = [f"`{name}`" for name in names]
    if len(shown) > 10:
        return ", ".join(shown[:10]) + " …"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {join} {shown[-1]}"


def duplicate(kind: str, name: str, span: Span, first: Span, main: Source | None = None) -> Diagnostic:
    """The error of a name that is defined twice, with both places; at the later one, or at the one in the *main* file
    if the other is imported: that is where a person is at work."""
    diagnostic = DUPLICATE_NAME.at(span, f"{kind} `{name}` is defined twice", help="rename or remove one of them")
    if main is not None and first.source is main and span.source is not main:
        return replace(diagnostic, span=first).with_related(span, "also defined here")
    return diagnostic.with_related(first, "first defined here")
