"""Who decided what, and why: slots, and rules that do something or not."""

from __future__ import annotations

import pytest

from qspec.graph.layers import LayerGraph
from qspec.plan.explain import Explainer, SlotExplanation, assigned_words, decider, words
from qspec.plan.explain_rules import RuleExplanation
from qspec.schema.quantizer import Quantizer, Range
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import plan_of
from tests.plan.test_islands import volumes


def slot(text: str, layers: LayerGraph, path: str, name: str, number: int = 1) -> SlotExplanation:
    found = Explainer(plan_of(text, layers)).slot(path, name, number)
    assert found is not None
    return found


def rule(text: str, layers: LayerGraph, path: str, number: int = 1) -> RuleExplanation:
    """What the last rule of *text* does."""
    return Explainer(plan_of(text, layers)).rules(path, number)[-1]


def said(explanation: SlotExplanation) -> list[str]:
    """Everything that was assigned, without its places."""
    return [
        f"{each.quantizer.name if each.quantizer else 'float'} by {decider(each.origin)}" for each in explanation.said
    ]


# ---- slots


def test_the_chain_of_what_was_said_begins_with_default(small):
    text = """
    rule one match Dense { weights = w8_tensor }
    rule two match any where name == "head" { weights = w8(type = int4) }
    """
    head = slot(text, small, "head", "weights")

    assert ["w8 by default", "w8_tensor by rule one", "w8(type = int4) by rule two"] == said(head)
    assert ("int4", "rule two") == (head.quantizer.type, decider(head.origin))
    assert "spec.qspec:9:57" == str(head.origin.span)
    assert ["w8 by default", "w8_tensor by rule one"] == [
        text.split(" (")[0] for text in assigned_words(head.overridden)
    ]


def test_an_input_block_has_the_last_word(small):
    image = slot("input { type = int8, range = fixed(0, 1) }", small, "image", "output")

    assert ["a8 by default", "a8 by input block"] == said(image)
    assert Range("fixed", (0, 1)) == image.quantizer.range


def test_what_fusion_removes_names_the_slot_that_holds_it(small):
    explainer = Explainer(plan_of("", small))
    stem, relu = (explainer.slot(path, "output") for path in ("stem", "stem_relu"))

    assert "`output` of `stem_relu`" == stem.held
    assert relu.held == ""
    assert ("fusion removes this tensor: the value is in `output` of `stem_relu`",) == stem.notes
    assert stem.quantizer == relu.quantizer


def test_where_a_layer_went_that_leaves_no_op(small):
    explainer = Explainer(plan_of("", small))
    fused = {path: explainer.layer(path)[0].fused for path in ("stem", "stem_bn", "stem_relu", "drop")}

    assert {
        "stem": "",
        "stem_bn": "folded into the weights of `stem`",
        "stem_relu": "computed by the CONV_2D of `stem`",
        "drop": "",
    } == fused
    assert ("this layer leaves no tensor of its own: the value is in `output` of `gap`",) == slot(
        "", small, "drop", "output"
    ).notes


def test_a_shared_scale_names_the_other_slots(small):
    pool = slot("", small, "pool", "output")

    assert ("`output` of `stem_relu`",) == pool.same_scale


def test_a_constraint_that_changes_a_quantizer_says_why(small):
    assert ("it shares one scale with `stem_relu`",) == slot(
        "rule r match MaxPooling2D { output = a8_wide }\nrule s match ReLU { output = a8 }", small, "pool", "output"
    ).changes
    assert ("the output of SOFTMAX always has scale 0.00390625 and zero point -128",) == slot(
        "", small, "head", "output"
    ).changes


def test_a_bias_has_the_scale_of_input_and_weights(small):
    bias = slot("", small, "stem", "bias")

    assert ("its scale is that of the input times that of the weights",) == bias.notes
    assert (("int32", "per_channel"), "the language") == (
        (bias.quantizer.type, bias.quantizer.granularity),
        decider(bias.origin),
    )


def test_what_nobody_spoke_of_follows_the_output(small):
    assert ("unset: as `output`",) == slot("", small, "block/sep", 'inner["depthwise"]').notes


def test_a_requantized_input_says_so():
    m = ModelBuilder()
    x = m.input(8, 8, 4, name="image")
    one = m("Conv2D", x, name="one", activation="sigmoid")
    layers = m.graph(m("Concatenate", one, m("Conv2D", x, name="two"), name="joined"))
    explainer = Explainer(plan_of("", layers))
    inputs = [each for each in explainer.layer("joined")[0].slots if each.slot.startswith("input")]

    assert ["input[0]", "input[1]"] == [each.slot for each in inputs]
    changed = [each for each in inputs if each.changes]
    assert len(changed) == 1
    assert changed[0].changes[0].startswith("a QUANTIZE makes it of what `")
    assert "requantized for CONCATENATION, whose inputs share one scale" in changed[0].changes


def test_a_float_island_gives_its_reason():
    (cube,) = Explainer(volumes("")).layer("cube")
    changes = [change for each in cube.slots for change in each.changes if "CONV_3D" in change]

    assert changes
    assert all(change.startswith("float, since LiteRT has no integer kernel for this CONV_3D: ") for change in changes)


def test_an_activation_gets_one_scale(small):
    text = "default { weights = w8, output = w8 }"

    assert "per tensor, since an activation has one scale" in slot(text, small, "pool", "output").changes


def test_a_shared_layer_is_explained_call_by_call():
    m = ModelBuilder()
    shared = m.layer("Dense", "shared", units=4)
    x = m("ReLU", m(shared, m.input(4)), name="r")
    layers = m.graph(m(shared, x))
    text = "rule r match ReLU -> Dense { output = a8_wide }"
    calls = Explainer(plan_of(text, layers)).layer("shared")

    assert [(1, 2), (2, 2)] == [(call.number, call.calls) for call in calls]
    assert ["no match", "decides"] == [rule(text, layers, "shared", number).outcome for number in (1, 2)]
    assert "a8_wide" == slot(text, layers, "shared", "output", 2).quantizer.name


def test_every_slot_agrees_with_the_plan(small):
    plan = plan_of("rule r match Dense { weights = w8_tensor, input = a8_wide }", small)
    explained = {
        (call.call, each.slot): each.quantizer
        for call in Explainer(plan).all()
        for each in call.slots
        if not each.held and not each.slot.startswith("input")
    }

    assert explained == {
        (slot.call, str(slot)): plan.decisions[tensor].quantizer
        for slot, tensor in plan.ops.slots.items()
        if tensor in plan.decisions
    }


def test_a_slot_by_the_word_that_names_several(small):
    explainer = Explainer(plan_of("", small))

    assert 'weights["depthwise_kernel"]' == explainer.slot("block/sep", "weights").slot
    assert explainer.slot("block/sep", "state") is None
    assert explainer.slot("nowhere", "output") is None
    assert explainer.slot("block/sep", "output", 2) is None


# ---- rules


@pytest.mark.parametrize(
    ("text", "path", "outcome", "reason"),
    [
        ("rule r match Dense { weights = w8_tensor }", "head", "decides", '`weights["kernel"]`'),
        (
            "rule r match Dense { weights = w8_tensor }",
            "stem",
            "no match",
            "it is `Conv2D`, and the pattern speaks of `Dense`",
        ),
        ("rule r match Conv2D where filters > 8 { weights = w8_tensor }", "stem", "not true", "`filters` is `8`"),
        ("rule r match Conv2D where filters > 8 { weights = w8_tensor }", "stem_bn", "no match", None),
        (
            "rule r match Conv2D -> ReLU { weights = w8_tensor }",
            "stem",
            "no match",
            "`stem_bn` is `BatchNormalization`, not `ReLU`",
        ),
        (
            "rule r match Conv2D -> ReLU { weights = w8_tensor }",
            "stem_relu",
            "no match",
            "a match begins at `Conv2D`, and there is none near it",
        ),
        (
            "rule r match Dense -> any { weights = w8_tensor }",
            "stem",
            "no match",
            "a match begins at `Dense`, and there is none near it",
        ),
        ("rule r match Conv2D { output = a8_wide }", "stem", "assigns nothing", "fusion removes its `output`"),
        (
            "rule r match Conv2D as c -> any { c.weights = w8_tensor }",
            "stem_bn",
            "assigns nothing",
            "it matches, and what it assigns are no slots of this layer",
        ),
        (
            "rule r match Conv2D where wings == 2 { weights = w8_tensor }",
            "stem",
            "mistaken",
            "no matched layer has an attribute `wings`",
        ),
        (
            "rule r match Add(SeparableConv2D, any) { output = a8_wide }",
            "stem",
            "no match",
            "a match begins at `Add`, and there is none near it",
        ),
    ],
)
def test_what_a_rule_does_for_a_layer(small, text, path, outcome, reason):
    found = rule(text, small, path)

    assert outcome == found.outcome
    if reason is not None:
        assert reason == found.reason


def test_an_overridden_rule_says_by_which(small):
    text = "rule one match Dense { weights = w8_tensor }\nrule two match any { weights = w8 }"
    found = Explainer(plan_of(text, small)).rules("head")

    assert ["overridden", "decides"] == [each.outcome for each in found]
    assert '`weights["kernel"]`: later `two` decides' == found[0].reason
    assert "spec.qspec:8:32" == str(found[0].place)


def test_what_became_of_each_rule(small):
    text = """
    rule one match Dense { weights = w8_tensor }
    rule two match any { weights = w8 }
    rule three match Conv3D { weights = w8 }
    rule four match Conv2D where filters == 3 { weights = w8 }
    """

    assert (
        "1 match, decides 0 slots; 1 overridden by two",
        "10 matches, decides 4 slots",
        "no match",
        "no match; its condition is true of none of 1",
    ) == Explainer(plan_of(text, small)).effects()


# ---- words


@pytest.mark.parametrize(
    ("quantizer", "expected"),
    [
        (None, "float"),
        (
            Quantizer(name="w8", scheme="symmetric", granularity="per_channel", narrow=True),
            "w8: int8 symmetric per-channel, narrow",
        ),
        (
            Quantizer(name="w4", type="int4", scheme="symmetric", granularity="per_block", block_size=32),
            "w4: int4 symmetric per-block(32)",
        ),
        (Quantizer(name="a", range=Range("percentile", (99.9,))), "a: int8 asymmetric per-tensor, percentile(99.9)"),
        (Quantizer(name="int32", type="int32", scheme="symmetric"), "int32 symmetric per-tensor"),
        (Quantizer(name="f16", type="float16"), "f16: float16"),
    ],
)
def test_a_quantizer_in_words(quantizer, expected):
    assert expected == words(quantizer)
