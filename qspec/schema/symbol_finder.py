"""Goes through the statements of a spec for what they define and what they speak of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from qspec.diagnostics import Span
from qspec.schema.conditions import asks_of_target, nodes
from qspec.schema.patterns import parts_of
from qspec.schema.symbol import Definition, Kind, Reference
from qspec.syntax import tree

# The kinds of what a statement with a mistake would have defined, by the word before the name.
_KINDS: Mapping[str, Kind] = {
    "quantizer": "quantizer",
    "pattern": "pattern",
    "rule": "rule",
    "target": "target",
    "deploy": "deploy",
}
_FAR = 200  # characters between a keyword and its name
_LONGEST_CHAIN = 64  # of targets that extend each other


class _Parts:
    """What can be named of a pattern: its own captures, each with the pattern that it names if it does, and the
    patterns whose captures it brings as they are."""

    def __init__(self) -> None:
        self.own: dict[str, tuple[Definition, str]] = {}
        self.brought: list[str] = []


class Finder:
    """Fills `definitions` and `references`, each in the order in which they are met."""

    def __init__(self, files: Mapping[str, tree.File], imports: Mapping[tree.Import, str]) -> None:
        self.files, self.imports = files, imports
        self.definitions: list[Definition] = []
        self.references: list[Reference] = []
        self._known: dict[tuple[Kind, str], Definition] = {}
        self._options: dict[tuple[str, str], Definition] = {}  # by target and name
        self._targets: dict[str, tree.Target] = {}
        self._patterns: dict[str, _Parts] = {}
        self._parts: dict[tree.Statement, _Parts] = {}

    def find(self) -> None:
        """Definitions first: a name may be used before the text that defines it."""
        statements = list(_statements(self.files, self.imports))
        for statement in statements:
            self._define(statement)
        for file in self.files.values():
            self._define_unread(file)
        for statement in statements:
            self._refer(statement)

    # ---- definitions

    def _define(self, statement: tree.Statement) -> None:
        match statement:
            case tree.Quantizer(name=name):
                self._add("quantizer", name, statement.span)
            case tree.PatternDefinition(name=name, pattern=pattern):
                self._add("pattern", name, statement.span)
                self._parts[statement] = self._captures(pattern, statement.span)
                self._patterns.setdefault(name.text, self._parts[statement])
            case tree.Rule(name=name, pattern=pattern):
                self._add("rule", name, statement.span)
                self._parts[statement] = self._captures(pattern, statement.span)
            case tree.Likeness(name=name):
                self._add("layer class", name, statement.span)
            case tree.Deploy(target=target, alias=alias):
                self._add("deploy", alias or target, statement.span)
            case tree.Target(name=name):
                self._add("target", name, statement.span)
                self._targets.setdefault(name.text, statement)
                self._define_options(statement)

    def _add(self, kind: Kind, name: tree.Name, statement: Span | None) -> None:
        definition = Definition(kind, name.text, name.span, statement)
        self.definitions.append(definition)
        self._known.setdefault((kind, name.text), definition)

    def _define_options(self, target: tree.Target) -> None:
        owner = target.name.text
        for item in target.items:
            if isinstance(item, tree.Option):
                name = item.name
                definition = Definition("option", name.text, name.span, item.span, scope=target.span, owner=owner)
                self.definitions.append(definition)
                self._options.setdefault((owner, name.text), definition)

    def _define_unread(self, file: tree.File) -> None:
        """What statements with a mistake would have defined."""
        for name in file.unread:
            before = file.source.text[max(0, name.span.start - _FAR) : name.span.start].split()
            kind = _KINDS.get(before[-1]) if before else None
            if kind is not None:
                self._add(kind, name, None)

    def _captures(self, pattern: tree.Pattern, scope: Span) -> _Parts:
        parts = _Parts()
        under_a_name: set[tree.Pattern] = set()
        for node in parts_of(pattern):
            match node:
                case tree.Step(part=part, capture=tree.Name() as name):
                    under_a_name.add(part)
                    named = part.name.text if isinstance(part, tree.LayerClass) else ""
                    if name.text in parts.own:
                        first, _ = parts.own[name.text]
                        self.references.append(Reference("capture", name.text, name.span, first))
                    else:
                        definition = Definition("capture", name.text, name.span, scope, scope)
                        self.definitions.append(definition)
                        parts.own[name.text] = definition, named
                case tree.LayerClass(name=name) if node not in under_a_name:
                    parts.brought.append(name.text)
        return parts

    # ---- references

    def _refer(self, statement: tree.Statement) -> None:
        match statement:
            case tree.Import():
                self._file(statement)
            case tree.Deploy(target=target, options=options):
                self._name("target", target)
                for argument in options:
                    if argument.name is not None:
                        self._option(argument.name, target.text)
            case tree.Likeness(like=like):
                self._name("layer class", like)
            case tree.Quantizer(base=tree.Name() as base):
                self._name("quantizer", base)
            case tree.PatternDefinition(pattern=pattern):
                self._pattern(pattern, self._parts[statement], _Parts())
            case tree.Default(body=body):
                self._body(body, _Parts())
            case tree.Rule(pattern=pattern, where=where, body=body):
                self._pattern(pattern, self._parts[statement], _Parts())
                self._where(where, self._parts[statement])
                self._body(body, self._parts[statement])
            case tree.Require(condition=condition):
                for node in nodes(condition):
                    if isinstance(node, tree.Path) and asks_of_target(node):
                        self._name("deploy", node.head)
            case tree.Target():
                self._target(statement)

    def _name(self, kind: Kind, name: tree.Name) -> None:
        self.references.append(Reference(kind, name.text, name.span, self._known.get((kind, name.text))))

    def _file(self, statement: tree.Import) -> None:
        definition: Definition | None = None
        path = self.imports.get(statement)
        if path is not None:
            start = Span(self.files[path].source, 0, 0)
            definition = self._known.setdefault(("file", path), Definition("file", path, start, None))
        self.references.append(Reference("file", statement.path.text, statement.path.span, definition))

    def _pattern(self, pattern: tree.Pattern, parts: _Parts, so_far: _Parts, *, in_input: bool = False) -> None:
        """The names in a pattern with the captures *parts*, of which those *so_far* stand before. Where an input of a
        merge begins (*in_input*), one of them asks for its layer again."""
        match pattern:
            case tree.LayerClass(name=name):
                self._layer(name, so_far, in_input)
                if name.text in self._patterns:  # any other brings nothing
                    so_far.brought.append(name.text)
            case tree.Step(part=tree.LayerClass(name=part), capture=tree.Name(text=capture)):
                self._layer(part, so_far, in_input)
                so_far.own[capture] = parts.own[capture]
            case tree.Step(part=part, capture=capture):
                self._pattern(part, parts, so_far, in_input=in_input)
                if capture is not None:
                    so_far.own[capture.text] = parts.own[capture.text]
            case tree.Chain(steps=steps):
                for number, step in enumerate(steps):
                    self._pattern(step, parts, so_far, in_input=in_input and number == 0)
            case tree.Union(parts=alternatives):
                for alternative in alternatives:
                    self._pattern(alternative, parts, so_far, in_input=in_input)
            case tree.Merge(layer=layer, inputs=inputs):
                if isinstance(layer, tree.LayerClass):
                    self._class_or_pattern(layer.name)
                for each in inputs:
                    self._pattern(each, parts, so_far, in_input=True)

    def _layer(self, name: tree.Name, so_far: _Parts, in_input: bool) -> None:
        captured = self._capture(so_far, name.text)
        if captured is not None and (in_input or not self._is_class_or_pattern(name)):
            self.references.append(Reference("capture", name.text, name.span, captured[0]))
        elif name.text != "any":
            self._class_or_pattern(name)

    def _is_class_or_pattern(self, name: tree.Name) -> bool:
        return name.text[:1].isupper() or ("pattern", name.text) in self._known

    def _class_or_pattern(self, name: tree.Name) -> None:
        """What begins with a capital is a layer class, unless there is a pattern of the name."""
        is_class = name.text[:1].isupper() and ("pattern", name.text) not in self._known
        self._name("layer class" if is_class else "pattern", name)

    def _body(self, body: Sequence[tree.Assignment], parts: _Parts) -> None:
        for assignment in body:
            names = _leading_names(assignment.path)
            self._path(names[:-1], parts, must_exist=True)
            match assignment.value:
                case tree.Path(head=name, trailers=()) | tree.Call(function=tree.Path(head=name, trailers=())):
                    if name.text != "float":
                        self._name("quantizer", name)

    def _where(self, where: tree.Expression | None, parts: _Parts) -> None:
        for node in nodes(where) if where is not None else ():
            if isinstance(node, tree.Path):
                self._path(_leading_names(node), parts)

    def _path(self, names: Sequence[tree.Name], parts: _Parts, *, must_exist: bool = False) -> None:
        """`block.conv`: captures, each of the pattern that the one before it names. In a condition, an attribute stands
        where there is no capture of the name."""
        scope = parts
        for name in names:
            found = self._capture(scope, name.text)
            if found is None:
                if must_exist:
                    self.references.append(Reference("capture", name.text, name.span, None))
                return
            self.references.append(Reference("capture", name.text, name.span, found[0]))
            scope = self._patterns.get(found[1], _Parts())

    def _capture(self, parts: _Parts, name: str) -> tuple[Definition, str] | None:
        """The capture *name* among *parts*, or of a pattern whose captures they bring."""
        pending, seen = [parts], set[str]()
        while pending:
            one = pending.pop(0)
            if name in one.own:
                return one.own[name]
            new = [brought for brought in one.brought if brought in self._patterns and brought not in seen]
            seen.update(new)
            pending += [self._patterns[brought] for brought in new]
        return None

    # ---- targets

    def _target(self, statement: tree.Target) -> None:
        if statement.base is not None:
            self._name("target", statement.base)
        for condition in _conditions(statement.items):
            for node in nodes(condition):
                if isinstance(node, tree.Path) and self._is_option(statement.name.text, node.head.text):
                    self._option(node.head, statement.name.text)

    def _is_option(self, target: str, name: str) -> bool:
        return any((owner, name) in self._options for owner in self._line(target))

    def _option(self, name: tree.Name, target: str) -> None:
        line = list(self._line(target))
        found = (self._options[owner, name.text] for owner in line if (owner, name.text) in self._options)
        self.references.append(Reference("option", name.text, name.span, next(found, None), owner=line[-1]))

    def _line(self, target: str) -> Iterator[str]:
        """*target*, what it extends, and so on; the last is shipped, or has no base."""
        seen: list[str] = []
        while target not in seen and len(seen) <= _LONGEST_CHAIN:
            seen.append(target)
            yield target
            node = self._targets.get(target)
            if node is None or node.relation != "extends" or node.base is None:
                return
            target = node.base.text


def _statements(files: Mapping[str, tree.File], imports: Mapping[tree.Import, str]) -> Iterator[tree.Statement]:
    """Every statement, those of an imported file behind the first import of it: of two definitions the first counts."""
    main = next(iter(files), None)
    if main is None:  # the text cannot be read at all
        return
    seen = {main}
    pending = [iter(files[main].statements)]
    while pending:
        statement = next(pending[-1], None)
        if statement is None:
            pending.pop()
            continue
        yield statement
        path = imports.get(statement) if isinstance(statement, tree.Import) else None
        if path is not None and path not in seen:
            seen.add(path)
            pending.append(iter(files[path].statements))


def _leading_names(path: tree.Path) -> list[tree.Name]:
    names = [path.head]
    for trailer in path.trailers:
        if not isinstance(trailer, tree.Name):
            break
        names.append(trailer)
    return names


def _conditions(items: Sequence[tree.TargetItem | tree.OperationItem]) -> Iterator[tree.Expression]:
    """Every condition of a target, whatever block it stands in."""
    for item in items:
        match item:
            case tree.Require(condition=condition) | tree.Refuse(condition=condition) | tree.Warn(condition=condition):
                yield condition
            case tree.When(condition=condition, items=inner):
                yield condition
                yield from _conditions(inner)
            case tree.Operation(when=when, items=inner):
                if when is not None:
                    yield when
                yield from _conditions(inner)
            case tree.Form(items=inner) | tree.ModelBlock(items=inner):
                yield from _conditions(inner)
