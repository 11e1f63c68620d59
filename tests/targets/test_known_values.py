"""What a table can say of scales that data decides, of a bias with many scales, and of an op by its name."""

from __future__ import annotations

import pytest

from qspec.schema.target import DeferredRows, Row
from qspec.targets import Outcome, Table
from tests.targets.one_op import T, judge, one_op, shipped, table_of, weights

LIMITED = table_of(
    """target npu {
      op ADD {
        input = int8, output = int8
        when known(input[0].scale, output.scale) { require input[0].scale / output.scale <= 2 because "too coarse" }
      }
    }"""
)


@pytest.mark.parametrize(("scale", "taken"), [(0.2, True), (0.21, False), (None, True)])
def test_a_limit_holds_for_scales_that_are_known(scale: float | None, taken: bool) -> None:
    first, other = T("int8", (1, 4), scale=scale), T("int8", (1, 4), scale=0.1)
    graph, made = one_op("ADD", [first, other], [other])

    assert taken == LIMITED.judge(graph.ops[0], graph, lambda tensor: made[tensor].representation).accepted


def test_a_target_speaks_of_ops_by_name() -> None:
    table = table_of(
        'target npu { op ADD | MUL { input = int8 }, refuse when version > 2 and kind == "ADD" because "old" }'
    )
    x8 = T("int8", (1, 4))
    outcomes = []
    for kind in ("ADD", "MUL"):
        graph, made = one_op(kind, [x8, x8], [x8])
        outcomes.append(
            table.judge(graph.ops[0], graph, lambda tensor, made=made: made[tensor].representation, 3).outcome
        )

    assert [Outcome.REFUSED, Outcome.ACCEPTED] == outcomes


SCALES = (0.01, 0.02, 0.03, 0.04)


@pytest.mark.parametrize(("factor", "taken"), [(1.0, True), (1.000001, True), (1.01, False)])
def test_each_scale_of_a_bias_is_that_of_its_channel(factor: float, taken: bool) -> None:
    x8 = T("int8", (1, 4, 4, 4), scale=0.1)
    kernel = T("int8", (4, 1, 1, 4), True, axis=0, scales=SCALES)
    scales = (*(0.1 * scale for scale in SCALES[:-1]), 0.1 * SCALES[-1] * factor)
    bias = T("int32", (4,), True, axis=0, scale=0.001, scales=scales)

    assert taken == judge("tflite", "CONV_2D", [x8, kernel, bias], [x8]).accepted


def test_forms_that_an_op_cannot_have_ask_nothing_of_a_plan() -> None:
    image, table = T("float32", (1, 4, 4, 8)), Table(shipped("tflite"))
    operands = [image, weights("float32", 8, 1, 1, 8), T("float32", (8,), True)]
    graph, _ = one_op("CONV_2D", operands, [image])
    declared, _ = one_op("CONV_2D", operands, [image], {"quantized_bias_type": "INT32"})

    assert {"int64"} == {choice.type for choice in table.constraints(graph.ops[0], graph).granularities(2, "int16")}
    both = table.constraints(declared.ops[0], declared).granularities(2, "int16")
    assert {"int32", "int64"} == {choice.type for choice in both}


def test_an_extended_table_is_not_read_before_it_is_asked() -> None:
    read: list[str] = []

    def reader(names: list[str], rows: list[Row]) -> DeferredRows:
        def take(index: int) -> Row:
            read.append(names[index])
            return rows[index]

        return DeferredRows([row.kinds for row in rows], take)

    rows = {row.kinds: row for row in shipped("tflite").rows}
    add, sub = rows["ADD", "MUL"], rows[("SUB",)]
    extended = reader(["base ADD", "base SUB"], [add, sub]).amended(reader(["own SUB"], [sub]), {"SUB", "MUL"})

    assert [("ADD",), ("SUB",)] == list(extended.kinds)
    assert [] == read
    assert [("ADD",)] == [row.kinds for row in extended.naming("ADD")]
    assert ["base ADD"] == read
    assert [("SUB",)] == [row.kinds for row in extended.naming("SUB")]
    assert ["base ADD", "own SUB"] == read


def test_a_shipped_table_that_extends_has_the_rows_of_its_base() -> None:
    base, scheme = shipped("tflite"), shipped("tflite_int16x8")

    assert scheme.host is None
    assert base.rows_naming("RESHAPE") == scheme.rows_naming("RESHAPE")
    assert () == scheme.rows_naming("ELU")
    assert base.rows_naming("CONV_2D") != scheme.rows_naming("CONV_2D")
