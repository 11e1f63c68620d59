"""Plain data to the types of the Language Server Protocol."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import lru_cache

from lsprotocol import types
from pygls import uris

from qspec.diagnostics import Diagnostic, Edit, Severity, Source, Span
from qspec.diagnostics.page import FOLDER
from qspec.server.candidate import Candidate
from qspec.server.navigation import file_of
from qspec.server.outline import Symbol
from qspec.server.text import Encoding, Position, Text

SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}

_CANDIDATES: Mapping[str, types.CompletionItemKind] = {
    "keyword": types.CompletionItemKind.Keyword,
    "unit": types.CompletionItemKind.Unit,
    "quantizer": types.CompletionItemKind.Struct,
    "pattern": types.CompletionItemKind.Interface,
    "capture": types.CompletionItemKind.Variable,
    "target": types.CompletionItemKind.Module,
    "option": types.CompletionItemKind.Property,
    "deploy": types.CompletionItemKind.Module,
    "class": types.CompletionItemKind.Class,
    "slot": types.CompletionItemKind.Field,
    "attribute": types.CompletionItemKind.Property,
    "value": types.CompletionItemKind.EnumMember,
    "quantity": types.CompletionItemKind.Property,
    "op": types.CompletionItemKind.Function,
    "operand": types.CompletionItemKind.Field,
    "layer": types.CompletionItemKind.Value,
    "file": types.CompletionItemKind.File,
    "code": types.CompletionItemKind.Constant,
}

_SYMBOLS: Mapping[str, types.SymbolKind] = {
    "import": types.SymbolKind.File,
    "deploy": types.SymbolKind.Module,
    "layer class": types.SymbolKind.Class,
    "quantizer": types.SymbolKind.Struct,
    "pattern": types.SymbolKind.Interface,
    "rule": types.SymbolKind.Function,
    "default": types.SymbolKind.Function,
    "boundary": types.SymbolKind.Namespace,
    "settings": types.SymbolKind.Namespace,
    "require": types.SymbolKind.Boolean,
    "target": types.SymbolKind.Module,
    "slot": types.SymbolKind.Field,
    "op": types.SymbolKind.Method,
    "option": types.SymbolKind.Property,
    "capture": types.SymbolKind.Variable,
}


@lru_cache(maxsize=64)
def text_of(source: Source, encoding: Encoding) -> Text:
    """The text of a source with its lines."""
    return Text(source.text, encoding)


def range_of(span: Span, encoding: Encoding) -> types.Range:
    """A span as lines and columns."""
    text = text_of(span.source, encoding)
    return types.Range(_position(text.position(span.start)), _position(text.position(span.end)))


def _position(position: Position) -> types.Position:
    return types.Position(position.line, position.column)


def position_of(position: types.Position) -> Position:
    """A position as the client gives it."""
    return Position(position.line, position.character)


START = types.Range(types.Position(0, 0), types.Position(0, 0))
"""Of what has no place in a text."""


def path_of(uri: str) -> str:
    """The path of a document; of one that is not saved anywhere, its URI."""
    path = uris.to_fs_path(uri) if uri.startswith("file:") else None
    return uri if path is None else os.path.normpath(path)


def uri_of(path: str, known: Mapping[str, str]) -> str:
    """The URI of a file: as the editor spells it where it is *known* by its path; of a shipped one, in the package."""
    if path in known:
        return known[path]
    return uris.from_fs_path(os.path.abspath(file_of(path))) or path


def location_of(span: Span, known: Mapping[str, str], encoding: Encoding) -> types.Location:
    """A span with its file."""
    return types.Location(uri_of(span.source.path, known), range_of(span, encoding))


def diagnostic_of(
    item: Diagnostic, known: Mapping[str, str], encoding: Encoding, related: bool = True
) -> types.Diagnostic:
    """A diagnostic as an editor shows it; *related* places only if the client knows them."""
    page = FOLDER / f"{item.code}.md"
    about = uris.from_fs_path(str(page)) if page.is_file() else None
    return types.Diagnostic(
        range=range_of(item.span, encoding) if isinstance(item.span, Span) else START,
        severity=SEVERITIES[item.severity],
        code=item.code,
        code_description=types.CodeDescription(about) if about is not None else None,
        source="qspec",
        message=_message(item),
        tags=_tags(item) or None,
        related_information=[
            types.DiagnosticRelatedInformation(location_of(place, known, encoding), sentence)
            for place, sentence in item.related
            if isinstance(place, Span)
        ]
        if related and item.related
        else None,
    )


def _message(item: Diagnostic) -> str:
    where = "" if isinstance(item.span, Span) else f"{item.span}: "
    label = f" ({item.label})" if item.label else ""
    return f"{where}{item.message}{label}" + (f"\nhelp: {item.help}" if item.help else "")


def _tags(item: Diagnostic) -> list[types.DiagnosticTag]:
    if item.name.startswith("unused-") or item.name == "overridden-rule":
        return [types.DiagnosticTag.Unnecessary]
    return [types.DiagnosticTag.Deprecated] if item.name.startswith("deprecated-") else []


def text_edit_of(edit: Edit, encoding: Encoding) -> types.TextEdit:
    """A change of a text."""
    return types.TextEdit(range_of(edit.span, encoding), edit.text)


def workspace_edit_of(edits: Iterable[Edit], known: Mapping[str, str], encoding: Encoding) -> types.WorkspaceEdit:
    """Changes by file."""
    changes: dict[str, list[types.TextEdit]] = {}
    for edit in edits:
        changes.setdefault(uri_of(edit.span.source.path, known), []).append(text_edit_of(edit, encoding))
    return types.WorkspaceEdit(changes=changes)


def completion_item_of(candidate: Candidate, place: types.Range, order: int) -> types.CompletionItem:
    """A candidate that replaces what stands at *place*, the *order*-th of all; without its documentation."""
    return types.CompletionItem(
        label=candidate.label,
        kind=_CANDIDATES[candidate.kind],
        detail=candidate.detail or None,
        sort_text=f"{order:04}",
        filter_text=candidate.label,
        text_edit=types.TextEdit(place, candidate.text or candidate.label),
    )


def symbol_of(symbol: Symbol, encoding: Encoding) -> types.DocumentSymbol:
    """An entry of the outline with those below it."""
    return types.DocumentSymbol(
        name=symbol.name or "…",
        kind=_SYMBOLS[symbol.kind],
        range=range_of(symbol.span, encoding),
        selection_range=range_of(symbol.selection, encoding),
        detail=symbol.detail or None,
        children=[symbol_of(child, encoding) for child in symbol.children],
    )
