"""The classes that a spec speaks of: layers of them are not looked into."""

from __future__ import annotations

from qspec.plan.layer_classes import named_classes
from qspec.schema import loads


def test_a_class_is_named_wherever_a_pattern_has_it():
    text = """qspec 1
layer Norm as LayerNormalization
pattern block = (Dense | Gate) -> (Sum(Stem -> Fold as start, ...))?
rule one match block { all = float }
rule two match Operation("Add")(Own, any) { all = float }
"""
    spec, _ = loads(text)
    assert spec is not None

    assert {"Norm", "Dense", "Gate", "Sum", "Stem", "Fold", "Own"} == named_classes(spec) - {"block", "any"}
