"""QS903, which asks for no model."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
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
                help="remove it, or move it into a file that others import",
            )


def _uses(spec: Spec, user: Definition, used: Definition) -> bool:
    return any(spec.symbols.inside(reference.span) is user for reference in spec.symbols.references_to(used))
