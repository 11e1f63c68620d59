"""What a table answers: forms, `when`, `any`, refusals, warnings, and the reasons it gives."""

from __future__ import annotations

import pytest

from qspec.graph.ops import OpGraph, Tensor
from qspec.targets import Outcome, Representation, Table, Verdict
from tests.targets.one_op import T, integers, one_op, table_of, weights

X8, XF = T("int8", (1, 4, 4, 8)), T("float32", (1, 4, 4, 8))
KERNEL = weights("int8", 8, 3, 3, 8, axis=0)
BIAS = T("int32", (8,), True, scale=None)


def ask(table: Table, kind: str, inputs: list[T | None], outputs: list[T], **attributes: object) -> Verdict:
    graph, made = one_op(kind, inputs, outputs, attributes)
    return table.judge(graph.ops[0], graph, lambda tensor: made[tensor].representation)


def text(reason: object) -> str:
    span = reason.span  # type: ignore[attr-defined]
    return span.source.text[span.start : span.end]


CONVOLUTION = table_of(
    """target npu {
      op CONV_2D {
        form i8 { input = int8, constant weights = int8 symmetric per_tensor, output = int8 }
        form f32 { input = float32, weights = float32, output = float32 }
        constant bias = int32
      }
    }"""
)


def test_the_form_that_comes_closest_speaks() -> None:
    verdict = ask(CONVOLUTION, "CONV_2D", [X8, KERNEL, BIAS], [X8])

    (reason,) = verdict.reasons
    assert (Outcome.NOT_ACCEPTED, "i8") == (verdict.outcome, verdict.form)
    assert ("weights", 1) == (reason.operand, reason.tensor)
    assert "weights" == text(reason)
    assert "`weights` is int8, one scale per channel; taken: int8 symmetric per_tensor" == reason.message


def test_operands_of_row_and_form_both_hold() -> None:
    (reason,) = ask(
        CONVOLUTION, "CONV_2D", [XF, weights("float32", 8, 3, 3, 8), T("float32", (8,), True)], [XF]
    ).reasons

    assert "bias" == reason.operand


def test_a_variable_where_a_constant_is_asked() -> None:
    (reason,) = ask(CONVOLUTION, "CONV_2D", [X8, T("int8", (8, 3, 3, 8)), BIAS], [X8]).reasons

    assert "`weights` is not a constant" == reason.message


def test_an_absent_operand_is_not_asked_for() -> None:
    assert ask(CONVOLUTION, "CONV_2D", [X8, weights("int8", 8, 3, 3, 8), None], [X8]).accepted


def test_an_op_without_a_row() -> None:
    (reason,) = ask(CONVOLUTION, "ADD", [X8, X8], [X8]).reasons

    assert ("`npu` has no row for ADD", "npu") == (reason.message, text(reason))


@pytest.mark.parametrize(("runtime", "taken"), [(12, False), (13, True)])
def test_when_of_a_row_asks_the_options(runtime: int, taken: bool) -> None:
    table = table_of(
        "target t { option runtime = 12 in 10..14, op ADD when runtime >= 13 { input = int8, output = int8 } }",
        runtime=runtime,
    )

    assert taken == ask(table, "ADD", [X8, X8], [X8]).accepted


def test_options_have_defaults() -> None:
    assert {"runtime": 12} == table_of("target t { option runtime = 12 in 10..14 }").options


def test_rows_for_any_add_conditions() -> None:
    table = table_of(
        """target t {
          op any except PAD { require rank <= 3 because "no fourth dimension" }
          op ADD | PAD { input = int8, output = int8 }
        }"""
    )

    (reason,) = ask(table, "ADD", [X8, X8], [X8]).reasons
    assert "no fourth dimension" == reason.message
    assert ask(table, "PAD", [X8, integers(((0, 0),) * 4)], [X8]).accepted


def test_any_takes_no_op_by_itself() -> None:
    assert not ask(table_of("target t { op any { require rank <= 4 } }"), "ADD", [X8, X8], [X8]).accepted


def test_groups_hold_only_then() -> None:
    table = table_of(
        """target t {
          op ADD { input = int8 | float32, output = int8 | float32, when input.type == "int8" { require rank <= 3 } }
        }"""
    )

    assert ask(table, "ADD", [XF, XF], [XF]).accepted
    assert not ask(table, "ADD", [X8, X8], [X8]).accepted


def test_what_is_not_known_is_not_taken_and_says_what() -> None:
    table = table_of("target t { op ADD { require input.shape[1] <= 8 } }")
    dynamic = T("int8", (1, None, 4, 8))

    (reason,) = ask(table, "ADD", [dynamic, dynamic], [dynamic]).reasons
    assert reason.undecided
    assert "it cannot be decided whether `input.shape[1] <= 8`: `input.shape[1]` not known" == reason.message


def test_a_reason_of_ones_own_goes_first_and_values_stand_in_for_it() -> None:
    table = table_of('target t { op ADD { require rank <= 3 }, op MUL { require rank <= 3 because "three at most" } }')

    messages = [ask(table, kind, [X8, X8], [X8]).reasons[0].message for kind in ("ADD", "MUL")]
    assert ["`rank <= 3` does not hold: `rank` is 4", "three at most"] == messages


def test_refuse_and_warn_speak_only_of_what_is_known() -> None:
    table = table_of(
        """target t {
          refuse when input.shape[1] > 8 because "aborts"
          op ADD { input = int8, output = int8, warn when input.shape[1] > 2 because "slow" }
        }"""
    )
    tall, dynamic = T("int8", (1, 9, 4, 8)), T("int8", (1, None, 4, 8))

    refused, taken, unknown = (ask(table, "ADD", [source, source], [source]) for source in (tall, X8, dynamic))
    assert (Outcome.REFUSED, ["aborts"]) == (refused.outcome, [reason.message for reason in refused.reasons])
    assert (Outcome.ACCEPTED, ["slow"]) == (taken.outcome, [reason.message for reason in taken.warnings])
    assert (Outcome.ACCEPTED, ()) == (unknown.outcome, unknown.warnings)


def test_what_a_host_can_run_is_left_to_it() -> None:
    table = table_of("target t on tflite { op ADD { input = int8, output = int8 } }")

    assert Outcome.LEFT_TO_HOST is ask(table, "MUL", [X8, X8], [X8]).outcome
    assert table.host is not None
    assert ask(table.host, "MUL", [X8, X8], [X8]).accepted


def test_version_unknown() -> None:
    table = table_of(
        """target t {
          refuse when version_unknown because "aborts on a version it does not know"
          op ADD when version <= 2 { input = int8, output = int8 }
        }"""
    )
    graph, made = one_op("ADD", [X8, X8], [X8])

    def at(version: int) -> Outcome:
        return table.judge(graph.ops[0], graph, lambda tensor: made[tensor].representation, version).outcome

    assert [Outcome.ACCEPTED, Outcome.REFUSED] == [at(2), at(3)]
    assert Outcome.REFUSED is ask(table, "MUL", [X8, X8], [X8]).outcome


def test_unverified_rows_say_so() -> None:
    table = table_of(
        'target t { op ADD { input = int8, output = int8, unverified "nobody tried" }, op MUL { unverified } }'
    )

    assert ["nobody tried", ""] == [ask(table, kind, [X8, X8], [X8]).unverified for kind in ("ADD", "MUL")]
    assert ask(CONVOLUTION, "CONV_2D", [X8, KERNEL, BIAS], [X8]).unverified is None


def test_an_expression_without_meaning_is_a_reason_not_an_exception() -> None:
    table = table_of("target t { op PAD { require paddings == 3 } }")

    (reason,) = ask(table, "PAD", [X8, integers(((0, 0), (1, 1)))], [X8]).reasons
    assert reason.broken
    assert "paddings == 3" == text(reason)


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        ('input.type == "int8" and output.type == "int8"', True),
        ("input[1].shape == (8,)", True),
        ("input[1].constant and not input[0].constant", True),
        ("rank == 4 and batch == 1 and inputs == 2 and outputs == 1", True),
        ("outer == 1", True),
        ("output.scale == 0.1 and output.zero_point == 0", True),
        ('fused_activation_function == "NONE"', True),
        ("input.shape[-1] == 8", True),
        ("input.rank == input[1].rank", False),
        ("has_bias", False),
        ("unheard_of == 1", False),
    ],
)
def test_names(condition: str, taken: bool) -> None:
    table = table_of(f"target t {{ op ADD {{ require {condition} }} }}")

    assert taken == ask(table, "ADD", [X8, weights("int8", 8)], [X8]).accepted


@pytest.mark.parametrize(
    ("kind", "inputs", "condition"),
    [
        ("MEAN", [X8, integers((1, -1))], "axes == (1, 3)"),
        ("PAD", [X8, integers(((0, 0), (1, 1), (1, 1), (0, 0)))], "paddings[1] == (1, 1)"),
        ("SPLIT", [integers(-1), X8], "axis == 3"),
        ("CONV_2D", [X8, weights("int8", 8, 3, 3, 4, axis=0), BIAS], "groups == 2 and has_bias"),
        ("TRANSPOSE", [X8, integers((0, 2, 1, 3))], "permutation == (0, 2, 1, 3)"),
        ("TRANSPOSE", [X8, integers((0, 2, 1, 3))], "permutation.constant and rank == 4"),
    ],
)
def test_names_of_constant_operands(kind: str, inputs: list[T | None], condition: str) -> None:
    table = table_of(f"target t {{ op {kind} {{ require {condition} }} }}")

    assert ask(table, kind, inputs, [X8]).accepted


def test_pack_counts_its_axis_in_the_output() -> None:
    table = table_of("target t { op PACK { require axis == output.rank - 1 } }")

    assert ask(table, "PACK", [T("int8", (1, 4))] * 2, [T("int8", (1, 4, 2))], axis=-1).accepted


@pytest.mark.parametrize("size", [1, None])
def test_models_as_a_whole(size: int | None) -> None:
    table = table_of('target t on tflite { model { require static_shapes because "no dynamic dimension" } }')
    graph = OpGraph((Tensor(0, "x", (size, 4)),), (), (0,), (0,))

    verdict = table.judge_model(graph)
    expected = (Outcome.ACCEPTED, []) if size else (Outcome.LEFT_TO_HOST, ["no dynamic dimension"])
    assert expected == (verdict.outcome, [reason.message for reason in verdict.reasons])


def test_same_scale_of_unknown_parameters_is_the_callers_to_say() -> None:
    table = table_of("target t { op MAX_POOL_2D { require same_scale(input, output) } }")
    graph, _ = one_op("MAX_POOL_2D", [X8], [X8])

    def taken(answer: bool | None) -> bool:
        open_range = Representation("int8", "asymmetric", "per_tensor")
        return table.judge(graph.ops[0], graph, lambda _: open_range, same_scale=lambda a, b: answer).accepted

    assert [True, False, False] == [taken(True), taken(False), taken(None)]


# ---- rows as alternatives

DENSE = table_of(
    """target npu {
      op FULLY_CONNECTED {
        form tensor8 { input = int8, constant weights = int8 symmetric per_tensor, output = int8 }
        form channel4 { input = int8, constant weights = int4   symmetric per_channel(0), output = int8 }
        form f32 { input = float32, weights = float32, output = float32 }
      }
      op FULLY_CONNECTED { input = uint8, weights = uint8 | int8 scale(1/256), output = uint8 }
      op FULLY_CONNECTED when true == false { input = int16, weights = int16, output = int16 }
      op ADD { input = int8, output = int8, require rank <= 2 }
      op ADD { input = int16, output = int16 }
    }"""
)
Y8, Y16 = T("int8", (1, 8)), T("int16", (1, 8))


def test_a_reason_tells_the_types_of_every_form_that_fails_there_alone() -> None:
    (reason,) = ask(DENSE, "FULLY_CONNECTED", [Y8, weights("int8", 8, 8, axis=0)], [Y8]).reasons

    taken = "int8 symmetric per_tensor | int4 symmetric per_channel(0)"
    assert f"`weights` is int8, one scale per channel; taken: {taken}" == reason.message


def test_what_a_float_form_takes_is_no_choice_for_an_integer_op() -> None:
    (reason,) = ask(DENSE, "FULLY_CONNECTED", [Y8, weights("float32", 8, 8)], [Y8]).reasons

    assert "float32" not in reason.message.split("taken: ")[1]


def test_where_two_rows_fail_both_are_told() -> None:
    verdict = ask(DENSE, "FULLY_CONNECTED", [Y16, weights("int4", 8, 8, axis=0)], [Y16])
    (first, last) = verdict.reasons

    # The fourth row does not apply; a type stands as its table writes it.
    assert "`input` is int16; taken: int8" == first.message
    assert "`output` is int16; taken: int8" == last.message
    both = ask(DENSE, "FULLY_CONNECTED", [Y16, weights("int2", 8, 8), BIAS], [Y16])
    assert [
        "`input` is int16; taken: int8 | float32 | uint8",
        "`weights` is int2; taken: int8 symmetric per_tensor | int4 symmetric per_channel(0) | float32 | uint8 | "
        "int8 scale(1/256)",
        "`output` is int16; taken: int8 | float32 | uint8",
    ] == [reason.message for reason in both.reasons]


@pytest.mark.parametrize(
    ("source", "rank", "reasons"),
    [
        ("int8", 2, []),
        ("int16", 4, []),
        ("int8", 4, ["`rank <= 2` does not hold: `rank` is 4"]),
        ("uint8", 2, ["`input` is uint8; taken: int8 | int16", "`output` is uint8; taken: int8 | int16"]),
    ],
)
def test_one_of_two_rows_for_an_op_has_to_hold(source: str, rank: int, reasons: list[str]) -> None:
    x = T(source, (1,) * rank)

    told = [reason.message for reason in ask(DENSE, "ADD", [x, x], [x]).reasons]
    assert reasons == list(dict.fromkeys(told))


# ---- conditions that an op gives no meaning


@pytest.mark.parametrize(
    "rows",
    [
        "op MEAN when axes > 1 { input = int8 }",
        "op MEAN { input = int8 }\nop MEAN when axes > 1 { output = int8 }",
        "op MEAN { input = int8, require axes > 1 }",
        "op MEAN { input = int8, when axes > 1 { output = int8 } }",
        "op MEAN { input = int8 }\nop any when axes > 1 { require rank < 9 }",
        "op MEAN { input = int8 }\nop any { require axes > 1 }",
        "op MEAN { input = int8 }\nrefuse when axes > 1",
        "op MEAN { input = int8, warn when axes > 1 }",
    ],
)
def test_a_condition_without_meaning_is_a_reason_that_says_so(rows: str) -> None:
    verdict = ask(table_of(f"target npu {{ {rows} }}"), "MEAN", [X8, integers((1, 2))], [T("int8", (1, 8))])

    assert ["the tuple `(1, 2)` cannot be compared with the number `1`"] == [
        reason.message for reason in verdict.reasons if reason.broken
    ]
