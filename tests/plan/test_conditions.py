"""`where`: attributes, their values, and what is said when there is none."""

from __future__ import annotations

import pytest

from qspec.graph.layers import LayerGraph
from qspec.plan.plan import Plan
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import plan_of


@pytest.fixture
def model() -> LayerGraph:
    m = ModelBuilder()
    x = m.input(16, 16, 3, name="image")
    x = m("Conv2D", x, name="encoder/c1", filters=8, kernel_size=[5, 3], strides=[2, 2])
    x = m("ReLU", x, name="encoder/r1")
    x = m("Conv2D", x, name="encoder/c2", filters=16, use_bias=False)
    x = m("BatchNormalization", x, name="encoder/bn", kernel_initializer={"class_name": "Zeros", "config": {}})
    x = m("Conv2D", x, name="c3", filters=8, padding="valid")
    x = m("Flatten", x, name="flat")
    return m.graph(m("Dense", x, name="head", units=10))


def matched(plan: Plan) -> list[str]:
    """The layers that the rule of `selected` gave float."""
    calls = {call.index: call.layer.path for call in plan.layers.calls}
    slots = {slot for slot in plan.ops.slots if slot.kind == "weights" and plan.decision(slot).quantizer is None}
    return [calls[slot.call] for slot in sorted(slots)]


def selected(where: str, model: LayerGraph, pattern: str = "Conv2D") -> list[str]:
    return matched(plan_of(f"rule r match {pattern} where {where} {{ all = float }}", model))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('name == "c1"', ["encoder/c1"]),
        ('path == "encoder/c1"', ["encoder/c1"]),
        ('path like "encoder/*"', ["encoder/c1", "encoder/c2"]),
        ("name matches 'c[13]'", ["encoder/c1", "c3"]),
        ("filters == 8", ["encoder/c1", "c3"]),
        ("filters in (16, 32)", ["encoder/c2"]),
        ("kernel_size == (5, 3)", ["encoder/c1"]),
        ("kernel_size[0] == 5", ["encoder/c1"]),
        ("strides == (2, 2) or not use_bias", ["encoder/c1", "encoder/c2"]),
        ('padding != "same"', ["c3"]),
        ("index == 0", ["encoder/c1"]),
        ("index == -1", ["c3"]),
        ("index != -1", ["encoder/c1", "encoder/c2"]),
        ("index in 0..1", ["encoder/c1", "encoder/c2"]),
        ("index >= -2", ["encoder/c2", "c3"]),
        ("mod(index, 2) == 0", ["encoder/c1", "c3"]),
        ("input.shape == (1, 16, 16, 3)", ["encoder/c1"]),
        ("input.shape[-1] == 8", ["encoder/c2"]),
        ("output.shape[-1] == 16", ["encoder/c2"]),
        ("input.rank == 4", ["encoder/c1", "encoder/c2", "c3"]),
        # Keras' count_params: 5·3·3·8 + 8; 3·3·8·16 without bias; 3·3·16·8 + 8
        ("params == 368", ["encoder/c1"]),
        ("params == 1152", ["encoder/c2"]),
        ("params > 1152", ["c3"]),
    ],
)
def test_attributes(model, where, expected):
    assert expected == selected(where, model)


def test_class_is_an_attribute(model):
    assert ["head"] == selected('class == "Dense"', model, "any")


def test_an_attribute_that_some_layers_lack_is_unknown_there(model):
    assert ["head"] == selected("units == 10", model, "any")
    assert ["head"] == selected("not (units != 10)", model, "any")


def test_parameters_of_a_folded_batch_normalization(model):
    plan = plan_of('rule r match BatchNormalization where params == 64 { inner["multiplier"] = a8 }', model)

    assert ["QS303"] == [item.code for item in plan.diagnostics]


def test_captures_qualify_attributes(model):
    where = "c.filters == 8 and a"

    assert ["encoder/c1"] == selected(where, model, "Conv2D as c -> ReLU? as a")
    assert ["encoder/c2", "c3"] == selected("not a", model, "Conv2D as c -> ReLU? as a")


def test_a_missing_optional_part_is_unknown(model):
    assert ["encoder/c1"] == selected("a.max_value == none", model, "Conv2D as c -> ReLU? as a")


@pytest.mark.parametrize(
    ("where", "code", "message", "column"),
    [
        ("filtrs == 3", "QS304", "no matched layer has an attribute `filtrs`", 27),
        ("input.shap == 3", "QS304", "no matched layer has an attribute `input.shap`", 27),
        ("kernel_size == 3", "QS205", "the tuple `(5, 3)` cannot be compared with the number `3`", 27),
    ],
)
def test_what_cannot_be_asked(model, where, code, message, column):
    plan = plan_of(f"rule r match Conv2D where {where} {{ all = float }}", model)
    (diagnostic,) = plan.diagnostics

    assert (code, message) == (diagnostic.code, diagnostic.message)
    assert column == diagnostic.span.source.position(diagnostic.span.start)[1]


def test_an_unknown_attribute_lists_those_there_are_and_a_similar_one(model):
    (diagnostic,) = plan_of("rule r match Conv2D where filtrs == 3 { all = float }", model).diagnostics

    assert "there is a similar one, `filters`" in diagnostic.help
    assert "`padding`" in diagnostic.help


def test_a_tuple_and_a_number_help_with_a_tuple(model):
    (diagnostic,) = plan_of("rule r match Conv2D where strides == 2 { all = float }", model).diagnostics

    assert "write `(2, 2)`" == diagnostic.help


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("output.shape == 64", "output.shape[-1] == 64"),
        ("64 < output.shape", "64 < output.shape[-1]"),
        ("strides >= 2", "strides[0] >= 2"),
        ("strides in 1..2", "strides[0] in 1..2"),
    ],
)
def test_a_tuple_and_a_number_help_with_a_position_that_can_be_followed(model, where, expected):
    (diagnostic,) = plan_of(f"rule r match Conv2D where {where} {{ all = float }}", model).diagnostics

    assert f"ask one position: `{expected}`" == diagnostic.help
    followed = plan_of(f"rule r match Conv2D where {expected} {{ all = float }}", model).diagnostics
    assert {"QS205"}.isdisjoint(item.code for item in followed)


def test_of_the_attributes_that_there_are_at_most_ten_are_listed(model):
    (diagnostic,) = plan_of("rule r match Conv2D where zzz == 3 { all = float }", model).diagnostics

    assert 10 == diagnostic.help.count("`") // 2
    assert "_initializer" not in diagnostic.help


def test_objects_in_a_config_are_unknown(model):
    plan = plan_of('rule r match BatchNormalization where kernel_initializer == "zeros" { all = float }', model)

    assert ["QS301"] == [item.code for item in plan.diagnostics]


def test_a_condition_that_is_never_true_names_the_closest_layers(model):
    plan = plan_of('rule r match Conv2D where filters == 8 and name == "c33" { all = float }', model)
    (diagnostic,) = plan.diagnostics

    assert ("QS301", "rule `r` matches no layer") == (diagnostic.code, diagnostic.message)
    assert diagnostic.help.startswith('closest: `c3`: `name` is `"c3"`; `encoder/c1`')
    assert 'name == "c33"' == diagnostic.span.source.text[diagnostic.span.start : diagnostic.span.end]


def test_a_position_of_a_layer_is_a_mistake(model):
    plan = plan_of("rule r match Conv2D as c where c[0] == 3 { all = float }", model)

    assert ["QS205"] == [item.code for item in plan.diagnostics]
