"""From a name to what it means and to everything that speaks of it, over all files of a workspace; and renaming it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qspec._resources import resource
from qspec.diagnostics import Severity, Span
from qspec.schema.symbols import Definition, Reference, Symbols
from qspec.server.workspace import Analysis, Workspace, same_file
from qspec.syntax.reserved import RESERVED

_SHIPPED = ("std/", "targets/")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Refused:
    """Why a name cannot be changed."""

    reason: str


def file_of(path: str) -> str:
    """Where a file lies whose path people know: shipped ones lie in the package."""
    if path.startswith(_SHIPPED):
        return str(resource("specs") / path)
    return path


def is_shipped(path: str) -> bool:
    """Whether a file is a preset or a table that comes with qspec."""
    if "\0" in path:
        return False
    specs = os.path.realpath(resource("specs"))
    return os.path.realpath(file_of(path)).startswith(tuple(os.path.join(specs, folder) for folder in _SHIPPED))


def definition(analysis: Analysis, offset: int) -> Span | None:
    """Where what stands at *offset* is defined; of a file, its start."""
    found = _definition(analysis.symbols, offset)
    return None if found is None else found.span


def _definition(symbols: Symbols, offset: int) -> Definition | None:
    symbol = symbols.at(offset)
    return symbols.definition_of(symbol) if isinstance(symbol, Reference) else symbol


def word_at(analysis: Analysis, offset: int) -> str:
    """What a text must hold that speaks of what stands at *offset*: its name; of a file, that of the file."""
    found = _definition(analysis.symbols, offset)
    return "" if found is None else os.path.basename(found.name) if found.kind == "file" else found.name


def highlights(analysis: Analysis, offset: int) -> list[Span]:
    """Every place in the same file that speaks of what stands at *offset*."""
    found = _definition(analysis.symbols, offset)
    spans = [] if found is None else _places(analysis.symbols, found)
    return [span for span in spans if span.source is analysis.source]


def references(workspace: Workspace, path: str, offset: int, with_definition: bool = True) -> list[Span]:
    """Every place in the workspace's files, and in those that they import, that speaks of what stands at *offset*."""
    found = _definition(workspace.analysis(path).symbols, offset)
    if found is None:
        return []
    spans = _everywhere(workspace, path, found)
    return [span for span in spans if with_definition or not _same_place(span, found.span)]


def _everywhere(workspace: Workspace, path: str, found: Definition) -> list[Span]:
    spans: dict[tuple[str, int], Span] = {}
    for symbols, definition in _seen_from(workspace, path, found):
        for span in _places(symbols, definition):
            spans.setdefault((os.path.realpath(file_of(span.source.path)), span.start), span)
    return list(spans.values())


def _seen_from(workspace: Workspace, path: str, found: Definition) -> Iterator[tuple[Symbols, Definition]]:
    """What is defined once, as each file that has it sees it."""
    own = workspace.analysis(path).symbols
    yield own, found
    for other in list(workspace.documents):
        symbols = workspace.analysis(other).symbols
        if other == path or not symbols.files:
            continue
        if found.span.source.path.startswith("targets/"):
            same = next((one for one in map(symbols.definition_of, symbols.references) if one is found), None)
        else:
            here = (one for one in symbols.definitions if one.kind == found.kind and _same_place(one.span, found.span))
            same = next(here, None)
        if same is not None:
            yield symbols, same


def _places(symbols: Symbols, found: Definition) -> list[Span]:
    if found.kind == "file" or found.span.source.path.startswith("targets/"):
        return [one.span for one in symbols.references if symbols.definition_of(one) is found]
    return list(symbols.occurrences(found)) or [found.span]


def _same_place(one: Span, other: Span) -> bool:
    return one.start == other.start and same_file(file_of(one.source.path), file_of(other.source.path))


# ---- renaming


def can_rename(analysis: Analysis, offset: int) -> Span | Refused:
    """The name at *offset*, if it can be changed."""
    symbol = analysis.symbols.at(offset)
    if symbol is None:
        return Refused("no name that this spec defines stands here")
    found = _definition(analysis.symbols, offset)
    refused = _unchangeable(symbol, found)
    return Refused(refused) if refused else symbol.span


def _unchangeable(symbol: Definition | Reference, found: Definition | None) -> str:
    if symbol.kind == "file":
        return "the path of a file is changed by moving the file"
    if symbol.kind == "layer class":
        return f"`{symbol.name}` is the name of a class in Python"
    if found is None:
        return f"`{symbol.name}` is not defined"
    if is_shipped(found.span.source.path):
        return f"`{found.name}` is defined in `{found.span.source.path}`, which is shipped with qspec"
    return ""


def rename(workspace: Workspace, path: str, offset: int, name: str) -> list[Span] | Refused:
    """Every place where *name* is to stand; or why it must not."""
    analysis = workspace.analysis(path)
    here = can_rename(analysis, offset)
    found = _definition(analysis.symbols, offset)
    if isinstance(here, Refused) or found is None:
        return here if isinstance(here, Refused) else Refused("nothing is defined here")
    if not _NAME.fullmatch(name):
        return Refused(f"`{name}` is no name: a name is made of letters, digits and `_`, and begins with no digit")
    if name in RESERVED:
        return Refused(f"`{name}` is a word of the language and cannot be a name")
    taken = next(
        (other for symbols, one in _seen_from(workspace, path, found) for other in _rivals(symbols, one, name)), None
    )
    if taken is not None:
        line, _ = taken.span.source.position(taken.span.start)
        return Refused(f"a {taken.kind} `{name}` is defined already, in line {line} of `{taken.span.source.path}`")
    spans = _everywhere(workspace, path, found)
    shipped = next((span for span in spans if is_shipped(span.source.path)), None)
    if shipped is not None or not spans:
        return Refused(f"`{found.name}` has the name of a target that is shipped with qspec")
    broken = _breaks(workspace, spans, name)
    return Refused(f"with the name `{name}`, {broken}") if broken else spans


def _rivals(symbols: Symbols, found: Definition, name: str) -> Iterator[Definition]:
    """What has the new name already, where the old one is known."""
    for other in symbols.definitions:
        same_scope = (other.scope, other.owner) == (found.scope, found.owner)
        if other.name == name and other.kind == found.kind and same_scope:
            yield other


def _breaks(workspace: Workspace, spans: Iterable[Span], name: str) -> str:
    """The first error that the change would bring; an empty text if it brings none."""
    changed: dict[str, list[Span]] = {}
    for span in spans:
        changed.setdefault(span.source.path, []).append(span)
    trial = Workspace({}, workspace.models)
    for other, document in workspace.documents.items():
        trial.open(other, document.text)
    for file, places in changed.items():
        text = places[0].source.text
        for span in sorted(places, key=lambda one: -one.start):
            text = text[: span.start] + name + text[span.end :]
        opened = next((other for other in trial.documents if same_file(other, file)), file)
        trial.open(opened, text)
    for other in workspace.documents:
        before, after = (_errors(place.analysis(other)) for place in (workspace, trial))
        if len(after) > len(before):
            return next((message for message in after if message not in before), after[-1])
    return ""


def _errors(analysis: Analysis) -> list[str]:
    return [item.message for item in analysis.report.diagnostics if item.severity is Severity.ERROR]
