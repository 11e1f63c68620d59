"""What the editor's settings say: which model a spec is held against."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.capabilities import get_capability

from qspec.server.checking import LOG
from qspec.server.navigation import is_shipped

if TYPE_CHECKING:
    from qspec.server.protocol import Server

SECTION = "qspec"
_WATCHED = ("**/*.qspec", "**/*.keras", "**/*.tflite")


@dataclass(eq=False)
class Settings:
    """`qspec.model`, as it was given when the connection began, and for each document if the editor knows better."""

    model: str | None = None
    _by_document: dict[str, str | None] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def take(self, given: Any) -> None:
        """Settings as an object, `{"model": …}` or `{"qspec": {"model": …}}`; what is neither is passed over."""
        given = given.get(SECTION, given) if isinstance(given, dict) else given
        if isinstance(given, dict) and "model" in given:
            self.model = _model(given)

    def forget(self, path: str) -> None:
        """Forget what holds for one document alone."""
        self._by_document.pop(path, None)

    def model_of(self, path: str, folders: Sequence[str]) -> str | None:
        """The model file of the document at *path*; a shipped file has none. A path is relative to the workspace folder
        that the document lies in, the innermost; outside of all, to the first; without any, to the document's own."""
        model = self._by_document.get(path, self.model)
        if not model or is_shipped(path):
            return None
        around = [folder for folder in folders if path.startswith(folder.rstrip(os.sep) + os.sep)]
        base = max(around, key=len) if around else next(iter(folders), os.path.dirname(path))
        return os.path.normpath(os.path.join(base, os.path.expanduser(model)))

    # ---- asking the editor

    def register(self, server: Server) -> None:
        """Ask to be told when files or settings change, as far as the editor can tell."""
        wanted: list[types.Registration] = []
        if _is_registered_later(server, "did_change_watched_files"):
            watchers = [types.FileSystemWatcher(glob_pattern=pattern) for pattern in _WATCHED]
            options: Any = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            wanted.append(types.Registration("files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options))
        if _is_registered_later(server, "did_change_configuration"):
            options = types.DidChangeConfigurationRegistrationOptions(section=SECTION)
            wanted.append(types.Registration("settings", types.WORKSPACE_DID_CHANGE_CONFIGURATION, options))
        if wanted:
            self._begin(_registered(server, wanted))

    def changed(self, server: Server, given: Any) -> None:
        """Take changed settings: as the notification brings them, or, if it brings none, asked for."""
        self.take(given)
        for path, uri in server.uris.items():
            self.ask(server, path, uri)
        server.checker.changed_everything()

    def ask(self, server: Server, path: str, uri: str) -> None:
        """Ask the editor for the settings of one document, if it can be asked."""
        if get_capability(server.client_capabilities, "workspace.configuration"):
            self._begin(self._asked(server, path, uri))

    async def _asked(self, server: Server, path: str, uri: str) -> None:
        try:
            item = types.ConfigurationItem(scope_uri=uri, section=SECTION)
            answer = await server.workspace_configuration_async(types.ConfigurationParams([item]))
        except Exception:
            LOG.exception("asking for the settings of %s", path)
            return
        given = answer[0] if answer else None
        before = self._by_document.get(path, self.model)
        if isinstance(given, dict) and "model" in given:
            self._by_document[path] = _model(given)
        if self._by_document.get(path, self.model) != before and path in server.uris:
            server.checker.changed(path)

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # a task that nobody holds may be thrown away before it is done
        task.add_done_callback(self._tasks.discard)


def _is_registered_later(server: Server, what: str) -> bool:
    return bool(get_capability(server.client_capabilities, f"workspace.{what}.dynamic_registration"))


async def _registered(server: Server, wanted: list[types.Registration]) -> None:
    try:
        await server.client_register_capability_async(types.RegistrationParams(wanted))
    except Exception:
        LOG.exception("registering")


def _model(given: dict[str, Any]) -> str | None:
    model = given["model"]
    return model if isinstance(model, str) and model else None
