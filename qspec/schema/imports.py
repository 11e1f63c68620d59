"""Files and the files that they import, each once, as one sequence of statements."""

from __future__ import annotations

import os
import posixpath
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from qspec.diagnostics import Advice, Diagnostic, Diagnostics, Edit, Fix, Place, Source, Span
from qspec.diagnostics.catalogue import IMPORT_CYCLE, MISSING_IMPORT, TOO_DEEP
from qspec.schema.names import listed, similar, there_is
from qspec.schema.shipped import shipped_source
from qspec.syntax import parse, read_source, tree

PRESETS: Mapping[str, tuple[str, ...]] = {
    "std/int8.qspec": ("w8", "w8_tensor", "a8"),
    "std/int16x8.qspec": ("a16",),
    "std/w4a8.qspec": ("w4", "w4_tensor"),
    "std/dynamic.qspec": ("w4_blocks",),
    "std/float16.qspec": ("f16",),
}
"""The shipped files under `std/`, each with the quantizers that it defines itself. What to offer where one is meant."""
LONGEST_CHAIN = 64  # of imports


class Unread(dict[str, None]):
    """Names whose definitions could not be read, in the order in which they were met. With `anything`, when no import
    could be read, any name may be one of them."""

    anything = False

    def __contains__(self, name: object) -> bool:
        return self.anything or super().__contains__(name)

    def add(self, names: Iterable[str]) -> None:
        """Take *names* in."""
        self.update(dict.fromkeys(names))


@dataclass
class Files:
    """Reads a main file and its imports. With *texts* the file system is not touched, but for what is shipped.

    Without, *read_file* gives the text at a path, and *parse_file* its tree: an editor has texts that no disk has yet,
    and trees of what did not change.
    """

    texts: Mapping[str, str] | None
    found: Diagnostics
    read_file: Callable[[str], Source | Diagnostic] = read_source
    parse_file: Callable[[Source], tuple[tree.File, tuple[Diagnostic, ...]]] = parse
    sources: dict[str, Source] = field(default_factory=dict)
    files: dict[str, tree.File] = field(default_factory=dict)  # by path, the main file first
    imports: dict[tree.Import, str] = field(default_factory=dict)  # the path of the file that each leads to
    statements: list[tree.Statement] = field(default_factory=list)
    unread: Unread = field(default_factory=Unread)
    _mistakes: dict[str, list[int]] = field(default_factory=dict)  # where the text of each file is wrong
    _lost: bool = False  # an import of which it is not known what it defines
    _route: list[tuple[str, tree.Import]] = field(default_factory=list)  # files being read, each with the import in it

    def read(self, source: Source) -> tree.File:
        """The main file's own tree; its statements and those of its imports are collected in their order."""
        file, diagnostics = self.parse_file(source)
        self.found.items += diagnostics
        self.take(file)
        return file

    def take(self, file: tree.File) -> None:
        """As `read`, of a main file that is parsed already."""
        self.sources[file.source.path] = file.source
        self._take(file, _identity(file.source.path, self.texts))
        self.unread.anything = self._lost and len(self.sources) == 1

    def _take(self, file: tree.File, identity: str) -> None:
        self.files[file.source.path] = file
        self.unread.add(name.text for name in file.unread)
        for statement in file.statements:
            if isinstance(statement, tree.Import):
                self._route.append((identity, statement))
                self._import(statement)
                self._route.pop()
            else:
                self.statements.append(statement)

    def _import(self, statement: tree.Import) -> None:
        name = imported_path(statement)
        identity = _identity(name, self.texts)
        hops = [hop for hop, _ in self._route]
        read = next((path for path in self.sources if path == name or _identity(path, self.texts) == identity), None)
        if read is not None:
            self.imports[statement] = read
            if identity in hops:
                self._report_cycle(statement, hops.index(identity))
            return
        if len(self._route) > LONGEST_CHAIN:
            message = f"more than {LONGEST_CHAIN} files import each other"
            self.found.add(TOO_DEEP.at(statement.path.span, message, help="import them from one file"))
            return
        source = self._source(name)
        if isinstance(source, Diagnostic):
            if self._is_misread(statement.path):
                self._lost = True
            else:
                self.found.add(self._missing(statement, name, source))
            return
        file, diagnostics = self.parse_file(source)
        self.sources[name] = file.source
        self.imports[statement] = name
        self.found.items += diagnostics
        self._take(file, identity)

    def _is_misread(self, path: tree.String) -> bool:
        """Whether *path* has a wrong escape, which is told: it is not known what file is meant."""
        source = path.span.source
        if source.path not in self._mistakes:  # all that reading the text has found is told by now
            spans = (each.span for each in self.found.items if isinstance(each.span, Span))
            self._mistakes[source.path] = sorted(span.start for span in spans if span.source is source)
        starts = self._mistakes[source.path]
        inside = bisect_right(starts, path.span.start)
        return inside < len(starts) and starts[inside] < path.span.end

    def _source(self, name: str) -> Source | Diagnostic:
        if self.texts is not None and name in self.texts:
            return Source(name, self.texts[name])
        if name.startswith("std/") and (shipped := shipped_source(name)) is not None:
            return shipped
        if self.texts is None and not name.startswith("std/"):
            return self.read_file(name)
        return MISSING_IMPORT.at(Place(name), f"`{name}` does not exist")

    def _missing(self, statement: tree.Import, name: str, problem: Diagnostic) -> Diagnostic:
        if not statement.path.text.strip():
            self._lost = True
            form = 'write the path of a `.qspec` file; `"std/int8.qspec"` is one that is shipped with qspec'
            return MISSING_IMPORT.at(statement.path.span, "this import names no file", help=form)
        message = f"the import cannot be read: {problem.message}"
        shipped = _meant(statement.path.text)
        hint: str | Advice
        if shipped and not _is_named_alike(statement.path.text, shipped):
            hint = there_is(shipped, PRESETS, text=True)
            self._lost = True
        elif shipped:
            hint = Advice(f"write `{shipped}`, which is shipped with qspec", (f'"{shipped}"',))
            # What it defines is not undefined: one mistake is reported once.
            self.unread.add(name for names in PRESETS.values() for name in names)
        elif statement.path.text.startswith("std/"):
            hint = f"there is {listed(PRESETS)}"
            self._lost = True
        else:
            self._lost = True
            hint = "a path is relative to the folder of the file that imports; `std/…` is shipped with qspec"
            if "\\" in statement.path.text:
                hint = "write `/` between folders, which every system reads"
        return MISSING_IMPORT.at(statement.path.span, message, help=hint)

    def _report_cycle(self, statement: tree.Import, first: int) -> None:
        hops = self._route[first:]
        message = f"`{statement.path.text}` is imported by itself"
        if len(hops) > 1:
            message += f", through {len(hops) - 1} other file{'s' if len(hops) > 2 else ''}"
        diagnostic = IMPORT_CYCLE.at(statement.path.span, message, help="move what both need into a file of its own")
        for _, hop in hops:
            diagnostic = diagnostic.with_related(hop.path.span, f"`{hop.path.text}` is imported here")
        self.found.add(diagnostic)


def _meant(path: str) -> str:
    """The shipped file that a path which leads nowhere looks like."""
    presets = {_stem(preset): preset for preset in PRESETS}
    return presets.get(similar(_stem(path), presets), "")


def _is_named_alike(path: str, shipped: str) -> bool:
    """Whether a path names that *shipped* file, but for its folder and its ending."""
    return _stem(path).lower() == _stem(shipped)


def _stem(path: str) -> str:
    """What counts in a path: every file has the same ending."""
    return posixpath.basename(path).removesuffix(".qspec")


def added_import(file: tree.File, path: str) -> Fix:
    """The change that imports *path* in *file*: on a line of its own behind the imports, or behind the edition."""
    title = f'add `import "{path}"`'
    statement = f'import "{path}"'
    first = [one for one in file.statements if isinstance(one, tree.Edition | tree.Import)]
    if not first:
        return Fix(title, (Edit(Span(file.source, 0, 0), f"{statement}\n"),))
    line, column = file.source.position(first[-1].span.end)
    behind = first[-1].span.end - column + 1 + len(file.source.line(line))
    gap = "" if isinstance(first[-1], tree.Import) else "\n"
    return Fix(title, (Edit(Span(file.source, behind, behind), f"\n{gap}{statement}"),))


def imported_path(statement: tree.Import) -> str:
    """The path of an imported file as people see it: relative to the folder of the importing one, unless shipped."""
    path = statement.path.text
    if path.startswith("std/"):
        return path
    importer = statement.span.source.path
    if importer.startswith("std/"):
        return posixpath.normpath(posixpath.join("std", path))
    return os.path.normpath(os.path.join(os.path.dirname(importer), path))


def _identity(name: str, texts: Mapping[str, str] | None) -> str:
    """What tells two files apart, however their paths are spelled."""
    if name.startswith("std/") or texts is not None or "\0" in name:
        return name
    return os.path.realpath(name)
