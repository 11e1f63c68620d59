"""What `default` quantizes, where the runtime computes in float alone."""

from __future__ import annotations

from qspec.plan.plan import Plan
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import codes, kinds, plan_of, type_of

WINDOW = {"data_format": "channels_last", "strides": [1, 1, 1], "padding": "same", "dilation_rate": [1, 1, 1]}


def volumes(text: str) -> Plan:
    """A convolution of three dimensions between reshapes and a Dense."""
    m = ModelBuilder()
    x = m("Flatten", m.input(4, 4, 4, 2, name="volume"), name="before")
    x = m("Reshape", x, name="again", target_shape=[4, 4, 4, 2])
    x = m("Conv3D", x, name="cube", filters=3, kernel_size=[3, 3, 3], groups=1, activation="linear", **WINDOW)
    x = m("Dense", m("Flatten", x, name="flat"), name="head")
    return plan_of(text, m.graph(x))


def test_an_op_without_an_integer_kernel_stays_in_float_and_is_named():
    plan = volumes("")

    (warning,) = plan.diagnostics
    assert ("QS310", "warning", "CONV_3D", "cube") == (
        warning.code,
        warning.severity.value,
        warning.op,
        warning.layer,
    )
    assert "a8" == warning.span.source.text[warning.span.start : warning.span.end]
    assert {"targets/tflite.qspec"} == {span.source.path for span, _ in warning.related}
    around = kinds(plan).index("CONV_3D")
    assert ["DEQUANTIZE", "CONV_3D", "QUANTIZE"] == kinds(plan)[around - 1 : around + 2]
    (volume,) = [op for op in plan.ops.ops if op.kind == "CONV_3D"]
    assert ["float32", "float32"] == [plan.ops.tensors[volume.outputs[0]].type, type_of(plan, "cube/kernel")]
    (reason,) = plan.decisions[volume.outputs[0]].changes
    assert "CONV_3D" in reason


def test_what_a_rule_assigns_to_it_is_an_error():
    assert {"QS401"} == set(codes(volumes("rule r match Conv3D { output = a8 }")))
    assert {"QS401"} == set(codes(volumes("rule r match Conv3D { weights = w8 }")))


def test_float_that_is_meant_is_not_reported():
    assert [] == codes(volumes("rule r match Conv3D { all = float }"))


def test_a_type_for_which_there_are_no_kernels_at_all_is_an_error():
    assert {"QS401"} == set(codes(volumes("quantizer a4 extends a8 { type = int4 }\ndefault { output = a4 }")))


def test_weights_for_which_there_would_be_another_kernel_are_an_error(small):
    text = "quantizer w16 extends w8 { type = int16 }\ndefault { weights = w16, output = a8 }"

    assert ["QS401"] == codes(plan_of(text, small))


def test_sixteen_bits_where_the_kernel_has_eight_alone():
    m = ModelBuilder()
    layers = m.graph(m("ELU", m.input(4, name="image"), name="e", alpha=1.0))
    plan = plan_of("default { weights = w8, output = a16 }", layers)

    assert ["QS310"] == codes(plan)
    assert ["ELU"] == kinds(plan)


def test_numbers_that_become_indices_are_read_in_float():
    m = ModelBuilder()
    x = m("Embedding", m.input(3, name="image"), name="words", input_dim=5, output_dim=4)
    plan = plan_of("", m.graph(m("Dense", x, name="head")))

    assert [] == [code for code in codes(plan) if code not in ("QS307", "QS310")]
    assert "CAST" == kinds(plan)[0]
    assert "float32" == plan.ops.tensors[plan.ops.ops[0].inputs[0]].type


def test_an_input_that_a_rule_assigns_is_not_overruled():
    m = ModelBuilder()
    a, b = m.input(8, 8, 2, name="a"), m.input(8, 8, 2, name="b")
    plan = plan_of("rule r match Concatenate { input = float }", m.graph(m("Concatenate", a, b, name="both", axis=-1)))

    assert ["QS401"] == codes(plan)
    (told,) = plan.diagnostics
    assert "float" == told.span.source.text[told.span.start : told.span.end]
    assert "of `both` as planned: its input is float, and `output` is int8" in told.message
    assert "`output` is assigned here" in [label for _, label in told.related]
    assert "remove it, so that the input is read as it is, or assign `all = float`" == told.help
