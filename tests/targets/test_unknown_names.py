"""Names in target rows that are no op or no operand."""

from __future__ import annotations

import pytest

from qspec.diagnostics import Diagnostic
from qspec.graph.op_names import OP_NAMES
from qspec.schema import loads, shipped_target, shipped_targets
from qspec.targets.unknown_names import unknown_names


def found(rows: str) -> list[Diagnostic]:
    spec, diagnostics = loads(f"qspec 1\ntarget t {{\n{rows}\n}}\n")

    assert () == diagnostics
    return list(unknown_names(spec.targets.values()))


def test_op_names_are_those_of_the_runtime():
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    names = {name for name in vars(schema.BuiltinOperator) if name.isupper()}

    assert names - {"PLACEHOLDER_FOR_GREATER_OP_CODES"} == OP_NAMES


@pytest.mark.parametrize("name", shipped_targets())
def test_shipped_tables_name_what_there_is(name: str):
    assert [] == list(unknown_names([shipped_target(name)]))


def test_an_operand_that_no_op_of_the_row_has_is_shown_with_those_that_there_are():
    (one,) = found("op CONV_2D | ADD { inpuqt = int8, constant weights = int8 }")

    assert "`CONV_2D` or `ADD` has no operand `inpuqt`" == one.message
    assert "there is `input`, `weights`, `bias` and `output`; `input` is similar" == one.help
    assert "inpuqt" == one.span.source.text[one.span.start : one.span.end]


def test_an_unknown_op_is_shown_with_a_similar_one_and_its_operands_are_not_judged():
    (one,) = found("op ADD | CONV2D { kernel = int8 }")

    assert ("`CONV2D` is no op of LiteRT", "an op with a similar name exists: `CONV_2D`") == (one.message, one.help)
    assert "CONV2D" == one.span.source.text[one.span.start : one.span.end]


def test_a_row_for_every_op_may_name_what_any_op_has():
    assert [] == found("op any except CUSTOM { weights = int8, paddings = int32, output = int8 }")
    assert ["no op has an operand `kernel`"] == [one.message for one in found("op any { kernel = int8 }")]


def test_a_row_that_is_amended_is_judged_by_the_ops_that_it_was_written_for():
    written = "target t { op CONV_2D | ADD { weights = int8, kernel = int8 } }"
    spec, diagnostics = loads(f"qspec 1\n{written}\ntarget u extends t {{ without CONV_2D }}")

    assert () == diagnostics
    assert ["`CONV_2D` or `ADD` has no operand `kernel`"] == [
        one.message for one in unknown_names(spec.targets.values())
    ]


def test_a_target_that_extends_a_shipped_table_is_clean():
    spec, _ = loads("qspec 1\ntarget t extends tflite { op ADD { input = int8, output = int8 } }")

    assert [] == list(unknown_names(spec.targets.values()))
