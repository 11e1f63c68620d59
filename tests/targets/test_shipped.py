"""The shipped tables against what was measured, compiled or read, each expectation with its source."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qspec.schema.conditions import nodes
from qspec.schema.target import Condition, Form, Group, Row
from qspec.syntax import tree
from qspec.targets import Outcome
from qspec.targets.scope import known_names
from tests.targets.one_op import T, integers, judge, shipped, weights

TARGETS = ("tflite", "tflite_int16x8", "tflite_dynamic", "xnnpack", "edgetpu", "nnapi", "tflm", "cmsis_nn", "ethos_u")
CONV = {"dilation_w_factor": 1, "dilation_h_factor": 1}


def parts(part: Row | Form | Group) -> Iterator[Row | Form | Group]:
    yield part
    for inner in (*getattr(part, "forms", ()), *part.groups):
        yield from parts(inner)


def conditions(row: Row) -> Iterator[Condition]:
    for part in parts(row):
        yield from part.conditions


@pytest.mark.parametrize("target", TARGETS)
def test_every_row_has_its_source(target: str) -> None:
    assert [] == [row.kinds for row in shipped(target).rows if not row.sources]


@pytest.mark.parametrize("target", TARGETS)
def test_no_op_has_two_rows(target: str) -> None:
    kinds = [kind for row in shipped(target).rows for kind in row.kinds]

    assert sorted(set(kinds)) == sorted(kinds)


@pytest.mark.parametrize("target", TARGETS)
def test_conditions_use_names_that_the_op_has(target: str) -> None:
    definition = shipped(target)
    for row in definition.rows:
        expressions = [condition.condition for condition in conditions(row)]
        expressions += [part.condition for part in parts(row) if isinstance(part, Group)]
        expressions += [row.when] if row.when else []
        paths = [node for found in expressions for node in nodes(found) if isinstance(node, tree.Path)]
        for kind in row.kinds:
            known = known_names(kind) | set(definition.options) | {"true", "false", "none"}
            assert set() == {path.head.text for path in paths} - known, kind


# ---- LiteRT: measured with ai-edge-litert 2.3.0

X8, X16, XF = T("int8", (1, 4, 4, 8)), T("int16", (1, 4, 4, 8)), T("float32", (1, 4, 4, 8))
B32 = T("int32", (8,), True, scale=None)
B64 = T("int64", (8,), True, scale=None)


@pytest.mark.parametrize(
    ("kernel", "bias", "source", "taken"),
    [
        (weights("int8", 8, 1, 1, 8, axis=0), B32, X8, True),
        (weights("int8", 8, 1, 1, 8), B32, X8, True),
        (weights("int4", 8, 1, 1, 8, axis=0), B32, X8, True),
        (weights("int8", 8, 1, 1, 8, axis=3), B32, X8, False),  # conv.cc:573
        (weights("int8", 8, 1, 1, 8, axis=0), None, X8, False),  # conv.cc:411
        (weights("int8", 8, 1, 1, 8, axis=0), B64, X16, True),
        (weights("int8", 8, 1, 1, 8, axis=0), B32, X16, False),  # computed wrong
        (weights("float32", 8, 1, 1, 8), T("float32", (8,), True), XF, True),
        (weights("int16", 8, 1, 1, 8), B64, X16, False),  # computed wrong
    ],
)
def test_convolution_in_litert(kernel: T, bias: T | None, source: T, taken: bool) -> None:
    assert taken == judge("tflite", "CONV_2D", [source, kernel, bias], [source], CONV).accepted


def test_asymmetric_weights_are_refused() -> None:  # conv.cc:390
    kernel = T("int8", (8, 1, 1, 8), True, zero_point=3, scheme="asymmetric")

    (reason,) = judge("tflite", "CONV_2D", [X8, kernel, B32], [X8], CONV).reasons
    assert ("weights", 1) == (reason.operand, reason.tensor)


@pytest.mark.parametrize(
    ("kind", "scale", "zero_point"),
    [("LOGISTIC", 1 / 256, -128), ("SOFTMAX", 1 / 256, -128), ("TANH", 1 / 128, 0), ("LOG_SOFTMAX", 16 / 256, 127)],
)
def test_fixed_outputs(kind: str, scale: float, zero_point: int) -> None:  # quantization_spec.md
    good = T("int8", (1, 8), scale=scale, zero_point=zero_point)
    bad = T("int8", (1, 8), scale=scale * 2, zero_point=zero_point)

    assert judge("tflite", kind, [T("int8", (1, 8))], [good]).accepted
    assert not judge("tflite", kind, [T("int8", (1, 8))], [bad]).accepted


def test_a_scale_that_is_not_known_says_so() -> None:
    open_scale = T("int8", (1, 8), scale=None, zero_point=-128)

    (reason,) = judge("tflite", "SOFTMAX", [T("int8", (1, 8))], [open_scale]).reasons
    assert reason.undecided
    assert "not known yet" in reason.message


# What the kernels do with an output of other parameters: reject, rescale, or copy (and then the result is wrong).
RESCALE = "ADD MUL SUB RELU RELU6 MEAN SUM LEAKY_RELU PRELU HARD_SWISH GELU ABS EXP SQRT RSQRT SQUARED_DIFFERENCE"
SAME = (
    "CONCATENATION BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND PADV2 EXPAND_DIMS REDUCE_MAX REDUCE_MIN PACK UNPACK MIRROR_PAD "
    "AVERAGE_POOL_2D MAX_POOL_2D DEPTH_TO_SPACE SPACE_TO_DEPTH RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR PAD "
    "GATHER TRANSPOSE SQUEEZE STRIDED_SLICE SPLIT_V MAXIMUM MINIMUM SLICE TILE REVERSE_V2 GATHER_ND BROADCAST_TO"
)
TAKEN = {**dict.fromkeys(RESCALE.split(), True), **dict.fromkeys(SAME.split(), False)}


@pytest.mark.parametrize(("kind", "taken"), TAKEN.items())
def test_other_output_parameters(kind: str, taken: bool) -> None:
    inputs = [X8, X8] if kind in ("ADD", "MUL", "SUB", "SQUARED_DIFFERENCE", "PRELU", "CONCATENATION") else [X8]
    inputs += [integers((2, 2))] if kind in ("BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND") else []
    other = T("int8", (1, 4, 4, 8), scale=0.2)

    assert judge("tflite", kind, inputs, [X8]).accepted
    assert taken == judge("tflite", kind, inputs, [other]).accepted


INT16 = {"ADD": True, "RELU": True, "MEAN": True, "GELU": True, "HARD_SWISH": False, "SQUARED_DIFFERENCE": False}


@pytest.mark.parametrize(("kind", "taken"), INT16.items())
def test_sixteen_bits(kind: str, taken: bool) -> None:
    inputs = [X16, X16] if kind in ("ADD", "SQUARED_DIFFERENCE") else [X16]

    assert taken == judge("tflite", kind, inputs, [X16]).accepted


@pytest.mark.parametrize("kind", ["SQUARE", "SIN", "POW", "CUMSUM", "FLOOR", "ROUND"])
def test_float_only(kind: str) -> None:
    assert judge("tflite", kind, [XF], [XF]).accepted
    assert not judge("tflite", kind, [X8], [X8]).accepted


def test_four_bit_activations_run_nowhere() -> None:
    x4 = T("int4", (1, 4, 4, 8))
    for target in TARGETS:
        verdict = judge(target, "ADD", [x4, x4], [x4])

        assert not verdict.accepted
        assert any("int4" in reason.message for reason in verdict.reasons), target


@pytest.mark.parametrize(
    ("source", "target", "taken"),
    [
        ("float32", "int8", True),
        ("float32", "int16", True),
        ("int8", "uint8", True),
        ("int8", "int16", True),
        ("int16", "uint8", False),
        ("int8", "float32", False),
    ],
)
def test_quantize_pairs(source: str, target: str, taken: bool) -> None:
    assert taken == judge("tflite", "QUANTIZE", [T(source, (1, 4))], [T(target, (1, 4))]).accepted


# ---- Edge TPU: what the compiler did with models of google-coral/test_data, each distinct op once


def uint8(*shape: int) -> T:
    return T("uint8", shape, zero_point=128, scheme="asymmetric")


def int8(*shape: int) -> T:
    return T("int8", shape)


def bias(channels: int) -> T:
    return T("int32", (channels,), True, scale=None)


MAPPED = [
    # mobilenet_v1_0.25_128_quant
    ("CONV_2D", 1, [uint8(1, 128, 128, 3), weights("uint8", 8, 3, 3, 3), bias(8)], [uint8(1, 64, 64, 8)]),
    ("DEPTHWISE_CONV_2D", 1, [uint8(1, 64, 64, 8), weights("uint8", 1, 3, 3, 8), bias(8)], [uint8(1, 64, 64, 8)]),
    ("AVERAGE_POOL_2D", 1, [uint8(1, 4, 4, 256)], [uint8(1, 1, 1, 256)]),
    ("CONV_2D", 1, [uint8(1, 1, 1, 256), weights("uint8", 1001, 1, 1, 256), bias(1001)], [uint8(1, 1, 1, 1001)]),
    ("RESHAPE", 1, [uint8(1, 1, 1, 1001), integers((1, 1001))], [uint8(1, 1001)]),
    ("SOFTMAX", 1, [uint8(1, 1001)], [uint8(1, 1001)]),
    # tools/split_concat
    ("CONCATENATION", 1, [uint8(1, 8, 8, 3), uint8(1, 8, 8, 1), uint8(1, 8, 8, 2)], [uint8(1, 8, 8, 6)]),
    ("SPLIT", 1, [integers(3), uint8(1, 8, 8, 6)], [uint8(1, 8, 8, 1)] * 6),
    # deeplabv3_mnv2_dm05_pascal_quant, before its first resize
    ("DEPTHWISE_CONV_2D", 2, [uint8(1, 65, 65, 96), weights("uint8", 1, 3, 3, 96), bias(96)], [uint8(1, 65, 65, 96)]),
    ("ADD", 1, [uint8(1, 129, 129, 12), uint8(1, 129, 129, 12)], [uint8(1, 129, 129, 12)]),
    # posenet_mobilenet_v1_075_353_481_16_quant_decoder
    ("QUANTIZE", 1, [uint8(1, 353, 481, 3)], [int8(1, 353, 481, 3)]),
    ("PAD", 2, [int8(1, 353, 481, 3), integers(((0, 0), (0, 1), (0, 1), (0, 0)))], [int8(1, 354, 482, 3)]),
    ("CONV_2D", 3, [int8(1, 354, 482, 3), weights("int8", 24, 3, 3, 3, axis=0), bias(24)], [int8(1, 177, 241, 24)]),
    (
        "DEPTHWISE_CONV_2D",
        3,
        [int8(1, 177, 241, 24), weights("int8", 1, 3, 3, 24, axis=3), bias(24)],
        [int8(1, 177, 241, 24)],
    ),
    ("CONCATENATION", 2, [int8(1, 23, 31, 32), int8(1, 23, 31, 32)], [int8(1, 23, 31, 64)]),
    ("QUANTIZE", 1, [int8(1, 23, 31, 64)], [uint8(1, 23, 31, 64)]),
    # keras_lstm_mnist_ptq
    ("RESHAPE", 1, [int8(1, 28, 20), integers((1, 560))], [int8(1, 560)]),
    ("FULLY_CONNECTED", 4, [int8(1, 560), weights("int8", 10, 560), bias(10)], [int8(1, 10)]),
    ("SOFTMAX", 2, [int8(1, 10)], [int8(1, 10)]),
]


@pytest.mark.parametrize(("kind", "version", "inputs", "outputs"), MAPPED)
def test_mapped_by_the_compiler(kind: str, version: int, inputs: list[T], outputs: list[T]) -> None:
    attributes = {"axis": 3} if kind == "CONCATENATION" else {}
    verdict = judge("edgetpu", kind, inputs, outputs, attributes, version)

    assert [] == [reason.message for reason in verdict.reasons]


def test_lstm_is_mapped() -> None:  # keras_lstm_mnist_ptq, op 1
    gates = [weights("int8", 20, 28)] * 4 + [weights("int8", 20, 20)] * 4
    state = [T("int8", (1, 20)), T("int16", (1, 20))]
    inputs = [int8(1, 28, 28), *gates, None, None, None, *[bias(20)] * 4, None, None, *state, None, None, None, None]

    assert judge("edgetpu", "UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [int8(1, 28, 20)], version=1).accepted


@pytest.mark.parametrize(
    ("kind", "inputs", "outputs"),
    [
        ("ARG_MAX", [uint8(1, 513, 513, 21), integers(3)], [T("int64", (1, 513, 513))]),  # deeplab, op 71
        ("LEAKY_RELU", [int8(1, 4, 4, 8)], [int8(1, 4, 4, 8)]),  # issue 597
        ("HARD_SWISH", [int8(1, 4, 4, 8)], [int8(1, 4, 4, 8)]),  # issue 272
        ("DEQUANTIZE", [int8(1, 8)], [T("float32", (1, 8))]),  # issue 659
        ("QUANTIZE", [T("float32", (1, 8))], [int8(1, 8)]),  # works on an unsupported data type
        ("ADD", [XF, XF], [XF]),
        ("ADD", [int8(2, 4, 4, 8), int8(2, 4, 4, 8)], [int8(2, 4, 4, 8)]),  # three innermost dimensions
        ("SOFTMAX", [int8(1, 16001)], [int8(1, 16001)]),  # at most 16,000 elements
        ("FULLY_CONNECTED", [int8(4, 16), weights("int8", 8, 16), bias(8)], [int8(4, 8)]),  # one-dimensional output
    ],
)
def test_left_to_the_host(kind: str, inputs: list[T], outputs: list[T]) -> None:
    assert Outcome.LEFT_TO_HOST is judge("edgetpu", kind, inputs, outputs).outcome


def test_versions_that_stop_the_compiler() -> None:  # issues 631, 845 and libedgetpu 71
    grouped = [int8(1, 4, 4, 8), weights("int8", 8, 3, 3, 4, axis=0), bias(8)]

    assert Outcome.REFUSED is judge("edgetpu", "CONV_2D", grouped, [int8(1, 4, 4, 8)]).outcome
    assert Outcome.REFUSED is judge("edgetpu", "EXP", [int8(1, 8)], [int8(1, 8)]).outcome
    assert Outcome.LEFT_TO_HOST is judge("edgetpu", "EXP", [T("float32", (1, 8))], [T("float32", (1, 8))]).outcome


@pytest.mark.parametrize(
    ("axes", "runtime", "channels", "taken"),
    [
        ((1, 2), 14, 30, True),
        ((1, 2), 12, 30, True),
        ((0,), 14, 32, False),
        ((3,), 12, 32, False),
        ((3,), 13, 32, True),
        ((3,), 13, 30, False),
        ((-1,), 13, 30, False),
    ],
)
def test_mean_on_the_edge_tpu(axes: tuple[int, ...], runtime: int, channels: int, taken: bool) -> None:
    inputs = [int8(1, 7, 7, channels), integers(axes)]

    assert taken == judge("edgetpu", "MEAN", inputs, [int8(1, 7, 7)], runtime=runtime).accepted


def test_only_what_no_source_settles_is_unverified() -> None:
    over_space, over_channels = ([int8(1, 7, 7, 32), integers(axes)] for axes in ((1, 2), (3,)))

    assert judge("edgetpu", "MEAN", over_space, [int8(1, 32)]).unverified is None
    assert "runtime 13" in (judge("edgetpu", "MEAN", over_channels, [int8(1, 7, 7)]).unverified or "")


@pytest.mark.parametrize(
    ("factors", "runtime", "taken"), [((2, 2), 11, False), ((2, 2), 12, True), ((1, 2), 14, False)]
)
def test_dilated_depthwise_on_the_edge_tpu(factors: tuple[int, int], runtime: int, taken: bool) -> None:
    attributes = dict(zip(("dilation_w_factor", "dilation_h_factor"), factors, strict=True))
    inputs = [int8(1, 8, 8, 8), weights("int8", 1, 3, 3, 8, axis=3), bias(8)]

    assert taken == judge("edgetpu", "DEPTHWISE_CONV_2D", inputs, [inputs[0]], attributes, runtime=runtime).accepted


# ---- NNAPI: the delegate's Validate and the rules of the operations


@pytest.mark.parametrize(
    ("kind", "inputs", "outputs", "first_api"),
    [
        ("CONV_2D", [int8(1, 4, 4, 8), weights("int8", 8, 3, 3, 8, axis=0), bias(8)], [int8(1, 4, 4, 8)], 29),
        ("FULLY_CONNECTED", [int8(1, 16), weights("int8", 8, 16), bias(8)], [int8(1, 8)], 29),
        ("ADD", [int8(1, 4, 4, 8)] * 2, [int8(1, 4, 4, 8)], 27),
        ("MAX_POOL_2D", [int8(1, 4, 4, 8)], [int8(1, 4, 4, 8)], 27),
        ("PAD", [int8(1, 4, 4, 8), integers(((0, 0),) * 4)], [int8(1, 4, 4, 8)], 29),
        ("TRANSPOSE", [int8(1, 4, 4, 8), integers((0, 2, 1, 3))], [int8(1, 4, 4, 8)], 28),
        ("SPLIT", [integers(3), int8(1, 4, 4, 8)], [int8(1, 4, 4, 4)] * 2, 30),
        ("QUANTIZE", [T("float32", (1, 8))], [int8(1, 8)], 30),
        ("SQUARED_DIFFERENCE", [int8(1, 4, 4, 8)] * 2, [int8(1, 4, 4, 8)], 30),
        ("ELU", [XF], [XF], 30),
    ],
)
def test_first_api_level(kind: str, inputs: list[T], outputs: list[T], first_api: int) -> None:
    taken = [api for api in range(27, 35) if judge("nnapi", kind, inputs, outputs, api=api).accepted]

    assert list(range(first_api, 35)) == taken


def test_nnapi_takes_no_dense_weights_per_channel() -> None:
    verdict = judge("nnapi", "FULLY_CONNECTED", [int8(1, 16), weights("int8", 8, 16, axis=0), bias(8)], [int8(1, 8)])

    (reason,) = verdict.reasons
    assert ("weights", "i8") == (reason.operand, verdict.form)
    assert "per channel" in reason.message


@pytest.mark.parametrize("kind", ["GELU", "SELECT_V2", "CUMSUM", "SQUARE"])
def test_not_mapped_by_the_delegate(kind: str) -> None:
    (reason,) = judge("nnapi", kind, [XF], [XF]).reasons

    assert shipped("nnapi").span == reason.span


def test_grouped_convolution_is_too_new_for_the_delegate() -> None:  # version 6
    inputs = [int8(1, 4, 4, 8), weights("int8", 8, 3, 3, 4, axis=0), bias(8)]

    assert not judge("nnapi", "CONV_2D", inputs, [int8(1, 4, 4, 8)]).accepted


def test_large_pools_stay_on_the_cpu() -> None:
    pool = {"filter_width": 17, "filter_height": 16}

    assert not judge("nnapi", "AVERAGE_POOL_2D", [int8(1, 17, 16, 8)], [int8(1, 1, 1, 8)], pool).accepted
    assert judge("nnapi", "AVERAGE_POOL_2D", [T("float32", (1, 17, 16, 8))], [XF], pool).accepted
