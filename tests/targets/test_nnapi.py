"""The NNAPI table on both sides of each limit.

`nnapi_rules.json` holds what two sources say: the delegate's own acceptance, from which the rows were written, and the
rules of the NNAPI operations behind it, from Android's header. An op runs from the API level at which both take it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from qspec.graph.ops import OpGraph
from qspec.targets import Table, Verdict
from tests.targets.one_op import T, integers, judge, shipped, weights

RULES = json.loads(Path(__file__).with_name("nnapi_rules.json").read_text("utf-8"))
DELEGATE: Mapping[str, dict[str, Any]] = {entry["op"]: entry for entry in RULES["delegate"]}
OPERATIONS: Mapping[str, dict[str, Any]] = {entry["operation"]: entry for entry in RULES["operations"]}
TYPES = ("float32", "uint8", "int8", "int32", "bool")
LEVELS = [*((api, 4 if api < 31 else 5) for api in range(27, 35)), (34, 6), (34, 7), (34, 8)]

Case = tuple[Sequence[T | None], Sequence[T], Mapping[str, Any]]


def case(kind: str, type: str, output_scale: float = 0.1, output_zero_point: int = 0) -> Case:
    """A small op of *kind* over tensors of *type*: its operands, results and attributes."""
    x, y = T(type, (1, 4, 4, 8)), T(type, (1, 4, 4, 8), scale=output_scale, zero_point=output_zero_point)
    condition, result = T("bool", (1, 4, 4, 8)), T("bool", (1, 4, 4, 8))
    inputs, outputs = _MOVED.get(kind, [x]), [y]
    inputs = [x if operand is X else operand for operand in inputs]
    attributes: Mapping[str, Any] = {}
    match kind:
        case "CONV_2D" | "DEPTHWISE_CONV_2D" | "FULLY_CONNECTED" | "TRANSPOSE_CONV":
            inputs, outputs = _with_weights(kind, type)
        case "ADD" | "SUB" | "MUL" | "DIV" | "MAXIMUM" | "MINIMUM" | "SQUARED_DIFFERENCE" | "POW" | "CONCATENATION":
            inputs = [x, x]
        case "LOGICAL_AND" | "LOGICAL_OR":
            inputs = [x, x]
        case "EQUAL" | "NOT_EQUAL" | "LESS" | "LESS_EQUAL" | "GREATER" | "GREATER_EQUAL":
            inputs, outputs = [x, x], [result]
        case "SELECT":
            inputs = [condition, x, x]
        case "BATCH_MATMUL":
            inputs = [x, T(type, (1, 4, 8, 4))]
        case "PRELU":
            inputs = [x, T(type, (8,), True)]
        case "PADV2":
            inputs = [x, integers(((0, 0),) * 4), T(type, (), True)]
        case "ARG_MAX" | "ARG_MIN":
            outputs = [T("int32", (1, 4, 4), scale=None)]
        case "TOPK_V2":
            outputs = [y, T("int32", (1, 4, 4, 2), scale=None)]
        case "QUANTIZE":
            outputs = [T("uint8", (1, 4, 4, 8))]
        case "DEQUANTIZE":
            outputs = [T("float32", (1, 4, 4, 8), scale=None)]
        case "CAST":
            outputs = [T("float32", (1, 4, 4, 8), scale=None)]
        case "FILL":
            inputs = [integers((1, 4, 4, 8)), x]
        case "DENSIFY":
            inputs = [T(type, (4, 4), True)]
        case "EMBEDDING_LOOKUP":
            inputs = [integers((1, 2)), T(type, (4, 8))]
        case "RNN" | "UNIDIRECTIONAL_SEQUENCE_RNN" | "SVDF":
            inputs = [x] * 5
        case "RESIZE_BILINEAR" | "RESIZE_NEAREST_NEIGHBOR":
            outputs = [T(type, (1, 8, 8, 8))]
        case "SQUEEZE":
            attributes = {"squeeze_dims": (0,)}
        case "UNIDIRECTIONAL_SEQUENCE_LSTM":
            inputs = [x, *[T(type, (8, 8), True)] * 8]
        case "PACK":
            inputs, outputs, attributes = [x, x], [T(type, (1, 2, 4, 4, 8))], {"axis": 1}
        case "UNPACK":
            attributes = {"axis": 1}
    return inputs, outputs, attributes


X = T("float32", ())  # stands for the operand of the type in question
_MOVED: Mapping[str, Sequence[T]] = {
    "RESHAPE": [X, integers((1, 4, 4, 8))],
    "TRANSPOSE": [X, integers((0, 2, 1, 3))],
    "EXPAND_DIMS": [X, integers(0)],
    "TILE": [X, integers((1, 1, 1, 1))],
    "STRIDED_SLICE": [X, *[integers((0, 0, 0, 0))] * 3],
    "SLICE": [X, integers((0, 0, 0, 0)), integers((1, 4, 4, 8))],
    "SPLIT": [integers(3), X],
    "SPLIT_V": [X, integers((4, 4)), integers(3)],
    "GATHER": [X, T("int32", (2,), scale=None)],
    "TOPK_V2": [X, integers(2)],
    "ARG_MAX": [X, integers(3)],
    "ARG_MIN": [X, integers(3)],
    "PAD": [X, integers(((0, 0),) * 4)],
    "MIRROR_PAD": [X, integers(((0, 0),) * 4)],
    "SPACE_TO_BATCH_ND": [X, integers((2, 2)), integers(((0, 0), (0, 0)))],
    "BATCH_TO_SPACE_ND": [X, integers((1, 1)), integers(((0, 0), (0, 0)))],
    "REVERSE_V2": [X, integers((1,))],
    "RESIZE_BILINEAR": [X, integers((8, 8))],
    "RESIZE_NEAREST_NEIGHBOR": [X, integers((8, 8))],
    **{
        kind: [X, integers((1, 2))] for kind in ("MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ANY")
    },
}


def _with_weights(kind: str, type: str) -> tuple[list[T | None], list[T]]:
    dense = kind == "FULLY_CONNECTED"
    x, y = (T(type, (1, 8)), T(type, (1, 8))) if dense else (T(type, (1, 4, 4, 8)), T(type, (1, 4, 4, 8)))
    kernel = weights(type, 8, 8) if dense else weights(type, 1 if kind == "DEPTHWISE_CONV_2D" else 8, 1, 1, 8)
    floats = type.startswith("float")
    bias = T("float32" if floats else "int32", (8,), True, scale=None)
    return ([integers((1, 4, 4, 8)), kernel, x, bias] if kind == "TRANSPOSE_CONV" else [x, kernel, bias]), [y]


def taken(kind: str, type: str, level: tuple[int, int], version: int | None = 1) -> Verdict:
    fixed = [OPERATIONS[name].get("fixed_output", {}) for name in DELEGATE[kind]["operations"]]
    scale, zero_point = next((one[type] for one in fixed if type in one), (0.1, 0))
    inputs, outputs, attributes = case(kind, type, scale, zero_point)
    api, feature_level = level
    return judge("nnapi", kind, inputs, outputs, attributes, version, api=api, feature_level=feature_level)


def reached(first: int | str | None, level: tuple[int, int]) -> bool:
    """Whether *level* has what came with API level *first*, or with feature level `FLn`."""
    if first is None:
        return False
    return level[1] >= int(first[2:]) if isinstance(first, str) else level[0] >= first


# Where the delegate hands over what the operation of that name would not take yet, and why that goes well.
NOT_AS_THE_OPERATION = {
    ("CONCATENATION", "uint8"): "before API 29 too, if all scales are equal, which they are here",
    ("CONCATENATION", "int8"): "the same",
    ("HARD_SWISH", "float32"): "below API 30 the delegate writes it as other operations",
    ("HARD_SWISH", "uint8"): "the same",
    ("HARD_SWISH", "int8"): "the same",
    ("PACK", "float32"): "before feature level 6 the delegate writes it as a concatenation",
    ("PACK", "int8"): "the same",
    ("DEQUANTIZE", "int8"): "on API 29 int8 goes over as QUANT8_SYMM, with zero point 0",
    ("QUANTIZE", "int8"): "the delegate dequantizes an integer input first; on API 29 it gives uint8",
}


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: f"api {level[0]}, level {level[1]}")
@pytest.mark.parametrize("kind", DELEGATE)
def test_from_the_level_that_both_sources_name(kind: str, level: tuple[int, int]) -> None:
    entry = DELEGATE[kind]
    for type in TYPES:
        expected = reached(entry["first_api"].get(type), level)
        if expected and (kind, type) not in NOT_AS_THE_OPERATION:
            for name in entry["operations"]:
                first = OPERATIONS[name]["first_api"]
                as_uint8 = type == "int8" and level[0] < 30 and entry["int8_as_uint8"]
                expected &= reached(first.get("uint8" if as_uint8 else type), level)
        verdict = taken(kind, type, level)

        assert expected == verdict.accepted, (type, [reason.message for reason in verdict.reasons])


@pytest.mark.parametrize("kind", DELEGATE)
def test_up_to_the_version_that_the_delegate_knows(kind: str) -> None:
    newest = DELEGATE[kind]["max_version"]
    type = next(type for type in TYPES if type in DELEGATE[kind]["first_api"])

    assert taken(kind, type, (34, 8), newest or 9).accepted
    if newest is not None:
        assert not taken(kind, type, (34, 8), newest + 1).accepted


@pytest.mark.parametrize("kind", DELEGATE)
def test_int8_ops_as_a_writer_writes_them(kind: str) -> None:
    accepted = {"accepts": True, "refuses_type": False, "refuses_version": False, "accepts_only_versions_up_to_2": True}
    expected = accepted.get(DELEGATE[kind]["int8_file"], True)

    assert expected == taken(kind, "int8", (34, 8), version=None).accepted


@pytest.mark.parametrize("kind", [kind for kind in DELEGATE if kind not in ("MEAN", "PACK")])
def test_one_scale_where_the_operation_wants_it(kind: str) -> None:
    wanted = any(OPERATIONS[name].get("same_scale") for name in DELEGATE[kind]["operations"])
    if not wanted or "int8" not in DELEGATE[kind]["first_api"] or not taken(kind, "int8", (34, 8)).accepted:
        return
    inputs, outputs, attributes = case(kind, "int8")
    other = [T(one.type, one.shape, scale=0.2) for one in outputs]

    assert not judge("nnapi", kind, inputs, other, attributes, 1, api=34, feature_level=8).accepted


@pytest.mark.parametrize(("kind", "type"), NOT_AS_THE_OPERATION)
def test_an_exception_is_one(kind: str, type: str) -> None:
    entry = DELEGATE[kind]
    firsts = [OPERATIONS[name]["first_api"].get(type) for name in entry["operations"]]

    assert any(
        reached(entry["first_api"][type], level) and not all(reached(first, level) for first in firsts)
        for level in LEVELS
    )


@pytest.mark.parametrize(
    ("kind", "inputs", "outputs", "attributes", "accepted"),
    [
        ("MUL", [0.1, 0.1], 0.02, {}, True),
        ("MUL", [0.1, 0.1], 0.01, {}, False),  # operation 18: the output's scale exceeds the product
        ("MUL", [0.1, 0.1], None, {}, True),  # not known before calibration
        ("ADD", [0.1, 0.1], 0.01, {}, True),
    ],
)
def test_scales_of_a_product(
    kind: str, inputs: list[float], outputs: float | None, attributes: Mapping[str, Any], accepted: bool
) -> None:
    operands = [T("int8", (1, 8), scale=scale) for scale in inputs]
    verdict = judge("nnapi", kind, operands, [T("int8", (1, 8), scale=outputs)], attributes)

    assert accepted == verdict.accepted


@pytest.mark.parametrize(("crops", "accepted"), [(((0, 0), (0, 0)), True), (((0, 1), (0, 0)), False)])
def test_crops_are_zeros(crops: Any, accepted: bool) -> None:  # delegate:2945
    x = T("int8", (4, 4, 4, 8))
    inputs = [x, integers((2, 2)), integers(crops)]

    assert accepted == judge("nnapi", "BATCH_TO_SPACE_ND", inputs, [T("int8", (1, 8, 8, 8))], version=2).accepted


@pytest.mark.parametrize(("batches", "accepted"), [((2, 2), True), ((2, 1), False)])
def test_no_broadcast_in_a_matrix_product(batches: tuple[int, int], accepted: bool) -> None:  # delegate:3602
    one, other = T("int8", (batches[0], 4, 8)), T("int8", (batches[1], 8, 4))
    verdict = judge("nnapi", "BATCH_MATMUL", [one, other], [T("int8", (2, 4, 4))], api=34, feature_level=6)

    assert accepted == verdict.accepted


@pytest.mark.parametrize(("axis", "level", "accepted"), [(1, 5, True), (4, 5, False), (-1, 5, False), (4, 6, True)])
def test_packing_along_the_last_axis(axis: int, level: int, accepted: bool) -> None:  # delegate:3540
    x, y = T("int8", (1, 4, 4, 8)), T("int8", (1, 4, 4, 8, 2))
    verdict = judge("nnapi", "PACK", [x, x], [y], {"axis": axis}, 2, api=34, feature_level=level)

    assert accepted == verdict.accepted


@pytest.mark.parametrize(("api", "level", "accepted"), [(30, 5, True), (30, 6, False), (31, 6, True)])
def test_levels_apart_from_android_begin_with_31(api: int, level: int, accepted: bool) -> None:
    graph = OpGraph((), (), (), ())

    assert accepted == Table(shipped("nnapi"), {"api": api, "feature_level": level}).judge_model(graph).accepted
