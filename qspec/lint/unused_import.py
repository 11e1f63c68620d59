"""QS904, which asks for no model."""

from __future__ import annotations

from collections.abc import Iterator, Set

from qspec.diagnostics import Diagnostic, Fix
from qspec.diagnostics.catalogue import UNUSED_IMPORT
from qspec.diagnostics.removal import without
from qspec.schema.spec import Spec
from qspec.schema.symbols import Symbols
from qspec.syntax import tree

_DEFINES_ONLY = (tree.Edition, tree.Import, tree.Quantizer, tree.PatternDefinition)


def unused_import(spec: Spec) -> Iterator[Diagnostic]:
    """An import in the main file without which nothing would be missing: what it leads to only defines quantizers and
    patterns, and none of them is used elsewhere, or comes by another import all the same."""
    if spec.symbols.is_library:
        return
    imports: dict[str, tree.Import] = {}
    for statement in spec.symbols.files[spec.symbols.main].statements:
        path = spec.symbols.imports.get(statement) if isinstance(statement, tree.Import) else None
        if path is None or not isinstance(statement, tree.Import):
            continue
        first = imports.setdefault(path, statement)
        if first is not statement:
            yield _reported(statement, "is imported already").with_related(first.path.span, "first imported here")
    kept = dict(imports)
    for path in reversed(imports):
        others = {one for other in kept if other != path for one in _reached(spec.symbols, other)}
        lost = _reached(spec.symbols, path) - others - {spec.symbols.main}
        if path in lost and not _is_missed(spec.symbols, lost):
            yield _reported(kept.pop(path), "is imported, and nothing of it is used")


def _reported(statement: tree.Import, problem: str) -> Diagnostic:
    fix = Fix("remove the import", (without(statement.span),))
    return UNUSED_IMPORT.at(
        statement.path.span, f"`{statement.path.text}` {problem}", help="remove the import", fix=fix
    )


def _is_missed(symbols: Symbols, lost: Set[str]) -> bool:
    """Whether the files *lost* do more than define, or define what others use."""
    if any(not isinstance(statement, _DEFINES_ONLY) for path in lost for statement in symbols.files[path].statements):
        return True
    return any(
        reference.definition is not None
        and reference.kind != "file"
        and reference.definition.span.source.path in lost
        and reference.span.source.path not in lost
        for reference in symbols.references
    )


def _reached(symbols: Symbols, path: str) -> set[str]:
    """A file and all that it imports."""
    reached, pending = {path}, [path]
    while pending:
        statements = symbols.files[pending.pop()].statements
        paths = {symbols.imports[one] for one in statements if isinstance(one, tree.Import) and one in symbols.imports}
        pending += paths - reached
        reached |= paths
    return reached
