"""Matching takes time in proportion to the layers."""

from __future__ import annotations

from qspec.lowering import lower
from qspec.plan.index import LayerIndex
from qspec.plan.layer_attributes import Attributes
from qspec.schema import loads
from tests.benchmarks.matching import matching, model, spec_text
from tests.function_calls import counted


def calls(layers: int) -> tuple[int, int]:
    """How many matches 100 rules have, and how many functions finding them calls."""
    spec, _ = loads(spec_text(), "hundred.qspec")
    assert spec is not None
    graph = model(layers)
    known = Attributes(LayerIndex(graph), lower(graph)[0])
    return counted(lambda: matching(spec, known))


def test_twice_the_layers_take_twice_the_work():
    matches, once = calls(600)
    more, twice = calls(1200)

    assert 1.8 < more / matches < 2.2
    assert 1.5 < twice / once < 2.1
    assert twice / 1200 < 1500
