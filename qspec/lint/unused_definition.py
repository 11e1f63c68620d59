"""QS903, which asks for no model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import UNUSED_DEFINITION
from qspec.schema.spec import Spec
from qspec.schema.symbols import Definition


def unused_definition(spec: Spec) -> Iterator[Diagnostic]:
    """A quantizer or a pattern of the main file that no rule and no `default` comes to, in a file that has some."""
    if spec.symbols.is_library:
        return
    for definition in spec.symbols.unused:
        if definition.span.source.path == spec.symbols.main and definition.statement is not None:
            users = [one.name for one in spec.symbols.unused if _uses(spec, one, definition)]
            yield UNUSED_DEFINITION.at(
                definition.span,
                f"{definition.kind} `{definition.name}` is not used",
                label=f"but in `{users[0]}`, which is not used either" if users else "",
                help="remove it; what others import stands in a file without `default` and rules",
            )


def without_used(diagnostics: Iterable[Diagnostic], specs: Iterable[Spec]) -> Iterator[Diagnostic]:
    """*diagnostics* without the definitions that another of the *specs*, which are looked at together, imports and
    uses."""
    diagnostics = tuple(diagnostics)
    used: set[tuple[str, int]] = set()
    if any(item.code == UNUSED_DEFINITION.code for item in diagnostics):
        used = {place for spec in specs for place in _imported_and_used(spec)}
    for item in diagnostics:
        of_another = item.code == UNUSED_DEFINITION.code and isinstance(item.span, Span) and _place(item.span) in used
        if not of_another:
            yield item


def _imported_and_used(spec: Spec) -> Iterator[tuple[str, int]]:
    if not spec.symbols.files:
        return
    unused = set(spec.symbols.unused)
    for definition in spec.symbols.definitions:
        if definition.span.source.path != spec.symbols.main and definition not in unused:
            yield _place(definition.span)


def _place(span: Span) -> tuple[str, int]:
    return os.path.realpath(span.source.path), span.start


def _uses(spec: Spec, user: Definition, used: Definition) -> bool:
    return any(spec.symbols.inside(reference.span) is user for reference in spec.symbols.references_to(used))
