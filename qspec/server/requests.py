"""What an editor may ask and tell, one function for each: the features' answers in the protocol's types."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from qspec.diagnostics import Edit
from qspec.server import actions, convert, hover, navigation, outline
from qspec.server.completion import complete
from qspec.server.formatting import layout_edits
from qspec.server.text import Text

if TYPE_CHECKING:
    from qspec.server.protocol import Server

Handler = Callable[["Server", Any], Any]

TRIGGERS = [".", '"', "(", "[", "=", "/", "{", ","]
"""Behind these, an editor asks for completion by itself."""


# ---- documents


def did_open(server: Server, params: types.DidOpenTextDocumentParams) -> None:
    """`textDocument/didOpen`"""
    document = params.text_document
    server.opened(document.uri, document.text, document.version)
    server.settings.ask(server, convert.path_of(document.uri), document.uri)


def did_change(server: Server, params: types.DidChangeTextDocumentParams) -> None:
    """`textDocument/didChange`"""
    path = convert.path_of(params.text_document.uri)
    text = server.texts[path]
    for change in params.content_changes:
        if isinstance(change, types.TextDocumentContentChangePartial):
            start, end = (convert.position_of(each) for each in (change.range.start, change.range.end))
            text = text.replaced(start, end, change.text)
        else:
            text = Text(change.text, text.encoding)
    server.take(path, text, params.text_document.version)


def did_close(server: Server, params: types.DidCloseTextDocumentParams) -> None:
    """`textDocument/didClose`"""
    server.closed(params.text_document.uri)


def did_change_watched_files(server: Server, params: types.DidChangeWatchedFilesParams) -> None:
    """`workspace/didChangeWatchedFiles`: an imported file or a model has changed on disk."""
    server.checker.changed_everything()


def did_save(server: Server, params: types.DidSaveTextDocumentParams) -> None:
    """`textDocument/didSave`: a moment to look whether the model is still what it was."""
    server.checker.changed(convert.path_of(params.text_document.uri))


# ---- what is asked of a place


def completion(server: Server, params: types.CompletionParams) -> types.CompletionList | None:
    """`textDocument/completion`"""
    uri, view = params.text_document.uri, server.view(params.text_document.uri)
    if view is None:
        return None
    found = complete(view, server.offset(uri, params.position))
    place = server.range(convert.path_of(uri), found.start, found.end)
    items = [convert.completion_item_of(one, place, order) for order, one in enumerate(found.candidates)]
    for item, one in zip(items, found.candidates, strict=True):
        if one.documentation:
            item.documentation = server.markup("completion.completion_item.documentation_format", one.documentation)
    return types.CompletionList(is_incomplete=False, items=items)


def hovered(server: Server, params: types.HoverParams) -> types.Hover | None:
    """`textDocument/hover`"""
    uri, view = params.text_document.uri, server.view(params.text_document.uri)
    found = hover.hover(view, server.offset(uri, params.position)) if view is not None else None
    if found is None:
        return None
    place = server.range(convert.path_of(uri), found.start, found.end)
    return types.Hover(server.markup("hover.content_format", found.text), place)


def definition(server: Server, params: types.DefinitionParams) -> types.Location | None:
    """`textDocument/definition`"""
    uri = params.text_document.uri
    analysis = server.specs.analysis(convert.path_of(uri))
    found = navigation.definition(analysis, server.offset(uri, params.position))
    return None if found is None else convert.location_of(found, server.uris, server.encoding)


def references(server: Server, params: types.ReferenceParams) -> list[types.Location]:
    """`textDocument/references`"""
    uri = params.text_document.uri
    path, offset = convert.path_of(uri), server.offset(uri, params.position)
    everything = server.everything(navigation.word_at(server.specs.analysis(path), offset))
    found = navigation.references(everything, path, offset, params.context.include_declaration)
    return [convert.location_of(span, server.uris, server.encoding) for span in found]


def highlight(server: Server, params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
    """`textDocument/documentHighlight`"""
    uri = params.text_document.uri
    found = navigation.highlights(server.specs.analysis(convert.path_of(uri)), server.offset(uri, params.position))
    return [types.DocumentHighlight(convert.range_of(span, server.encoding)) for span in found]


def prepare_rename(server: Server, params: types.PrepareRenameParams) -> types.Range:
    """`textDocument/prepareRename`"""
    uri = params.text_document.uri
    found = navigation.can_rename(server.specs.analysis(convert.path_of(uri)), server.offset(uri, params.position))
    if isinstance(found, navigation.Refused):
        raise _refusal(found)
    return convert.range_of(found, server.encoding)


def rename(server: Server, params: types.RenameParams) -> types.WorkspaceEdit:
    """`textDocument/rename`"""
    uri = params.text_document.uri
    path, offset = convert.path_of(uri), server.offset(uri, params.position)
    everything = server.everything(navigation.word_at(server.specs.analysis(path), offset), params.new_name)
    found = navigation.rename(everything, path, offset, params.new_name)
    if isinstance(found, navigation.Refused):
        raise _refusal(found)
    edits = (Edit(span, params.new_name) for span in found)
    return convert.workspace_edit_of(edits, server.uris, server.encoding)


def _refusal(refused: navigation.Refused) -> Exception:
    # RequestFailed: the editor shows the sentence.
    return JsonRpcException(message=refused.reason, code=types.LSPErrorCodes.RequestFailed.value)


# ---- what is asked of a document


def formatting(server: Server, params: types.DocumentFormattingParams) -> list[types.TextEdit]:
    """`textDocument/formatting`"""
    source = server.specs.analysis(convert.path_of(params.text_document.uri)).source
    return [convert.text_edit_of(edit, server.encoding) for edit in layout_edits(source)]


def document_symbol(server: Server, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
    """`textDocument/documentSymbol`"""
    view = server.view(params.text_document.uri)
    return [convert.symbol_of(symbol, server.encoding) for symbol in outline.outline(view)] if view else []


def folding(server: Server, params: types.FoldingRangeParams) -> list[types.FoldingRange]:
    """`textDocument/foldingRange`"""
    view = server.view(params.text_document.uri)
    return [
        types.FoldingRange(fold.first, fold.last, kind=types.FoldingRangeKind.Comment if fold.comment else None)
        for fold in (outline.folds(view) if view else ())
    ]


def code_action(server: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    """`textDocument/codeAction`"""
    uri, path = params.text_document.uri, convert.path_of(params.text_document.uri)
    diagnostics, file = server.diagnostics(uri), server.specs.analysis(path).file
    start, end = (server.offset(uri, each) for each in (params.range.start, params.range.end))
    every = actions.fix_all(diagnostics, path)
    found = [
        *((types.CodeActionKind.QuickFix, one) for one in actions.fixes(diagnostics, file, start, end)),
        *([(types.CodeActionKind.SourceFixAll, every)] if every is not None else []),
    ]
    return [_action(server, kind, one) for kind, one in found if _is_wanted(kind, params.context.only)]


def _is_wanted(kind: types.CodeActionKind, only: Any) -> bool:
    return not only or any(kind.value == each or kind.value.startswith(f"{each}.") for each in map(_value, only))


def _value(kind: Any) -> str:
    return str(getattr(kind, "value", kind))


def _action(server: Server, kind: types.CodeActionKind, action: actions.Action) -> types.CodeAction:
    about = action.diagnostic
    return types.CodeAction(
        action.title,
        kind,
        [convert.diagnostic_of(about, server.uris, server.encoding)] if about is not None else None,
        is_preferred=action.certain or None,
        edit=convert.workspace_edit_of(action.edits, server.uris, server.encoding),
    )


# ---- starting


def initialized(server: Server, params: types.InitializedParams) -> None:
    """`initialized`: ask to be told of files and settings that change."""
    server.settings.register(server)
    server.checker.warm_up()


def shutdown(server: Server, params: None) -> None:
    """`shutdown`"""
    server.said_goodbye = True


def did_change_configuration(server: Server, params: types.DidChangeConfigurationParams) -> None:
    """`workspace/didChangeConfiguration`"""
    server.settings.changed(server, params.settings)


def initialize(server: Server, params: types.InitializeParams) -> None:
    """`initialize`"""
    server.settings.take(params.initialization_options)


FEATURES: dict[str, Handler] = {
    types.TEXT_DOCUMENT_DID_OPEN: did_open,
    types.TEXT_DOCUMENT_DID_CHANGE: did_change,
    types.TEXT_DOCUMENT_DID_CLOSE: did_close,
    types.TEXT_DOCUMENT_DID_SAVE: did_save,
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: did_change_watched_files,
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: did_change_configuration,
    types.INITIALIZE: initialize,
    types.INITIALIZED: initialized,
    types.SHUTDOWN: shutdown,
    types.TEXT_DOCUMENT_HOVER: hovered,
    types.TEXT_DOCUMENT_DEFINITION: definition,
    types.TEXT_DOCUMENT_REFERENCES: references,
    types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: highlight,
    types.TEXT_DOCUMENT_FORMATTING: formatting,
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: document_symbol,
    types.TEXT_DOCUMENT_FOLDING_RANGE: folding,
    types.TEXT_DOCUMENT_PREPARE_RENAME: prepare_rename,
}
"""Every request and notification, by its name in the protocol."""
WITH_OPTIONS: dict[str, tuple[Handler, Any]] = {
    types.TEXT_DOCUMENT_COMPLETION: (completion, types.CompletionOptions(trigger_characters=TRIGGERS)),
    types.TEXT_DOCUMENT_RENAME: (rename, types.RenameOptions(prepare_provider=True)),
    types.TEXT_DOCUMENT_CODE_ACTION: (
        code_action,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, types.CodeActionKind.SourceFixAll]),
    ),
}
"""Requests and notifications that are announced with options."""
