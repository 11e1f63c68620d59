"""What the features look at: a document as it is, as it was when it could be read, and the model beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from qspec.diagnostics import Diagnostics, Source, Span
from qspec.diagnostics.catalogue import SYNTAX_ERROR
from qspec.graph.layers import LayerGraph
from qspec.lint.report import Report
from qspec.schema.named_parts import NamedParts
from qspec.schema.patterns import Patterns, all_parts
from qspec.schema.quantizer import Quantizer
from qspec.schema.shipped import shipped_target
from qspec.schema.spec import Rule
from qspec.schema.symbols import Definition, Kind
from qspec.schema.target import TargetDefinition
from qspec.server.workspace import Analysis
from qspec.syntax import tree


@dataclass(frozen=True, eq=False)
class View:
    """`now` is what the text means, `before` what it meant when nothing in it was misspelt. `layers` are those of the
    model, and `report` what was said of the text against it, perhaps of a state a moment ago."""

    now: Analysis
    before: Analysis | None = None
    layers: LayerGraph | None = None
    report: Report | None = None

    @property
    def source(self) -> Source:
        """The text itself."""
        return self.now.source

    @property
    def _states(self) -> Iterator[Analysis]:
        yield self.now
        if self.before is not None and self.before is not self.now:
            yield self.before

    def names(self, kind: Kind) -> dict[str, Definition]:
        """Everything of a kind that has a name, by it; what cannot be read just now as it was before."""
        found: dict[str, Definition] = {}
        for state in self._states:
            for definition in state.symbols.definitions:
                known = found.get(definition.name)
                if definition.kind == kind and (known is None or known.statement is None):
                    found[definition.name] = definition
        return found

    def quantizer(self, name: str) -> Quantizer | None:
        """The quantizer of that name, with all its values; one that cannot be read just now as it was before."""
        found = [
            (state, state.spec.quantizers[name])
            for state in self._states
            if state.spec and name in state.spec.quantizers
        ]
        sound = (one for state, one in found if not one.doubtful and not _is_broken(state, name))
        return next(sound, found[0][1] if found else None)

    def rule(self, name: str) -> Rule | None:
        """The rule of that name."""
        rules = (rule for state in self._states if state.spec is not None for rule in state.spec.rules)
        return next((rule for rule in rules if rule.name == name), None)

    def target(self, name: str) -> TargetDefinition | None:
        """The target of that name, the spec's own or a shipped one."""
        own = (state.spec.targets[name] for state in self._states if state.spec and name in state.spec.targets)
        return next(own, None) or shipped_target(name)

    @property
    def likes(self) -> dict[str, str]:
        """The classes of the user's own, each with the one of Keras' that it computes as."""
        return {one.name: one.like for state in self._states if state.spec for one in state.spec.layer_classes}

    @cached_property
    def patterns(self) -> Patterns:
        """The patterns that are defined, for questions about others."""
        definitions: dict[str, tree.PatternDefinition] = {}
        for state in self._states:
            for name, definition in (state.spec.patterns if state.spec is not None else {}).items():
                definitions.setdefault(name, definition)
        return Patterns(definitions, (), Diagnostics())

    def ends(self, side: str) -> list[tuple[str, str]]:
        """The model's inputs, or its outputs if *side* says so, each with the type that it has before quantization."""
        if self.layers is None or self.report is None or self.report.plan is None:
            return []
        graph = self.report.plan.predicted
        names, tensors = (
            (self.layers.input_names, graph.inputs) if side == "input" else (self.layers.output_names, graph.outputs)
        )
        return [(name, graph.tensors[tensor].type) for name, tensor in zip(names, tensors, strict=False)]

    def captures(self, pattern: tree.Pattern) -> Mapping[str, Span]:
        """The parts of *pattern* that have a name."""
        return self.patterns.captures(pattern)

    def part_of(self, pattern: tree.Pattern, part: str) -> tree.Pattern | None:
        """The pattern of the part of *pattern* that has that name, `p.conv` for one inside a used pattern; all of it
        for no name, None where there is no such part."""
        return next(NamedParts(self.patterns, pattern).called(part), None) if part else pattern

    def classes(self, pattern: tree.Pattern, part: str = "") -> list[str]:
        """The layer classes in *pattern*, or in the part of it that has that name; empty where it may be any."""
        asked = self.part_of(pattern, part)
        named = (node.name.text for node in self._parts(asked) if isinstance(node, tree.LayerClass)) if asked else ()
        found = dict.fromkeys(named)
        return [] if "any" in found else [name for name in found if name[:1].isupper()]

    def leads_to(self, pattern: str, other: str) -> bool:
        """Whether the pattern of one name is, or uses, the one of another."""
        definition = self.patterns.definitions.get(pattern)
        parts = self._parts(definition.pattern) if definition is not None else ()
        return pattern == other or any(isinstance(node, tree.LayerClass) and node.name.text == other for node in parts)

    def _parts(self, pattern: tree.Pattern) -> Iterator[tree.Pattern]:
        return all_parts(pattern, self.patterns.definitions)


def _is_broken(state: Analysis, quantizer: str) -> bool:
    """Whether something in the definition of a quantizer could not be read."""
    for definition in state.symbols.definitions:
        if definition.kind == "quantizer" and definition.name == quantizer and definition.statement is not None:
            around = definition.statement
            return any(
                isinstance(item.span, Span)
                and item.span.source is around.source
                and around.start <= item.span.start <= around.end
                and item.code == SYNTAX_ERROR.code
                for item in state.diagnostics
            )
    return False
