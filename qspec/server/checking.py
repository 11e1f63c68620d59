"""Diagnostics as one types: what the text alone says at once, what the model says as soon as it is known."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from qspec.diagnostics import Diagnostic, Span
from qspec.lint.report import Report
from qspec.server.retained import retained
from qspec.server.workspace import Analysis, Document, Workspace, same_file

LOG = logging.getLogger("qspec.server")

DELAY = 0.03
"""Seconds without a change before a document is looked at."""
PAUSE = 0.15
"""Seconds without a change before the model is asked: longer than between two keys, as asking it takes longer, too."""

Publish = Callable[[str, list[Diagnostic]], None]
"""Shows the diagnostics of the file at a path."""


@dataclass(eq=False)
class Checker:
    """Looks at documents and publishes what is wrong with them. `model_of` gives the model file of a document, if it
    has one."""

    workspace: Workspace
    publish: Publish
    model_of: Callable[[str], str | None]
    _found: dict[str, dict[str, list[Diagnostic]]] = field(default_factory=dict)  # by document, then by file
    _waiting: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    _wanted: dict[str, Analysis] = field(default_factory=dict)  # what the model is asked about, and not yet
    _asking: bool = False
    # One at a time: what was asked about a text that has changed since is not asked any more.
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "qspec-model"))

    def warm_up(self) -> None:
        """Load what every document needs, while nobody waits for it."""
        asyncio.get_running_loop().run_in_executor(self._thread, _load)

    def changed(self, path: str) -> None:
        """Look at the document at *path*, and at those that import it, when nothing more changes for a moment."""
        for document in {path, *self.workspace.importing(path)} & set(self.workspace.documents):
            self._later(document)

    def changed_everything(self) -> None:
        """Look at all documents: files beside them are no more what they were."""
        for document in self.workspace.documents:
            self._later(document)

    def closed(self, path: str) -> None:
        """Take back what was said because of a document."""
        self._stop_waiting(path)
        self._wanted.pop(path, None)
        self._show(path, {})

    def _later(self, path: str) -> None:
        self._wait(path, DELAY, self._look)

    def _wait(self, path: str, seconds: float, work: Callable[[str], None]) -> None:
        """Do *work* on a document in a moment, and what was meant to be done on it before not at all."""
        self._stop_waiting(path)
        self._waiting[path] = asyncio.get_running_loop().call_later(seconds, work, path)

    def _stop_waiting(self, path: str) -> None:
        waiting = self._waiting.pop(path, None)
        if waiting is not None:
            waiting.cancel()

    def _look(self, path: str) -> None:
        """Publish what the text alone says, with what the model said of it before; then ask the model."""
        self._waiting.pop(path, None)
        document = self.workspace.documents.get(path)
        if document is None:
            return
        try:
            analysis = self.workspace.analysis(path)
            if self.model_of(path) is None or analysis.spec is None:
                document.with_model = None
                self._show(path, by_file(path, analysis.report.diagnostics))
                return
            self._show(path, by_file(path, _meanwhile(analysis, document)))
            self._wait(path, PAUSE, self._want)
        except Exception:
            LOG.exception("looking at %s", path)

    def _want(self, path: str) -> None:
        self._waiting.pop(path, None)
        document = self.workspace.documents.get(path)
        if document is not None and document.analysis is not None:
            self._wanted[path] = document.analysis
            self._ask()

    def _ask(self) -> None:
        if self._asking or not self._wanted:
            return
        path, analysis = self._wanted.popitem()
        self._asking = True
        asking = asyncio.get_running_loop().run_in_executor(
            self._thread, self.workspace.check, analysis, self.model_of(path)
        )
        asking.add_done_callback(lambda done: self._answered(path, analysis, done))

    def _answered(self, path: str, analysis: Analysis, done: asyncio.Future[Report]) -> None:
        self._asking = False
        document = self.workspace.documents.get(path)
        try:
            report = done.result()
            if document is not None:
                document.with_model, document.checked = report, analysis
            if document is None or path in self._waiting or path in self._wanted:
                pass  # it is closed, or looked at again in a moment
            elif document.analysis is analysis:
                self._show(path, by_file(path, report.diagnostics))
            else:
                self._later(path)  # it means something else by now, as an import of it has changed
        except Exception:
            LOG.exception("holding %s against the model", path)
        self._ask()

    def _show(self, path: str, found: Mapping[str, list[Diagnostic]]) -> None:
        """Publish for every file that *path* says something of, or did so before."""
        before = self._found.pop(path, {})
        if path in self.workspace.documents:
            self._found[path] = dict(found)
        for file in {path: None, **dict.fromkeys((*found, *before))}:
            self.publish(file, self._of_file(file))

    def _of_file(self, file: str) -> list[Diagnostic]:
        """What any document has to say of a file, each once."""
        every = (
            item for found in self._found.values() for path, items in found.items() if path == file for item in items
        )
        return list({(item.code, str(item.span), item.message): item for item in every}.values())


def by_file(path: str, diagnostics: Iterable[Diagnostic]) -> dict[str, list[Diagnostic]]:
    """Diagnostics by the file that they stand in; those without one, and those of the document at *path* spelled
    otherwise, stand in the document."""
    found: dict[str, list[Diagnostic]] = {}
    for item in diagnostics:
        file = item.span.source.path if isinstance(item.span, Span) else path
        found.setdefault(path if same_file(file, path) else file, []).append(item)
    return found


def _meanwhile(analysis: Analysis, document: Document) -> list[Diagnostic]:
    """What the text says, and what the model said of the text before."""
    found = list(analysis.report.diagnostics)
    if document.with_model is None or document.checked is None:
        return found
    known = {(item.code, item.message) for item in found}
    alone = {(item.code, item.message) for item in document.checked.report.diagnostics}
    of_model = (item for item in document.with_model.diagnostics if (item.code, item.message) not in known | alone)
    return [*found, *retained(of_model, document.checked.source, analysis.source)]


def _load() -> None:
    """Import what reading, checking and completing take, by doing each once, mistakes included."""
    from qspec.server.completion import complete
    from qspec.server.view import View

    scratch = Workspace()
    scratch.open("scratch", 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w9 }\nrule a match {\n')
    analysis = scratch.analysis("scratch")
    complete(View(analysis), len(analysis.source.text))
    _ = analysis.report
