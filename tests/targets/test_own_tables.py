"""What makes no sense in a table, told without a model: comparisons, positions, values, types, names of options."""

from __future__ import annotations

import pytest

from qspec.diagnostics import Diagnostic
from qspec.schema import loads, shipped_target, shipped_targets
from qspec.targets.own_tables import table_mistakes

HEAD = """
memory.parameters = 1 MiB
option revision = "a" in ("a", "b", "c")
option stage = 1 in 1..2
option gain = 0.5 in 0.5..2
op CEIL { input = float32 }
"""


def found(rows: str, head: str = HEAD) -> list[Diagnostic]:
    spec, diagnostics = loads(f"qspec 1\ntarget t {{\n{head}\n{rows}\n}}\n")

    assert () == diagnostics
    return list(table_mistakes(spec.targets.values()))


def marked(diagnostic: Diagnostic) -> str:
    return diagnostic.span.source.text[diagnostic.span.start : diagnostic.span.end]


@pytest.mark.parametrize(
    ("row", "place", "message"),
    [
        # a number, a text, a truth and a tuple cannot be compared
        (
            'op CONV_2D { require output.shape[-1] <= "1024" }',
            'output.shape[-1] <= "1024"',
            '`output.shape[-1]` is a number and `"1024"` is a text: they cannot be compared',
        ),
        ('op CONV_2D { require "1" == dilation_w_factor }', '"1" == dilation_w_factor', None),
        ('op CONV_2D { require has_bias == "yes" }', 'has_bias == "yes"', None),
        ("op CONV_2D { require has_bias != 1 }", "has_bias != 1", None),
        ('op CONCATENATION { require axis == "channels" }', 'axis == "channels"', None),
        ('op ARG_MAX { require axis == "channels" }', 'axis == "channels"', None),
        ("op CONV_2D { require weights.shape <= 5 }", "weights.shape <= 5", None),
        ("op CONV_2D { require weights.shape == 5 }", "weights.shape == 5", None),
        ("op CONV_2D { require input.type == 8 }", "input.type == 8", None),
        ("op CONV_2D { require input.type in (8, 'int8') }", "input.type in (8, 'int8')", None),
        ("op CONV_2D { require padding in 1..2 }", "padding in 1..2", None),
        ("op CONV_2D { require stride_w > padding }", "stride_w > padding", None),
        ("op CONV_2D { require input.scale == 'known' }", "input.scale == 'known'", None),
        ("op MEAN { require keep_dims == 'true' }", "keep_dims == 'true'", None),
        ("op MEAN { require axes == (1, 'w') }", "'w'", "what stands in `axes` is a number, and `'w'` is a text"),
        ("op PAD { require paddings[0] == 0 }", "paddings[0] == 0", None),
        ("op ADD { require output.rank == output.shape }", "output.rank == output.shape", None),
        ("op ADD { form a { warn when input[0].rank == input[1].type } }", "input[0].rank == input[1].type", None),
        ("model { require static_shapes == 1 }", "static_shapes == 1", None),
        ('model { require input_types == "int8" }', 'input_types == "int8"', None),
        ("model { require 8 in input_types }", "8 in input_types", None),
        ("refuse when version == 'v2'", "version == 'v2'", None),
        # true or false, or a number, where something else stands
        ("op any { require batch }", "batch", "a condition is true or false, and `batch` is a number"),
        ("op any { require not rank or rank > 1 }", "rank", "a condition is true or false, and `rank` is a number"),
        ("op CONV_2D when input.type { input = int8 }", "input.type", None),
        ("op CONV_2D { when weights { input = int8 } }", "weights", None),
        ("op CONV_2D { require mod(stride_w, 2) }", "mod(stride_w, 2)", None),
        ("op CONV_2D { require input.shape + 1 == 3 }", "input.shape", "expected a number, and `input.shape` is"),
        ("op CONV_2D { require -padding == 3 }", "padding", None),
        ("op CONV_2D { require mod(padding, 2) == 3 }", "padding", None),
        ("op CONV_2D { require stride_w like '1' }", "stride_w", "`like` asks a text, and `stride_w` is a number"),
        ("op CONV_2D { require 3 in input.type }", "input.type", None),
        ("op CONV_2D { require padding < 'VALID' }", "padding < 'VALID'", "`padding` and `'VALID'` have no order"),
        ("op CONV_2D { require has_bias > false }", "has_bias > false", None),
        # positions
        (
            "op CONV_2D { require weights.shape[7] == 1 }",
            "[7]",
            "`weights.shape` has at most 4 positions: there is no [7]",
        ),
        ("op CONV_2D { require input[0].shape[-5] == 1 }", "[-5]", None),
        ("op CONV_2D { require bias.shape[1] == 1 }", "[1]", "`bias.shape` has at most 1 position: there is no [1]"),
        ("op FULLY_CONNECTED { require weights.shape[2] == 1 }", "[2]", None),
        ("op ADD { require input[0].shape[8] == 1 }", "[8]", None),
        ("op CONV_2D { require known(input.shape[4]) }", "[4]", None),
        ("op PAD { require paddings[9] == (0, 0) }", "[9]", None),
        ("op PAD { require paddings[0][2] == 0 }", "[2]", None),
        ("op PAD { require paddings[0] == (0, 0, 0) }", "(0, 0, 0)", "`paddings[0]` has at most 2 positions, and this"),
        ("op CONV_2D { require input.shape == (1, 2, 3, 4, 5) }", "(1, 2, 3, 4, 5)", None),
        ("op CONV_2D { require input.shape['w'] == 1 }", "'w'", "a position is a whole number, found `'w'`"),
        ("op CONV_2D { require input.shape[1.5] == 1 }", "1.5", None),
        ("op CONV_2D { require stride_w[0] == 1 }", "[0]", "`stride_w` is a number and has no positions to ask for"),
        ("op CONV_2D { require input.type[0] == 'i' }", "[0]", None),
        ("op CONV_2D { require input.shape.width == 1 }", "width", "`input.shape` is a tuple and has no `width`"),
        ("op CONV_2D { require stride_w.x == 1 }", "x", None),
        # what is never
        ("op CONV_2D { require input.rank == 5 }", "5", "`input.rank` is never 5"),
        ("op ABS { when stage > 7 { input = int8 } }", "7", "`stage` is never > 7"),
        ("op ABS { when 7 <= stage { input = int8 } }", "7", "`stage` is never >= 7"),
        ("op ABS { when stage <= 7 { input = int8 } }", "7", "`stage` is always <= 7"),
        ("op ABS { when stage < 1 { input = int8 } }", "1", "`stage` is never < 1"),
        ("op ABS { when stage == 1.5 { input = int8 } }", "1.5", None),
        ("op ABS { when stage in 3..9 { input = int8 } }", "3..9", "`stage` is never in `3..9`"),
        ("op ABS { when stage in (1, 7) { input = int8 } }", "7", None),
        ("op ABS { when gain > 2 { input = int8 } }", "2", None),
        ("op ABS when revision < 3 { input = int8 }", "revision < 3", None),
        ("model { require same_scale(inputs) }", "same_scale", "there is no function `same_scale` here"),
        ("op ADD | MUL { require kind like 'CONV*' }", "'CONV*'", "`kind` is never like `CONV*`"),
    ],
)
def test_a_condition_that_means_nothing(row: str, place: str, message: str | None) -> None:
    (one,) = found(row)

    assert ("QS205", place) == (one.code, marked(one))
    assert message is None or one.message.startswith(message)


@pytest.mark.parametrize(
    ("row", "place", "message"),
    [
        ('op ABS when revision != "d" { input = int8 }', '"d"', "`revision` is never `d`"),
        ('op ABS when revision == "C" { input = int8 }', '"C"', "`revision` is never `C`"),
        ('op ABS when revision in ("a", "d") { input = int8 }', '"d"', "`revision` is never `d`"),
        ('op any { require kind == "CONV2D" }', '"CONV2D"', "`kind` is never `CONV2D`"),
        ('op ADD | MUL { require kind != "SUB" }', '"SUB"', "`kind` is never `SUB`"),
        ('op any except ADD { require kind != "ADD" }', '"ADD"', "`kind` is never `ADD`"),
        ('model { require input_types == ("int9",) }', '"int9"', "what stands in `input_types` is never `int9`"),
        ('model { require "int9" in output_types }', '"int9"', "what stands in `output_types` is never `int9`"),
        ('model { require input_types[0] == "in8" }', '"in8"', "`input_types[0]` is never `in8`"),
        ("op CONV_2D { require fused_activation_function == 'relu' }", "'relu'", None),
        ("op any { require input.type != 'i8' }", "'i8'", "`input.type` is never `i8`"),
    ],
)
def test_a_value_that_a_name_never_has(row: str, place: str, message: str | None) -> None:
    (one,) = found(row)

    assert ("QS101", place) == (one.code, marked(one))
    assert message in (None, one.message)
    assert one.help


@pytest.mark.parametrize(
    "row",
    [
        "op CONV_2D { require weights.shape[3] == 1 and weights.shape[-4] == 2 and input.shape == (1, 8, 8, 4) }",
        "op CONV_2D { require input.rank == 4 and input.rank <= 5 and bias.shape[0] == 3 and groups == 1 }",
        "op CONV_2D { require stride_w in 1..2 and padding in ('SAME', 'VALID') or has_bias and weights.constant }",
        "op PAD | PADV2 { require paddings[-1] == (0, 0) and paddings[0][1] == 0 and paddings == ((0, 0), (1, 1)) }",
        "op MEAN | SUM { require axes == (1, 2) or axes in ((1, 2), (2, 1)) or axes == 1 or axes[0] == 1 }",
        "op ARG_MAX | CONCATENATION { require axis == output.rank - 1 or axis == -1 }",
        "op RESHAPE { require shape[0] == 1 and input.shape[7] == 2 }",
        "op FILL { require shape == (2, 3) and input.constant }",
        "op ADD { require input[1].shape == input[0].shape and input[0].scale <= 2 * output.scale }",
        "op ADD { require same_scale(input, output) and known(input[0].scale) and mod(batch, 2) == 0 }",
        "op CONV_2D | ADD { require weights.shape[3] == 1 and input.shape[7] == 1 }",
        "op STRIDED_SLICE { require begin_mask == 0 and strides == (1, 1, 1, 1) and not offset }",
        "op LEAKY_RELU | PRELU { require alpha == 0.1 or rank < 4 }",
        "op any { require padding == 'SAME' or keep_dims or kind in ('ADD', 'CONV_2D') or input.shape[0] != none }",
        "op any except ADD { require kind like 'CONV*' and kind != 'MUL' or version <= 3 or version_unknown }",
        "op ABS { when stage < 2 { input = int8 }, when stage >= 1 and stage in 2..4 { output = int8 } }",
        'op ABS when revision >= "b" and revision in ("a", "b") and gain < 1 { input = int8 }',
        'model { require static_shapes and input_types == ("int8",) and "int8" in output_types and inputs + ops < 9 }',
        "model { refuse when parameters > memory.parameters and stage == 2 or parameters > 3 KiB }",
        "refuse when input.type == 'float32' or version_unknown",
        "op CONV_2D { input = int8 | int16, form a { input = int8 }, form b { input = int16 } }",
        "op DEPTHWISE_CONV_2D { constant weights = int8 symmetric per_channel(3) | int4 per_tensor }",
        "op BATCH_MATMUL { constant input[1] = int8 symmetric per_channel(2), input[0] = float32 }",
        "op ADD { input[0] = int8, output = int8 }\nop ADD { input = int16 }\nop ADD when gain < 2 { input = int8 }",
        "op SOFTMAX { input = int8, output = int8 asymmetric scale(1/256) zero_point(-128) | uint8 zero_point(255) }",
    ],
)
def test_a_table_that_means_something(row: str) -> None:
    assert [] == found(row)


@pytest.mark.parametrize("name", shipped_targets())
def test_shipped_tables_mean_something(name: str) -> None:
    assert [] == list(table_mistakes([shipped_target(name)]))


# ---- options


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("batch", "it is computed of every op"),
        ("rank", "it is computed of every op"),
        ("version", "it is computed of every op"),
        ("kind", "it is computed of every op"),
        ("input", "it is an operand of every op"),
        ("weights", "it is an operand of CONV_2D"),
        ("static_shapes", "it is asked of every model"),
        ("parameters", "it is asked of every model"),
        ("stride_w", "it is an attribute of CONV_2D"),
    ],
)
def test_an_option_hides_nothing_that_conditions_know(name: str, means: str) -> None:
    (one,) = found("op CONV_2D { input = int8 }", f"option {name} = 1 in 1..2")

    assert ("QS104", name) == (one.code, marked(one))
    assert f"no option can be called `{name}`: in conditions, {means}" == one.message


def test_an_option_may_be_called_like_an_attribute_of_ops_that_the_table_has_not() -> None:
    assert [] == found("op ABS { input = int8, require mode == 'fast' }", 'option mode = "fast" in ("fast", "slow")')


# ---- types


@pytest.mark.parametrize(
    ("row", "code", "place", "message"),
    [
        (
            "op CONV_2D { constant weights = int8 per_channel(7) }",
            "QS204",
            "int8 per_channel(7)",
            "`weights` of `CONV_2D` has at most 4 dimensions, and axis 7 is none of them",
        ),
        (
            "op DEPTHWISE_CONV_2D { form a { constant weights = int8 | int8 symmetric per_channel(0) } }",
            "QS204",
            "int8 symmetric per_channel(0)",
            "`weights` of `DEPTHWISE_CONV_2D` has its output channels on axis 3, not 0",
        ),
        ("op ADD { input = int8 per_channel(8) }", "QS204", "int8 per_channel(8)", None),
        ("op ADD { input = int8 symmetric zero_point(3) }", "QS204", "int8 symmetric zero_point(3)", None),
        ("op ADD { input = int8 zero_point(128) }", "QS204", "int8 zero_point(128)", None),
        ("op ADD { input = uint8 zero_point(-1) }", "QS204", "uint8 zero_point(-1)", None),
        ("op ADD { when rank == 4 { input = float32 symmetric } }", "QS204", "float32 symmetric", None),
        ("op ADD { output = bool scale(0.5) }", "QS204", "bool scale(0.5)", None),
        ("op ADD { input = int8, form a { input = int16 } }", "QS204", "input", None),
        ("op ADD { input = int8 per_tensor, form a { input[1] = int8 per_channel(0) } }", "QS204", "input[1]", None),
        ("op ADD { output = int8, when rank == 4 { output = int16 } }", "QS204", "output", None),
        ("op ADD { form a { output = int8, when rank == 4 { output = uint8 } } }", "QS204", "output", None),
        ("op ADD | ADD { input = int8 }", "QS104", "ADD", "`ADD` is named twice"),
        ("op any except ADD | ADD { require rank < 4 }", "QS104", "ADD", None),
        ("op ADD except SUB { input = int8 }", "QS201", "SUB", "`except` stands behind `any` only"),
        ("op ADD | any { input = int8 }", "QS201", "ADD | any", None),
    ],
)
def test_types_that_nothing_has(row: str, code: str, place: str, message: str | None) -> None:
    (one,) = found(row)

    assert (code, place) == (one.code, marked(one))
    assert message in (None, one.message)


@pytest.mark.parametrize(
    "rows",
    [
        "op ADD { input = int8, output = int8, require rank <= 4 }\nop MUL | ADD { output = int8, input = int8 }",
        "op ADD { form a { input = int8 } }\nop ADD { form b { input = int8 }, require rank <= 4 }",
        "op ADD { input = int8 }\nop ADD { require rank <= 4 }",
        "op ADD { warn when rank > 4 }\nop ADD { input = int8 }",
    ],
)
def test_a_row_that_undoes_another(rows: str) -> None:
    (one,) = found(rows)

    assert "QS204" == one.code
    assert "alternatives" in one.help
    assert "the other row" == one.related[0][1]


@pytest.mark.parametrize("rows", ["", "op any { require rank <= 4 }", "warn when rank > 4"])
def test_a_target_without_a_row_for_an_op(rows: str) -> None:
    (one,) = found(rows, "")

    assert ("QS204", "t") == (one.code, marked(one))


def test_of_a_target_that_amends_another_only_its_own_lines_are_looked_at() -> None:
    base = 'option revision = "a" in ("a", "b")\nop ABS when revision == "b" { input = int8 }'
    text = f'target t {{ {base} }}\ntarget u extends t {{ option revision = "c" in ("c", "d") }}\n'
    own = 'target v extends u { op NEG when revision == "b" { input = int8 } }'
    spec, diagnostics = loads(f"qspec 1\n{text}{own}")

    assert () == diagnostics
    # `u` has no "b" any more: the row of `t` is as it was meant there, that of `v` is not.
    (one,) = table_mistakes(spec.targets.values())
    assert own.index('"b"') == one.span.start - one.span.source.text.index(own)
