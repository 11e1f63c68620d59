"""Slots, fusion, folding and diagnostics on models written by hand; the ops themselves are held against the converter
in `test_lowering_oracle.py`."""

from __future__ import annotations

from typing import Any

import pytest

from qspec.diagnostics import SpecError
from qspec.graph.keras_config import layer_graph
from qspec.graph.ops import OpGraph, Slot
from qspec.lowering import lower
from tests.graph.keras_configs import (
    batch_normalization,
    conv_2d,
    dense,
    functional,
    inputs,
    layer,
    re_lu,
    sequential,
    small_model,
    tensor,
)


def lowered(config: Any, **options: Any) -> OpGraph:
    ops, diagnostics = lower(layer_graph(config, "m.keras"), **options)
    assert () == diagnostics
    return ops


def kinds(ops: OpGraph) -> list[str]:
    return [op.kind for op in ops.ops]


def chain(*layers: Any, shape: tuple[int | None, ...] = (8, 8, 4)) -> Any:
    return sequential("m", [inputs("x", *shape), *layers])


def messages(config: Any, **options: Any) -> list[str]:
    return [diagnostic.message for diagnostic in lower(layer_graph(config, "m.keras"), **options)[1]]


def shape_of(ops: OpGraph, slot: Slot) -> Any:
    return ops.tensors[ops.slots[slot]].shape


def test_convolution_normalization_and_activation_become_one_op():
    ops = lowered(small_model())

    assert ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"] == kinds(ops)
    convolution = ops.ops[0]
    assert ((1, 2, 3), "conv", "RELU") == (
        convolution.calls,
        convolution.layer,
        convolution.attributes["fused_activation_function"],
    )
    assert {2: 1} == ops.folded
    relu = Slot(3, "output", 0)
    assert {Slot(1, "output", 0): relu, Slot(2, "output", 0): relu} == {
        slot: holder for slot, holder in ops.fused.items() if slot.kind == "output"
    }
    assert ops.slots[relu] == convolution.outputs[0]
    assert not {Slot(1, "output", 0), Slot(2, "output", 0), Slot(2, "inner", "multiplied")} & set(ops.slots)
    assert not [slot for slot in ops.slots if slot.call == 2]


def test_operands_are_named_by_their_variables_in_the_files_layout():
    ops = lowered(small_model())

    assert (4, 3, 3, 3) == shape_of(ops, Slot(1, "weights", "kernel"))
    assert (4,) == shape_of(ops, Slot(1, "bias", "bias"))
    assert (3, 6 * 6 * 4) == shape_of(ops, Slot(5, "weights", "kernel"))
    weights = ops.tensors[ops.ops[0].inputs[1]]
    assert (True, "conv/kernel") == (weights.constant, weights.name)
    assert [0] == list(ops.inputs)
    assert (ops.slots[Slot(5, "output", 0)],) == ops.outputs


def test_shapes_are_known_for_every_call_whether_its_tensor_exists_or_not():
    ops = lowered(small_model(), batch=7)

    expected = [(7, 8, 8, 3), (7, 6, 6, 4), (7, 6, 6, 4), (7, 6, 6, 4), (7, 144), (7, 3)]
    assert {index: (shape,) for index, shape in enumerate(expected)} == ops.shapes


def test_every_tensor_is_numbered_by_its_place_and_every_slot_names_a_tensor():
    ops = lowered(small_model())

    assert list(range(len(ops.tensors))) == [each.id for each in ops.tensors]
    assert set(ops.slots.values()) <= set(range(len(ops.tensors)))
    assert all(ops.tensors[number].slot in ops.slots for number in ops.slots.values())
    assert set(ops.fused.values()) <= set(ops.slots)
    assert list(range(len(ops.ops))) == [op.index for op in ops.ops]


def test_keep_leaves_normalization_alone():
    ops = lowered(small_model(), batch_norm="keep")

    assert ["CONV_2D", "MUL", "ADD", "RESHAPE", "FULLY_CONNECTED"] == kinds(ops)
    assert {} == ops.folded
    assert "RELU" == ops.ops[2].attributes["fused_activation_function"]
    constants = {Slot(2, "inner", "multiplier"), Slot(2, "inner", "addend")}
    assert constants | {Slot(2, "inner", "multiplied"), Slot(1, "output", 0)} <= set(ops.slots)
    assert all(ops.tensors[ops.slots[slot]].constant for slot in constants)
    assert (4,) == shape_of(ops, Slot(2, "inner", "multiplier"))


def test_track_folds_as_fold_does():
    assert kinds(lowered(small_model())) == kinds(lowered(small_model(), batch_norm="track"))


def test_folding_gives_a_bias_to_a_layer_without_one():
    ops = lowered(chain(dense("d", units=5, use_bias=False), batch_normalization("bn"), shape=(6,)))

    assert ["FULLY_CONNECTED"] == kinds(ops)
    assert (5,) == shape_of(ops, Slot(1, "bias", "bias"))
    assert ops.slots[Slot(1, "bias", "bias")] == ops.ops[0].inputs[2]


def test_a_dense_layer_without_bias_has_no_bias_operand():
    assert -1 == lowered(chain(dense("d", use_bias=False), shape=(6,))).ops[0].inputs[2]


@pytest.mark.parametrize(
    "layers",
    [
        [conv_2d("c", activation="relu"), batch_normalization("bn")],
        [conv_2d("c"), batch_normalization("bn", axis=1)],
        [re_lu("r"), batch_normalization("bn")],
    ],
    ids=["behind an activation", "along another axis", "without weights before"],
)
def test_a_normalization_that_does_not_fit_stays(layers: Any):
    assert ["MUL", "ADD"] == kinds(lowered(chain(*layers)))[-2:]


def test_a_normalization_whose_input_is_read_elsewhere_stays():
    layers = [inputs("x", 8, 8, 4), conv_2d("c", tensor("x")), batch_normalization("bn", tensor("c"))]
    ops = lowered(functional("m", layers, [["x", 0, 0]], [["bn", 0, 0], ["c", 0, 0]]))

    assert ["CONV_2D", "MUL", "ADD"] == kinds(ops)
    assert ops.slots[Slot(1, "output", 0)] == ops.outputs[1]


def test_a_shared_convolution_folds_only_into_one_normalization():
    def model(second: str) -> Any:
        layers = [
            inputs("x", 8, 8, 4),
            inputs("y", 8, 8, 4),
            conv_2d("c", tensor("x"), tensor("y")),
            batch_normalization("bn", tensor("c", 0)),
        ]
        if second == "bn":
            layers[3]["inbound_nodes"].append({"args": [tensor("c", 1)], "kwargs": {}})
        else:
            layers.append(batch_normalization(second, tensor("c", 1)))
        last = [second, 1 if second == "bn" else 0, 0]
        return functional("m", layers, [["x", 0, 0], ["y", 0, 0]], [["bn", 0, 0], last])

    assert ["CONV_2D", "CONV_2D"] == kinds(lowered(model("bn")))
    assert 4 == kinds(lowered(model("other"))).count("MUL") + kinds(lowered(model("other"))).count("ADD")


def test_an_activation_argument_that_cannot_fuse_has_a_tensor_before_it():
    ops = lowered(chain(conv_2d("c", activation="silu")))

    assert ["CONV_2D", "LOGISTIC", "MUL"] == kinds(ops)
    before, sigmoid = ops.slots[Slot(1, "inner", "pre_activation")], ops.slots[Slot(1, "inner", "sigmoid")]
    assert ((before,), (before, sigmoid)) == (ops.ops[1].inputs, ops.ops[2].inputs)
    assert (1, 1, 1) == tuple(op.calls[0] for op in ops.ops)


def test_an_activation_argument_that_fuses_leaves_none():
    ops = lowered(chain(conv_2d("c", activation="relu6")))

    assert "RELU6" == ops.ops[0].attributes["fused_activation_function"]
    assert {Slot(1, "inner", "pre_activation"): Slot(1, "output", 0)} == ops.fused


def test_an_activation_whose_input_is_an_output_of_the_model_stays():
    layers = [inputs("x", 8, 8, 4), conv_2d("c", tensor("x")), re_lu("r", tensor("c"))]
    ops = lowered(functional("m", layers, [["x", 0, 0]], [["c", 0, 0], ["r", 0, 0]]))

    assert ["CONV_2D", "RELU"] == kinds(ops)


def test_layers_without_an_op_hand_their_input_on():
    ops = lowered(chain(layer("Dropout", "d", rate=0.1), layer("Identity", "i"), re_lu("r")))

    assert ["RELU"] == kinds(ops)
    assert ops.inputs == ops.ops[0].inputs
    assert {Slot(1, "output", 0): Slot(0, "output", 0), Slot(2, "output", 0): Slot(0, "output", 0)} == ops.fused
    assert not {Slot(1, "output", 0), Slot(2, "output", 0)} & set(ops.slots)


def test_a_model_that_does_nothing_returns_its_input():
    ops = lowered(chain(layer("Dropout", "d", rate=0.1)))

    assert (0,) == ops.outputs == ops.inputs


def test_equal_ops_are_one_with_the_slots_of_both():
    layers = [
        inputs("x", 8, 8, 4),
        re_lu("a", tensor("x")),
        re_lu("b", tensor("x")),
        layer("Add", "add", [tensor("a"), tensor("b")]),
    ]
    ops = lowered(functional("m", layers, [["x", 0, 0]], [["add", 0, 0]]))

    assert ["RELU", "ADD"] == kinds(ops)
    assert ops.slots[Slot(1, "output", 0)] == ops.slots[Slot(2, "output", 0)]
    assert (1, 2) == ops.ops[0].calls


def test_a_padding_that_is_same_goes_into_its_convolution():
    padding = layer("ZeroPadding2D", "p", padding=[[1, 1], [1, 1]], data_format="channels_last")
    ops = lowered(chain(padding, conv_2d("c")))

    assert ["CONV_2D"] == kinds(ops)
    assert "SAME" == ops.ops[0].attributes["padding"]
    assert (1, 8, 8, 4) == ops.shapes[2][0]
    assert {Slot(1, "output", 0): Slot(0, "output", 0)} == ops.fused
    assert (2, 1) == ops.ops[0].calls


def test_a_padding_stays_where_it_is_not_same():
    padding = layer("ZeroPadding2D", "p", padding=[[0, 1], [0, 1]], data_format="channels_last")

    assert ["PAD", "CONV_2D"] == kinds(lowered(chain(padding, conv_2d("c"))))
    assert ["CONV_2D"] == kinds(lowered(chain(padding, conv_2d("c", strides=[2, 2]))))
    assert ["PAD", "CONV_2D"] == kinds(lowered(chain(padding, conv_2d("c", strides=[2, 2]), shape=(7, 7, 4))))


def test_a_separable_convolution_has_a_tensor_in_the_middle():
    config = conv_2d("s", filters=6)["config"] | {"depth_multiplier": 2}
    ops = lowered(chain(layer("SeparableConv2D", **config), batch_normalization("bn")))

    assert ["DEPTHWISE_CONV_2D", "CONV_2D"] == kinds(ops)
    assert (1, 6, 6, 8) == shape_of(ops, Slot(1, "inner", "depthwise"))
    assert (1, 3, 3, 8) == shape_of(ops, Slot(1, "weights", "depthwise_kernel"))
    assert (6, 1, 1, 8) == shape_of(ops, Slot(1, "weights", "pointwise_kernel"))
    assert {2: 1} == ops.folded


def test_more_than_two_tensors_are_joined_one_by_one():
    layers = [inputs(name, 4) for name in "abc"]
    layers.append(layer("Average", "mean", [tensor(name) for name in "abc"]))
    ops = lowered(functional("m", layers, [[name, 0, 0] for name in "abc"], [["mean", 0, 0]]))

    assert ["ADD", "ADD", "MUL"] == kinds(ops)
    assert ops.slots[Slot(3, "inner", "partial_1")] == ops.ops[0].outputs[0]
    assert ops.slots[Slot(3, "inner", "sum")] == ops.ops[1].outputs[0]
    assert ops.tensors[ops.slots[Slot(3, "inner", "multiplier")]].constant


def test_a_dynamic_batch_reaches_the_reshape():
    ops = lowered(small_model(), batch=None)

    assert ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"] == kinds(ops)
    assert (None, 144) == ops.shapes[4][0]
    assert (-1, 144) == ops.tensors[ops.ops[1].inputs[1]].value


def test_a_dynamic_size_is_harmless_until_it_is_flattened():
    image = (None, None, 4)
    pooled = layer("GlobalAveragePooling2D", "p", data_format="channels_last", keepdims=False)
    ops = lowered(chain(conv_2d("c"), pooled, dense("d"), shape=image))

    assert ((1, None, None, 4), (1, 4), (1, 3)) == tuple(ops.shapes[index][0] for index in (1, 2, 3))
    (message,) = messages(chain(layer("Flatten", "f"), dense("d"), shape=image))
    assert "`f`: its input has unknown sizes" == message


def test_branches_that_nobody_reads_are_gone():
    inner = functional(
        "inner", [inputs("i", 4), dense("a", tensor("i")), dense("b", tensor("i"))], [["i", 0, 0]],
        [["a", 0, 0], ["b", 0, 0]],
    )  # fmt: skip
    outer = [inputs("x", 4), {**inner, "name": "inner", "inbound_nodes": [{"args": [tensor("x")], "kwargs": {}}]}]
    ops = lowered(functional("m", outer, [["x", 0, 0]], [["inner", 1, 0]]))

    assert ["inner/a"] == [op.layer for op in ops.ops]
    assert not [slot for slot in ops.slots if slot.call == 2]
    assert (1, 3) == ops.shapes[2][0]


def test_every_layer_that_is_not_supported_is_reported_once():
    config = chain(
        layer("Mine", "mine", module="house"),
        conv_2d("c", activation="selu"),
        layer("UpSampling2D", "deep", size=[2, 2], interpolation="area"),
        layer("Nonzero", "nonzero", module="keras.src.ops.numpy"),
        layer("Softmax", "r", axis=None),
    )
    ops, diagnostics = lower(layer_graph(config, "m.keras"))

    assert ["mine", "deep", "nonzero", "r"] == [diagnostic.layer for diagnostic in diagnostics]
    assert {"QS502"} == {diagnostic.code for diagnostic in diagnostics}
    assert all("m.keras" == str(diagnostic.span) and diagnostic.help for diagnostic in diagnostics)
    assert (None,) == ops.shapes[1]


def test_layers_behind_an_unsupported_one_are_judged_by_the_shapes_of_the_file():
    behind = tensor("mine")
    behind["config"]["shape"] = [None, 8, 8, 4]
    layers = [
        inputs("x", 4),
        layer("Mine", "mine", tensor("x"), module="house"),
        conv_2d("c", behind, activation="unknown"),
    ]
    ops, diagnostics = lower(layer_graph(functional("m", layers, [["x", 0, 0]], [["c", 0, 0]]), "m"))

    assert ["mine", "c"] == [diagnostic.layer for diagnostic in diagnostics]
    assert "its activation is `unknown`" in diagnostics[1].message
    assert ((1, 8, 8, 4),) == ops.shapes[1]


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([conv_2d("c", kernel=9)], "its window of 9 is larger than its input of 8"),
        ([conv_2d("c", groups=3)], "do not divide into 3 groups"),
        ([conv_2d("c", padding="causal")], "its padding is `causal`"),
        ([conv_2d("c", activation={"class_name": "function", "config": "mine"})], "`mine`, which is not a name"),
        ([conv_2d("c") | {"config": conv_2d("c")["config"] | {"dtype": "float64"}}], "`float64`"),
        ([layer("Softmax", "s", axis=None)], "it normalizes over the batch"),
        ([layer("Softmax", "s", axis=7)], "its axis 7 is not one of the 4"),
        ([layer("Hashing", "h", num_bins=3)], "it works on texts"),
        ([layer("EinsumDense", "e", equation="ab,bc", output_shape=3)], "its equation `ab,bc` is not one"),
        ([layer("GroupNormalization", "g", groups=3, axis=-1, epsilon=0.1)], "4 channels do not divide into 3 groups"),
        ([layer("UpSampling2D", "u", size=[2, 2], interpolation="area")], "its interpolation is `area`"),
        ([layer("Dot", "d", axes=1)], "takes two"),
        ([layer("Reshape", "r", target_shape=[5, -1])], "do not fill"),
        ([layer("Permute", "p", dims=[1, 1, 2])], "do not name"),
        ([layer("Cropping2D", "c", cropping=[[4, 4], [0, 0]])], "crops everything"),
        ([layer("GlobalAveragePooling1D", "g")], "4 dimensions"),
    ],
)
def test_a_setting_without_a_lowering_says_which(layers: Any, reason: str):
    (message,) = messages(chain(*layers))

    assert "is not supported" in message
    assert reason in message


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"filters": None}, "config.filters: expected a whole number, found null"),
        ({"filters": -3}, "config.filters: expected a whole number from 1"),
        ({"kernel_size": [3, 3, 3]}, "config.kernel_size: expected one number, or 2, found an array"),
        ({"strides": "no"}, "config.strides: expected an array"),
        ({"padding": 3}, "config.padding: expected a string"),
    ],
)
def test_a_damaged_config_of_a_layer_says_where(changes: Any, where: str):
    damaged = conv_2d("c")
    damaged["config"] |= changes
    (diagnostic,) = lower(layer_graph(chain(damaged), "m.keras"))[1]

    assert "QS501" == diagnostic.code
    assert f"config.json: layer `c`, {where}" in diagnostic.message


def test_an_input_that_is_not_float_is_reported():
    config = chain(re_lu("r"))
    config["config"]["layers"][0]["config"]["dtype"] = "uint8"

    assert "it reads a tensor of uint8" in messages(config)[0]


@pytest.mark.parametrize("name", ["x", "a"])
@pytest.mark.parametrize("reader", ["the model", "a layer"])
def test_an_output_that_a_layer_does_not_have(name: str, reader: str):
    behind, output = ([], [name, 0, 3]) if reader == "the model" else ([re_lu("b", tensor(name, 0, 3))], ["b", 0, 0])
    config = functional("m", [inputs("x", 8), re_lu("a", tensor("x")), *behind], [["x", 0, 0]], [output])

    assert messages(config)[0] == f"config.json: layer `{name}`, outputs: its output 3 is read, and it has 1"


def test_the_number_of_outputs_is_bounded():
    config = functional("m", [inputs("x", 8), layer("Mine", "a", tensor("x"))], [["x", 0, 0]], [["a", 0, 10**9]])

    with pytest.raises(SpecError, match="a whole number from 0 to 1000"):
        layer_graph(config, "m.keras")
