from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from qspec.diagnostics import SpecError
from qspec.graph.keras_config import layer_graph
from qspec.graph.layers import Value
from tests.graph.keras_configs import (
    called,
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


def refusal(config: Any) -> Any:
    with pytest.raises(SpecError) as caught:
        layer_graph(config, "model.keras")
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def paths(config: Any) -> list[str]:
    return [call.layer.path for call in layer_graph(config, "m").calls]


def test_a_functional_model_is_its_calls_in_order():
    graph = layer_graph(small_model(), "dir/small.keras")

    assert ["image", "conv", "bn", "relu", "flatten", "logits"] == [call.layer.path for call in graph.calls]
    assert "small" == graph.name
    assert "dir/small.keras" == graph.path
    assert ((Value(0),), (Value(5),)) == (graph.inputs, graph.outputs)
    assert (("image",), ("logits",)) == (graph.input_names, graph.output_names)
    assert (Value(2),) == graph.calls[3].inputs
    assert ("Conv2D", "keras.layers", True) == (
        graph.calls[1].layer.class_name,
        graph.calls[1].layer.package,
        graph.calls[1].layer.built_in,
    )
    assert [3, 3] == graph.calls[1].layer.config["kernel_size"]


def test_arguments_keep_their_structure():
    layers = [
        inputs("a", 4),
        inputs("b", 4),
        layer("Add", "add", [tensor("a"), tensor("b")]),
        layer("Dot", "dot", tensor("add"), axes=1),
    ]
    layers[3]["inbound_nodes"] = [
        {
            "args": [{"class_name": "__tuple__", "items": [tensor("add"), tensor("a")]}],
            "kwargs": {"mask": {"x": tensor("b")}, "training": False},
        }
    ]
    graph = layer_graph(functional("m", layers, [["a", 0, 0], ["b", 0, 0]], ["dot", 0, 0]), "m")

    assert ([Value(0), Value(1)],) == graph.calls[2].arguments
    assert ((Value(2), Value(0)),) == graph.calls[3].arguments
    assert {"mask": {"x": Value(1)}, "training": False} == graph.calls[3].keywords
    assert (Value(2), Value(0), Value(1)) == graph.calls[3].inputs


def test_a_shared_layer_is_one_object_called_where_its_arguments_are_ready():
    layers = [inputs("x", 4), dense("shared", tensor("x"), tensor("relu"), units=4), re_lu("relu", tensor("shared"))]
    graph = layer_graph(functional("m", layers, [["x", 0, 0]], [["shared", 1, 0]]), "m")

    assert ["x", "shared", "relu", "shared"] == [call.layer.path for call in graph.calls]
    assert graph.calls[1].layer is graph.calls[3].layer
    assert (Value(3),) == graph.outputs


def test_nested_models_are_flattened_and_their_paths_joined():
    inner = functional("inner", [inputs("i", 6, 6, 4), re_lu("relu", tensor("i"))], [["i", 0, 0]], [["relu", 0, 0]])
    middle = sequential("middle", [inputs("s", 8, 8, 3), conv_2d("conv"), inner])
    outer = [inputs("image", 8, 8, 3), called(middle, tensor("image")), re_lu("last", tensor("middle"))]

    graph = layer_graph(functional("outer", outer, [["image", 0, 0]], [["last", 0, 0]]), "m")

    assert ["image", "middle/conv", "middle/inner/relu", "last"] == [call.layer.path for call in graph.calls]
    assert [(), (Value(0),), (Value(1),), (Value(2),)] == [call.inputs for call in graph.calls]


def test_a_nested_model_called_twice_calls_its_layers_twice():
    block = functional(
        "block", [inputs("i", 4), dense("a", tensor("i"), units=4), dense("b", tensor("a"), units=4)],
        [["i", 0, 0]], [["a", 0, 0], ["b", 0, 0]],
    )  # fmt: skip
    outer = [inputs("x", 4), called(block, tensor("x"), tensor("block", 0, 1))]
    # Of the outputs of a nested Functional model Keras counts the calls from 1 (its own first node is 0).
    graph = layer_graph(functional("m", outer, [["x", 0, 0]], [["block", 2, 0], ["block", 1, 0]]), "m")

    assert ["x", "block/a", "block/b", "block/a", "block/b"] == [call.layer.path for call in graph.calls]
    assert graph.calls[1].layer is graph.calls[3].layer
    assert (Value(2),) == graph.calls[3].inputs
    assert (Value(3), Value(1)) == graph.outputs
    assert ("block", "block") == graph.output_names


def test_a_dictionary_for_a_nested_model_with_a_list_of_inputs_goes_by_name():
    block = functional(
        "block", [inputs("p", 4), inputs("q", 4), layer("Subtract", "sub", [tensor("p"), tensor("q")])],
        [["p", 0, 0], ["q", 0, 0]], ["sub", 0, 0],
    )  # fmt: skip
    outer = [inputs("x", 4), inputs("y", 4), called(block, {"q": tensor("x"), "p": tensor("y")})]
    graph = layer_graph(functional("m", outer, [["x", 0, 0], ["y", 0, 0]], ["block", 1, 0]), "m")

    assert (Value(1), Value(0)) == graph.calls[2].inputs


def test_dictionaries_are_flattened_by_sorted_key_as_keras_does():
    layers = [inputs("z", 4), inputs("a", 4), dense("one", tensor("z")), dense("two", tensor("a"))]
    model = functional("m", layers, {"z": ["z", 0, 0], "a": ["a", 0, 0]}, {"y": ["one", 0, 0], "b": ["two", 0, 0]})
    graph = layer_graph(model, "m")

    assert ("a", "z") == graph.input_names
    assert ("b", "y") == graph.output_names
    assert ["a", "z"] == [graph.calls[value.call].layer.path for value in graph.inputs]
    assert ["two", "one"] == [graph.calls[value.call].layer.path for value in graph.outputs]


def test_an_output_may_be_any_of_a_layers_outputs():
    layers = [inputs("x", 4, 3), layer("LSTM", "lstm", tensor("x")), dense("d", tensor("lstm", 0, 2))]
    graph = layer_graph(functional("m", layers, [["x", 0, 0]], [["d", 0, 0], ["lstm", 0, 1]]), "m")

    assert (Value(1, 2),) == graph.calls[2].inputs
    assert (Value(2), Value(1, 1)) == graph.outputs


def test_a_sequential_model_is_a_chain():
    graph = layer_graph(sequential("s", [inputs("x", 4), dense("a"), dense("b")]), "m")

    assert ["x", "a", "b"] == [call.layer.path for call in graph.calls]
    assert [(), (Value(0),), (Value(1),)] == [call.inputs for call in graph.calls]
    assert (("x",), ("b",)) == (graph.input_names, graph.output_names)


def test_a_sequential_model_without_input_layer_takes_the_shape_it_was_built_for():
    from_config = layer_graph(sequential("s", [dense("a")], build_input_shape=[None, 5]), "m")
    from_build = layer_graph(sequential("s", [dense("a")]) | {"build_config": {"input_shape": [None, 5]}}, "m")

    for graph in (from_config, from_build):
        assert "InputLayer" == graph.calls[0].layer.class_name
        assert [None, 5] == graph.calls[0].layer.config["batch_shape"]


def test_a_sequential_model_that_was_never_built_says_so():
    diagnostic = refusal(sequential("s", [dense("a")]))

    assert "QS503" == diagnostic.code
    assert "before it was built" in diagnostic.message
    assert "model.build" in diagnostic.help


def test_raw_operations_and_custom_classes_keep_their_names():
    layers = [
        inputs("x", 4),
        layer("Add", "add", tensor("x"), module="keras.src.ops.numpy"),
        layer("Mine", "mine", tensor("add"), module=None) | {"registered_name": "house>Mine"},
    ]
    layers[1]["inbound_nodes"][0]["args"].append(1.5)
    graph = layer_graph(functional("m", layers, [["x", 0, 0]], [["mine", 0, 0]]), "m")
    operation, custom = graph.calls[1].layer, graph.calls[2].layer

    assert (True, "Add") == (operation.operation, operation.class_name)
    assert (Value(0), 1.5) == graph.calls[1].arguments
    assert (False, False, "house", "Mine") == (custom.operation, custom.built_in, custom.package, custom.class_name)


def test_a_subclassed_model_is_refused():
    diagnostic = refusal({"module": "my_module", "class_name": "MyModel", "config": {}, "registered_name": "MyModel"})

    assert "QS501" == diagnostic.code
    assert "subclassed models" in diagnostic.message


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": "Functional", "config": {"name": "m", "layers": [], "input_layers": [], "output_layers": []}},
        functional("m", [inputs("x", 4) | {"inbound_nodes": [[["y", 0, 0, {}]]]}], [["x", 0, 0]], [["x", 0, 0]]),
    ],
)
def test_a_config_of_keras_2_is_refused(config: Any):
    assert "QS505" == refusal(config).code


def _broken(**changes: Any) -> Any:
    model = small_model()
    model["config"] |= changes
    return model


@pytest.mark.parametrize(
    ("config", "where"),
    [
        ({}, "`class_name` is missing"),
        ({"class_name": 3}, "class_name: expected a string, found 3"),
        (_broken(layers=3), "config.layers: expected an array, found 3"),
        (_broken(layers=[]), "input_layers: `image` is not an input"),
        (_broken(layers=[1]), "config.layers[0]: expected an object"),
        (_broken(input_layers=[]), "config.input_layers: the model has no inputs"),
        (_broken(input_layers=[["conv", 0, 0]]), "config.input_layers: `conv` is not an input"),
        (_broken(output_layers=[["gone", 0, 0]]), "config.output_layers: there is no layer `gone`"),
        (_broken(output_layers=[["logits", 7, 0]]), "config.output_layers: there is no output 0 of call 7"),
        (_broken(output_layers=[["logits", -1, 0]]), "config.output_layers[0][1]: expected a whole number"),
        (_broken(output_layers=3), "config.output_layers: expected an array"),
        (_broken(layers=[inputs("x", 4), inputs("x", 4)]), "config.layers[1]: the name `x` is taken"),
        (_broken(layers=[inputs("x", -4)], input_layers=[["x", 0, 0]], output_layers=[["x", 0, 0]]), "batch_shape[1]"),
        (_broken(layers=[inputs("x", 2**40)], input_layers=[["x", 0, 0]], output_layers=[["x", 0, 0]]), "batch_shape"),
        (_broken(name=None), "config.name: expected a string, found null"),
    ],
)
def test_a_wrong_structure_says_where(config: Any, where: str):
    diagnostic = refusal(config)

    assert "model.keras" == str(diagnostic.span)
    assert where in diagnostic.message
    assert diagnostic.message.startswith("config.json: ")


def test_a_reference_to_nowhere_and_a_cycle_are_found():
    dangling = [inputs("x", 4), dense("a", tensor("b"))]
    cycle = [inputs("x", 4), dense("a", tensor("b")), dense("b", tensor("a"))]

    for layers, message in ((dangling, "there is no call 0 of a layer `b`"), (cycle, "reads its own result")):
        diagnostic = refusal(functional("m", layers, [["x", 0, 0]], [["a", 0, 0]]))
        assert message in diagnostic.message
        assert "config.layers[1].inbound_nodes[0]" in diagnostic.message


def test_models_that_multiply_are_stopped():
    model = functional("m0", [inputs("x", 4), re_lu("r", tensor("x"))], [["x", 0, 0]], [["r", 0, 0]])
    for level in range(1, 30):
        name = model["config"]["name"]
        layers = [inputs("x", 4), called(model, tensor("x"), tensor(name))]
        model = functional(f"m{level}", layers, [["x", 0, 0]], [[name, 2, 0]])

    assert "calls more than" in refusal(model).message


def test_models_nested_too_deep_are_stopped():
    model = functional("m", [inputs("x", 4), re_lu("r", tensor("x"))], [["x", 0, 0]], [["r", 0, 0]])
    for _ in range(60):
        model = functional("m", [inputs("x", 4), called(model, tensor("x"))], [["x", 0, 0]], [["m", 1, 0]])

    assert "nested more than" in refusal(model).message


def test_a_long_chain_is_read():
    names = ["x", *(f"r{index}" for index in range(5000))]
    layers = [inputs("x", 4), *(re_lu(name, tensor(before)) for before, name in pairwise(names))]

    assert names == paths(functional("m", layers, [["x", 0, 0]], [[names[-1], 0, 0]]))
