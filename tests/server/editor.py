"""An editor that talks to `qspec server` over its standard input and output: pytest-lsp's client in the role."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsprotocol import types
from pytest_lsp import LanguageClient, client_capabilities, make_test_lsp_client

CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
LONGEST = 20.0
"""Seconds that any answer may take on a busy machine."""


class Editor:
    """Open documents with their versions, and what the server said of them."""

    def __init__(self, client: LanguageClient) -> None:
        self.client = client
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.published: list[types.PublishDiagnosticsParams] = []
        self.registered: list[str] = []
        self.encoding = "utf-16"
        self._news = asyncio.Event()

    @property
    def watches(self) -> bool:
        """Whether it would tell of files that change."""
        workspace = self.client.capabilities and self.client.capabilities.workspace
        watching = workspace and workspace.did_change_watched_files
        return bool(watching and watching.dynamic_registration)

    # ---- documents

    def open(self, uri: str, text: str) -> None:
        self.texts[uri], self.versions[uri] = text, 1
        document = types.TextDocumentItem(uri, "qspec", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))

    def change(self, uri: str, old: str, new: str) -> None:
        """Type *new* in place of *old*, which stands once in the text."""
        text = self.texts[uri]
        assert 1 == text.count(old)
        start = text.index(old)
        self.edit(
            uri, [types.TextEdit(types.Range(self.position(text, start), self.position(text, start + len(old))), new)]
        )

    def edit(self, uri: str, edits: list[types.TextEdit]) -> None:
        """Take over what an edit says, here and at the server."""
        self.texts[uri] = applied(self.texts[uri], edits, self.encoding)
        self.versions[uri] += 1
        # Each change speaks of the text that the one before it left: the last place first, none moves another.
        ordered = sorted(edits, key=lambda edit: (edit.range.start.line, edit.range.start.character), reverse=True)
        changes = [types.TextDocumentContentChangePartial(edit.range, edit.new_text) for edit in ordered]
        document = types.VersionedTextDocumentIdentifier(self.versions[uri], uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, changes))

    def close(self, uri: str) -> None:
        del self.texts[uri]
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))

    def at(self, uri: str, word: str, inside: int = 0) -> dict[str, Any]:
        """The document and the place of a word in it, as requests have them."""
        start = self.texts[uri].index(word) + inside
        return {
            "text_document": types.TextDocumentIdentifier(uri),
            "position": self.position(self.texts[uri], start),
        }

    def position(self, text: str, offset: int) -> types.Position:
        """Line and column of an offset, in the units that the server chose."""
        return position(text, offset, self.encoding)

    # ---- diagnostics

    def register(self, params: types.RegistrationParams) -> None:
        self.registered += [each.method for each in params.registrations]

    def take(self, params: types.PublishDiagnosticsParams) -> None:
        self.published.append(params)
        self._news.set()

    async def diagnostics(self, uri: str, wanted: set[str] | None = None, about: str = "") -> list[types.Diagnostic]:
        """What is published of a document as it is now; with *wanted*, as soon as exactly these codes are, and with
        *about*, one that says so."""

        async def arrive() -> list[types.Diagnostic]:
            while True:
                for params in reversed(self.published):
                    if params.uri == uri and params.version == self.versions.get(uri):
                        said = " ".join(item.message for item in params.diagnostics)
                        if wanted in (None, {item.code for item in params.diagnostics}) and about in said:
                            return list(params.diagnostics)
                        break
                self._news.clear()
                await self._news.wait()

        try:
            return await asyncio.wait_for(arrive(), LONGEST)
        except TimeoutError:
            found = [(p.version, [item.code for item in p.diagnostics]) for p in self.published if p.uri == uri]
            raise AssertionError(f"wanted {wanted} of version {self.versions.get(uri)}, found {found}") from None


def position(text: str, offset: int, encoding: str) -> types.Position:
    """Line and column of an offset of a text whose lines end with a newline."""
    before = text[:offset]
    return types.Position(before.count("\n"), units(before.rpartition("\n")[2], encoding))


def units(text: str, encoding: str) -> int:
    """How many units of an encoding a text takes."""
    codec, size = CODECS[encoding]
    return len(text.encode(codec)) // size


def offset(text: str, place: types.Position, encoding: str) -> int:
    """The opposite of `position`."""
    codec, size = CODECS[encoding]
    lines = text.split("\n")
    before = lines[place.line].encode(codec)[: size * place.character].decode(codec)
    return sum(len(each) + 1 for each in lines[: place.line]) + len(before)


def applied(text: str, edits: list[types.TextEdit], encoding: str) -> str:
    """A text with edits that do not overlap."""
    places = ((offset(text, e.range.start, encoding), offset(text, e.range.end, encoding), e.new_text) for e in edits)
    for start, end, new in sorted(places, reverse=True):
        text = text[:start] + new + text[end:]
    return text


@asynccontextmanager
async def editor(
    folder: Path, like: str = "visual_studio_code", settings: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[Editor]:
    """A connection to a server that was just started; at the end, the editor says goodbye and the server must go."""
    client = make_test_lsp_client()
    found = Editor(client)
    client.protocol.fm.features[types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS] = found.take
    client.protocol.fm.features[types.CLIENT_REGISTER_CAPABILITY] = found.register
    if settings is not None:
        client.set_configuration({"qspec": settings})
    await client.start_io(sys.executable, "-m", "qspec", "server", env={**os.environ, "PYTHONWARNINGS": "ignore"})
    capabilities = client_capabilities(like)
    if "encodings" in options:
        capabilities.general = capabilities.general or types.GeneralClientCapabilities()
        capabilities.general.position_encodings = options.pop("encodings")
    answer = await client.initialize_session(
        types.InitializeParams(
            capabilities,
            root_uri=folder.as_uri(),
            workspace_folders=[types.WorkspaceFolder(folder.as_uri(), "folder")],
            initialization_options=options.get("initialization"),
        )
    )
    found.encoding = str(types.PositionEncodingKind(answer.capabilities.position_encoding).value)
    try:
        yield found
        logged = [message.message for message in client.log_messages]
        assert [] == logged, "\n".join(logged)
    finally:
        await asyncio.wait_for(client.shutdown_session(), LONGEST)
        server = client._server
        await asyncio.wait_for(server.wait(), LONGEST)
    assert 0 == server.returncode
