"""What a spec names, and where it speaks of it: definitions and references with their places, in all of its files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from qspec.diagnostics import Diagnostics, Span
from qspec.schema.imports import Files
from qspec.schema.shipped import shipped_target
from qspec.schema.symbol import Definition, Kind, Reference
from qspec.schema.symbol_finder import Finder
from qspec.syntax import tree

__all__ = ["Definition", "Kind", "Reference", "Symbols", "symbols"]

_USED: frozenset[Kind] = frozenset({"quantizer", "pattern"})


@dataclass(frozen=True, eq=False)
class Symbols:
    """The names of a main file and its imports, found when they are first asked for.

    `files` are their trees by path, the main file first; `imports` is the path of the file that each import leads to.
    """

    files: Mapping[str, tree.File]
    imports: Mapping[tree.Import, str] = field(default_factory=dict)

    @property
    def main(self) -> str:
        """The path of the main file."""
        return next(iter(self.files), "")

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """Every definition, file by file, in the order of the text. Where alternatives of a pattern share a name, the
        first is the definition and the others speak of it."""
        return tuple(sorted(self._finder.definitions, key=self._place))

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Every reference, file by file, in the order of the text."""
        return tuple(sorted(self._finder.references, key=self._place))

    def at(self, offset: int, path: str | None = None) -> Definition | Reference | None:
        """What stands at an offset of a file: of the main one, unless *path* names another. The end of a name counts.
        Of a definition and a reference in one place it is the reference."""
        path = self.main if path is None else path
        both: tuple[Definition | Reference, ...] = (*self.references, *self.definitions)
        for symbol in both:
            span = symbol.span
            if span.start <= offset <= span.end and span.source.path == path:
                return symbol
        return None

    def definition_of(self, reference: Reference) -> Definition | None:
        """What *reference* speaks of; of a shipped target and its options, in the shipped table."""
        if reference.definition is None and reference.kind == "target":
            return _shipped_target(reference.name)
        if reference.definition is None and reference.kind == "option":
            return _shipped_option(reference.owner, reference.name)
        return reference.definition

    def references_to(self, definition: Definition) -> tuple[Reference, ...]:
        """Every place that speaks of *definition*."""
        return tuple(self._by_definition.get(definition, ()))

    @cached_property
    def is_library(self) -> bool:
        """Whether the main file only defines, for others to import: it has no `default` and no rule."""
        statements = self.files[self.main].statements if self.files else ()
        return not any(isinstance(statement, tree.Default | tree.Rule) for statement in statements)

    @cached_property
    def unused(self) -> tuple[Definition, ...]:
        """The quantizers and patterns that nothing uses but, perhaps, other such ones."""
        users: dict[Definition, list[Definition]] = {}  # by user, what it uses
        pending: list[Definition] = []
        for reference in self.references:
            if reference.definition is not None and reference.kind in _USED:
                user = self.inside(reference.span)
                (pending if user is None else users.setdefault(user, [])).append(reference.definition)
        used = set(pending)
        while pending:
            new = set(users.get(pending.pop(), ())) - used
            used |= new
            pending += new
        return tuple(one for one in self.definitions if one.kind in _USED and one not in used)

    def inside(self, span: Span) -> Definition | None:
        """The quantizer or the pattern in whose definition *span* stands."""
        statements = self._statements.get(span.source.path, [])
        position = bisect_right(statements, span.start, key=lambda one: one[0]) - 1
        if position >= 0 and span.start < statements[position][1]:
            return statements[position][2]
        return None

    def occurrences(self, definition: Definition) -> tuple[Span, ...]:
        """Every place where the name of *definition* stands, its own first: what changes if the name does. A deploy
        without a name of its own changes with its target; with a shipped one, nothing can."""
        if definition.kind == "deploy" and (target := self._target_at(definition)) is not None:
            return self.occurrences(target.definition) if target.definition is not None else ()
        places = [definition.span, *(reference.span for reference in self.references_to(definition))]
        if definition.kind == "target":
            for deploy in self.definitions:
                named_so = deploy.kind == "deploy" and self._target_at(deploy)
                if named_so and named_so.definition is definition:
                    places += [reference.span for reference in self.references_to(deploy)]
        return tuple(places)

    def _target_at(self, deploy: Definition) -> Reference | None:
        """The reference to its target that stands where *deploy* is defined, if it has no name of its own."""
        here = self.at(deploy.span.start, deploy.span.source.path)
        return here if isinstance(here, Reference) and here.kind == "target" else None

    @cached_property
    def _finder(self) -> Finder:
        finder = Finder(self.files, self.imports)
        finder.find()
        return finder

    @cached_property
    def _statements(self) -> Mapping[str, list[tuple[int, int, Definition]]]:
        """By file, where the definition of each quantizer and pattern begins and ends."""
        found: dict[str, list[tuple[int, int, Definition]]] = {}
        for one in self.definitions:
            if one.kind in _USED and one.statement is not None:
                found.setdefault(one.span.source.path, []).append((one.statement.start, one.statement.end, one))
        return found

    @cached_property
    def _by_definition(self) -> Mapping[Definition, list[Reference]]:
        found: dict[Definition, list[Reference]] = {}
        for reference in self.references:
            if reference.definition is not None:
                found.setdefault(reference.definition, []).append(reference)
        return found

    @cached_property
    def _order(self) -> Mapping[str, int]:
        return {path: number for number, path in enumerate(self.files)}

    def _place(self, symbol: Definition | Reference) -> tuple[int, int]:
        return self._order[symbol.span.source.path], symbol.span.start


def symbols(file: tree.File, texts: Mapping[str, str] | None = None) -> Symbols:
    """The names of *file* and of what it imports, as far as that can be read. With *texts* no file is read but those
    that are shipped."""
    files = Files(texts, Diagnostics())
    files.take(file)
    return Symbols(files.files, files.imports)


@cache
def _shipped_target(name: str) -> Definition | None:
    target = shipped_target(name)
    return None if target is None else Definition("target", name, target.span, None)


@cache
def _shipped_option(target: str, name: str) -> Definition | None:
    table = shipped_target(target)
    option = None if table is None else table.options.get(name)
    return None if option is None else Definition("option", name, option.span, None, owner=target)
