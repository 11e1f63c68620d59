"""How finely constants are quantized."""

from __future__ import annotations

import pytest

from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import codes, named, plan_of, quantizer_of, type_of


def decision(plan, name):
    return plan.decisions[named(plan, name)]


def test_channels_are_on_the_axis_that_the_op_takes(small):
    # LiteRT 8-bit specification: CONV_2D and FULLY_CONNECTED dimension 0, DEPTHWISE_CONV_2D dimension 3
    plan = plan_of("", small)
    kernels = ("stem/kernel", "block/sep/depthwise_kernel", "block/sep/pointwise_kernel", "head/kernel")

    assert [0, 3, 0, 0] == [decision(plan, name).axis for name in kernels]
    assert 0 == decision(plan, "stem/bias").axis


def test_per_tensor_weights_have_no_axis_and_nor_has_their_bias(small):
    plan = plan_of("default { weights = w8_tensor, output = a8 }", small)

    assert [None, None] == [decision(plan, name).axis for name in ("stem/kernel", "stem/bias")]


def slopes():
    m = ModelBuilder()
    x = m("Conv2D", m.input(8, 8, 3, name="image"), name="c")
    return m.graph(m("PReLU", x, name="p", shared_axes=[1, 2]))


def test_a_default_adapts_its_granularity_with_a_note():
    plan = plan_of("", slopes())
    (note,) = plan.diagnostics

    assert ("QS307", "note", "p") == (note.code, note.severity.value, note.layer)
    assert ("w8", "per_tensor") == (quantizer_of(plan, "p/alpha"), decision(plan, "p/alpha").quantizer.granularity)
    assert ["PRELU"] == [span.source.text[span.start : span.end].split()[0] for span, _ in note.related]


def test_a_rule_does_not_adapt():
    plan = plan_of("rule r match PReLU { weights = w8 }", slopes())
    (error,) = plan.diagnostics

    assert ("QS401", "tflite") == (error.code, error.target)
    assert "w8" == error.span.source.text[error.span.start : error.span.end]
    assert error.related[0][0].source.path == "targets/tflite.qspec"


def test_a_normalization_of_its_own_has_constants_like_its_output():
    m = ModelBuilder()
    x = m("ReLU", m.input(8, 8, 4, name="image"), name="r")
    layers = m.graph(m("BatchNormalization", x, name="bn"))
    plan = plan_of("rule r match BatchNormalization { output = unit }", layers)

    assert ["int8"] * 3 == [type_of(plan, f"bn/{name}") for name in ("multiplier", "multiplied", "addend")]
    constant = decision(plan, "bn/multiplier")
    assert ("unit", "minmax", None) == (constant.quantizer.name, constant.quantizer.range.method, constant.range)


def test_a_wrong_type_is_reported_once_at_the_assignment(small):
    text = "quantizer w16 extends w8 { type = int16 }\nrule r match any { weights = w16 }"
    plan = plan_of(text, small)
    (error,) = plan.diagnostics

    assert ("QS401", "w16") == (error.code, error.span.source.text[error.span.start : error.span.end])
    assert "`stem`" in error.message
    assert error.label.startswith("nor DEPTHWISE_CONV_2D of `block/sep`")


@pytest.mark.parametrize(
    ("slot", "attribute"),
    [
        ("weights", "range = ema(0.9)"),
        ("weights", "range = kl"),
        ("weights", "range = learned_clip"),
        ("output", "rounding = half_even"),
        ("output", "type = float16"),
    ],
)
def test_what_makes_no_sense_for_a_slot_is_an_error_at_the_attribute(small, slot, attribute):
    text = f"quantizer q {{ {attribute} }}\nrule r match Dense {{ {slot} = q }}"
    error = next(item for item in plan_of(text, small).diagnostics if item.code == "QS201")
    (use,) = (span for span, _ in error.related)

    assert attribute.split(" = ")[1] == error.span.source.text[error.span.start : error.span.end]
    assert "q" == use.source.text[use.start : use.end]
    assert error.help


def test_what_makes_no_sense_is_told_once_with_its_uses(small):
    text = """
        quantizer q extends w8 { range = kl }
        default { weights = q }
        rule r match Dense { weights = q(narrow = true) }
        rule s match Conv2D { weights = w8(range = ema(0.9)) }
    """
    errors = [item for item in plan_of(text, small).diagnostics if item.code == "QS201"]

    assert [("kl", 2), ("ema(0.9)", 0)] == [
        (item.span.source.text[item.span.start : item.span.end], len(item.related)) for item in errors
    ]


def test_layers_that_are_not_lowered_are_one_error_each():
    m = ModelBuilder()
    x = m("Conv2D", m.input(8, 8, 3, name="image"), name="c")
    x = m("MyLayer", x, name="mine", package="my_package")
    layers = m.graph(m("Dense", m.operation("Bincount", m.operation("Add", x, x)), name="d"))

    assert ["QS502", "QS502"] == codes(plan_of("rule r match MyLayer { output = a8 }", layers))
