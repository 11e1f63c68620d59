"""Who decided what, and why: slots, and rules that do something or not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qspec.graph.layers import LayerGraph
from qspec.plan.explain import Explainer, SlotExplanation
from qspec.plan.explain_rules import RuleExplanation
from qspec.plan.explain_words import assigned_words, decider, labels, words
from qspec.schema.quantizer import Quantizer, Range
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import plan_of
from tests.plan.test_inputs_by_name import CONFIG as ATTENTION
from tests.plan.test_islands import volumes
from tests.plan.test_states import LSTM


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


def small_without_head() -> LayerGraph:
    """An image, a convolution, and the means of its channels."""
    m = ModelBuilder()
    conv = m("Conv2D", m.input(8, 8, 4, name="image"), name="conv")
    return m.graph(m("GlobalAveragePooling2D", conv, name="gap"))


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


def test_a_block_of_the_model_s_edges_decides_the_range_alone(small):
    image = slot("input { type = int8, range = fixed(0, 1) }", small, "image", "output")
    wide = "rule s match GlobalAveragePooling2D { output = a8(type = int16, scheme = symmetric) }"
    gap = "output { type = int8, range = fixed(-4, 4) }\n" + wide
    pooled = small_without_head()
    head = slot(gap, pooled, "gap", "output")

    assert ["a8 by default"] == said(image)
    assert ((), "default", "input block") == (image.overridden, decider(image.origin), decider(image.range_by))
    assert Range("fixed", (0, 1)) == image.quantizer.range
    assert ["a8"] == [each.quantizer.name for each in head.overridden]
    assert ("int16", "rule s", "output block") == (
        head.quantizer.type,
        decider(head.origin),
        decider(head.range_by),
    )
    assert Range("fixed", (-4, 4)) == head.quantizer.range
    assert ("decides", "`output`") == ((found := rule(gap, pooled, "gap")).outcome, found.reason)


def test_an_input_block_has_the_last_word_on_the_type(small):
    text = "input { type = int16, range = fixed(0, 1) }\nrule r match InputLayer { output = a8_wide }"
    image, found = slot(text, small, "image", "output"), rule(text, small, "image")

    assert ["a8 by default", "a8_wide by rule r", "a8_wide by input block"] == said(image)
    assert ("int16", "input block", "input block") == (
        image.quantizer.type,
        decider(image.origin),
        decider(image.range_by),
    )
    assert ("overridden", "`output`: the input block decides") == (found.outcome, found.reason)


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
    assert ("it shares one scale with `output` of `stem_relu`",) == slot(
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


def attention(heads: str = "") -> Explainer:
    """Of words that attend to themselves; *heads* is what a rule says of it."""
    m = ModelBuilder()
    words = m.input(6, 8, name="words")
    result = m("MultiHeadAttention", words, words, name="heads", **ATTENTION, attention_axes=None)
    m.calls[-1] = replace(m.calls[-1], inputs=(words, words), arguments=(words, words))
    text = f"rule r match MultiHeadAttention {{ {heads} }}" if heads else ""
    return Explainer(plan_of(text, m.graph(result)))


def test_what_is_requantized_inside_a_layer_is_told_where_it_comes_from():
    explainer = attention('output = a16, inner["scores"] = a8')
    casts = {slot.slot: slot.casts for slot in explainer.layer("heads")[0].slots if slot.casts}

    to_int8 = 'a QUANTIZE makes int8 asymmetric per-tensor of it for `inner["scores"]`'
    assert {
        'inner["query_heads"]': (to_int8,),
        'inner["key_heads"]': (to_int8,),
        'inner["scores"]': ('a QUANTIZE makes int16 symmetric per-tensor of it for `inner["probabilities"]`',),
    } == casts


def test_an_input_that_is_read_in_two_types_tells_both():
    (read,) = (slot for slot in attention('inner["query"] = a16').layer("heads")[0].slots if slot.kind == "input")

    assert "int16" == read.quantizer.type
    assert ("a QUANTIZE makes it of what `words` gives",) == read.changes
    assert ('read as it is given for `inner["key"]`, `inner["value"]`',) == read.casts


def test_every_slot_of_a_layer_has_a_name_of_its_own():
    m = ModelBuilder()
    rows = m("LSTM", m.input(3, 4, name="series"), name="memory", **LSTM)
    recurrent = Explainer(plan_of("", m.graph(m("GRU", rows, name="steps", units=4))))
    names = [[slot.slot for slot in call.slots] for each in (attention(), recurrent) for call in each.all()]

    assert all(len(set(each)) == len(each) for each in names)
    assert ['bias["query_bias"]', 'bias["key_bias"]', 'bias["value_bias"]', 'bias["output_bias"]'] == [
        slot.slot for slot in attention().layer("heads")[0].slots if slot.kind == "bias"
    ]
    assert 4 == sum(slot.kind == "bias" for slot in recurrent.layer("memory")[0].slots)


def test_a_bias_by_its_name_is_what_a_spec_may_speak_of():
    explainer = attention('bias["key_bias"] = a8(type = int32, scheme = symmetric)')
    biases = {slot.slot: decider(slot.origin) for slot in explainer.layer("heads")[0].slots if slot.kind == "bias"}

    assert {'bias["key_bias"]': "rule r"} == {name: by for name, by in biases.items() if by != "the language"}
    assert 4 == len(biases)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("", "a QUANTIZE makes it of the file's input `image`, which is float32", "a DEQUANTIZE makes float32"),
        ("input { type = int8 }\noutput { type = uint8 }", None, "a QUANTIZE makes uint8"),
        (
            "input { type = float16 }\noutput { type = float16 }",
            "a DEQUANTIZE and a QUANTIZE make it of the file's input `image`, which is float16",
            "a DEQUANTIZE and a CAST make float16",
        ),
        ("input { type = int8 }\noutput { type = int8 }", None, None),
    ],
)
def test_a_slot_at_the_file_s_ends_tells_what_the_file_has_there(small, text, first, last):
    image, head = (slot(text, small, path, "output") for path in ("image", "head"))

    assert ((first,) if first else ()) == image.notes
    assert ((f"{last} of it for the file's output `head`",) if last else ()) == head.notes


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
    assert '`weights["kernel"]`: later rule two decides' == found[0].reason
    assert "spec.qspec:8:32" == str(found[0].place)


def test_what_became_of_each_rule(small):
    text = """
    rule one match Dense { weights = w8_tensor }
    rule two match any { weights = w8 }
    rule three match Conv3D { weights = w8 }
    rule four match Conv2D where filters == 3 { weights = w8 }
    """

    assert (
        "1 match, decides 0 slots; 1 overridden by rule two",
        "10 matches, decides 4 slots",
        "no match",
        "no match; its condition is true of none of 1",
    ) == Explainer(plan_of(text, small)).effects()


# ---- words


def test_quantizers_of_one_name_have_labels_that_tell_them_apart():
    types = (("int8", "symmetric"), ("int8", "asymmetric"), ("int16", "symmetric"))
    ranges = (Range(), Range("fixed", (-1, 1)), Range("fixed", (-1, 2)), Range("mse"))
    alike = [
        Quantizer(name="q", type=type_, scheme=scheme, granularity=granularity, range=range_, narrow=narrow)
        for type_, scheme in types
        for granularity in ("per_tensor", "per_channel")
        for range_ in ranges
        for narrow in (False, True)
    ]
    found = labels([*alike, Quantizer(name="a8"), Quantizer(name="a8")])

    assert len({words(each) for each in alike}) + 1 == len(found) == len(set(found.values()))
    assert "a8" == found[words(Quantizer(name="a8"))]
    assert all(label.startswith("q, ") for label in found.values() if label != "a8")


def test_a_label_says_no_more_than_what_differs():
    plain, fixed = Quantizer(name="a8"), Quantizer(name="a8", range=Range("fixed", (-1, 1)))

    assert {words(plain): "a8", words(fixed): "a8, fixed(-1, 1)"} == labels([plain, fixed])


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
