"""The `layer` statements of a spec, held against what can be lowered and what a model has."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import MEANINGLESS_COMBINATION, UNDEFINED_NAME, UNMATCHED_RULE
from qspec.graph.layers import LayerGraph
from qspec.lowering.table import all_lowerings, lowering_of
from qspec.schema.names import offer
from qspec.schema.patterns import parts_of
from qspec.schema.spec import Spec
from qspec.syntax import tree


def named_classes(spec: Spec) -> frozenset[str]:
    """The classes that a spec speaks of, in patterns and `layer` statements: a layer of such a class stays one layer,
    though its code could be looked into."""
    patterns = [rule.pattern for rule in spec.rules] + [each.pattern for each in spec.patterns.values()]
    named = {part.name.text for pattern in patterns for part in parts_of(pattern) if isinstance(part, tree.LayerClass)}
    return frozenset(named) | {each.name for each in spec.layer_classes}


def layer_class_reports(spec: Spec, layers: LayerGraph | None = None) -> Iterator[Diagnostic]:
    """What is wrong with each `layer NAME as NAME`: by itself and, where they are given, with a model's *layers*."""
    for each in spec.layer_classes:
        if lowering_of(each.like) is None:
            message = f"it is not known what Keras' class `{each.like}` becomes"
            hint = offer("a class", each.like, all_lowerings())
            yield UNDEFINED_NAME.at(each.like_span, message, label="not found", help=hint)
        if layers is None:
            continue
        found = [call.layer for call in layers.calls if call.layer.class_name == each.name and not call.layer.operation]
        if not found:
            message = f"no layer of the model is a `{each.name}`, so this statement says nothing"
            yield UNMATCHED_RULE.at(each.span, message)
        elif all(layer.built_in for layer in found):
            message = f"`{each.name}` is a class of Keras' own: what it computes is known"
            yield MEANINGLESS_COMBINATION.at(each.span, message, help="remove the statement")
