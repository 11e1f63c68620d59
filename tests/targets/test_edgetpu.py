"""The Edge TPU table on both sides of its limits, each expectation with the issue, log or model that it is from."""

from __future__ import annotations

import pytest

from qspec.graph.ops import OpGraph, Tensor
from qspec.targets import Outcome, Table, Verdict
from tests.targets.one_op import T, integers, judge, shipped, weights

ACCEPTED, HOST, REFUSED = Outcome.ACCEPTED, Outcome.LEFT_TO_HOST, Outcome.REFUSED


def int8(*shape: int) -> T:
    return T("int8", shape)


X = int8(1, 4, 4, 8)


def of_version(kind: str, version: int, **options: int) -> Verdict:
    kernel = {"CONV_2D": weights("int8", 8, 1, 1, 8, axis=0), "TRANSPOSE_CONV": weights("int8", 8, 3, 3, 8, axis=0)}
    inputs = {
        "CONV_2D": [X, kernel["CONV_2D"]],
        "TRANSPOSE_CONV": [integers((1, 4, 4, 8)), kernel["TRANSPOSE_CONV"], X],
        "RESIZE_NEAREST_NEIGHBOR": [X, integers((8, 8))],
    }
    results = [int8(1, 8, 8, 8)] if kind.startswith("RESIZE") else [X]
    return judge("edgetpu", kind, inputs.get(kind, [X]), results, version=version, **options)


@pytest.mark.parametrize(
    ("kind", "version", "compiler", "outcome"),
    [
        ("CONV_2D", 5, 16, ACCEPTED),
        ("CONV_2D", 6, 16, REFUSED),  # issue 631
        ("TRANSPOSE_CONV", 3, 16, ACCEPTED),
        ("TRANSPOSE_CONV", 4, 16, REFUSED),  # issue 845
        ("QUANTIZE", 2, 16, ACCEPTED),
        ("QUANTIZE", 3, 16, REFUSED),  # issue 879
        ("EXP", 1, 16, HOST),
        ("EXP", 2, 16, REFUSED),  # libedgetpu issue 71
        ("REVERSE_V2", 2, 15, HOST),
        ("REVERSE_V2", 3, 15, REFUSED),  # issue 340
        ("REVERSE_V2", 3, 16, HOST),  # issue 464: compiled, and left to the CPU
        ("RSQRT", 2, 15, REFUSED),  # issue 384
        ("RSQRT", 2, 16, ACCEPTED),  # the advice there: compiler 16
        ("DYNAMIC_UPDATE_SLICE", 1, 16, REFUSED),  # issue 862: op code 151 is out of range
        ("GELU", 1, 16, REFUSED),  # op code 150, of the same release
        ("RESIZE_NEAREST_NEIGHBOR", 3, 15, HOST),  # issues 396, 420
        ("RESIZE_NEAREST_NEIGHBOR", 3, 16, ACCEPTED),  # movenet_single_pose_lightning_ptq, bilinear
        ("CUSTOM", 1, 16, HOST),  # posenet: its decoder
    ],
)
def test_versions_that_stop_a_compiler(kind: str, version: int, compiler: int, outcome: Outcome) -> None:
    runtime = 14  # that of compiler 16; compiler 15 stops before it comes to runtimes

    assert outcome is of_version(kind, version, compiler=compiler, runtime=runtime).outcome


def test_every_op_of_the_newest_tensorflow_that_it_knows_has_a_row() -> None:
    # What no row names is refused; these came with TensorFlow 2.6 at the latest and must not be.
    old = "WHILE IF CALL_ONCE SEGMENT_SUM CONV_3D_TRANSPOSE BROADCAST_ARGS HASHTABLE_LOOKUP NON_MAX_SUPPRESSION_V5"
    for kind in old.split():
        assert HOST is judge("edgetpu", kind, [X], [X], version=1).outcome, kind


def test_an_unknown_version_refuses_nothing() -> None:
    strange = T("complex64", (1, 8))  # no kernel takes it, so the op has no version

    assert HOST is judge("edgetpu", "EXP", [strange], [strange]).outcome


@pytest.mark.parametrize(("shape", "outcome"), [((1, 4), ACCEPTED), ((None, 4), REFUSED), (None, HOST)])
def test_a_dynamic_dimension_stops_the_compiler(shape: tuple[int | None, ...] | None, outcome: Outcome) -> None:
    # issues 829, 831; a shape that is not known refuses nothing
    graph = OpGraph((Tensor(0, "x", shape, "int8"),), (), (0,), (0,))

    assert outcome is Table(shipped("edgetpu")).judge_model(graph).outcome


@pytest.mark.parametrize(("runtime", "compiler", "outcome"), [(14, 15, HOST), (13, 15, ACCEPTED), (12, 16, ACCEPTED)])
def test_compiler_15_writes_for_runtime_13(runtime: int, compiler: int, outcome: Outcome) -> None:
    graph = OpGraph((Tensor(0, "x", (1, 4), "int8"),), (), (0,), (0,))
    table = Table(shipped("edgetpu"), {"runtime": runtime, "compiler": compiler})

    assert outcome is table.judge_model(graph).outcome


@pytest.mark.parametrize(
    ("source", "result", "taken", "warned"),
    [
        (33, 33, True, False),  # deeplab_mobilenet_edgetpu_slim_cityscapes_quant, op 81
        (24, 48, True, False),  # movenet_single_pose_lightning_ptq
        (33, 129, True, True),
        (33, 513, False, False),  # deeplabv3_mnv2_pascal_quant, op 70
        (1, 33, False, False),  # the same, op 64
    ],
)
def test_resizing_by_how_much(source: int, result: int, taken: bool, warned: bool) -> None:
    inputs = [int8(1, source, source, 8), integers((result, result))]
    verdict = judge("edgetpu", "RESIZE_BILINEAR", inputs, [int8(1, result, result, 8)])

    assert (taken, warned) == (verdict.accepted, bool(verdict.warnings))


@pytest.mark.parametrize(
    ("runtime", "taken", "settled"), [(11, False, True), (12, True, False), (13, True, True), (14, True, True)]
)
def test_quantize_by_runtime(runtime: int, taken: bool, settled: bool) -> None:
    # CHANGES.md names runtime 13; posenet_mobilenet_v1_075_353_481_16_quant_decoder_edgetpu is a package for runtime 12
    verdict = judge("edgetpu", "QUANTIZE", [int8(1, 33, 33, 256)], [int8(1, 33, 33, 256)], runtime=runtime)

    assert taken == verdict.accepted
    if taken:
        assert settled == (verdict.unverified is None)
    else:
        assert "QUANTIZE came with runtime 13" == verdict.reasons[0].message


@pytest.mark.parametrize(
    ("shape", "taken"), [((1, 1, 1, 10), True), ((1, 1, 5, 10), True), ((1, 5, 1, 10), False), ((1, 5, 6, 1), False)]
)
def test_squeezing_before_runtime_13(shape: tuple[int, ...], taken: bool) -> None:  # the examples of the 2019 table
    result = int8(*(size for size in shape if size > 1))

    assert taken == judge("edgetpu", "SQUEEZE", [int8(*shape)], [result], runtime=12).accepted
    newer = judge("edgetpu", "SQUEEZE", [int8(*shape)], [result], runtime=13)
    assert (True, taken) == (newer.accepted, newer.unverified is None)


@pytest.mark.parametrize(("features", "warned"), [(28, False), (1000, True)])
def test_a_wide_lstm_is_warned_of(features: int, warned: bool) -> None:  # issue 598
    gates = [weights("int8", 20, features)] * 4 + [weights("int8", 20, 20)] * 4
    bias = [T("int32", (20,), True, scale=None)] * 4
    state = [int8(1, 20), T("int16", (1, 20))]
    inputs = [int8(1, 28, features), *gates, None, None, None, *bias, None, None, *state, None, None, None, None]
    verdict = judge("edgetpu", "UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [int8(1, 28, 20)], version=1)

    assert (True, warned) == (verdict.accepted, bool(verdict.warnings))


@pytest.mark.parametrize(("type", "outcome"), [("uint8", ACCEPTED), ("int8", REFUSED)])
def test_tiling(type: str, outcome: Outcome) -> None:
    # deeplab_mobilenet_edgetpu_slim_cityscapes_quant, op 76; int8 needs version 3, of TensorFlow 2.8
    tiles = [T(type, (1, 1, 1, 128)), integers((1, 33, 33, 1))]

    assert outcome is judge("edgetpu", "TILE", tiles, [T(type, (1, 33, 33, 128))]).outcome


# ---- what published models and logs taught beyond the tables


@pytest.mark.parametrize(("version", "outcome"), [(2, ACCEPTED), (4, HOST), (5, REFUSED)])
def test_additions_of_a_newer_version(version: int, outcome: Outcome) -> None:
    # yolov10n_full_integer_quant, op 18; version 5 came with TensorFlow 2.10 and later
    assert outcome is judge("edgetpu", "ADD", [X, X], [X], version=version).outcome


@pytest.mark.parametrize(("window", "taken"), [((3, 1), True), ((1, 3), True), ((3, 3), False)])
def test_a_window_of_one_row_is_dilated_as_it_likes(window: tuple[int, int], taken: bool) -> None:
    # fredriktegnell/edgetpu-tcn quantized_model, op 1: weights (8, 3, 1, 8)
    attributes = {"dilation_h_factor": 4, "dilation_w_factor": 1}
    inputs = [X, weights("int8", 8, *window, 8, axis=0)]

    assert taken == judge("edgetpu", "CONV_2D", inputs, [X], attributes).accepted


@pytest.mark.parametrize(("parts", "taken"), [(1, True), (2, False)])
def test_a_split_along_the_batch(parts: int, taken: bool) -> None:  # yamnet_spectra_in, op 2
    inputs = [integers(0), int8(parts, 96, 64, 1)]
    outputs = [int8(1, 96, 64, 1)] * parts
    reasons = [reason.message for reason in judge("edgetpu", "SPLIT", inputs, outputs).reasons]

    assert taken == ("a split along the batch is not mapped" not in reasons)


@pytest.mark.parametrize(
    ("size", "taken", "warned"),
    [
        (24, True, False),  # yolov8n_full_integer_quant_edgetpu_192.log
        (26, True, True),
        (28, False, False),  # yolov8n_full_integer_quant, op 232
    ],
)
def test_transpositions_by_size(size: int, taken: bool, warned: bool) -> None:
    inputs = [int8(1, size, size, 144), integers((0, 3, 1, 2))]
    verdict = judge("edgetpu", "TRANSPOSE", inputs, [int8(1, 144, size, size)])

    assert (taken, warned) == (verdict.accepted, bool(verdict.warnings))


@pytest.mark.parametrize(
    ("shape", "compiler", "taken", "settled"),
    [
        ((1, 1001), 16, True, True),  # mobilenet_v1_0.25_128_quant
        ((1, 4, 756, 16), 16, True, False),  # yolov8n_full_integer_quant_edgetpu_192.log
        ((1, 4, 756, 16), 15, False, False),
        ((2, 1001), 16, False, True),
    ],
)
def test_softmax_over_rows(shape: tuple[int, ...], compiler: int, taken: bool, settled: bool) -> None:
    verdict = judge("edgetpu", "SOFTMAX", [int8(*shape)], [int8(*shape)], compiler=compiler, runtime=13)

    assert taken == verdict.accepted
    if taken:
        assert settled == (verdict.unverified is None)


@pytest.mark.parametrize(("runtime", "taken", "settled"), [(11, False, True), (12, True, False), (13, True, True)])
def test_padding_of_channels(runtime: int, taken: bool, settled: bool) -> None:
    # face_detection_front_128_full_integer_quant, op 5, in a package for runtime 12
    inputs = [int8(1, 64, 64, 24), integers(((0, 0), (0, 0), (0, 0), (0, 4)))]
    verdict = judge("edgetpu", "PAD", inputs, [int8(1, 64, 64, 28)], runtime=runtime)

    assert taken == verdict.accepted
    if taken:
        assert settled == (verdict.unverified is None)
