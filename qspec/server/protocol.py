"""The Language Server Protocol: one connection to an editor, with its documents. All that speaks to pygls stands here,
in `requests`, `settings` and `convert`."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

import qspec
from qspec.diagnostics import Diagnostic
from qspec.server import convert
from qspec.server.checking import LOG, Checker
from qspec.server.folders import specs_naming
from qspec.server.plain import plain
from qspec.server.requests import FEATURES, WITH_OPTIONS, Handler
from qspec.server.settings import Settings
from qspec.server.text import Encoding, Text
from qspec.server.view import View
from qspec.server.workspace import Workspace


class _Protocol(LanguageServerProtocol):
    """pygls' protocol, less its own copies of the texts: it ends lines where the language does not."""

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Iterator[Any]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None


class Server(LanguageServer):
    """One connection to an editor."""

    def __init__(self) -> None:
        super().__init__("qspec", qspec.__version__, protocol_cls=_Protocol)
        self.specs = Workspace()
        self.texts: dict[str, Text] = {}
        self.versions: dict[str, int] = {}
        self.uris: dict[str, str] = {}
        self.settings = Settings()
        self.checker = Checker(self.specs, self._publish, self.model_of)
        self.said_goodbye = False
        logging.getLogger("qspec.server").addHandler(_ToTheEditor(self))

    # ---- documents

    @property
    def encoding(self) -> Encoding:
        """The units of columns that client and server agreed on."""
        chosen = self.server_capabilities.position_encoding
        name = str(getattr(chosen, "value", chosen))
        return "utf-8" if name == "utf-8" else "utf-32" if name == "utf-32" else "utf-16"

    def opened(self, uri: str, text: str, version: int) -> None:
        """Take a document in."""
        path = convert.path_of(uri)
        self.uris[path] = uri
        self.take(path, Text(text, self.encoding), version)

    def take(self, path: str, text: Text, version: int) -> None:
        """The new text of a document."""
        self.texts[path], self.versions[path] = text, version
        self.specs.open(path, text.text)
        self.checker.changed(path)

    def closed(self, uri: str) -> None:
        """Let a document go; those that import it read its file."""
        path = convert.path_of(uri)
        self.texts.pop(path, None)
        self.versions.pop(path, None)
        importing = [other for other in self.specs.importing(path) if other != path]
        self.specs.close(path)
        self.checker.closed(path)
        self.uris.pop(path, None)
        self.settings.forget(path)
        for other in importing:
            self.checker.changed(other)

    def view(self, uri: str) -> View | None:
        """What is known of a document that is open."""
        path = convert.path_of(uri)
        if path not in self.specs.documents:
            return None
        document, analysis = self.specs.documents[path], self.specs.analysis(path)
        layers = self.specs.models.layers(self.model_of(path))
        return View(analysis, document.last_good, layers, document.with_model)

    def offset(self, uri: str, position: types.Position) -> int:
        """The code point at a position of an open document."""
        return self.texts[convert.path_of(uri)].offset(convert.position_of(position))

    def range(self, path: str, start: int, end: int) -> types.Range:
        """What stands between two offsets of an open document."""
        first, last = (self.texts[path].position(offset) for offset in (start, end))
        return types.Range(types.Position(first.line, first.column), types.Position(last.line, last.column))

    # ---- the model, diagnostics

    def model_of(self, path: str) -> str | None:
        """The model file of a document."""
        return self.settings.model_of(path, self.folders)

    @property
    def folders(self) -> list[str]:
        """The folders that the editor works in."""
        folders = [convert.path_of(folder.uri) for folder in self.workspace.folders.values()]
        return list(dict.fromkeys([*folders, *filter(None, [self.workspace.root_path])]))

    def everything(self, *words: str) -> Workspace:
        """The open documents, and the specs in the editor's folders that one of *words* occurs in."""
        return self.specs.with_closed(specs_naming(words, self.folders))

    def markup(self, capability: str, text: str) -> types.MarkupContent | str:
        """Markdown, or the same as text alone for a client that says so by that capability of documents."""
        kinds = get_capability(self.client_capabilities, f"text_document.{capability}")
        if not kinds:
            return text
        if types.MarkupKind.Markdown in kinds:
            return types.MarkupContent(types.MarkupKind.Markdown, text)
        return types.MarkupContent(types.MarkupKind.PlainText, plain(text))

    def _publish(self, path: str, found: list[Diagnostic]) -> None:
        knows_related = bool(
            get_capability(self.client_capabilities, "text_document.publish_diagnostics.related_information")
        )
        converted = [convert.diagnostic_of(item, self.uris, self.encoding, knows_related) for item in found]
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(convert.uri_of(path, self.uris), converted, self.versions.get(path))
        )

    def diagnostics(self, uri: str) -> tuple[Diagnostic, ...]:
        """What is wrong with a document as it is now: with the model, if that was asked about this very text."""
        path = convert.path_of(uri)
        document, analysis = self.specs.documents[path], self.specs.analysis(path)
        if document.with_model is not None and document.checked is analysis:
            return document.with_model.diagnostics
        return analysis.report.diagnostics


class _ToTheEditor(logging.Handler):
    """Sends what is logged to the editor's log."""

    def __init__(self, server: Server) -> None:
        super().__init__(logging.WARNING)
        self.server = server

    def emit(self, record: logging.LogRecord) -> None:
        level = types.MessageType.Error if record.levelno >= logging.ERROR else types.MessageType.Warning
        self.server.window_log_message(types.LogMessageParams(level, self.format(record)))


def _guarded(server: Server, name: str, handler: Handler) -> Callable[[Any], Any]:
    """*handler*, which answers nothing where it fails or the document is not open; the failure is logged."""

    def guarded(params: Any) -> Any:
        document = getattr(params, "text_document", None)
        is_open = document is None or convert.path_of(document.uri) in server.texts
        if not is_open and name != types.TEXT_DOCUMENT_DID_OPEN:
            return None
        try:
            return handler(server, params)
        except JsonRpcException:  # a refusal with its reason
            raise
        except Exception:
            LOG.exception("%s", name)
            return None

    return guarded


def make_server() -> Server:
    """A server with every feature, not started."""
    server = Server()
    every = {**{name: (handler, None) for name, handler in FEATURES.items()}, **WITH_OPTIONS}
    for name, (handler, options) in every.items():
        server.feature(name, options)(_guarded(server, name, handler))
    return server


def start() -> int:
    """Serve one editor on standard input and output until it says goodbye; 0 if it did so as it should."""
    server = make_server()
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_failure)
    # What is printed by mistake must not get among the messages, and pygls closes what it writes to.
    messages = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server.start_io(sys.stdin.buffer, messages)
    return 0 if server.said_goodbye else 1


def _is_failure(record: logging.LogRecord) -> bool:
    """Whether what is logged is more than a request that was refused with a reason."""
    return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcException))
