"""Statements to a spec: every name looked up, every block validated, every mistake reported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from qspec.diagnostics import Diagnostics, Severity, Source, Span
from qspec.schema.blocks import Attributes, fitting, read_attributes
from qspec.schema.conditions import check_requirement
from qspec.schema.deploys import read_deploy
from qspec.schema.imports import Files, Unread
from qspec.schema.named_parts import NamedParts
from qspec.schema.names import duplicate
from qspec.schema.patterns import Patterns
from qspec.schema.quantizers import Quantizers
from qspec.schema.ranges import moment_of, range_of
from qspec.schema.settings import Calibrate, Train
from qspec.schema.shipped import is_shipped_target, shipped_target, shipped_targets
from qspec.schema.slots import Slots
from qspec.schema.spec import Boundary, Deploy, LayerClass, Requirement, Rule, SlotAssignment, Spec
from qspec.schema.symbols import Symbols
from qspec.schema.targets import Targets
from qspec.schema.values import plain
from qspec.schema.where import check_where
from qspec.syntax import suppressed_codes, suppressions, tree
from qspec.syntax.reserved import RESERVED
from qspec.syntax.suppressions import Suppression

Named = TypeVar("Named", tree.Quantizer, tree.PatternDefinition, tree.Target, tree.Rule, tree.Likeness)
Node = TypeVar("Node", bound=tree.Statement)


def resolve_files(source: Source, files: Files) -> Spec:
    """The spec of a main file and its imports, which are read into *files*. What has no meaning is reported there, in
    `found`, and left out."""
    source = files.read(source).source
    return _Resolver(source, files, files.found).spec()


class _Resolver:
    def __init__(self, source: Source, files: Files, found: Diagnostics) -> None:
        self.source = source
        self.files = files
        self.found = found
        self.duplicates: list[tree.Statement] = []
        self.suppressions: dict[str, dict[int, list[Suppression]]] = {}  # by path and line
        self.quantizers = Quantizers(self._defined(tree.Quantizer, "quantizer"), files.unread, found, files.files)
        self.patterns = Patterns(self._defined(tree.PatternDefinition, "pattern"), files.unread, found)
        targets = self._defined(tree.Target, "target")
        # A shipped table may itself be checked: its name is then its own.
        taken = [name for name in shipped_targets() if not (name in targets and is_shipped_target(source, name))]
        self.targets = Targets(targets, files.unread, shipped_target, taken, found)

    def spec(self) -> Spec:
        quantizers = self.quantizers.all()
        self.patterns.check_all()
        self._check_duplicates()
        targets = self.targets.all()
        deploys = self._deploys()
        default = self._default()
        rules = self._rules()
        boundaries = self._boundaries()
        return Spec(
            path=self.source.path,
            sources={path: source.text for path, source in self.files.sources.items()},
            quantizers=quantizers,
            patterns=self.patterns.usable(),
            targets=targets,
            deploys=deploys,
            inputs=tuple(item for item in boundaries if item.side == "input"),
            outputs=tuple(item for item in boundaries if item.side == "output"),
            default=default,
            rules=rules,
            calibrate=self._calibrate(),
            train=self._train(),
            requirements=self._requirements(deploys),
            layer_classes=self._layer_classes(),
            span=Span(self.source, 0, 0),
            statements=tuple(statement.span for statement in self.files.statements),
            symbols=Symbols(self.files.files, self.files.imports),
            incomplete=self.files.unread.anything,
        )

    def _of(self, kind: type[Node]) -> Iterable[Node]:
        return (statement for statement in self.files.statements if isinstance(statement, kind))

    def _defined(self, kind: type[Named], word: str) -> dict[str, Named]:
        """The definitions of a kind by name; of two with the same name the first, and an error."""
        definitions: dict[str, Named] = {}
        for statement in self._of(kind):
            name = statement.name
            first = definitions.setdefault(name.text, statement)
            if first is not statement and name.text not in RESERVED:  # of those it is told that they are no names
                self.found.add(duplicate(word, name.text, name.span, first.name.span, self.source))
                self.duplicates.append(statement)
        return definitions

    def _check_duplicates(self) -> None:
        """Definitions whose name is taken have no effect, and are checked all the same."""
        for statement in self.duplicates:
            match statement:
                case tree.Quantizer():
                    self.quantizers.check(statement)
                case tree.PatternDefinition():
                    self.patterns.check(statement.pattern)

    # ---- what decides tensors

    def _default(self) -> tuple[SlotAssignment, ...]:
        """All `default` blocks as one: of a slot assigned twice, the later assignment, in its later place."""
        merged: dict[str, SlotAssignment] = {}
        for block in self._of(tree.Default):
            for assignment in Slots(self.quantizers, self.found).read(block.body):
                merged.pop(str(assignment.slot), None)
                merged[str(assignment.slot)] = assignment
        return tuple(merged.values())

    def _rules(self) -> tuple[Rule, ...]:
        self._defined(tree.Rule, "rule")
        return tuple(rule for node in self._of(tree.Rule) if (rule := self._rule(node)) is not None)

    def _rule(self, node: tree.Rule) -> Rule | None:
        """The rule, or None if it cannot be known which layers it speaks of."""
        before = len(self.found.items)
        self.patterns.check(node.pattern)
        captures = self.patterns.captures(node.pattern)
        readable = self.patterns.is_known(node.pattern)
        if node.where is not None and readable:
            check_where(node.where, NamedParts(self.patterns, node.pattern), self.found)
        known = len(self.found.items) == before and readable
        assignments = Slots(self.quantizers, self.found, captures, any_part=not readable).read(node.body)
        if not known:
            return None
        return Rule(
            name=node.name.text,
            pattern=node.pattern,
            where=node.where,
            assignments=assignments,
            span=node.name.span,
            suppressed=suppressed_codes(node.span, self._suppressions(node.span)),
            statement=node.span,
        )

    def _suppressions(self, statement: Span) -> Sequence[Suppression]:
        """Those that speak of the first line of a statement."""
        source = statement.source
        if source.path not in self.suppressions:
            lines = self.suppressions[source.path] = defaultdict(list)
            for item in suppressions(source):
                lines[item.line].append(item)
        return self.suppressions[source.path].get(source.position(statement.start)[0], ())

    # ---- the model's edges and settings

    def _boundaries(self) -> tuple[Boundary, ...]:
        """The `input` and `output` blocks; two that speak of the same tensor are an error."""
        seen: dict[tuple[str, str | None], tree.Boundary] = {}
        boundaries: list[Boundary] = []
        for node in self._of(tree.Boundary):
            key = node.key.text if node.key else None
            first = seen.setdefault((node.side, key), node)
            if first is not node:
                name = f'{node.side}["{key}"]' if key is not None else node.side
                self.found.add(duplicate("block", name, _head(node), _head(first), self.source))
                continue
            boundaries.append(self._boundary(node, key))
        return tuple(boundaries)

    def _boundary(self, node: tree.Boundary, key: str | None) -> Boundary:
        allowed = ("type", "range", "batch") if node.side == "input" else ("type", "range")
        attributes = read_attributes(node.body, allowed, f"`{node.side}`", self.found)
        values = {name: plain(value) for name, value in attributes.values.items() if name != "range"}
        if "range" in attributes.values and (found := range_of(attributes.values["range"], self.found)):
            values["range"] = found
        fit = fitting("boundary", values, attributes.values, self.found)
        spans = {name: value.span for name, value in attributes.values.items()}
        return Boundary(side=node.side, key=key, span=_head(node), spans=spans, **fit)

    def _calibrate(self) -> Calibrate:
        merged: dict[str, Any] = {}
        spans: dict[str, Span] = {}
        for attributes in self._settings("calibrate", ("samples", "batch", "seed")):
            values = {name: plain(value) for name, value in attributes.values.items()}
            merged |= fitting("calibrate", values, attributes.values, self.found)
            spans |= {name: value.span for name, value in attributes.values.items()}
        return Calibrate(**merged, spans=spans)

    def _train(self) -> Train:
        merged: dict[str, Any] = {}
        spans: dict[str, Span] = {}
        for attributes in self._settings("train", ("batch_norm", "freeze_ranges_after")):
            values = {name: plain(value) for name, value in attributes.values.items()}
            if "freeze_ranges_after" in values:
                values["freeze_ranges_after"] = moment_of(attributes.values["freeze_ranges_after"], self.found)
            merged |= fitting("train", values, attributes.values, self.found)
            spans |= {name: value.span for name, value in attributes.values.items()}
        return Train(**merged, spans=spans)

    def _settings(self, kind: str, allowed: Sequence[str]) -> Iterator[Attributes]:
        """The attributes of each block of a kind. Of several (imports bring theirs) the later wins, one by one."""
        for node in self._of(tree.Settings):
            if node.kind == kind:
                yield read_attributes(node.body, allowed, f"`{kind}`", self.found)

    def _layer_classes(self) -> tuple[LayerClass, ...]:
        statements = self._defined(tree.Likeness, "layer class").values()
        return tuple(
            LayerClass(name=node.name.text, like=node.like.text, span=node.name.span, like_span=node.like.span)
            for node in statements
        )

    # ---- what is asked of the result

    def _deploys(self) -> tuple[Deploy, ...]:
        deploys: dict[str, Deploy] = {}
        for node in self._of(tree.Deploy):
            deploy = self._deploy(node)
            if deploy is None:
                self.files.unread.add([(node.alias or node.target).text])
                continue
            first = deploys.setdefault(deploy.name, deploy)
            if first is not deploy:
                diagnostic = duplicate("deployed target", deploy.name, deploy.span, first.span, self.source)
                hint = f"name one of them: `deploy {deploy.target.name}(…) as NAME`"
                self.found.add(replace(diagnostic, help=hint))
        return tuple(deploys.values())

    def _deploy(self, node: tree.Deploy) -> Deploy | None:
        target = self.targets.named(node.target)
        return None if target is None else read_deploy(node, target, self.found)

    def _requirements(self, deploys: Sequence[Deploy]) -> tuple[Requirement, ...]:
        names = Unread()
        names.add([*(deploy.name for deploy in deploys), *self.files.unread])
        names.anything = self.files.unread.anything
        mistaken = [item.span for item in self.found.items if item.severity is Severity.ERROR]
        return tuple(
            Requirement(
                condition=node.condition, reason=node.reason.text if node.reason else "", span=node.condition.span
            )
            for node in self._of(tree.Require)
            if check_requirement(node.condition, names, self.found)
            # One that the reader has mended asks for something else, perhaps, than was meant.
            and not any(isinstance(span, Span) and _inside(span, node.span) for span in mistaken)
        )


def _inside(span: Span, other: Span) -> bool:
    return span.source is other.source and other.start <= span.start < other.end


def _head(node: tree.Boundary) -> Span:
    """The word, and the key if there is one, at the start of an `input` or `output` block."""
    if node.key is not None:
        return Span(node.span.source, node.span.start, node.key.span.end + 1)
    return Span(node.span.source, node.span.start, node.span.start + len(node.side))
