"""Where the type changes: islands, inputs that differ, the model's edges."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import codes, kinds, named, plan_of, quantizer_of, type_of


def edges(plan):
    return [plan.ops.tensors[tensor].type for tensor in (*plan.ops.inputs, *plan.ops.outputs)]


@pytest.mark.parametrize(
    ("text", "expected", "first", "last"),
    [
        ("", ["float32", "float32"], "QUANTIZE", "DEQUANTIZE"),
        ("input { type = int8 }\noutput { type = int8 }", ["int8", "int8"], "CONV_2D", "SOFTMAX"),
        ("input { type = uint8 }\noutput { type = uint8 }", ["uint8", "uint8"], "QUANTIZE", "QUANTIZE"),
        ("input { type = float32 }\noutput { type = int8 }", ["float32", "int8"], "QUANTIZE", "SOFTMAX"),
        ("input { type = float16 }\noutput { type = float16 }", ["float16", "float16"], "DEQUANTIZE", "CAST"),
        ("input { type = int8 }\noutput { type = int16 }", ["int8", "int16"], "CONV_2D", "QUANTIZE"),
    ],
)
def test_the_edges_of_the_model(small, text, expected, first, last):
    plan = plan_of(text, small)

    assert (expected, []) == (edges(plan), codes(plan))
    assert (first, last) == (kinds(plan)[0], kinds(plan)[-1])
    assert "int8" == type_of(plan, "image")


def test_a_uint8_edge_shares_the_scale_of_its_int8_tensor(small):
    plan = plan_of("input { type = uint8, range = fixed(0, 1) }\noutput { type = uint8 }", small)
    inside, outside = plan.decisions[named(plan, "image")], plan.decisions[plan.ops.inputs[0]]

    assert (inside.range, "uint8", "int8") == (outside.range, outside.quantizer.type, inside.quantizer.type)
    assert plan.decisions[named(plan, "head")].range == plan.decisions[plan.ops.outputs[0]].range


def test_a_block_for_one_input_overrides_the_general_one():
    m = ModelBuilder()
    a, b = m.input(4, name="a"), m.input(4, name="b")
    plan = plan_of('input { type = int8 }\ninput["b"] { type = uint8 }', m.graph(m("Add", a, b, name="sum")))

    assert ["int8", "uint8", "float32"] == edges(plan)


def test_the_range_of_an_input_comes_from_its_block(small):
    plan = plan_of("input { type = int8, range = fixed(0, 1) }", small)
    decision = plan.decisions[named(plan, "image")]

    kinds_of_origin = (decision.origin.kind, decision.range_by.kind)
    assert ("fixed", ("default", "boundary")) == (decision.quantizer.range.method, kinds_of_origin)
    # scale (1 - 0) / 255 in float32, zero point -128
    assert (0.003921568859368563, -128) == plan.ranges[decision.range].fixed


def test_the_block_of_an_input_overrides_rules(small):
    plan = plan_of("input { type = int8 }\nrule r match InputLayer { output = float }", small)

    assert ["QS306"] == codes(plan)
    assert ("int8", "boundary") == (type_of(plan, "image"), plan.decisions[named(plan, "image")].origin.kind)


def test_a_range_for_an_input_that_stays_float_is_reported(small):
    plan = plan_of("input { range = fixed(0, 1) }\nrule r match any { all = float }", small)

    assert ["QS306"] == codes(plan)


def test_a_model_in_float_has_no_casts(small):
    plan = plan_of("rule r match any { all = float }", small)

    assert ([], {}) == (codes(plan), dict(plan.casts))
    assert {"float32"} == {tensor.type for tensor in plan.ops.tensors if tensor.id in plan.decisions}
    assert kinds(plan) == [op.kind for op in plan.predicted.ops]


def test_a_float_island_has_its_casts_at_the_right_edges(small):
    plan = plan_of("rule island match SeparableConv2D { all = float }", small)

    assert [] == codes(plan)
    expected = ["QUANTIZE", "CONV_2D", "MAX_POOL_2D", "DEQUANTIZE", "DEPTHWISE_CONV_2D", "CONV_2D", "QUANTIZE", "ADD"]
    assert expected == kinds(plan)[:8]
    names = ("block/sep", "block/sep/depthwise", "block/sep/pointwise_kernel", "block/sep/bias")
    assert {"float32"} == {type_of(plan, name) for name in names}


def test_float_for_a_convolution_takes_what_is_fused_behind_it_along(small):
    plan = plan_of("rule island match Conv2D { all = float }", small)

    assert [] == codes(plan)
    assert ["CONV_2D", "QUANTIZE", "MAX_POOL_2D"] == kinds(plan)[:3]
    assert {"float32"} == {type_of(plan, name) for name in ("image", "stem_relu")}


def test_an_input_that_a_rule_quantizes_is_quantized_even_before_float(small):
    plan = plan_of("rule island match Conv2D { all = float }\nrule i match InputLayer { output = a8 }", small)

    assert ["QUANTIZE", "DEQUANTIZE", "CONV_2D"] == kinds(plan)[:3]


def test_a_float_output_with_quantized_weights_reads_them_as_they_are(small):
    plan = plan_of("rule r match Dense { output = float }", small)

    assert [] == codes(plan)
    (op,) = (op for op in plan.ops.ops if op.kind == "FULLY_CONNECTED")
    assert ["float32", "int8", "float32"] == [plan.ops.tensors[tensor].type for tensor in op.inputs]
    assert op.attributes["asymmetric_quantize_inputs"]


def test_an_island_back_into_integers_uses_the_consumers_input_slot(small):
    text = "rule island match SeparableConv2D { all = float }\nrule sum match Add { input[1] = a8_wide }"
    plan = plan_of(text, small)
    (cast,) = [op for op in plan.ops.ops if op.kind == "QUANTIZE" and op.layer == "block/add"]

    assert "a8_wide" == plan.decisions[cast.outputs[0]].quantizer.name


@pytest.mark.parametrize(("general", "own"), [("a8", "a16"), ("a16", "a8")])
def test_an_op_behind_an_island_reads_the_type_that_it_computes_in(general, own, small):
    text = f"default {{ weights = w8, output = {general} }}\nrule i match Conv2D {{ all = float }}\n"
    plan = plan_of(text + f"rule s match SeparableConv2D | MaxPooling2D {{ output = {own} }}", small)
    pool = plan.decisions[named(plan, "pool")].quantizer
    (read,) = {plan.casts[edge] for edge in plan.casts if edge[1] == named(plan, "stem_relu")}

    assert "QS401" not in codes(plan)
    assert pool.type == plan.ops.tensors[read].type


def test_an_input_that_differs_puts_a_quantize_between(small):
    plan = plan_of("rule r match Add { input[0] = a8_wide }", small)
    (cast,) = [op for op in plan.ops.ops if op.kind == "QUANTIZE" and op.layer == "block/add"]

    assert ("pool", "a8_wide") == (
        plan.ops.tensors[cast.inputs[0]].name,
        plan.decisions[cast.outputs[0]].quantizer.name,
    )
    assert "a8" == quantizer_of(plan, "pool")


def test_an_input_that_is_the_same_puts_nothing_between(small):
    assert "QUANTIZE" not in kinds(plan_of("rule r match Add { input = a8 }", small))[1:]


def test_equal_casts_of_one_tensor_are_one():
    m = ModelBuilder()
    x = m("ReLU", m.input(8, name="image"), name="r")
    branches = [m("Dense", x, name=f"d{n}") for n in range(3)]
    plan = plan_of("rule r match Dense { input = a8_wide }", m.graph(*branches))

    assert 1 == sum(op.kind == "QUANTIZE" and op.layer != "image" for op in plan.ops.ops)


def test_one_tensor_that_is_two_outputs_may_have_two_types():
    m = ModelBuilder()
    x = m("Dense", m.input(8, name="image"), name="d")
    graph = replace(m.graph(x, x, x), output_names=("a", "b", "c"))

    plan = plan_of('output["a"] { type = uint8 }\noutput["b"] { type = int8 }\noutput["c"] { type = uint8 }', graph)

    assert [] == codes(plan)
    assert ["uint8", "int8", "uint8"] == [plan.ops.tensors[tensor].type for tensor in plan.ops.outputs]
    assert 2 == len(set(plan.ops.outputs))


def test_casts_are_found_by_the_op_that_reads():
    m = ModelBuilder()
    x = m("ReLU", m.input(8, name="image"), name="r")
    y = m("Dense", m("Dropout", x, name="drop"), name="d")
    layers = m.graph(y)
    plan = plan_of("rule r match Dense { all = float }", layers)

    (result,) = {result for (_, tensor), result in plan.casts.items() if tensor == named(plan, "r")}
    assert "float32" == plan.ops.tensors[result].type


def test_an_input_slot_of_a_float_layer_is_reported(small):
    plan = plan_of("rule r match Dense { input = a8_wide, all = float }", small)

    assert ["QS306"] == codes(plan)


def test_two_outputs_and_one_used_twice():
    m = ModelBuilder()
    x = m("Dense", m.input(8, name="image"), name="d")
    plan = plan_of("", m.graph(x, m("ReLU", x, name="r"), x))

    assert ["float32"] * 4 == edges(plan)
    assert 2 == sum(op.kind == "DEQUANTIZE" for op in plan.ops.ops)


def test_batch():
    m = ModelBuilder()
    layers = m.graph(m("ReLU", m.input(8, name="image"), name="r"))

    assert [1, 4, None] == [
        plan_of(text, layers).batch for text in ("", "input { batch = 4 }", "input { batch = dynamic }")
    ]


def test_sixteen_bit_activations_have_wide_biases():
    m = ModelBuilder()
    x = m.input(8, 8, 3, name="image")
    layers = m.graph(m("Conv2D", x, name="c"))
    plan = plan_of("default { weights = w8, output = a16 }", layers)

    assert ("int64", "int16", []) == (type_of(plan, "c/bias"), type_of(plan, "c"), codes(plan))


def chain():
    """Convolution, pooling, convolution, Dense."""
    m = ModelBuilder()
    x = m("Conv2D", m.input(8, 8, 3, name="image"), name="first", filters=4)
    x = m("Conv2D", m("MaxPooling2D", x, name="pool"), name="second", filters=4)
    return m.graph(m("Dense", m("Flatten", x, name="flat"), name="head", units=2))


def test_a_layer_of_other_integers_stands_between_two_casts():
    plan = plan_of('rule wide match Conv2D where name == "second" { output = a16 }', chain())
    types = {op.layer: [plan.ops.tensors[tensor].type for tensor in (*op.inputs, *op.outputs)] for op in plan.ops.ops}

    assert [] == codes(plan)
    assert ["int16", "int8", "int64", "int16"] == types["second"]
    assert ["QUANTIZE", "CONV_2D", "MAX_POOL_2D", "QUANTIZE", "CONV_2D", "RESHAPE", "QUANTIZE"] == kinds(plan)[:7]
    assert "int8" == type_of(plan, "head")


def test_what_keeps_the_scale_of_its_input_keeps_its_integers_too():
    plan = plan_of('rule wide match Conv2D where name == "first" { output = a16 }', chain())

    assert [] == codes(plan)
    assert ("int16", "int8") == (type_of(plan, "pool"), type_of(plan, "second"))
    # The cast stands behind the pooling, which has less to cast.
    assert ["QUANTIZE", "QUANTIZE", "CONV_2D", "MAX_POOL_2D", "QUANTIZE", "CONV_2D"] == kinds(plan)[:6]


def test_from_sixteen_bits_to_uint8_by_way_of_int8(small):
    plan = plan_of("default { weights = w8, output = a16 }\noutput { type = uint8 }", small)
    *_, first, last = plan.ops.ops

    assert [] == codes(plan)
    assert ("QUANTIZE", "QUANTIZE") == (first.kind, last.kind)
    assert ["int16", "int8", "uint8"] == [
        plan.ops.tensors[one].type for one in (*first.inputs, *last.inputs, *last.outputs)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("input { type = int8 }", ["QS306"]),
        ('input["ids"] { type = uint8, range = fixed(0, 1) }', ["QS306", "QS306"]),
        ('input["ids"] { type = int32 }', []),
        ("input { batch = 2 }", []),
    ],
)
def test_a_block_for_an_input_of_integers_is_not_dropped_silently(text, expected):
    m = ModelBuilder()
    ids = m.input(6, name="ids", dtype="int32")
    embedded = m("Embedding", ids, name="words", input_dim=10, output_dim=4)

    assert expected == [code for code in codes(plan_of(text, m.graph(embedded))) if code != "QS307"]


@pytest.mark.parametrize("text", ["input { type = int32 }", 'output["head"] { type = int64 }'])
def test_real_numbers_at_the_edge_have_no_type_that_counts(text, small):
    plan = plan_of(text, small)
    (error,) = plan.diagnostics

    assert ("QS201", "error") == (error.code, error.severity.value)
    assert text.partition("= ")[2].removesuffix(" }") == error.span.source.text[error.span.start : error.span.end]
    assert "`type` is `float32`, `float16`, `int8`, `uint8` or `int16` here" == error.help
    ends = (*plan.ops.inputs, *plan.ops.outputs)
    assert ["float32"] * 2 == [plan.ops.tensors[end].type for end in ends]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ('input["image"] { type = int8 }', "its inputs are `left` and `right`"),
        ('input["lift"] { type = int8 }', "its inputs are `left` and `right`; similar: `left`"),
        ('output["x"] { type = int8 }', "its only output is `sum`; `output { … }` speaks of it, too"),
    ],
)
def test_a_block_for_an_end_that_the_model_has_not_is_an_error(text, advice):
    m = ModelBuilder()
    left, right = m.input(4, name="left"), m.input(4, name="right")

    (found,) = plan_of(text, m.graph(m("Add", left, right, name="sum"))).diagnostics

    assert ("QS101", advice) == (found.code, found.help)
    assert text.split(" {")[0] == found.span.source.text[found.span.start : found.span.end]
