"""The XNNPACK table against what the interpreter's own delegate takes, op by op and in whole graphs."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from qspec.targets import Outcome as Answer
from qspec.targets import place
from qspec.targets.table import Table
from tests.targets.observed import Observed, observed
from tests.targets.one_op import Builder, T, integers, judge, shipped, weights
from tests.targets.one_op_file import flatbuffer, graph_file
from tests.targets.runtime import DELEGATE, KERNELS, Outcome, outcomes
from tests.versions import LITERT_OF_THE_TABLES

pytestmark = LITERT_OF_THE_TABLES

pytest.importorskip("ai_edge_litert.interpreter")

XF, X8 = T("float32", (1, 4, 4, 8)), T("int8", (1, 4, 4, 8))


def by_delegate() -> list[Observed]:
    """Every case but constants that are unpacked: alone in a model they have nobody to be unpacked for."""
    return [one for one in observed(DELEGATE) if not alone(one)]


def alone(one: Observed) -> bool:
    return all(made is None or made.constant for made in one.case.inputs)


def test_what_is_predicted_is_what_the_delegate_takes() -> None:
    differ = []
    for one in by_delegate():
        outcome = one.verdict("xnnpack").outcome
        if isinstance(one.outcome, str):
            continue
        # Types that do not belong together go to the delegate as well, and come out wrong: no table takes those.
        wrong = one.delegated and one.status == "wrong" and outcome is Answer.LEFT_TO_HOST
        if not wrong and one.delegated != (outcome is Answer.ACCEPTED):
            differ.append((str(one.case), one.delegated, outcome))

    assert [] == differ


def test_a_model_that_the_delegate_breaks_is_not_taken() -> None:
    """What the kernels run and the delegate fails to prepare."""
    pairs = zip(observed(KERNELS), observed(DELEGATE), strict=True)
    both = [(kernel.outcome, one) for kernel, one in pairs if not alone(one)]
    broken = [one for kernel, one in both if isinstance(one.outcome, str) and not isinstance(kernel, str)]

    assert len(broken) > 50
    assert [] == [str(one.case) for one in broken if one.verdict("xnnpack").accepted]
    refused = {one.case.kind for one in broken if one.verdict("xnnpack").outcome is Answer.REFUSED}
    assert {"MAX_POOL_2D", "RESIZE_BILINEAR", "TRANSPOSE", "PAD", "SLICE", "STRIDED_SLICE", "SPLIT"} <= refused


def test_what_is_taken_is_right_or_warned_of() -> None:
    per_channel_bias = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"}
    wrong = [
        one for one in by_delegate() if one.delegated and one.status == "wrong" and one.verdict("xnnpack").accepted
    ]

    unwarned = {one.case.kind for one in wrong if not one.verdict("xnnpack").warnings}
    assert unwarned <= per_channel_bias  # a row can speak of one scale, not of many


def scaled(type: str, scale: float, *shape: int) -> T:
    return T(type, shape or (1, 4, 4, 8), scale=scale)


POOL = {"stride_w": 1, "stride_h": 1, "filter_width": 2, "filter_height": 2, "padding": "SAME"}
DENSE = [T("int8", (1, 16)), weights("int8", 8, 16), T("int32", (8,), True, scale=0.001)]
SLICED = (integers((0, 0, 0, 0)), integers((1, 4, 4, 8)))


def pairs(kind: str, first: float, second: float, output: float) -> tuple[str, list[Any], list[T], dict[str, Any]]:
    return kind, [scaled("int8", first), scaled("int8", second)], [scaled("int8", output)], {}


# Each limit from both sides.
BOUNDARIES: list[tuple[str, list[Any], list[T], dict[str, Any]]] = [
    pairs("ADD", 0.1, 0.1, 0.1),
    pairs("ADD", 255.0, 1.0, 1.0),
    pairs("ADD", 257.0, 1.0, 1.0),
    pairs("ADD", 1.0, 1.0, 1000.0),
    pairs("ADD", 1.0, 1.0, 1100.0),
    pairs("SUB", 1.0, 257.0, 1.0),
    pairs("MUL", 16.0, 15.0, 1.0),
    pairs("MUL", 16.0, 17.0, 1.0),
    pairs("MUL", 1.0, 1.0, 65000.0),
    pairs("MUL", 1.0, 1.0, 66000.0),
    ("LEAKY_RELU", [scaled("int8", 127.0)], [scaled("int8", 1.0)], {"alpha": 0.5}),
    ("LEAKY_RELU", [scaled("int8", 129.0)], [scaled("int8", 1.0)], {"alpha": 0.5}),
    ("LEAKY_RELU", [X8], [X8], {"alpha": 0.005}),
    ("LEAKY_RELU", [X8], [X8], {"alpha": 0.003}),
    ("LEAKY_RELU", [X8], [X8], {"alpha": -0.5}),
    ("LEAKY_RELU", [XF], [XF], {"alpha": 0.0}),
    ("QUANTIZE", [scaled("int8", 127.0)], [scaled("int8", 1.0)], {}),
    ("QUANTIZE", [scaled("int8", 129.0)], [scaled("int8", 1.0)], {}),
    ("QUANTIZE", [scaled("int8", 1.0)], [scaled("int8", 255.0)], {}),
    ("QUANTIZE", [scaled("int8", 1.0)], [scaled("int8", 257.0)], {}),
    ("MAX_POOL_2D", [X8], [X8], POOL),
    ("MAX_POOL_2D", [X8], [T("int8", (1, 2, 2, 8))], {**POOL, "stride_w": 2, "stride_h": 2}),
    ("MAX_POOL_2D", [X8], [T("int8", (1, 2, 2, 8))], {**POOL, "stride_w": 3, "stride_h": 3}),
    ("MAX_POOL_2D", [X8], [X8], {**POOL, "filter_width": 1, "filter_height": 1}),
    ("MAX_POOL_2D", [X8], [X8], {**POOL, "fused_activation_function": "RELU6"}),
    ("MAX_POOL_2D", [X8], [X8], {**POOL, "fused_activation_function": "TANH"}),
    ("AVERAGE_POOL_2D", [XF], [T("float32", (1, 2, 2, 8))], {**POOL, "stride_w": 3, "stride_h": 3}),
    ("ADD", [X8, X8], [X8], {"fused_activation_function": "SIGN_BIT"}),
    ("SOFTMAX", [XF], [XF], {"beta": 1.0}),
    ("SOFTMAX", [XF], [XF], {"beta": 2.0}),
    ("FULLY_CONNECTED", DENSE, [T("int8", (1, 8))], {}),
    ("FULLY_CONNECTED", [DENSE[0], T("int8", (8, 16)), DENSE[2]], [T("int8", (1, 8))], {}),
    ("FULLY_CONNECTED", [DENSE[0], weights("int4", 8, 16), DENSE[2]], [T("int8", (1, 8))], {}),
    ("FULLY_CONNECTED", [T("int8", (1, 15)), weights("int4", 8, 15), DENSE[2]], [T("int8", (1, 8))], {}),
    ("BATCH_MATMUL", [T("float32", (2, 8, 3)), T("float32", (2, 8, 5))], [T("float32", (2, 3, 5))], {"adj_x": True}),
    ("CONCATENATION", [X8] * 5, [T("int8", (1, 4, 4, 40))], {"axis": 3}),
    ("CONCATENATION", [X8] * 6, [T("int8", (1, 4, 4, 48))], {"axis": 3}),
    ("CONCATENATION", [X8], [X8], {"axis": 3}),
    ("SPLIT", [integers(3), X8], [T("int8", (1, 4, 4, 2))] * 4, {"num_splits": 4}),
    ("SPLIT", [integers(3), X8], [T("int8", (1, 4, 4, 1))] * 8, {"num_splits": 8}),
    ("RESHAPE", [X8, integers((1, 2, 2, 2, 2, 8))], [T("int8", (1, 2, 2, 2, 2, 8))], {}),
    ("RESHAPE", [X8, integers((1, 1, 2, 2, 2, 2, 8))], [T("int8", (1, 1, 2, 2, 2, 2, 8))], {}),
    ("ABS", [T("float32", (1, 1, 2, 2, 2, 2))], [T("float32", (1, 1, 2, 2, 2, 2))], {}),
    ("ABS", [T("float32", (1, 1, 1, 2, 2, 2, 2))], [T("float32", (1, 1, 1, 2, 2, 2, 2))], {}),
    ("MEAN", [X8, integers((1, 2))], [T("int8", (1, 8))], {}),
    ("MEAN", [X8, T("int32", (2,), scale=None)], [T("int8", (1, 8))], {}),
    ("SLICE", [X8, *SLICED], [X8], {}),
    ("SLICE", [X8, SLICED[0], integers((1, -1, 4, 8))], [X8], {}),
    ("STRIDED_SLICE", [X8, *SLICED, integers((1, 1, 1, 1))], [X8], {}),
    ("STRIDED_SLICE", [X8, *SLICED, integers((1, 1, 1, 1))], [X8], {"begin_mask": 15}),
    ("STRIDED_SLICE", [X8, *SLICED, integers((1, 1, 1, 1))], [T("int8", (4, 4, 8))], {"shrink_axis_mask": 1}),
    ("TRANSPOSE", [X8, integers((0, 2, 1, 3))], [X8], {}),
    ("TRANSPOSE", [X8, T("int32", (4,), scale=None)], [X8], {}),
]


@cache
def limits() -> list[Outcome]:
    """What the delegate does at each boundary."""
    jobs = []
    for kind, inputs, outputs, attributes in BOUNDARIES:
        read = [made for made in inputs if made is not None and not made.constant]
        values = [np.full(made.shape, made.zero_point, made.type) for made in read]
        jobs.append((flatbuffer(kind, inputs, outputs, attributes), values))
    return outcomes(jobs, DELEGATE)


@pytest.mark.parametrize("number", range(len(BOUNDARIES)), ids=lambda number: f"{BOUNDARIES[number][0]}-{number}")
def test_limits(number: int) -> None:
    outcome = limits()[number]
    delegated = not isinstance(outcome, str) and "DELEGATE" in outcome[1]

    assert delegated == judge("xnnpack", *BOUNDARIES[number]).accepted, outcome


# ---- whole graphs


def grown(seed: int, size: int = 14) -> Builder:
    """A random graph of one input and shape, of ops that the delegate takes and of ops that it leaves."""
    random, builder = np.random.default_rng(seed), Builder()
    builder.tensor("x0", X8)
    for index in range(size):
        recent = max(0, index - 4)
        one, other = (f"x{random.integers(recent, index, endpoint=True)}" for _ in range(2))
        kind = random.choice(["ADD", "MUL", "CONV_2D", "LOGISTIC", "RELU", "HARD_SWISH", "MAXIMUM"])
        result = f"x{index + 1}"
        if kind == "CONV_2D":
            builder.tensor(f"w{index}", weights("int8", 8, 1, 1, 8, axis=0))
            builder.tensor(f"b{index}", T("int32", (8,), True, axis=0, scale=0.001))
            one = f"{one} w{index} b{index}"
        elif kind == "LOGISTIC":
            builder.tensor(result, T("int8", X8.shape, scale=1 / 256, zero_point=-128))
        read = f"{one} {other}" if kind in ("ADD", "MUL", "MAXIMUM") else one
        builder.op(kind, read, result, stride_w=1, stride_h=1, padding="SAME")
    return builder


def ends(builder: Builder) -> str:
    """What no op reads."""
    read = {tensor for op in builder.ops for tensor in op.inputs}
    return " ".join(name for name in builder.tensors if name.startswith("x") and builder.id(name) not in read)


def partitions(builders: list[tuple[Builder, str, str]]) -> list[tuple[int, int | str]]:
    """Of each graph, with its inputs and outputs, the predicted number and the one that the interpreter makes."""
    jobs, predicted = [], []
    for builder, inputs, outputs in builders:
        graph = builder.graph(inputs, outputs)
        made = list(builder.tensors.values())
        jobs.append((graph_file(graph, made), [np.zeros(made[one].shape, made[one].type) for one in graph.inputs]))
        predicted.append(place(Table(shipped("xnnpack")), graph, builder.representation).partitions)
    found = [one if isinstance(one, str) else one[1].count("DELEGATE") for one in outcomes(jobs, DELEGATE)]
    return list(zip(predicted, found, strict=True))


def test_partitions_of_random_graphs() -> None:
    seeds = range(150)
    builders = [grown(seed) for seed in seeds]
    found = partitions([(builder, "x0", ends(builder)) for builder in builders])

    assert [] == [(seed, pair) for seed, pair in zip(seeds, found, strict=True) if pair[0] != pair[1]]
    assert {1, 2, 3, 4} <= {predicted for predicted, _ in found}


def test_a_model_with_integer_pooling_and_softmax() -> None:
    builder = Builder()
    builder.tensor("w", weights("int8", 8, 1, 1, 8, axis=0))
    builder.tensor("b", T("int32", (8,), True, axis=0, scale=0.001))
    builder.tensor("axes", integers((1, 2)))
    builder.tensor("pooled", T("int8", (1, 2, 2, 8)))
    builder.tensor("mean", T("int8", (1, 8)))
    builder.tensor("out", T("int8", (1, 8), scale=1 / 256, zero_point=-128))
    builder.op("CONV_2D", "x w b", "y", stride_w=1, stride_h=1, padding="SAME")
    builder.op("AVERAGE_POOL_2D", "y", "pooled", **{**POOL, "stride_w": 2, "stride_h": 2})
    builder.op("MEAN", "pooled axes", "mean")
    builder.op("SOFTMAX", "mean", "out", beta=1.0)

    assert [(2, 2)] == partitions([(builder, "x", "out")])


def test_weights_that_are_unpacked_from_a_constant() -> None:
    """As `float16` quantization writes them."""
    builder = Builder()
    builder.tensor("x", XF)
    builder.tensor("stored", T("float16", (8, 1, 1, 8), True))
    builder.tensor("w", T("float32", (8, 1, 1, 8)))
    builder.tensor("b", T("float32", (8,), True))
    builder.tensor("y", XF)
    builder.op("DEQUANTIZE", "stored", "w")
    builder.op("CONV_2D", "x w b", "y", stride_w=1, stride_h=1, padding="SAME")

    assert [(1, 1)] == partitions([(builder, "x", "y")])
