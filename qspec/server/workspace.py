"""What is open in the editor, what was read beside it, and what all of it means. Nothing is read twice for nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from qspec.diagnostics import Diagnostic, Diagnostics, Source, SpecError
from qspec.lint.report import Report
from qspec.schema import load_files
from qspec.schema.imports import Files
from qspec.schema.spec import Spec
from qspec.schema.symbols import Symbols
from qspec.server.model import Models, Stamp, stamp_of
from qspec.syntax import decode, parse, read_source, tree

Parsed = tuple[tree.File, tuple[Diagnostic, ...]]


@dataclass(frozen=True, eq=False)
class Analysis:
    """One file with its imports, read and resolved. `read` are the files besides it, each as it was when it was read.

    `spec` is None, and `file` empty, where the text cannot be read at all.
    """

    file: tree.File
    spec: Spec | None
    diagnostics: tuple[Diagnostic, ...]
    files: Files
    read: tuple[tuple[str, object], ...] = ()

    @property
    def source(self) -> Source:
        """The text of the file itself."""
        return self.file.source

    @cached_property
    def symbols(self) -> Symbols:
        """The names of the file and its imports."""
        return Symbols(self.files.files, self.files.imports)

    @cached_property
    def report(self) -> Report:
        """What can be said of the spec alone, without a model."""
        from qspec.lint import check

        return Report(self.diagnostics) if self.spec is None else check(self.spec, None, self.diagnostics)


@dataclass(eq=False)
class Document:
    """A file that is open.

    `last_good` is what it meant when nothing in it was misspelt; `with_model` what was said last with the model, of the
    text that `checked` has.
    """

    path: str
    text: str
    analysis: Analysis | None = None
    last_good: Analysis | None = None
    with_model: Report | None = None
    checked: Analysis | None = None


@dataclass(eq=False)
class Workspace:
    """The open documents by path, and the files that they need."""

    documents: dict[str, Document] = field(default_factory=dict)
    models: Models = field(default_factory=Models)
    _parsed: dict[str, tuple[str, Parsed]] = field(default_factory=dict)
    _read: dict[str, tuple[Stamp, Source | Diagnostic]] = field(default_factory=dict)

    # ---- documents

    def open(self, path: str, text: str) -> None:
        """Take a document in, or its new text."""
        document = self.documents.get(path)
        if document is None:
            self.documents[path] = Document(path, text)
        else:
            document.text = text

    def close(self, path: str) -> None:
        """Forget a document: from now on its file counts."""
        self.documents.pop(path, None)

    def importing(self, path: str) -> Iterator[str]:
        """The open documents that need the file at *path*, as far as is known, itself among them if it is open."""
        for other, document in self.documents.items():
            # What it imports by what was typed this very moment is seen when it is looked at itself.
            sources = document.analysis.files.sources if document.analysis is not None else ()
            if same_file(other, path) or any(same_file(read, path) for read in sources):
                yield other

    def with_closed(self, sources: Iterable[Source]) -> Workspace:
        """The same, with files as if they were open; what is open stays as it is in the editor."""
        documents = dict(self.documents)
        for source in sources:
            if self._open_document(source.path) is None:
                documents[source.path] = Document(source.path, source.text)
        return replace(self, documents=documents)

    # ---- what they mean

    def analysis(self, path: str) -> Analysis:
        """What the open document at *path* means now, with its imports as they are now, in the editor or on disk."""
        document = self.documents[path]
        known = document.analysis
        if known is None or known.source.text != document.text or not self._still(known.read):
            known = document.analysis = self._analysed(path, document.text)
            if all(not item.code.startswith("QS00") for item in known.diagnostics):
                document.last_good = known
        return known

    def check(self, analysis: Analysis, model: str | None) -> Report:
        """Everything that can be said of what was analysed, against the model file *model* if there is one. Touches
        nothing but what was read of models, so that another thread may do it."""
        from qspec._check import check_graph

        if model is None or analysis.spec is None:
            return analysis.report
        try:
            graph = self.models.graph(model)
        except SpecError as error:
            return Report((*analysis.report.diagnostics, *error.diagnostics))
        return check_graph(analysis.spec, graph, analysis.diagnostics)

    def _analysed(self, path: str, text: str) -> Analysis:
        source = _source(path, text)
        if isinstance(source, Diagnostic):
            empty = tree.File((), Source(path, text))
            return Analysis(empty, None, (source,), Files({}, Diagnostics()))
        read: dict[str, object] = {}

        def read_file(name: str) -> Source | Diagnostic:
            found, read[name] = self._file(name)
            return found

        files = Files(None, Diagnostics(), read_file, self._parse)
        spec, diagnostics = load_files(source, files)
        return Analysis(files.files[path], spec, diagnostics, files, tuple(read.items()))

    def _file(self, path: str) -> tuple[Source | Diagnostic, object]:
        """The text of an imported file, and what tells whether it is still the same."""
        document = self._open_document(path)
        if document is not None:
            return _source(path, document.text), document.text
        stamp = stamp_of(path)
        known = self._read.get(path)
        if known is None or known[0] != stamp or stamp is None:
            known = self._read[path] = stamp, read_source(path)
        return known[1], stamp

    def _still(self, read: Iterable[tuple[str, object]]) -> bool:
        """Whether files are as they were when they were read."""
        for path, state in read:
            document = self._open_document(path)
            if state != (stamp_of(path) if document is None else document.text):
                return False
        return True

    def _open_document(self, path: str) -> Document | None:
        if path in self.documents:
            return self.documents[path]
        return next((document for other, document in self.documents.items() if same_file(other, path)), None)

    def _parse(self, source: Source) -> Parsed:
        text, known = self._parsed.get(source.path, ("", None))
        if known is None or text != source.text:
            known = parse(source)
            self._parsed[source.path] = source.text, known
        return known


def same_file(one: str, other: str) -> bool:
    """Whether two paths lead to the same file, however they are spelled."""
    if one == other:
        return True
    if os.path.basename(one) != os.path.basename(other) or "\0" in one or "\0" in other:
        return False
    return os.path.realpath(one) == os.path.realpath(other)


def _source(path: str, text: str) -> Source | Diagnostic:
    """A text as it would be read from its file."""
    decoded = decode(path, text.encode("utf-8", "replace"))
    # A byte order mark counts as a blank, so that offsets stay what they are in the editor.
    return (
        decoded
        if isinstance(decoded, Diagnostic)
        else Source(path, text.replace("\ufeff", " ", 1) if text[:1] == "\ufeff" else text)
    )
