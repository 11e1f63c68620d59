"""One layout for every text: same meaning, same comments, and formatting twice changes nothing."""

from __future__ import annotations

from qspec.diagnostics import Diagnostic, Severity, Source
from qspec.syntax import parse


class FormatterBug(Exception):
    """Formatting would have changed more than the layout. This is a mistake in qspec, and nothing was changed."""


def formatted(source: Source) -> str | tuple[Diagnostic, ...]:
    """The text in its canonical layout, or what is wrong with it: a text with mistakes is left as it is.

    Raises:
        FormatterBug: what came out does not mean the same, which is looked at each time.
    """
    from qspec.syntax.layout import laid_out
    from qspec.syntax.same_meaning import difference

    file, found = parse(source)
    errors = tuple(item for item in found if item.severity is Severity.ERROR)
    if errors:
        return errors
    text = laid_out(source.text)
    if text == source.text:
        return text
    again, found = parse(Source(source.path, text))
    if any(item.severity is Severity.ERROR for item in found):
        raise FormatterBug(f"{source.path}: formatting would make mistakes")
    changed = difference(file, again)
    if changed:
        raise FormatterBug(f"{source.path}: formatting would change {changed}")
    return text
