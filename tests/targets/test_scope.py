"""What conditions can ask about the geometry of an op."""

from __future__ import annotations

from typing import Any

import pytest

from qspec.targets import Outcome
from tests.targets.one_op import T, integers, judge, one_op, table_of, weights


def holds(condition: str, kind: str, inputs: list[T], output: T, **attributes: Any) -> bool:
    """Whether *condition* is true of an op."""
    graph, made = one_op(kind, inputs, [output], attributes)
    table = table_of(f"target t {{ op {kind} {{ require {condition} }} }}")
    return table.judge(graph.ops[0], graph, lambda tensor: made[tensor].representation).accepted


# LiteRT's `tflite/kernels/padding.h`: outputs are ceil(input / stride), padding what the last window lacks.
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "padding", "padded"),
    [
        (8, 3, 1, 1, "SAME", 2),
        (8, 3, 2, 1, "SAME", 1),
        (9, 3, 2, 1, "SAME", 2),
        (8, 3, 1, 2, "SAME", 4),
        (8, 2, 2, 1, "SAME", 0),
        (8, 1, 4, 1, "SAME", 0),
        (8, 3, 1, 1, "VALID", 0),
    ],
)
def test_padding_of_a_convolution(
    size: int, kernel: int, stride: int, dilation: int, padding: str, padded: int
) -> None:
    out = -(-size // stride) if padding == "SAME" else size - 2
    attributes = {"padding": padding, "stride_h": stride, "stride_w": 1, "dilation_h_factor": dilation}
    inputs = [T("int8", (1, size, 8, 4)), weights("int8", 4, kernel, 1, 4)]

    assert holds(f"padded_h == {padded} and padded_w == 0", "CONV_2D", inputs, T("int8", (1, out, 8, 4)), **attributes)


def test_padding_of_a_pooling() -> None:
    attributes = {"filter_height": 3, "filter_width": 2, "stride_h": 2, "stride_w": 2, "padding": "SAME"}
    output = T("int8", (1, 4, 4, 4))

    assert holds("padded_h == 1 and padded_w == 0", "MAX_POOL_2D", [T("int8", (1, 8, 8, 4))], output, **attributes)


@pytest.mark.parametrize(
    ("source", "target", "aligned", "factor"),
    [(4, 8, False, 2), (5, 9, True, 2), (8, 4, False, 0.5), (5, 9, False, 1.8), (1, 1, True, 1)],
)
def test_factor_of_a_resize(source: int, target: int, aligned: bool, factor: float) -> None:
    inputs = [T("int8", (1, source, source, 4)), integers((target, target))]
    output = T("int8", (1, target, target, 4))

    assert holds(
        f"factor_h == {factor} and factor_w == {factor}", "RESIZE_BILINEAR", inputs, output, align_corners=aligned
    )


@pytest.mark.parametrize(("axes", "reduced"), [((1, 2), 15), ((-1,), 4), ((0, 1, 2, 3), 60), ((1, 1), 3), (2, 5)])
def test_elements_reduced(axes: Any, reduced: int) -> None:
    assert holds(f"reduced == {reduced}", "MEAN", [T("int8", (1, 3, 5, 4)), integers(axes)], T("int8", (1, 4)))


def test_what_is_not_known_does_not_hold() -> None:
    unknown = T("int8", (1, None, 8, 4))
    attributes = {"filter_height": 3, "stride_h": 1, "stride_w": 1}

    assert not holds("padded_h >= 0", "MAX_POOL_2D", [unknown], T("int8", (1, None, 8, 4)), **attributes)
    assert not holds("reduced >= 0", "MEAN", [unknown, integers((1, 2))], T("int8", (1, 4)))
    assert not holds("factor_h > 0", "RESIZE_BILINEAR", [unknown, integers((8, 8))], T("int8", (1, 8, 8, 4)))


def test_types_at_the_edges() -> None:
    comparison = [T("int8", (1, 8)), T("int8", (1, 8))]
    graph, _ = one_op("LESS", comparison, [T("bool", (1, 8), scale=None)])
    table = table_of('target t { model { refuse when "bool" in output_types or "bool" in input_types } }')

    assert Outcome.REFUSED is table.judge_model(graph).outcome


def test_a_microcontroller_runs_what_its_accelerator_leaves() -> None:
    verdict = judge("ethos_u", "LOG_SOFTMAX", [T("int8", (1, 8))], [T("int8", (1, 8), scale=1 / 16, zero_point=127)])

    assert Outcome.LEFT_TO_HOST is verdict.outcome


@pytest.mark.parametrize(
    ("kind", "left", "right", "fast"), [("ADD", (1, 8), (1, 8), True), ("ADD", (1, 8), (1, 1), False)]
)
def test_cmsis_nn_adds_without_broadcasting(kind: str, left: Any, right: Any, fast: bool) -> None:  # add.cc:136
    taken = judge("cmsis_nn", kind, [T("int8", left), T("int8", right)], [T("int8", (1, 8))]).accepted

    assert fast == taken


@pytest.mark.parametrize(("bias", "fast"), [("int64", True), ("int32", False)])
def test_cmsis_nn_and_the_bias_of_a_depthwise_convolution(bias: str, fast: bool) -> None:
    x = T("int16", (1, 4, 4, 8))
    operands = [x, weights("int8", 1, 3, 3, 8, axis=3), T(bias, (8,), True, scale=None)]

    assert fast == judge("cmsis_nn", "DEPTHWISE_CONV_2D", operands, [x]).accepted
