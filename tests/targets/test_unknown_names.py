"""Names in target rows that are no op or no operand."""

from __future__ import annotations

import pytest

from qspec.diagnostics import Diagnostic
from qspec.graph.attributes import attributes
from qspec.graph.op_names import OP_NAMES
from qspec.graph.ops import OPAQUE
from qspec.schema import loads, shipped_target, shipped_targets
from qspec.targets.own_tables import table_mistakes
from tests.versions import LITERT_OF_THE_TABLES


def found(rows: str) -> list[Diagnostic]:
    spec, diagnostics = loads(f"qspec 1\ntarget t {{\n{rows}\nop ABS {{ input = int8 }}\n}}\n")

    assert () == diagnostics
    return list(table_mistakes(spec.targets.values()))


def test_op_names_are_those_of_the_runtime():
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    names = {name for name in vars(schema.BuiltinOperator) if name.isupper()}

    assert names - {"PLACEHOLDER_FOR_GREATER_OP_CODES"} == OP_NAMES - {OPAQUE}


@pytest.mark.parametrize("name", shipped_targets())
def test_shipped_tables_name_what_there_is(name: str):
    assert [] == list(table_mistakes([shipped_target(name)]))


def test_an_operand_that_no_op_of_the_row_has_is_shown_with_those_that_there_are():
    (one,) = found("op CONV_2D | ADD { inpuqt = int8, constant weights = int8 }")

    assert "`CONV_2D` or `ADD` has no operand `inpuqt`" == one.message
    assert "there is `input`, `weights`, `bias` and `output`; `input` is similar" == one.help
    assert "inpuqt" == one.span.source.text[one.span.start : one.span.end]


def test_an_unknown_op_is_shown_with_a_similar_one_and_its_operands_are_not_judged():
    (one,) = found("op ADD | CONV2D { kernel = int8 }")

    assert ("`CONV2D` is no op of LiteRT", "op names are LiteRT's: write `CONV_2D`") == (one.message, one.help)
    assert "CONV2D" == one.span.source.text[one.span.start : one.span.end]


def test_a_row_for_every_op_may_name_what_any_op_has():
    assert [] == found("op any except CUSTOM { weights = int8, paddings = int32, output = int8 }")
    assert ["no op has an operand `kernel`"] == [one.message for one in found("op any { kernel = int8 }")]


def test_the_operands_of_a_row_for_no_op_are_not_judged():
    assert {"QS104", "QS201"} == {one.code for one in found("op CONV_2D except CONV_2D { kernel = int8 }")}


def test_a_row_that_is_amended_is_judged_by_the_ops_that_it_was_written_for():
    written = "target t { op CONV_2D | ADD { weights = int8, kernel = int8 } }"
    spec, diagnostics = loads(f"qspec 1\n{written}\ntarget u extends t {{ without CONV_2D }}")

    assert () == diagnostics
    assert ["`CONV_2D` or `ADD` has no operand `kernel`"] == [
        one.message for one in table_mistakes(spec.targets.values())
    ]


def test_a_target_that_extends_a_shipped_table_is_clean():
    spec, _ = loads("qspec 1\ntarget t extends tflite { op ADD { input = int8, output = int8 } }")

    assert [] == list(table_mistakes(spec.targets.values()))


# ---- conditions


@pytest.mark.parametrize(
    ("row", "word", "message"),
    [
        ("op CONV_2D { require stride_v == 1 }", "stride_v", "`CONV_2D` has no operand and no attribute `stride_v`"),
        ("op ADD { require stride_w == 1 }", "stride_w", "`ADD` has no operand and no attribute `stride_w`"),
        (
            "op ADD { when keep_dims { input = int8 } }",
            "keep_dims",
            "`ADD` has no operand and no attribute `keep_dims`",
        ),
        ("op ADD { form a { warn when levl > 1 } }", "levl", "`ADD` has no operand and no attribute `levl`"),
        ("op ADD when ranks > 2 { input = int8 }", "ranks", "`ADD` has no operand and no attribute `ranks`"),
        ("op any { refuse when static }", "static", "no op has an operand or an attribute `static`"),
        ("op ADD { require input.tpye == 'int8' }", "tpye", "an operand has no `tpye`"),
        ("op CONV_2D { require paddings[0] == 1 }", "paddings", "`CONV_2D` has no operand and no attribute `paddings`"),
        ("op CONV_2D { require input[1].rank == 4 }", "input[1].rank", "`CONV_2D` has no operand `input[1]`"),
        (
            "op ADD | MUL { require input[-3].constant }",
            "input[-3].constant",
            "`ADD` or `MUL` has no operand `input[-3]`",
        ),
        ("op CONV_2D { input[1] = int8 }", "input[1]", "`CONV_2D` has no operand `input[1]`"),
        ("op RELU { output[1] = int8 }", "output[1]", "`RELU` has no operand `output[1]`"),
        ("op ADD { require known(input.scale, outpt.scale) }", "outpt", None),
        ("op ADD { require mod(input.rank, wdth) == 0 }", "wdth", None),
        ("op ADD { require same_scale(input, outptu) }", "outptu", "`ADD` has no operand `outptu`"),
        ("op ADD { require input.type == 'in8' }", "'in8'", "`input.type` is never `in8`"),
        ("op ADD { require input[1].type in ('int8', 'unit8') }", "'unit8'", "`input[1].type` is never `unit8`"),
        ("op CONV_2D { require 'SAEM' == padding }", "'SAEM'", "`padding` is never `SAEM`"),
        ("refuse when vesrion_unknown", "vesrion_unknown", "no op has an operand or an attribute `vesrion_unknown`"),
        ("model { require static_shape }", "static_shape", "a model has no `static_shape`"),
    ],
)
def test_a_name_in_a_condition_that_means_nothing(row: str, word: str, message: str | None) -> None:
    (one,) = found(f"option level = 1 in 1..3\n{row}")

    assert word == one.span.source.text[one.span.start : one.span.end]
    assert message in (None, one.message)
    assert one.help


@pytest.mark.parametrize(
    "row",
    [
        "op CONV_2D { require stride_w == 1 and padding in ('SAME', 'VALID') and weights_ok == 1 }",
        "op CONCATENATION { require input[7].rank == 4 and axis != 0 and inputs < 9 }",
        "op PAD { require paddings[0] == (0, 0) and paddings[-1][1] == 0 }",
        "op ADD { require input[1].shape[-1] == 8 and input[0].type == 'int8' and output.constant == false }",
        "op ADD { input[0] = int8, input[1] = uint8, output = int8 }",
        "op SPLIT | UNPACK { require output[3].rank in 1..4 and axis == 0 }",
        "op any { require rank <= 4 and outer == 1 and batch == 1 and version < 3 and filter_width != 3 }",
        "op MEAN | ADD { require not keep_dims }",
        "op ADD { require mode == 'fast' and same_scale(input, output) and known(input[1].scale) }",
        "model { require static_shapes and outputs == 1 or inputs + ops < weights_ok }",
        "warn when version_unknown or mode != 'slow'",
    ],
)
def test_names_that_mean_something(row: str) -> None:
    assert [] == found(f'option weights_ok = 1 in 1..3\noption mode = "fast" in ("fast", "slow")\n{row}')


def test_a_similar_name_is_offered_and_else_what_there_is() -> None:
    helps = [one.help for one in found("op MEAN { require keep_dim }\nop RELU { require zzz }")]

    assert "a name that is similar: `keep_dims`" == helps[0]
    assert "there are the operands `input` and `output`, no attributes" == helps[1]


def test_conditions_taken_over_from_another_file_are_not_looked_at() -> None:
    # They may ask for options that the shipped table has, and it is tested on its own.
    spec, _ = loads("qspec 1\ntarget t extends edgetpu { model { require compiler >= runtime } }")

    assert [] == list(table_mistakes(spec.targets.values()))


@LITERT_OF_THE_TABLES
def test_every_attribute_is_one_of_the_schema() -> None:
    """Against the schema's own classes, made from the flatbuffer definitions."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    tables = {
        name.removesuffix("OptionsT").lower(): {
            "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in field)
            for field in vars(getattr(schema, name)())
        }
        for name in vars(schema)
        if name.endswith("OptionsT")
    }
    compared = 0
    for kind in OP_NAMES:
        table = tables.get(kind.replace("_", "").lower())
        if table is not None and attributes(kind):
            assert set(attributes(kind)) <= table, kind
            compared += 1

    assert compared >= 60
