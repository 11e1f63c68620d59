"""What the runtime asks of a plan, against LiteRT's 8-bit quantization specification.

The specification: https://ai.google.dev/edge/litert/models/quantization_spec (int8_quantized_operator_specifications).
"""

from __future__ import annotations

import pytest

from qspec.targets import Constraints, Table
from tests.targets.one_op import T, integers, one_op, shipped, weights

XF = T("float32", (1, 4, 4, 8))


def asked(kind: str, inputs: list[T | None], outputs: list[T] | None = None, **attributes: object) -> Constraints:
    graph, _ = one_op(kind, inputs, outputs or [XF], attributes)
    return Table(shipped("tflite")).constraints(graph.ops[0], graph)


SPECIFIED_SAME = (
    "AVERAGE_POOL_2D MAX_POOL_2D RESHAPE RESIZE_BILINEAR SPACE_TO_DEPTH PAD GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND "
    "TRANSPOSE SQUEEZE SLICE"
)


@pytest.mark.parametrize("kind", SPECIFIED_SAME.split())
def test_input_and_output_share(kind: str) -> None:
    assert ((0, 1),) == asked(kind, [XF]).same_scale["int8"]


def test_every_input_shares_with_the_output() -> None:
    assert ((0, 1, 2, 3),) == asked("CONCATENATION", [XF, XF, XF]).same_scale["int8"]
    assert ((0, 1, 2),) == asked("MAXIMUM", [XF, XF]).same_scale["int16"]
    assert ((0, 2, 3),) == asked("PADV2", [XF, integers(((0, 0),) * 4), T("float32", (), True)]).same_scale["int8"]
    assert ((1, 2, 3),) == asked("SPLIT", [integers(3), XF], [XF, XF]).same_scale["int8"]


@pytest.mark.parametrize("kind", ["ADD", "MUL", "SUB", "MEAN", "RELU", "RELU6", "LOGISTIC", "LEAKY_RELU"])
def test_scales_of_their_own(kind: str) -> None:
    assert {} == asked(kind, [XF]).same_scale


def test_integers_share_nothing() -> None:
    index = T("int32", (1, 4))

    assert {} == asked("RESHAPE", [index, integers((4,))], [index]).same_scale


# Operator: restrictions on output 0 in the specification; int16 from the kernels (logistic and tanh use 16-bit tables).
FIXED = {
    "LOGISTIC": {"int8": (1.0 / 256, -128), "int16": (1.0 / 32768, 0), "uint8": (1.0 / 256, 0)},
    "SOFTMAX": {"int8": (1.0 / 256, -128), "int16": (1.0 / 32768, 0), "uint8": (1.0 / 256, 0)},
    "TANH": {"int8": (1.0 / 128, 0), "int16": (1.0 / 32768, 0), "uint8": (1.0 / 128, 128)},
    "L2_NORMALIZATION": {"int8": (1.0 / 128, 0), "uint8": (1.0 / 128, 128)},
    "LOG_SOFTMAX": {"int8": (16.0 / 256, 127), "uint8": (16.0 / 256, 255)},
    "RELU": {},
    "ADD": {},
}


@pytest.mark.parametrize(("kind", "fixed"), FIXED.items())
def test_fixed_outputs(kind: str, fixed: dict[str, tuple[float, int]]) -> None:
    assert fixed == asked(kind, [XF]).fixed


@pytest.mark.parametrize(
    ("kind", "shape", "axis"),
    [("CONV_2D", (8, 3, 3, 8), 0), ("DEPTHWISE_CONV_2D", (1, 3, 3, 8), 3), ("FULLY_CONNECTED", (8, 16), 0)],
)
def test_weights(kind: str, shape: tuple[int, ...], axis: int) -> None:
    kernel, bias = weights("float32", *shape), T("float32", (8,), True)
    found = asked(kind, [XF, kernel, bias])

    for activation in ("int8", "int16"):
        choices = found.granularities(1, activation, "int8")
        assert [("per_channel", axis), ("per_tensor", None)] == [
            (choice.granularity, choice.axis) for choice in choices
        ]
    assert {"int32"} == {choice.type for choice in found.granularities(2, "int8")}
    assert {"int64"} == {choice.type for choice in found.granularities(2, "int16")}


def test_a_constant_of_an_arithmetic_op_has_one_scale() -> None:
    (choice,) = asked("MUL", [XF, weights("float32", 8)]).granularities(1)

    assert ("per_tensor", None, "int8") == (choice.granularity, choice.axis, choice.type)


def test_an_activation_is_no_constant() -> None:
    assert () == asked("ADD", [XF, XF]).constants


def test_an_op_that_nobody_knows_asks_nothing() -> None:
    assert Constraints() == asked("UNHEARD_OF", [XF])
