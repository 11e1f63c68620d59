"""What `cmsis_nn` speeds up, on both sides of each limit of the kernels that call CMSIS-NN.

No Cortex-M here: what is expected is read from tensorflow/tflite-micro 90b983c, tensorflow/lite/micro/kernels/cmsis_nn
and the files that it shares with the reference kernels; each table of cases names the lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from qspec.schema.target import Form, Group, Row
from qspec.targets import Outcome, Table, Verdict
from tests.targets.one_op import T, integers, shipped
from tests.targets.op_cases import (
    MAKERS,
    WEIGHTED,
    activation,
    case_of,
    convolution,
    dense,
    every_case,
    far_bias,
    matmul,
    varied_cases,
    weights_of,
)
from tests.targets.op_files import OpCase, stored_as


def judged(case: OpCase, target: str = "cmsis_nn") -> Verdict:
    graph, made = case.graph()
    return Table(shipped(target)).judge(graph.ops[0], graph, lambda tensor: stored_as(made[tensor]))


def output_of(case: OpCase, **changes: object) -> OpCase:
    return replace(case, outputs=[replace(made, **changes) for made in case.outputs])  # type: ignore[arg-type]


def input_of(case: OpCase, position: int, **changes: object) -> OpCase:
    made = case.inputs[position]
    assert made is not None
    other = replace(made, **changes)  # type: ignore[arg-type]
    return replace(case, inputs=[*case.inputs[:position], other, *case.inputs[position + 1 :]])


# ---- weights: which schemes call an arm_ function

SCHEMES = {
    # conv.cc:446-469: int8 beside int8 or int4 weights, int16 beside int8 ones and a bias of either width
    "CONV_2D": {"i8", "i8pc", "i8w4", "i8w4pc", "i16x8", "i16x8pt", "i16x8_b32"},
    # depthwise_conv.cc:405-428: likewise; arm_depthwise_conv_s16 reads a bias of int64
    "DEPTHWISE_CONV_2D": {"i8", "i8pc", "i8w4", "i8w4pc", "i16x8", "i16x8pt"},
    # transpose_conv.cc:432-462: int8 alone; int16 calls reference_integer_ops::TransposeConv
    "TRANSPOSE_CONV": {"i8", "i8pc"},
    # fully_connected.cc:117: scales per channel beside int8 weights and activations only
    "FULLY_CONNECTED": {"i8", "i8pc", "i8w4", "i16x8pt"},
}


@pytest.mark.parametrize("kind", SCHEMES)
def test_schemes_of_weights(kind: str) -> None:
    def make(scheme: str) -> OpCase:
        return dense(scheme) if kind == "FULLY_CONNECTED" else convolution(kind, scheme)

    assert SCHEMES[kind] == {scheme for scheme in WEIGHTED if judged(make(scheme)).accepted}


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_zero_points_of_int16(kind: str) -> None:  # conv.cc:158, depthwise_conv.cc:105, fully_connected.cc:124
    case = dense("i16x8pt") if kind == "FULLY_CONNECTED" else convolution(kind, "i16x8")

    assert judged(case).accepted
    assert not judged(input_of(case, 0, zero_point=1, scheme="asymmetric")).accepted
    assert not judged(output_of(case, zero_point=1, scheme="asymmetric")).accepted


@pytest.mark.parametrize(
    ("scheme", "accepted"), [("i8", False), ("i8pc", True), ("i16x8pt", False)]
)  # fully_connected_common.cc:118, :138: one scale of weights is checked against the bias, several are not
def test_a_bias_of_a_scale_far_off(scheme: str, accepted: bool) -> None:
    assert accepted == judged(far_bias(dense(scheme))).accepted
    assert judged(dense(scheme)).accepted


def test_without_bias() -> None:
    """The arm_ functions take a bias or none (`GetOptionalTensorData` in conv.cc:318, depthwise_conv.cc:226)."""
    for kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"):
        assert judged(convolution(kind, "i8pc", bias=False)).accepted
    assert judged(dense("i8", bias=False)).accepted


# ---- types of everything else

TYPES = ("float32", "float16", "int8", "uint8", "int16", "int4", "int32", "int64", "bool")
TAKEN = {
    "ADD": {"int8", "int16"},  # add.cc:262
    "MUL": {"int8", "int16"},  # mul.cc:51
    "MAXIMUM": {"int8"},  # maximum_minimum.cc:57
    "MINIMUM": {"int8"},  # maximum_minimum.cc:143
    "AVERAGE_POOL_2D": {"int8", "int16"},  # pooling.cc:95
    "MAX_POOL_2D": {"int8", "int16"},  # pooling.cc:131
    "SOFTMAX": {"int8", "int16"},  # softmax.cc:106, :124
    "PAD": {"int8"},  # pad.cc:106
    "PADV2": {"int8"},  # pad.cc:106
    "TRANSPOSE": {"int8"},  # transpose.cc:82
}


def test_types() -> None:
    found = {kind: {type for type in TYPES if judged(case_of(kind, type)).accepted} for kind in MAKERS}

    assert TAKEN == {kind: types for kind, types in found.items() if types}
    assert {"int8", "int16"} == {type for type in TYPES if judged(matmul(type)).accepted}  # batch_matmul.cc:517-519


def test_kinds() -> None:
    """Every kernel of the folder has a row, and no other op has."""
    folder = {
        "add": "ADD",
        "batch_matmul": "BATCH_MATMUL",
        "conv": "CONV_2D",
        "depthwise_conv": "DEPTHWISE_CONV_2D",
        "fully_connected": "FULLY_CONNECTED",
        "maximum_minimum": "MAXIMUM MINIMUM",
        "mul": "MUL",
        "pad": "PAD PADV2",
        "pooling": "AVERAGE_POOL_2D MAX_POOL_2D",
        "softmax": "SOFTMAX",
        "svdf": "SVDF",
        "transpose": "TRANSPOSE",
        "transpose_conv": "TRANSPOSE_CONV",
        "unidirectional_sequence_lstm": "UNIDIRECTIONAL_SEQUENCE_LSTM",
    }
    kernels = {kind for kinds in folder.values() for kind in kinds.split()}

    assert kernels == {kind for row in shipped("cmsis_nn").rows for kind in row.kinds}


# ---- shapes and parameters

X8 = activation("int8", 1, 4, 4, 8)
RANKS = {
    rank: activation("int8", *shape)
    for rank, shape in ((1, (8,)), (2, (4, 8)), (4, (1, 4, 4, 8)), (5, (1, 1, 4, 4, 8)))
}


def two(kind: str, left: T, right: T, type: str = "int8") -> OpCase:
    shape = max(left.shape, right.shape, key=len)
    return OpCase(kind, [left, right], [activation(type, *shape, factor=1 if kind[:2] == "MA" else 2)])


def plain(kind: str, source: T, *operands: T) -> OpCase:
    return OpCase(kind, [source, *operands], [source])


def product(*lead: int) -> OpCase:
    left, right = activation("int8", *lead, 4, 6), activation("int8", *lead, 6, 8)
    return OpCase("BATCH_MATMUL", [left, right], [activation("int8", *lead, 4, 8, factor=8)])


def nothing(rank: int) -> T:
    return integers(((0, 0),) * rank)


I16 = activation("int16", 1, 4, 4, 8)
SHIFTED = replace(I16, zero_point=1, scheme="asymmetric")
VALUE = replace(activation("int8"), constant=True)
SOFT = case_of("SOFTMAX", "int8")
SOFT16 = case_of("SOFTMAX", "int16")
POOL = case_of("AVERAGE_POOL_2D", "int8")
POOL_MAX = case_of("MAX_POOL_2D", "int16")


def mixed_softmax(scale: float, zero_point: int) -> OpCase:
    output = T("int16", (1, 4, 4, 8), scale=scale, zero_point=zero_point, scheme="asymmetric")
    return replace(SOFT, outputs=[output])


LIMITS = [
    # add.cc:136, mul.cc:50: ProcessBroadcastShapes sends different shapes to the reference kernel
    (two("ADD", X8, X8), True),
    (two("ADD", X8, activation("int8", 1, 1, 1, 8)), False),
    (two("ADD", X8, activation("int8", 8)), False),
    (two("MUL", X8, X8), True),
    (two("MUL", X8, activation("int8", 1, 1, 1, 8)), False),
    # add.cc:314, mul_common.cc:71: int16 has no zero points
    (two("ADD", I16, I16, "int16"), True),
    (two("ADD", I16, SHIFTED, "int16"), False),
    (two("MUL", I16, I16, "int16"), True),
    (two("MUL", SHIFTED, I16, "int16"), False),
    (output_of(two("MUL", I16, I16, "int16"), zero_point=1), False),
    # maximum_minimum.cc:32: shapes are extended to four dimensions, and broadcast in the function itself
    (two("MAXIMUM", X8, activation("int8", 1, 1, 1, 8)), True),
    (two("MINIMUM", RANKS[4], RANKS[1]), True),
    (two("MAXIMUM", RANKS[5], RANKS[5]), False),
    # batch_matmul.cc:218-221: ranks 2 to 4; :319 int16 without zero points
    (product(), True),
    (product(2, 3), True),
    (product(1, 2, 3), False),
    (matmul("int16"), True),
    (input_of(matmul("int16"), 0, zero_point=1, scheme="asymmetric"), False),
    (output_of(matmul("int16"), zero_point=1, scheme="asymmetric"), False),
    # pad.cc:52-68: four dimensions at most; pad_common.cc:108: the value has the output's parameters
    (plain("PAD", RANKS[1], nothing(1)), True),
    (plain("PAD", RANKS[4], nothing(4)), True),
    (plain("PAD", RANKS[5], nothing(5)), False),
    (plain("PADV2", RANKS[4], nothing(4), VALUE), True),
    (plain("PADV2", RANKS[5], nothing(5), VALUE), False),
    (plain("PADV2", RANKS[4], nothing(4), replace(VALUE, zero_point=0)), False),
    (plain("PADV2", RANKS[4], nothing(4), replace(VALUE, scale=1.0)), False),
    # transpose.cc:30
    (plain("TRANSPOSE", RANKS[4], integers((0, 1, 2, 3))), True),
    (plain("TRANSPOSE", RANKS[5], integers((0, 1, 2, 3, 4))), False),
    # pooling_common.cc:73
    (POOL, True),
    (output_of(POOL, scale=1.0), False),
    (output_of(POOL, zero_point=4), False),
    (output_of(POOL_MAX, scale=1.0), False),
    # softmax_common.cc:91-105: what the output must be like
    (SOFT, True),
    (output_of(SOFT, scale=1 / 255), False),
    (output_of(SOFT, zero_point=0), False),
    (mixed_softmax(1 / 65536, -32768), True),
    (mixed_softmax(1 / 32768, 0), False),
    (SOFT16, True),
    (output_of(SOFT16, scale=1 / 65536), False),
    (input_of(SOFT16, 0, zero_point=1, scheme="asymmetric"), False),
]


@pytest.mark.parametrize(("case", "accelerated"), LIMITS, ids=[f"{n} {case}" for n, (case, _) in enumerate(LIMITS)])
def test_both_sides_of_a_limit(case: OpCase, accelerated: bool) -> None:
    assert (Outcome.ACCEPTED if accelerated else Outcome.LEFT_TO_HOST) is judged(case).outcome


def recurrent(kind: str, activations: str, weights: str, state: str) -> OpCase:
    """An SVDF or UNIDIRECTIONAL_SEQUENCE_LSTM as far as the table asks: types by operand."""
    x, y = activation(activations, 1, 5, 4), activation(activations, 1, 5, 3)
    kernel, variable = weights_of(weights, 3, 4), activation(state, 1, 3)
    if kind == "SVDF":
        return OpCase(kind, [x, kernel, kernel, None, variable], [y])
    weights_and_peepholes: list[T | None] = [*[kernel] * 8, *[None] * 3, *[None] * 4, *[None] * 2]
    return OpCase(kind, [x, *weights_and_peepholes, variable, variable, *[None] * 4], [y])


def test_recurrent_kernels() -> None:
    taken = {
        (kind, *types)
        for kind in ("SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM")
        for types in (
            ("int8", "int8", "int16"),
            ("int16", "int8", "int16"),
            ("float32", "float32", "float32"),
            ("int8", "int8", "int8"),
        )
        if judged(recurrent(kind, *types)).accepted
    }

    assert taken == {
        ("SVDF", "int8", "int8", "int16"),  # svdf.cc:139-144: a state of int8 or int16
        ("SVDF", "int8", "int8", "int8"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", "int8", "int8", "int16"),  # unidirectional_sequence_lstm.cc:383, :397
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", "int16", "int8", "int16"),
    }


# ---- beside the host

CASES = [*every_case(), *varied_cases()]


def test_what_it_speeds_up_runs_at_all() -> None:
    """An op that stops LiteRT for Microcontrollers is not sped up. The reference kernel of a depthwise convolution
    crashes without a bias, CMSIS-NN's does not."""
    stopped = [case for case in CASES if judged(case).accepted and not judged(case, "tflm").accepted]

    assert set() == {(case.kind, "no bias" in case.note) for case in stopped} - {("DEPTHWISE_CONV_2D", True)}


def test_wrong_numbers_are_warned_of_as_on_the_host() -> None:
    """The code before the arm_ functions is that of the reference kernels, and so are its mistakes; the rough int16
    SOFTMAX is the reference kernel's own."""
    for case in CASES:
        fast, host = judged(case), judged(case, "tflm")
        if fast.accepted and host.accepted:
            shared = {warning.message for warning in host.warnings if "int16 kernel is rough" not in warning.message}
            assert shared == {warning.message for warning in fast.warnings if "int4" not in warning.message}, str(case)


def warnings_of(part: Row | Form | Group) -> Iterator[str]:
    yield from (condition.reason for condition in part.conditions if condition.kind == "warn")
    for inner in (*getattr(part, "forms", ()), *part.groups):
        yield from warnings_of(inner)


def test_every_warning_can_be_seen() -> None:
    promised = {message for row in shipped("cmsis_nn").rows for message in warnings_of(row)}
    far_from_zero = {"zero_point": 7, "scheme": "asymmetric"}
    wide = [input_of(dense(scheme), 1, **far_from_zero) for scheme in ("i8w4", "i16x8pt")]
    seen = {warning.message for case in (*CASES, *wide) for warning in judged(case).warnings}

    assert promised == seen
