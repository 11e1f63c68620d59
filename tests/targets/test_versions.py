"""The versions of ops as a plan stores them, against those that tensorflow-cpu 2.21.0 wrote for Keras layers."""

from __future__ import annotations

import pytest

from qspec.targets import version_of
from tests.targets.one_op import T, integers, judge, one_op, table_of, weights

X8, XF = T("int8", (1, 4, 4, 8)), T("float32", (1, 4, 4, 8))
BIAS = T("int32", (8,), True, scale=None)


def five(type: str) -> T:
    return T(type, (1, 2, 4, 4, 8))


@pytest.mark.parametrize(
    ("kind", "inputs", "outputs", "attributes", "version"),
    [
        ("CONV_2D", [X8, weights("int8", 8, 3, 3, 8, axis=0), BIAS], [X8], {}, 3),
        ("CONV_2D", [X8, weights("int8", 8, 3, 3, 4, axis=0), BIAS], [X8], {}, 6),
        ("CONV_2D", [XF, weights("float32", 8, 3, 3, 8), T("float32", (8,), True)], [XF], {}, 1),
        ("CONV_2D", [XF, weights("float32", 8, 3, 3, 4), T("float32", (8,), True)], [XF], {}, 6),
        ("DEPTHWISE_CONV_2D", [X8, weights("int8", 1, 3, 3, 8, axis=3), BIAS], [X8], {}, 3),
        ("FULLY_CONNECTED", [T("int8", (1, 16)), weights("int8", 8, 16), None], [T("int8", (1, 8))], {}, 4),
        ("FULLY_CONNECTED", [X8, weights("int8", 8, 8), BIAS], [X8], {"keep_num_dims": True}, 5),
        ("FULLY_CONNECTED", [XF, weights("float32", 8, 8), None], [XF], {"keep_num_dims": True}, 5),
        ("ADD", [X8, X8], [X8], {}, 2),
        ("MUL", [X8, X8], [X8], {}, 2),
        ("SUB", [five("int8"), T("int8", (1, 1, 1, 1, 8))], [five("int8")], {}, 3),
        ("PAD", [X8, integers(((0, 0),) * 4)], [X8], {}, 2),
        ("PAD", [five("int8"), integers(((0, 0),) * 5)], [five("int8")], {}, 4),
        ("PAD", [five("float32"), integers(((0, 0),) * 5)], [five("float32")], {}, 4),
        ("STRIDED_SLICE", [five("int8")], [five("int8")], {}, 4),
        ("TRANSPOSE", [five("int8"), integers((0, 1, 2, 3, 4))], [five("int8")], {}, 4),
        ("TRANSPOSE", [X8, integers((0, 2, 1, 3))], [X8], {}, 2),
        ("RESIZE_BILINEAR", [X8, integers((8, 8))], [X8], {"half_pixel_centers": True}, 3),
        ("RESIZE_NEAREST_NEIGHBOR", [XF, integers((8, 8))], [XF], {"half_pixel_centers": True}, 3),
        ("SPACE_TO_BATCH_ND", [T("int8", (1, 8, 4)), None], [T("int8", (2, 4, 4))], {}, 3),
        ("SPACE_TO_BATCH_ND", [X8, None], [X8], {}, 2),
        ("SOFTMAX", [X8], [X8], {}, 2),
        ("RELU_N1_TO_1", [X8], [X8], {}, 1),
        ("LEAKY_RELU", [X8], [X8], {}, 1),
        ("TILE", [X8, integers((1, 1, 1, 1))], [X8], {}, 3),
        ("GELU", [X8], [X8], {}, 2),
        ("RESHAPE", [X8, integers((1, 128))], [T("int8", (1, 128))], {}, 1),
        ("SPLIT", [integers(3), X8], [X8], {}, 2),
        ("QUANTIZE", [XF], [X8], {}, 1),
        ("QUANTIZE", [XF], [T("int16", (1, 4))], {}, 2),
        ("DEQUANTIZE", [X8], [XF], {}, 2),
        ("UNPACK", [X8], [X8], {}, 2),
        ("TRANSPOSE_CONV", [integers((1, 8, 8, 8)), weights("int8", 8, 3, 3, 8), X8, BIAS], [X8], {}, 3),
        (
            "TRANSPOSE_CONV",
            [integers((1, 8, 8, 8)), weights("int8", 8, 3, 3, 8), X8, BIAS],
            [X8],
            {"fused_activation_function": "RELU"},
            4,
        ),
        ("SHAPE", [T("int32", (1, 4))], [T("int32", (2,))], {}, 1),
        ("UNHEARD_OF", [X8], [X8], {}, None),
        ("HARD_SWISH", [T("int16", (1, 4))], [T("int16", (1, 4))], {}, None),
    ],
)
def test_version(
    kind: str, inputs: list[T | None], outputs: list[T], attributes: dict[str, object], version: int | None
) -> None:
    graph, made = one_op(kind, inputs, outputs, attributes)

    assert version == version_of(graph.ops[0], graph, lambda tensor: made[tensor].representation)


def test_a_product_larger_than_its_output_asks_for_a_newer_mul() -> None:
    coarse, fine = T("int8", (1, 4), scale=1.0), T("int8", (1, 4), scale=0.5)
    graph, made = one_op("MUL", [coarse, coarse], [fine])

    assert 3 == version_of(graph.ops[0], graph, lambda tensor: made[tensor].representation)


FOUR = weights("int4", 8, 3, 3, 8, axis=0)
GROUPED = weights("int8", 8, 3, 3, 4, axis=0)
SIX = T("int8", (1, 1, 2, 4, 4, 8))


@pytest.mark.parametrize(
    ("kind", "inputs", "outputs", "operand"),
    [
        ("CONV_2D", [X8, FOUR, BIAS], [X8], "weights"),
        ("CONV_2D", [X8, GROUPED, BIAS], [X8], ""),
        ("CONV_2D", [X8, weights("int4", 8, 3, 3, 4, axis=0), BIAS], [X8], ""),
        ("DEPTHWISE_CONV_2D", [X8, weights("int4", 1, 3, 3, 8, axis=3), BIAS], [X8], "weights"),
        ("FULLY_CONNECTED", [X8, weights("int4", 8, 8), BIAS], [X8], "weights"),
        ("TILE", [X8, integers((1, 1, 1, 1))], [X8], "output"),
        ("TRANSPOSE", [SIX, integers((0, 1, 2, 3, 5, 4))], [SIX], ""),
    ],
)
def test_a_refused_version_names_the_operand_whose_type_brings_it(
    kind: str, inputs: list[T | None], outputs: list[T], operand: str
) -> None:
    """Where groups or dimensions alone bring it, or bring it as well, no quantizer does."""
    (reason,) = judge("edgetpu", kind, inputs, outputs).reasons
    graph, _ = one_op(kind, inputs, outputs)
    (op,) = graph.ops

    assert operand == reason.operand
    assert {"weights": op.inputs[1], "output": op.outputs[0], "": None}[operand] == reason.cause(op)


def test_so_does_one_that_is_required() -> None:
    table = table_of('target npu { op TILE { require version <= 2 because "old" } }')
    graph, made = one_op("TILE", [X8, integers((1, 1, 1, 1))], [X8])

    (reason,) = table.judge(graph.ops[0], graph, lambda tensor: made[tensor].representation).reasons
    assert ("old", "output") == (reason.message, reason.operand)
    graph, made = one_op("TILE", [XF, integers((1, 1, 1, 1))], [XF])
    assert table.judge(graph.ops[0], graph, lambda tensor: made[tensor].representation).accepted
