"""Shared scales and fixed parameters."""

from __future__ import annotations

import numpy as np
import pytest

from qspec.numerics import parameters_from_range
from qspec.plan.quantizers import fixed_parameters
from qspec.schema.quantizer import Quantizer, Range
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import codes, kinds, named, plan_of, quantizer_of


def group(plan, name):
    return plan.ranges[plan.decisions[named(plan, name)].range]


def names(plan, tensors):
    return [plan.ops.tensors[tensor].name for tensor in tensors]


def test_movement_shares_one_range_through_any_number_of_ops():
    m = ModelBuilder()
    x = m("Conv2D", m.input(8, 8, 3, name="image"), name="c")
    x = m("MaxPooling2D", x, name="pool")
    plan = plan_of("", m.graph(m("Dense", m("Flatten", x, name="flat"), name="d")))
    shared = group(plan, "flat")

    assert (["c", "pool", "flat"], ["c"]) == (names(plan, shared.tensors), names(plan, shared.sources))


@pytest.mark.parametrize(
    ("activation", "expected"), [("softmax", (1 / 256, -128)), ("sigmoid", (1 / 256, -128)), ("tanh", (1 / 128, 0))]
)
def test_fixed_outputs(activation, expected):
    # LiteRT 8-bit specification: LOGISTIC and SOFTMAX 1/256, -128; TANH 1/128, 0
    m = ModelBuilder()
    x = m("Activation", m.input(8, name="image"), name="act", activation=activation)
    plan = plan_of("", m.graph(m("Reshape", x, name="flat", target_shape=[2, 4])))

    assert (expected, []) == (group(plan, "flat").fixed, codes(plan))
    assert ["act", "flat"] == names(plan, group(plan, "flat").tensors)


def concatenation(*activations):
    m = ModelBuilder()
    x = m.input(8, name="image")
    parts = [m("Activation", x, name=f"part{n}", activation=name) for n, name in enumerate(activations)]
    return m.graph(m("Concatenate", *parts, name="joined"))


def test_what_is_inside_a_layer_and_was_not_spoken_of_is_not_lost():
    """A rule for the output of `silu` speaks of no LOGISTIC, whose scale is fixed."""
    m = ModelBuilder()
    x = m("Activation", m.input(8, name="image"), name="one", activation="silu")
    graph = m.graph(m("Activation", x, name="two", activation="silu"))

    quiet = plan_of("rule r match Activation { output = a8_wide }", graph)
    told = plan_of('rule r match Activation { output = a8_wide, inner["sigmoid"] = a8_wide }', graph)

    assert ["LOGISTIC", "MUL"] * 2 == [kind for kind in kinds(quiet) if "QUANTIZE" not in kind]
    assert [] == codes(quiet)
    (diagnostic,) = told.diagnostics
    assert '`inner["sigmoid"]` of `one` (and 1 more layer) does not get `a8_wide`' in diagnostic.message
    assert "scale 0.00390625 and zero point -128" in diagnostic.message


def test_what_is_said_of_everything_inside_reaches_what_can_have_it():
    """Of a GRU, gates and candidates have the scales of LOGISTIC and TANH, the other tensors have none of their own."""
    m = ModelBuilder()
    steps = m.graph(m("GRU", m.input(2, 3, name="image"), name="steps", units=4))
    plan = plan_of("rule r match GRU { inner = a8_wide }", steps)

    assert [] == codes(plan)
    assert "a8_wide" in {decision.quantizer.name for decision in plan.decisions.values() if decision.quantizer}


def test_what_is_said_of_everything_inside_and_reaches_nothing_is_told():
    m = ModelBuilder()
    graph = m.graph(m("Activation", m.input(8, name="image"), name="one", activation="silu"))

    (diagnostic,) = plan_of("rule r match Activation { inner = a8_wide }", graph).diagnostics
    assert '`inner["sigmoid"]` of `one` does not get `a8_wide`' in diagnostic.message


def test_a_rule_without_a_range_loses_none_to_a_block():
    m = ModelBuilder()
    graph = m.graph(m("Dense", m.input(8, name="image"), name="score"))

    plan = plan_of("output { type = int8, range = fixed(-4, 4) }\nrule r match Dense { output = a16 }", graph)

    assert [] == codes(plan)
    assert ("a16", (-4, 4)) == (quantizer_of(plan, "score"), group(plan, "score").quantizer.range.arguments)


def test_what_a_block_says_and_is_lost_is_told_as_the_blocks():
    m = ModelBuilder()
    x = m.input(8, name="image")
    graph = m.graph(m("Dense", x, name="classes", activation="softmax"), m("Dense", x, name="score"))

    plan = plan_of(
        "output { type = int8, range = fixed(-4, 4) }\n"
        'rule r match Dense where name == "score" { output = a16(range = mse) }',
        graph,
    )

    lost, overridden = sorted(plan.diagnostics, key=lambda item: item.span.start)
    assert "`output` of `classes` does not get what the `output` block says: the output of SOFTMAX" in lost.message
    # The rule's 16 bits stay.
    assert "`score` is the model's output, and the `output` block has the last word on its range" == overridden.message
    assert "a16(range = mse)" == quantizer_of(plan, "score")
    assert (-4, 4) == group(plan, "score").quantizer.range.arguments


def test_the_inputs_of_a_concatenation_share_its_range():
    plan = plan_of("", concatenation("relu", "gelu"))
    shared = group(plan, "joined")

    assert (["part0", "part1", "joined"], None) == (names(plan, shared.tensors), shared.fixed)
    assert ["part0", "part1"] == names(plan, shared.sources)


def test_a_fixed_input_of_a_concatenation_is_requantized():
    plan = plan_of("", concatenation("relu", "softmax"))

    assert ((1 / 256, -128), None) == (group(plan, "part1").fixed, group(plan, "joined").fixed)
    (cast,) = [op for op in plan.ops.ops if op.kind == "QUANTIZE" and op.layer == "joined"]
    assert ("part1", group(plan, "joined")) == (names(plan, cast.inputs)[0], group(plan, names(plan, cast.outputs)[0]))
    assert cast.outputs[0] in group(plan, "joined").sources


def test_inputs_that_are_fixed_alike_are_not_requantized():
    plan = plan_of("", concatenation("sigmoid", "softmax"))

    assert (1 / 256, -128) == group(plan, "joined").fixed
    assert ["QUANTIZE", "LOGISTIC", "SOFTMAX", "CONCATENATION", "DEQUANTIZE"] == kinds(plan)


def test_inputs_with_ranges_of_their_own_are_requantized():
    plan = plan_of('rule r match Activation where name == "part0" { output = unit }', concatenation("relu", "gelu"))

    assert group(plan, "part0") != group(plan, "joined")
    assert 1 == sum(op.kind == "QUANTIZE" and op.layer == "joined" for op in plan.ops.ops)


def pooled():
    m = ModelBuilder()
    x = m("Conv2D", m.input(8, 8, 3, name="image"), name="c")
    return m.graph(m("MaxPooling2D", x, name="pool"))


def test_a_followers_quantizer_by_rule_wins_over_a_default():
    plan = plan_of("rule r match MaxPooling2D { output = a8_wide }", pooled())

    assert ("a8_wide", []) == (group(plan, "c").quantizer.name, codes(plan))
    assert plan.decisions[named(plan, "c")].changes


def test_of_two_rules_the_one_whose_tensor_brings_the_values_wins():
    text = "rule one match Conv2D { output = a8_wide }\nrule two match MaxPooling2D { output = unit }"
    plan = plan_of(text, pooled())
    (diagnostic,) = plan.diagnostics

    assert ("QS306", "a8_wide") == (diagnostic.code, group(plan, "pool").quantizer.name)
    source = diagnostic.span.source.text
    assert "unit" == source[diagnostic.span.start : diagnostic.span.end]
    assert ["a8_wide"] == [source[span.start : span.end] for span, _ in diagnostic.related]


def test_a_range_for_a_fixed_output_is_reported(small):
    plan = plan_of("rule r match Dense { output = a8_wide }", small)
    (diagnostic,) = plan.diagnostics

    assert ("QS306", (1 / 256, -128)) == (diagnostic.code, group(plan, "head").fixed)
    assert "the output of SOFTMAX always has scale 0.00390625 and zero point -128" in diagnostic.message


def test_parameters_that_the_spec_fixes():
    text = "quantizer q extends a8 { range = exact(0.5, 3) }\nrule r match Conv2D { output = q }"

    assert (0.5, 3) == group(plan_of(text, pooled()), "pool").fixed


@pytest.mark.parametrize("seed", range(200))
def test_fixed_ranges_give_the_parameters_of_the_numerics(seed):
    random = np.random.default_rng(seed)
    low, high = np.sort(random.normal(scale=10.0 ** random.integers(-3, 4), size=2))
    type_, scheme = ("int8", "int16")[seed % 2], ("asymmetric", "symmetric")[seed // 2 % 2]
    quantizer = Quantizer(
        name="q",
        type=type_,
        scheme=scheme,
        narrow=bool(seed // 4 % 2),
        range=Range(method="fixed", arguments=(low, high)),
    )
    lowest, highest = quantizer.code_range
    expected = parameters_from_range(low, high, lowest=lowest, highest=highest, symmetric=scheme == "symmetric")

    assert (float(expected.scale), int(expected.zero_point)) == fixed_parameters(quantizer)


def test_maximum_shares_scales_and_add_does_not():
    m = ModelBuilder()
    a, b = m.input(4, name="a"), m.input(4, name="b")
    plan = plan_of("", m.graph(m("Maximum", a, b, name="top"), m("Add", a, b, name="sum")))

    assert ["a", "b", "top"] == names(plan, group(plan, "top").tensors)
    assert ["sum"] == names(plan, group(plan, "sum").tensors)


def test_a_constant_that_shares_a_scale_is_in_the_range():
    m = ModelBuilder()
    x = m("Dense", m.input(8, name="image"), name="d")
    plan = plan_of("", m.graph(m("ReLU", x, name="r", max_value=1.5)))
    shared = group(plan, "r")

    assert ["r/rectified", "r/maximum", "r"] == sorted(names(plan, shared.tensors), key=len, reverse=True)[-3:]
    assert "r" in names(plan, shared.sources)


def test_what_is_gathered_has_the_scale_of_the_table():
    m = ModelBuilder()
    x = m.input(5, name="words", dtype="int32")
    plan = plan_of("", m.graph(m("Embedding", x, name="e", input_dim=7, output_dim=4)))

    assert ["e", "e/embeddings"] == sorted(names(plan, group(plan, "e").tensors))
    assert ["e"] == names(plan, group(plan, "e").sources)


def test_reals_made_of_integers_stay_in_float_unless_a_rule_says_more():
    m = ModelBuilder()
    x = m.input(8, 8, 3, name="image", dtype="int32")
    plan = plan_of("", m.graph(m("Rescaling", x, name="r")))

    assert (None, "a8") == (quantizer_of(plan, "r/input_as_float32"), quantizer_of(plan, "r"))
    assert ["CAST", "QUANTIZE", "MUL", "ADD", "DEQUANTIZE"] == kinds(plan)
