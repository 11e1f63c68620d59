"""Quick fixes: what diagnostics offer to change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qspec.diagnostics import Diagnostic, Edit, Span
from qspec.syntax import tree

_SIMILAR = re.compile(r"similar name exists: `([^`]+)`")
_SHIPPED = re.compile(r"is shipped: `(import [^`]+)`")


@dataclass(frozen=True)
class Action:
    """A change with its title, and the diagnostic that it takes away; None for that of all at once. Where it is not
    *certain*, it is one of several things that may have been meant."""

    title: str
    edits: tuple[Edit, ...]
    diagnostic: Diagnostic | None = None
    certain: bool = False


def fixes(diagnostics: Iterable[Diagnostic], file: tree.File, start: int, end: int) -> Iterator[Action]:
    """The fixes of what is wrong between two offsets of *file*, and what else its diagnostics offer."""
    for item in diagnostics:
        span = item.span
        if not isinstance(span, Span) or span.source is not file.source or span.start > end or span.end < start:
            continue
        if item.fix is not None:
            yield Action(item.fix.title, item.fix.edits, item, certain=True)
        else:
            yield from _offered(item, span, file)


def _offered(item: Diagnostic, span: Span, file: tree.File) -> Iterator[Action]:
    """What the help offers as a fact and does not decide: a name that is similar, an import that has the name."""
    similar = _SIMILAR.search(item.help)
    if similar is not None and span.start < span.end:
        yield Action(f"write `{similar.group(1)}`", (Edit(span, similar.group(1)),), item)
    shipped = _SHIPPED.search(item.help)
    if shipped is not None:
        yield Action(f"add `{shipped.group(1)}`", (_inserted(file, shipped.group(1)),), item)


def _inserted(file: tree.File, statement: str) -> Edit:
    """*statement* on a line of its own behind the imports, or behind the edition."""
    first = [one for one in file.statements if isinstance(one, tree.Edition | tree.Import)]
    if not first:
        return Edit(Span(file.source, 0, 0), f"{statement}\n")
    line, _ = file.source.position(first[-1].span.end)
    behind = first[-1].span.end - file.source.position(first[-1].span.end)[1] + 1 + len(file.source.line(line))
    gap = "" if isinstance(first[-1], tree.Import) else "\n"
    return Edit(Span(file.source, behind, behind), f"\n{gap}{statement}")


def fix_all(diagnostics: Iterable[Diagnostic], path: str) -> Action | None:
    """Every fix in the file at *path* that does not touch what another changes; None if there is none."""
    chosen: list[Edit] = []
    for item in diagnostics:
        edits = item.fix.edits if item.fix is not None else ()
        inside = all(edit.span.source.path == path for edit in edits)
        if edits and inside and not any(_touch(edit, other) for edit in edits for other in chosen):
            chosen += edits
    if not chosen:
        return None
    return Action("fix everything that has one remedy", tuple(sorted(chosen, key=lambda edit: edit.span.start)))


def _touch(one: Edit, other: Edit) -> bool:
    return one.span.start <= other.span.end and other.span.start <= one.span.end
