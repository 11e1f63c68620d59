"""What enters a layer, by the name of the argument: as a keyword, at its place, in a dictionary."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qspec.graph.layers import Call, LayerGraph, Value
from qspec.plan.explain import Explainer
from qspec.plan.slots import named_inputs
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import codes, plan_of

CONFIG = {"num_heads": 2, "key_dim": 4, "value_dim": 4, "dropout": 0.0, "use_bias": True, "output_shape": None}
QUERY, VALUE, KEY = (Value(place) for place in range(3))


def attention(*arguments: Value, **keywords: Value) -> LayerGraph:
    """A model of three inputs, `q`, `v` and `k`, and an attention called like that."""
    m = ModelBuilder()
    for name in "qvk":
        m.input(6, 8, name=name)
    entering = (*arguments, *keywords.values())
    result = m("MultiHeadAttention", *entering, name="attend", **CONFIG, attention_axes=None)
    m.calls[-1] = replace(m.calls[-1], arguments=arguments, keywords=keywords)
    return m.graph(result)


@pytest.mark.parametrize(
    ("arguments", "keywords", "names"),
    [
        ((QUERY, VALUE, KEY), {}, {"query": QUERY, "value": VALUE, "key": KEY}),
        ((QUERY, VALUE), {"key": KEY}, {"query": QUERY, "value": VALUE, "key": KEY}),
        ((), {"query": QUERY, "value": VALUE, "key": KEY}, {"query": QUERY, "value": VALUE, "key": KEY}),
        # Keras 3.15, layers/attention/multi_head_attention.py: without a key, `value` is both.
        ((QUERY, VALUE), {}, {"query": QUERY, "value": VALUE, "key": VALUE}),
    ],
)
def test_an_attention_names_what_enters(arguments, keywords, names):
    call = attention(*arguments, **keywords).calls[-1]

    assert {name: [value] for name, value in names.items()} == named_inputs(call)


def test_an_input_by_name_is_quantized_however_it_is_given():
    spec = 'rule r match MultiHeadAttention { input["key"] = unit }'
    for layers in (attention(QUERY, VALUE, KEY), attention(QUERY, VALUE, key=KEY)):
        plan = plan_of(spec, layers)

        assert [] == codes(plan)
        rows = {slot.slot: slot.quantizer for slot in Explainer(plan).layer("attend")[0].slots}
        assert ["a8", "a8", "unit"] == [rows[f"input[{place}]"].name for place in range(3)]


def test_a_dictionary_of_inputs_is_asked_by_its_keys():
    m = ModelBuilder()
    given = {"left": m.input(4, name="a"), "right": [m.input(4, name="b"), m.input(4, name="c")]}
    layer = m.layer("Mine", package="mine")

    call = Call(3, layer, (Value(0), Value(1), Value(2)), (given,), {"mask": None})

    assert {"left": [Value(0)], "right": [Value(1), Value(2)]} == named_inputs(call)


def test_what_there_is_is_told_by_name():
    plan = plan_of('rule r match MultiHeadAttention { input["keys"] = a8 }', attention(QUERY, VALUE, KEY))

    (item,) = plan.diagnostics
    assert "QS303" == item.code
    assert 'input["key"]' in item.help
