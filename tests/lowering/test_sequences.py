"""Layers of one dimension: their ops without any framework, and what goes through the reshapes behind them."""

from typing import Any

from qspec.graph.keras_config import layer_graph
from qspec.graph.ops import Slot
from qspec.lowering import lower
from tests.graph.keras_configs import functional, inputs, layer, tensor

CONVOLUTION = {
    "filters": 6, "kernel_size": [3], "strides": [1], "padding": "valid", "dilation_rate": [1], "groups": 1,
    "data_format": "channels_last", "activation": "linear", "use_bias": False,
}  # fmt: skip
NORMALIZATION = {"axis": -1, "epsilon": 0.001, "center": True, "scale": True}


def lowered(*layers: Any, batch: int | None = 1) -> Any:
    names = ["x", *(each["config"]["name"] for each in layers)]
    linked = [
        {**each, "inbound_nodes": [{"args": [tensor(before)], "kwargs": {}}]}
        for before, each in zip(names, layers, strict=False)
    ]
    config = functional("m", [inputs("x", 16, 4), *linked], [["x", 0, 0]], [[names[-1], 0, 0]])
    ops, diagnostics = lower(layer_graph(config, "m"), batch)
    assert diagnostics == ()
    return ops


def kinds(ops: Any) -> list[tuple[str, str]]:
    return [(op.kind, op.attributes.get("fused_activation_function", "")) for op in ops.ops]


def test_a_convolution_takes_normalization_and_activation_through_its_reshape():
    ops = lowered(
        layer("Conv1D", "c", **CONVOLUTION), layer("BatchNormalization", "n", **NORMALIZATION), layer("ReLU", "r")
    )

    assert [("RESHAPE", ""), ("CONV_2D", "RELU"), ("RESHAPE", "")] == kinds(ops)
    assert {2: 1} == ops.folded
    assert {3} == ops.absorbed
    assert Slot(1, "bias", "bias") in ops.slots
    assert "RELU" == ops.compositions[1].ops[1].attributes["fused_activation_function"]
    assert Slot(3, "output", 0) == ops.fused[Slot(1, "output", 0)]


def test_a_normalization_along_the_steps_stays():
    along = {**NORMALIZATION, "axis": 1}
    ops = lowered(layer("Conv1D", "c", **CONVOLUTION), layer("BatchNormalization", "n", **along))

    assert ["RESHAPE", "CONV_2D", "RESHAPE", "MUL", "ADD"] == [op.kind for op in ops.ops]
    assert {} == ops.folded


def test_a_leaky_activation_stays_behind_the_reshape():
    ops = lowered(layer("Conv1D", "c", **CONVOLUTION), layer("LeakyReLU", "l", negative_slope=0.1))

    assert ["RESHAPE", "CONV_2D", "RESHAPE", "LEAKY_RELU"] == [op.kind for op in ops.ops]


def test_causal_zeros_come_before_the_first_step():
    causal = {**CONVOLUTION, "padding": "causal", "dilation_rate": [4]}
    ops = lowered(layer("Conv1D", "c", **causal))

    assert ["RESHAPE", "PAD", "CONV_2D", "RESHAPE"] == [op.kind for op in ops.ops]
    assert ((0, 0), (0, 0), (8, 0), (0, 0)) == ops.tensors[ops.ops[1].inputs[1]].value
    assert (1, 16, 6) == ops.tensors[ops.outputs[0]].shape


def test_a_transposed_convolution_of_a_dynamic_batch_computes_its_shape():
    settings = {**CONVOLUTION, "strides": [2], "padding": "same", "output_padding": None}
    ops = lowered(layer("Conv1DTranspose", "t", **settings), batch=None)

    assert ["RESHAPE", "SHAPE", "STRIDED_SLICE", "PACK", "TRANSPOSE_CONV", "RESHAPE"] == [op.kind for op in ops.ops]
    assert (None, 32, 6) == ops.tensors[ops.outputs[0]].shape


def test_channels_first_is_a_transpose_on_either_side():
    ops = lowered(layer("Conv1D", "c", **{**CONVOLUTION, "data_format": "channels_first"}))

    assert ["TRANSPOSE", "RESHAPE", "CONV_2D", "RESHAPE", "TRANSPOSE"] == [op.kind for op in ops.ops]
    assert (1, 6, 2) == ops.tensors[ops.outputs[0]].shape
