"""Expected versions: those that `op_version.cc` of LiteRT f674577 gives, and the types that kernels of ai-edge-litert
2.3.0 take."""

from __future__ import annotations

import pytest

from qspec.graph.versions import op_version, rescale_of

FLOAT, INT8, UINT8, INT16 = (("float32",), ("int8",), ("uint8",), ("int16",))


@pytest.mark.parametrize(
    ("kind", "versions"),
    [
        ("ADD", (1, 2, 1, 3)),
        ("SUB", (1, 2, 1, 5)),
        ("MUL", (1, 2, 1, 4)),
        ("DIV", (1, 1, 1, 1)),
        ("MAXIMUM", (1, 2, 1, 4)),
        ("MINIMUM", (1, 2, 1, 4)),
        ("CONCATENATION", (1, 2, 1, 3)),
        ("AVERAGE_POOL_2D", (1, 2, 1, 3)),
        ("MAX_POOL_2D", (1, 2, 1, 3)),
        ("MEAN", (1, 2, 1, 3)),
        ("REDUCE_MAX", (1, 2, 1, 3)),
        ("SUM", (1, 2, 1, 1)),
        ("SOFTMAX", (1, 2, 1, 3)),
        ("LOGISTIC", (1, 2, 1, 3)),
        ("TANH", (1, 2, 1, 3)),
        ("RELU", (1, 2, 2, 3)),
        ("RELU6", (1, 2, 1, 3)),
        ("RELU_N1_TO_1", (1, 1, 1, None)),
        ("LEAKY_RELU", (1, 1, 1, 2)),
        ("PRELU", (1, 1, 1, 1)),
        ("ELU", (1, 1, None, None)),
        ("GELU", (1, 2, 2, 1)),
        ("HARD_SWISH", (1, 1, 1, None)),
        ("PAD", (1, 2, 1, 3)),
        ("RESHAPE", (1, 1, 1, 1)),
        ("TRANSPOSE", (1, 2, 1, 5)),
        ("STRIDED_SLICE", (1, 2, 1, 1)),
        ("RESIZE_BILINEAR", (1, 2, 1, 4)),
        ("PACK", (1, 2, 1, 3)),
        ("SLICE", (1, 2, 1, 4)),
        ("EQUAL", (1, 2, 1, 5)),
        ("ABS", (1, 2, None, 3)),
        ("BATCH_MATMUL", (1, 2, None, 3)),
        ("BROADCAST_TO", (2, 3, 2, 3)),
        ("UNPACK", (1, 2, 2, 4)),
        ("LOG_SOFTMAX", (1, 2, 1, None)),
        ("FLOOR", (1, None, None, None)),
    ],
)
def test_versions_by_type(kind: str, versions: tuple[int | None, ...]):
    found = tuple(
        op_version(kind, (*types, *types), types, {}, [(1, 4), (1, 4)]) for types in (FLOAT, INT8, UINT8, INT16)
    )

    assert versions == found


@pytest.mark.parametrize(
    ("kind", "types", "output", "per_channel", "version"),
    [
        ("CONV_2D", ("float32", "float32", "float32"), "float32", False, 1),
        ("CONV_2D", ("int8", "int8", "int32"), "int8", True, 3),
        ("CONV_2D", ("uint8", "uint8", "int32"), "uint8", False, 1),
        ("CONV_2D", ("int16", "int8", "int64"), "int16", True, 1),
        ("CONV_2D", ("int16", "int16", "int64"), "int16", False, 4),
        ("CONV_2D", ("float32", "int8", "float32"), "float32", False, 2),
        ("CONV_2D", ("float32", "int8", "float32"), "float32", True, 5),
        ("CONV_2D", ("int8", "int4", "int32"), "int8", True, 7),
        ("DEPTHWISE_CONV_2D", ("int8", "int8", "int32"), "int8", True, 3),
        ("DEPTHWISE_CONV_2D", ("int16", "int8", "int64"), "int16", True, 1),
        ("DEPTHWISE_CONV_2D", ("float32", "int8", "float32"), "float32", True, 6),
        ("DEPTHWISE_CONV_2D", ("float32", "int8", "float32"), "float32", False, 4),
        ("DEPTHWISE_CONV_2D", ("int8", "int4", "int32"), "int8", False, 7),
        ("FULLY_CONNECTED", ("int8", "int8", "int32"), "int8", True, 4),
        ("FULLY_CONNECTED", ("int8", "int8", "none"), "int8", True, 4),
        ("FULLY_CONNECTED", ("uint8", "uint8", "int32"), "uint8", False, 1),
        ("FULLY_CONNECTED", ("int16", "int8", "int64"), "int16", True, 1),
        ("FULLY_CONNECTED", ("int16", "int16", "int64"), "int16", False, 7),
        ("FULLY_CONNECTED", ("float32", "int8", "float32"), "float32", False, 3),
        ("FULLY_CONNECTED", ("float32", "int8", "float32"), "float32", True, 12),
        ("FULLY_CONNECTED", ("int8", "int4", "int32"), "int8", True, 10),
    ],
)
def test_versions_of_ops_with_weights(kind: str, types: tuple[str, ...], output: str, per_channel: bool, version: int):
    shapes = [(1, 8, 8, 4), (6, 3, 3, 4), (6,)]

    assert version == op_version(kind, types, [output], {}, shapes, per_channel)


def test_versions_that_hang_on_attributes_and_shapes():
    int8 = ("int8", "int8", "int32")
    image = (1, 8, 8, 4)

    assert 6 == op_version("CONV_2D", int8, ["int8"], {}, [image, (6, 3, 3, 2), (6,)])
    assert 8 == op_version("CONV_2D", ("int16", "int8", "int32"), ["int16"], {"quantized_bias_type": "INT32"})
    assert 11 == op_version("FULLY_CONNECTED", ("int16", "int8", "int32"), ["int16"], {"quantized_bias_type": "INT32"})
    assert 2 == op_version("DEPTHWISE_CONV_2D", ("float32",) * 3, ["float32"], {"dilation_w_factor": 2})
    assert 3 == op_version("DEPTHWISE_CONV_2D", int8, ["int8"], {"dilation_w_factor": 2})
    assert 5 == op_version("FULLY_CONNECTED", int8, ["int8"], {"keep_num_dims": True})
    assert 3 == op_version("RESIZE_BILINEAR", ["int8"], ["int8"], {"half_pixel_centers": True})
    assert 4 == op_version("TRANSPOSE", ["int8"], ["int8"], {}, [(1, 2, 3, 4, 5)])
    assert 4 == op_version("PAD", ["float32"], ["float32"], {}, [(1, 2, 3, 4, 5)])
    assert 5 == op_version("SLICE", ["int8"], ["int8"], {}, [(1, 2, 3, 4, 5)])
    assert 2 == op_version("DIV", ["float32"] * 2, ["float32"], {}, [(1, 2, 3, 4, 5), (5,)])
    assert 5 == op_version("GATHER", ["int16", "int32"], ["int16"], {"batch_dims": 1})
    assert 6 == op_version("STRIDED_SLICE", ["int8"], ["int8"], {"new_axis_mask": 1}, [(1, 2, 3, 4, 5)])
    assert 3 == op_version("MUL", ["int8", "int8"], ["int8"], {}, rescale=1.0)
    assert 2 == op_version("MUL", ["int8", "int8"], ["int8"], {}, rescale=0.999)


def test_versions_of_casts():
    assert [1, 1, 2, 4] == [
        op_version("QUANTIZE", ["float32"], [type], {}) for type in ("int8", "uint8", "int16", "int4")
    ]
    assert [2, 1, 3, 6] == [
        op_version("DEQUANTIZE", [type], ["float32"], {}) for type in ("int8", "uint8", "int16", "int4")
    ]


def test_the_order_in_which_reasons_for_a_version_count():
    """Not the highest, the first: a grouped convolution and a dense layer that keeps dimensions, with 4-bit weights."""
    int4 = ("int8", "int4", "int32")
    image = (1, 8, 8, 4)

    assert 6 == op_version("CONV_2D", int4, ["int8"], {}, [image, (6, 3, 3, 2), (6,)])
    assert 7 == op_version("CONV_2D", int4, ["int8"], {}, [(1, 8, 8, None), (6, 3, 3, 2), (6,)])
    assert 5 == op_version("FULLY_CONNECTED", int4, ["int8"], {"keep_num_dims": True})
    assert 6 == op_version("FULLY_CONNECTED", int4[:2], ["int8"], {})


@pytest.mark.parametrize(
    ("kind", "types", "version"),
    [
        ("ADD", ("int64", "int64"), 4),
        ("MUL", ("int64", "int64"), 5),
        ("ADD", ("int32", "int32"), 1),
        ("GATHER", ("int16", "int32"), 4),
        ("GATHER", ("int8", "int16"), 6),
        ("SPLIT", ("int32", "int32"), 3),
        ("SPLIT", ("int32", "int8"), 2),
        ("PAD", ("bool", "int32"), 5),
        ("STRIDED_SLICE", ("bool",), 3),
        ("CONCATENATION", ("int4", "int4"), 5),
        ("RESHAPE", ("int4", "int32"), 1),
        ("LOGISTIC", ("int4",), None),
        ("UNHEARD_OF", ("float32",), None),
    ],
)
def test_versions_of_other_types(kind: str, types: tuple[str, ...], version: int | None):
    assert version == op_version(kind, types, types[-1:], {})


def test_a_cast_between_integers_is_judged_by_what_it_writes():
    assert 1 == op_version("QUANTIZE", ["int16"], ["int8"], {})
    assert 2 == op_version("QUANTIZE", ["int8"], ["int16"], {})
    assert 5 == op_version("DEQUANTIZE", ["int8"], ["float32"], {}, per_channel=True)


def test_an_op_without_operands_is_no_failure():
    """Of a damaged file; whoever judges the op says what is wrong."""
    for kind in ("CONV_2D", "FULLY_CONNECTED", "QUANTIZE", "TRANSPOSE_CONV", "ADD"):
        assert op_version(kind, [], [], {}) in (1, None)


def test_the_rescaling_of_a_product():
    assert 2.0 == rescale_of(1.0, 1.0, 0.5)
    assert rescale_of(1.0, None, 0.5) is None


@pytest.mark.parametrize(
    ("version", "types", "attributes"),
    [
        (1, ("float32", "float32", "float32"), {}),
        (1, ("int8", "int8", "int8"), {}),
        (2, ("float32", "int8", "float32"), {"asymmetric_quantize_inputs": False}),
        (3, ("float32", "int8", "float32"), {"asymmetric_quantize_inputs": True}),
        (4, ("float32", "int8", "float32"), {"diagonal_recurrent_tensors": True}),
        (5, ("int16", "int8", "int16"), {}),
    ],
)
def test_an_lstm_by_its_types(version: int, types: tuple[str, str, str], attributes: dict[str, bool]) -> None:
    activation, weights, result = types
    # The input gate has none: its weights are those of an LSTM with coupled gates.
    operands = [activation, "none", weights, weights, weights, "none", weights, weights, weights]

    assert version == op_version("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [result], attributes)
