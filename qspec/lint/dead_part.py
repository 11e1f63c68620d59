"""QS316"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qspec.diagnostics import Advice, Diagnostic, Fix, Span, writing
from qspec.diagnostics.catalogue import DEAD_PART
from qspec.graph.keras_format import MODEL_CLASSES
from qspec.graph.layers import LayerGraph
from qspec.lint.facts import Facts
from qspec.plan.cascade import AppliedRule
from qspec.plan.conditions import Selected
from qspec.plan.index import LayerIndex
from qspec.plan.program import Program
from qspec.plan.unmatched import class_advice, closest_rejected
from qspec.schema.conditions import nodes
from qspec.schema.keras_layers import layer_classes
from qspec.schema.named_parts import split_path
from qspec.schema.names import listed, quoted, similar
from qspec.schema.patterns import all_parts
from qspec.schema.spec import Spec
from qspec.syntax import tree


def dead_part(facts: Facts) -> Iterator[Diagnostic]:
    """A class in the pattern of a rule, or an alternative in its condition, that fits nothing, while the rule does.

    What an imported file says is meant for other models, too. So is a class of Keras' that this model lacks, and a part
    of the pattern that may be there.
    """
    spec, layers = facts.spec, facts.plan.layers
    there = {call.layer.class_name for call in layers.calls if not call.layer.operation}
    known = there | {each.name for each in spec.layer_classes}
    told: set[Span] = set()
    for applied in facts.plan.rules:
        if not applied.selected.matches or applied.program is None:
            continue
        for name in _unknown_classes(applied, known, spec):
            if name.span not in told:
                told.add(name.span)
                yield _no_class(name, applied, there, layers)
        where = applied.rule.where
        if where is not None and _in_main_file(where.span, spec):
            yield from _Condition(applied, known, layers).dead(where)


def _in_main_file(span: Span, spec: Spec) -> bool:
    return span.source is spec.span.source


# ---- classes


def _unknown_classes(applied: AppliedRule, known: set[str], spec: Spec) -> Iterator[tree.Name]:
    """The classes in a rule's pattern, and in those it uses, that are neither in the model nor Keras' own."""
    assert applied.program is not None
    asked = {atom.class_name for atom in applied.program.atoms() if atom.class_name and not atom.operation}
    unknown = asked - known
    if not unknown or unknown <= layer_classes().keys():
        return
    unknown -= layer_classes().keys()
    for node in all_parts(applied.rule.pattern, spec.patterns):
        if isinstance(node, tree.LayerClass) and node.name.text in unknown and _in_main_file(node.span, spec):
            yield node.name


def _no_class(name: tree.Name, applied: AppliedRule, there: set[str], layers: LayerGraph) -> Diagnostic:
    assert applied.program is not None
    used = not name.span.is_in(applied.rule.pattern.span)
    return DEAD_PART.at(
        name.span,
        f"no layer is a `{name.text}`, neither here nor in Keras",
        help=_class_meant(name.text, applied.program, there, layers),
        related=((applied.rule.span, f"rule `{applied.rule.name}` uses the pattern"),) if used else (),
    )


def _class_meant(name: str, program: Program, there: set[str], layers: LayerGraph) -> str | Advice:
    index = LayerIndex(layers)
    if name in MODEL_CLASSES or (name, True) in index.by_class:
        atom = next(atom for atom in program.atoms() if atom.class_name == name and not atom.operation)
        other = class_advice(atom, index)
        assert other is not None, "there is something else of that name"
        return other.after(f"there is no `{name}` in this model")
    close = similar(name, sorted(there | layer_classes().keys()))
    if not close:
        return f"there is {listed(sorted(there))}"
    whose = "there is a similar class" if close in there else "Keras has a similar class"
    return Advice(f"{whose}, `{close}`", (close,))


# ---- conditions


@dataclass(frozen=True)
class _Condition:
    """The condition of a rule that matches something. `classes` are those that are known beside Keras'."""

    applied: AppliedRule
    classes: set[str]
    layers: LayerGraph

    def dead(self, node: tree.Expression, negated: bool = False) -> Iterator[Diagnostic]:
        """The alternatives in *node* that are never true, and the texts behind `in` that nothing equals.

        What is unknown is as good as false, unless it is *negated*.
        """
        match node:
            case tree.Or(parts=parts):
                for part in parts:
                    alone = self.applied.selected.by(part)
                    if alone.matches:
                        yield from self.dead(part, negated)
                    elif not self._is_general(part) and (not negated or self._is_false(part)):
                        yield self._never_true(part, alone)
            case tree.And(parts=parts):
                for part in parts:
                    yield from self.dead(part, negated)
            case tree.Not(operand=operand):
                yield from self.dead(operand, not negated)
            case tree.Member(item=tree.Path() as path, container=tree.TupleLiteral(items=items)):
                texts = [item for item in items if isinstance(item, tree.String)]
                if texts and path.head.text not in ("true", "false", "none"):
                    yield from self._equal_to_nothing(path, texts)

    def _is_false(self, part: tree.Expression) -> bool:
        """Whether *part* is false of all that the pattern fits, and not unknown."""
        return not self.applied.selected.by(tree.Not(part, part.span)).rejected

    def _is_general(self, part: tree.Expression) -> bool:
        """Whether *part*, which is never true, speaks of what other models have."""
        match part:
            case tree.Path() | tree.Not(operand=tree.Path()):
                path = part if isinstance(part, tree.Path) else part.operand
                return isinstance(path, tree.Path) and not self._split(path)[1]
            case (
                tree.Compare(operator="==", left=tree.Path() as path, right=tree.String() as text)
                | tree.Compare(operator="==", left=tree.String() as text, right=tree.Path() as path)
            ):
                return self._is_class(path, text.text)
            case tree.Member(negated=False, item=tree.Path() as path, container=tree.TupleLiteral(items=items)):
                return all(isinstance(item, tree.String) and self._is_class(path, item.text) for item in items)
            case tree.And(parts=parts):
                return any(self._is_general(each) and not self.applied.selected.by(each).matches for each in parts)
            case tree.Or(parts=parts):
                return all(map(self._is_general, parts))
        return False

    def _split(self, path: tree.Path) -> tuple[str, tuple[tree.Name | tree.Index, ...]]:
        assert self.applied.program is not None
        capture, trailers = split_path(path, self.applied.program.captures)
        return capture, tuple(trailers)

    def _is_class(self, path: tree.Path, text: str) -> bool:
        """Whether *path* is the class of a layer, and *text* one that there is."""
        return self._asks_class(path) and (text in self.classes or text in layer_classes())

    def _asks_class(self, path: tree.Path) -> bool:
        trailers = self._split(path)[1]
        return len(trailers) == 1 and isinstance(trailers[0], tree.Name) and trailers[0].text == "class"

    def _never_true(self, part: tree.Expression, alone: Selected) -> Diagnostic:
        count = len(alone.rejected)
        return DEAD_PART.at(
            part.span,
            f"this alternative in rule `{self.applied.rule.name}` is true nowhere",
            label="not true of the one that fits the pattern" if count == 1 else f"true of none of {count} that fit",
            help=self._similar_text(part) or self._closest(alone),
        )

    def _closest(self, alone: Selected) -> str | Advice:
        rejected = sorted(alone.rejected, key=lambda one: -one.nearness)
        return self._similar_text(rejected[0].part) or closest_rejected(rejected, LayerIndex(self.layers))

    def _similar_text(self, part: tree.Expression) -> Advice | None:
        """The value that looks like the text with which *part* compares."""
        match part:
            case (
                tree.Compare(operator="==", left=tree.Path() as path, right=tree.String() as text)
                | tree.Compare(operator="==", left=tree.String() as text, right=tree.Path() as path)
            ):
                close = self._similar(path, text)
                return _similar_one(close, writing(text.span, quoted(close))) if close else None
        return None

    def _equal_to_nothing(self, path: tree.Path, asked: list[tree.String]) -> Iterator[Diagnostic]:
        there = self._texts(path)
        for item in asked:
            if item.text in there or self._is_class(path, item.text):
                continue
            word = path.span.source.text[path.span.start : path.span.end]
            close = self._similar(path, item)
            yield DEAD_PART.at(
                item.span,
                f"no `{word}` is `{quoted(item.text)}` among the layers that fit the pattern",
                label=f"rule `{self.applied.rule.name}` is the same without it",
                help=_similar_one(close, quoted(close)) if close else f"there is {listed(map(quoted, there))}",
            )

    def _texts(self, path: tree.Path) -> Mapping[str, None]:
        """The texts that *path* is, each once."""
        return dict.fromkeys(value for value in self.applied.selected.values(path) if isinstance(value, str))

    def _similar(self, path: tree.Path, text: tree.String) -> str:
        """What *path* is, or of a class may be, that looks like *text*, and that the condition does not ask for."""
        where = self.applied.rule.where
        assert where is not None
        asked = {node.text for node in nodes(where) if isinstance(node, tree.String)}
        known = [*self._texts(path), *(layer_classes() if self._asks_class(path) else ())]
        return similar(text.text, [each for each in known if each not in asked])


def _similar_one(text: str, offer: str | Fix) -> Advice:
    return Advice(f"there is a similar one, `{quoted(text)}`", (offer,))
