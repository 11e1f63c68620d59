"""The cascade: the last match wins tensor by tensor, and nothing that was written is dropped silently."""

from __future__ import annotations

import pytest

from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import codes, plan_of, quantizer_of


def test_the_default_goes_everywhere(small):
    plan = plan_of("", small)

    assert [] == codes(plan)
    names = ("image", "stem_relu", "pool", "block/sep", "block/sep/depthwise", "block/add", "gap", "head")
    assert {"a8"} == {quantizer_of(plan, name) for name in names}
    assert {"w8"} == {quantizer_of(plan, name) for name in ("stem/kernel", "block/sep/depthwise_kernel", "head/kernel")}
    assert {"int32"} == {quantizer_of(plan, name) for name in ("stem/bias", "block/sep/bias", "head/bias")}


def test_the_default_comes_first_wherever_it_stands(small):
    text = "rule r match Dense { weights = w8_tensor }\ndefault { weights = w8, output = a8 }"

    assert "w8_tensor" == quantizer_of(plan_of(text, small), "head/kernel")


def test_the_last_match_wins_tensor_by_tensor(small):
    text = """
    rule one match any { weights = w8_tensor, output = a8_wide }
    rule two match Dense { weights = w8 }
    """
    plan = plan_of(text, small)

    assert ("w8", "a8_wide") == (quantizer_of(plan, "head/kernel"), quantizer_of(plan, "gap"))
    assert "w8_tensor" == quantizer_of(plan, "stem/kernel")


def test_one_variable_by_its_name(small):
    plan = plan_of('rule r match SeparableConv2D { weights["pointwise_kernel"] = w8_tensor }', small)

    assert ("w8", "w8_tensor") == tuple(
        quantizer_of(plan, f"block/sep/{kernel}_kernel") for kernel in ("depthwise", "pointwise")
    )


def test_inner_follows_output_unless_assigned(small):
    plan = plan_of("rule r match SeparableConv2D { output = a8_wide }", small)
    assert "a8_wide" == quantizer_of(plan, "block/sep/depthwise")

    plan = plan_of('rule r match SeparableConv2D { output = a8_wide, inner["depthwise"] = a8 }', small)
    assert ("a8", "a8_wide") == (quantizer_of(plan, "block/sep/depthwise"), quantizer_of(plan, "block/sep"))


def test_a_fixed_range_of_an_output_is_not_that_of_what_enters_its_softmax(small):
    plan = plan_of("rule r match Dense { output = unit }", small)
    decision = next(d for t, d in plan.decisions.items() if plan.ops.tensors[t].name == "head/pre_activation")

    assert ("unit", "minmax") == (decision.quantizer.name, decision.quantizer.range.method)


def test_output_of_a_match_is_what_leaves_it(small):
    text = "rule r match Conv2D -> BatchNormalization -> ReLU { output = a8_wide }"
    plan = plan_of(text, small)

    assert [] == codes(plan)
    assert ("a8_wide", "a8") == (quantizer_of(plan, "stem_relu"), quantizer_of(plan, "block/add"))


def test_weights_of_a_match_are_those_of_every_layer_in_it():
    m = ModelBuilder()
    x = m("Dense", m.input(8), name="d1")
    x = m("Dense", m("ReLU", x, name="r"), name="d2")
    layers = m.graph(m("Dense", x, name="d3"))
    plan = plan_of("rule r match Dense as a -> ReLU -> Dense as b { weights = w8_tensor, b.output = a8_wide }", layers)

    expected = ["w8_tensor", "w8_tensor", "w8"]
    assert expected == [quantizer_of(plan, f"{name}/kernel") for name in ("d1", "d2", "d3")]
    assert ("a8", "a8_wide") == (quantizer_of(plan, "r"), quantizer_of(plan, "d2"))


def test_dropout_leaves_no_tensor_of_its_own(small):
    plan = plan_of("rule r match Dropout { output = a8_wide }", small)

    assert ("a8_wide", []) == (quantizer_of(plan, "gap"), codes(plan))


def test_a_rule_that_matches_nothing_names_the_classes(small):
    (diagnostic,) = plan_of("rule r match Conv3D { weights = w8 }", small).diagnostics

    assert "QS301" == diagnostic.code
    assert "there is no `Conv3D` in this model, but a similar class, `Conv2D`; " in diagnostic.help


def test_a_rule_that_matches_nothing_says_why(small):
    (diagnostic,) = plan_of("rule r match Conv2D -> ReLU { weights = w8 }", small).diagnostics

    assert diagnostic.help.startswith("closest: from `stem`, `stem_bn` is `BatchNormalization`, not `ReLU`")
    assert "fits no more than 1 layer in a row" == diagnostic.label


@pytest.mark.parametrize(
    "pattern",
    ["Conv2D -> BatchNorm -> ReLU", "Conv2D as c -> (ReLU6 | BatchNorm)? as n -> Dense", "Add(BatchNorm, any) -> ReLU"],
)
def test_a_chain_that_matches_nothing_names_the_similar_class(small, pattern):
    (diagnostic,) = plan_of(f"rule r match {pattern} {{ all = float }}", small).diagnostics

    assert "there is no `BatchNorm` in this model, but a similar class, `BatchNormalization`; " in diagnostic.help


def test_a_chain_with_alternatives_offers_no_class_that_it_has_already(small):
    (diagnostic,) = plan_of("rule r match Conv2D -> (ReLU | ReLU6) { all = float }", small).diagnostics

    assert "similar" not in diagnostic.help


def test_a_misspelt_class_in_a_definition_is_told_there_once(small):
    text = """
    pattern p = Conv2D -> BatchNorm
    rule r match p { weights = w8 }
    rule s match p as x -> ReLU { x.weights = w8 }
    """
    (diagnostic,) = plan_of(text, small).diagnostics

    assert ("QS301", "BatchNorm") == (diagnostic.code, _text(diagnostic.span))
    assert ["r", "s"] == [_text(span) for span, _ in diagnostic.related]


def test_an_overridden_rule_shows_what_overrides_it(small):
    text = "rule early match Dense { weights = w8_tensor }\nrule late match any where params > 0 { weights = w8 }"
    (diagnostic,) = plan_of(text, small).diagnostics

    assert ("QS302", 6) == (diagnostic.code, diagnostic.span.source.position(diagnostic.span.start)[0] - 1)
    assert ["late"] == [span.source.text[span.start : span.end] for span, _ in diagnostic.related]


def _text(span):
    return span.source.text[span.start : span.end]


def test_of_a_rule_with_one_slot_left_the_other_assignments_are_overridden(small):
    text = "rule early match Dense { weights = w8_tensor, output = a8 }\nrule late match any { weights = w8 }"
    (diagnostic,) = plan_of(text, small).diagnostics

    assert ("QS302", "weights") == (diagnostic.code, _text(diagnostic.span))
    assert [("weights", "the later rule `late` overrides it")] == [(_text(s), m) for s, m in diagnostic.related]


def test_an_assignment_to_a_part_that_later_rules_override(small):
    text = """
    rule blocks match Conv2D -> BatchNormalization as mid -> ReLU as act { weights = w8_tensor, act.output = a8_wide }
    rule one match ReLU where path == "stem_relu" { output = unit }
    """
    (diagnostic,) = plan_of(text, small).diagnostics

    assert ("QS302", "act.output") == (diagnostic.code, _text(diagnostic.span))


@pytest.mark.parametrize(
    "later",
    [
        "rule late match Dense { output = a8_wide }",  # on some of its tensors
        "rule late match any { output = a8 }",  # the same again
        'rule late match any { weights["kernel"] = w8_tensor, bias = float }',  # something else
    ],
)
def test_an_assignment_with_some_effect_is_not_overridden(small, later):
    text = f"rule early match any {{ weights = w8(range = mse), output = a8 }}\n{later}"

    assert [] == [code for code in codes(plan_of(text, small)) if code == "QS302"]


def test_an_assignment_that_its_own_rule_overrides(small):
    text = 'rule r match Dense { weights["kernel"] = w8_tensor, weights = w8, output = a8 }'
    (diagnostic,) = plan_of(text, small).diagnostics

    assert ("QS302", 'weights["kernel"]') == (diagnostic.code, _text(diagnostic.span))
    assert [("weights", "overridden here")] == [(_text(span), said) for span, said in diagnostic.related]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ('rule r match Dense { inner["scores"] = a8 }', 'no layer that rule `r` matches has `inner["scores"]`'),
        ('rule r match Dense { weights["kernl"] = w8 }', 'no layer that rule `r` matches has `weights["kernl"]`'),
        ("rule r match Dense { state = a8 }", "no layer that rule `r` matches has `state`"),
        ("rule r match Dense { input[1] = a8 }", "no layer that rule `r` matches has `input[1]`"),
        ("rule r match InputLayer { input = a8 }", "no layer that rule `r` matches has `input`"),
        ("rule r match Dense -> ReLU? as act { act.output = a8 }", "`act` is absent in every match of rule `r`"),
    ],
)
def test_a_slot_that_is_not_there(small, rule, message):
    (diagnostic,) = plan_of(rule, small).diagnostics

    assert ("QS303", message) == (diagnostic.code, diagnostic.message)


def test_a_slot_that_looks_like_the_missing_one_is_named_first(small):
    (diagnostic,) = plan_of('rule r match Dense { weights["kernl"] = w8 }', small).diagnostics

    assert diagnostic.help.startswith('there is a similar one, `weights["kernel"]`; all there are: ')


def test_of_a_great_many_slots_some_are_named():
    m = ModelBuilder()
    series = m.input(30, 4, name="series")
    plan = plan_of("rule r match GRU { state = a8 }", m.graph(m("GRU", series, name="steps", units=3)))
    (help_,) = [found.help for found in plan.diagnostics if found.code == "QS303"]

    assert 8 == help_.count("`inner[")
    assert help_.endswith("more inside: `qspec explain SPEC --model MODEL --layer steps` lists them")
    assert "`output`" in help_


def test_a_slot_that_fusion_removes_names_the_one_that_exists(small):
    (diagnostic,) = plan_of("rule r match Conv2D { output = a8_wide }", small).diagnostics

    assert "QS308" == diagnostic.code
    assert "the value is in `output` of `stem_relu`: assign that instead" == diagnostic.help


def test_default_may_speak_of_slots_that_fusion_removes(small):
    assert [] == codes(plan_of("default { weights = w8, output = a8, inner = a8 }", small))


def shared_dense():
    m = ModelBuilder()
    layer = m.layer("Dense", "shared", units=8)
    x = m(layer, m("ReLU", m.input(8, name="image"), name="r"))
    return m.graph(m(layer, x))


def test_a_shared_layer_has_its_weights_once_and_its_outputs_per_call():
    plan = plan_of("rule r match Dense where index == 0 { weights = w8_tensor, output = a8_wide }", shared_dense())

    slots = {slot: plan.decision(slot).quantizer.name for slot in plan.ops.slots if slot.kind in ("weights", "output")}
    assert {"w8_tensor"} == {name for slot, name in slots.items() if slot.kind == "weights"}
    assert ["a8", "a8", "a8_wide", "a8"] == [name for slot, name in sorted(slots.items()) if slot.kind == "output"]


def test_one_variable_with_two_quantizers_through_two_calls():
    text = "rule r match Dense as a -> Dense as b { a.weights = w8, b.weights = w8_tensor }"
    plan = plan_of(text, shared_dense())

    assert ["QS305"] == codes(plan)
    assert "w8" == plan.diagnostics[0].related[0][0].source.text[slice(*_ends(plan.diagnostics[0].related[0][0]))]


def _ends(span):
    return span.start, span.end


def test_two_rules_order_what_they_give_a_shared_layer():
    text = """
    rule one match Dense where index == 0 { weights = w8_tensor }
    rule two match Dense where index == 1 { weights = w8 }
    """
    plan = plan_of(text, shared_dense())

    assert ["QS302"] == codes(plan)


def test_suppressed_warnings_stay_in_the_plan_and_leave_the_report(small):
    from qspec.lint import check
    from tests.plan.plan_helpers import read

    spec = read("rule r match Conv3D { weights = w8 } # qspec: ignore[QS301]")

    assert {"QS301", "QS902"}.isdisjoint(item.code for item in check(spec, small).diagnostics)


def test_float_as_a_whole_is_unset_again_inside_a_layer():
    m = ModelBuilder()
    x = m("Dense", m.input(8, name="image"), name="d1", units=8)
    layers = m.graph(m("Dense", x, name="d2", activation="softmax"))
    text = 'default { all = float }\nrule r match Dense where name == "d2" { weights = w8, output = a8 }'
    plan = plan_of(text, layers)

    assert [] == codes(plan)
    assert [None, None, None] == [quantizer_of(plan, name) for name in ("d1", "d1/kernel", "d1/bias")]
    assert ["a8", "w8", "int32"] == [quantizer_of(plan, f"d2/{name}") for name in ("pre_activation", "kernel", "bias")]


def test_a_channelwise_quantizer_for_an_activation(small):
    (note,) = plan_of("default { weights = w8, output = w8 }", small).diagnostics
    assert "QS307" == note.code

    plan = plan_of("rule r match SeparableConv2D { output = w8, input = w8 }", small)
    assert ["QS401", "QS401"] == codes(plan)
