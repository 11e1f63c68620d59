"""`qspec inspect`: what is printed of a model's ops, for people and for programs."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as schema

from qspec.cli import main
from qspec.cli.inspect import read
from qspec.cli.inspect_text import lines
from qspec.diagnostics.text import display_width
from tests.graph.keras_configs import archive, small_model
from tests.graph.litert_files import code, every_op, model, operator, packed, perceptron, tensor


@pytest.fixture
def inspect(tmp_path, monkeypatch, capsys):
    """`inspect(made, arguments…)` writes the model to `m.tflite` and gives the exit code and what was printed."""
    monkeypatch.chdir(tmp_path)

    def run(made, *arguments: str) -> tuple[int, str]:
        Path("m.tflite").write_bytes(packed(made))
        exit_code = main(["inspect", "m.tflite", *arguments])
        printed = capsys.readouterr()
        assert "" == printed.err
        return exit_code, printed.out

    return run


def test_ops_stand_in_order_with_what_they_read_and_write(inspect):
    made = perceptron()
    made.description = "qspec 0.1.0"
    code, out = inspect(made)
    size = Path("m.tflite").stat().st_size

    assert 0 == code
    assert (
        f"""\
m.tflite: {size} bytes written by `qspec 0.1.0`, 2 ops, 5 tensors
    input    image         int8   [1, 4]  scale 0.5, zero point -3
    output   result        int8   [1, 3]  scale 0.00390625, zero point -128

0  FULLY_CONNECTED v4  dense
    then RELU
    input    image         int8   [1, 4]  scale 0.5, zero point -3
    weights  dense/kernel  int8   [3, 4]  3 scales 0.125 to 0.5, axis 0
    bias     dense/bias    int32  [3]     3 scales 0.0625 to 0.25, axis 0
    output   dense         int8   [1, 3]  scale 0.75, zero point -128

1  SOFTMAX v2  result
    input    dense         int8   [1, 3]  scale 0.75, zero point -128
    output   result        int8   [1, 3]  scale 0.00390625, zero point -128
"""
        == out
    )


def test_only_a_file_of_qspec_tells_layers(inspect):
    assert "0  FULLY_CONNECTED v4\n" in inspect(perceptron())[1]


def test_attributes_that_matter(inspect):
    convolution = schema.Conv2DOptionsT()
    convolution.strideW, convolution.strideH, convolution.padding = 1, 2, 1
    convolution.dilationWFactor = convolution.dilationHFactor = 3
    slice_ = schema.StridedSliceOptionsT()
    slice_.beginMask = 5
    tensors = [tensor("a", (1,)), tensor("axes", (2,), "INT32", 1), tensor("b", (1,))]
    operators = [operator(0, [0], [2], convolution), operator(1, [2, 1], [0], slice_), operator(2, [0, -1], [2])]
    codes = [code("CONV_2D"), code("STRIDED_SLICE"), code("CUSTOM", custom="Sparkle")]
    out = inspect(model(codes, tensors, operators, buffers=[b"\1\0\0\0\2\0\0\0"]))[1]

    assert "    padding VALID, stride 2 x 1, dilation 3 x 3\n" in out
    assert "    begin_mask 5\n" in out
    assert "    custom_code Sparkle\n" in out
    assert "    begin    axes  int32  [2]  = [1, 2]\n" in out


def test_further_graphs_of_a_file_are_listed(inspect):
    made = perceptron()
    body = schema.SubGraphT()
    body.name, body.tensors, body.operators, body.inputs, body.outputs = "body", [tensor("x", (1,))], [], [0], [0]
    made.subgraphs.append(body)

    assert ", 1 more subgraph\n" in inspect(made)[1]
    assert "\nsubgraph 1 `body`\n    input    x" in inspect(made)[1]
    assert ["body"] == [each["name"] for each in json.loads(inspect(made, "--format", "json")[1])["subgraphs"]]


def test_json(inspect):
    made = perceptron()
    made.description = "qspec 0.1.0"
    code, out = inspect(made, "--format", "json")
    document = json.loads(out)
    dense, softmax = document["ops"]

    assert 0 == code
    assert {"version", "diagnostics", "model", "ops", "subgraphs", "summary"} == set(document)
    assert ("FULLY_CONNECTED", 4, "dense", []) == (dense["op"], dense["version"], dense["layer"], dense["fused"])
    assert ["input", "weights", "bias"] == [each["operand"] for each in dense["inputs"]]
    assert {
        "tensor": 0,
        "name": "image",
        "type": "int8",
        "shape": [1, 4],
        "constant": False,
        "value": None,
        "scale": 0.5,
        "zero_point": -3,
        "axis": None,
    } == document["model"]["inputs"][0]
    weights = dense["inputs"][1]
    assert ([0.25, 0.5, 0.125], [0, 0, 0], 0, True) == tuple(
        weights[key] for key in ("scale", "zero_point", "axis", "constant")
    )
    assert {"beta": 1.0} == softmax["attributes"]


def test_json_has_no_numbers_that_json_does_not_have(inspect):
    made = perceptron()
    made.subgraphs[0].tensors[0].quantization.scale = [math.nan]
    made.subgraphs[0].operators[1].builtinOptions.beta = math.inf
    out = inspect(made, "--format", "json")[1]

    assert "NaN" not in out
    assert "Infinity" not in out
    assert None is json.loads(out)["ops"][0]["inputs"][0]["scale"]


def test_a_model_of_layers_is_listed_as_the_ops_that_it_becomes(tmp_path, capsys):
    path = str(archive(tmp_path / "small.keras", small_model()))

    assert 0 == main(["inspect", path])
    text = capsys.readouterr().out
    assert 0 == main(["inspect", path, "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert document["ops"]
    for op in document["ops"]:
        assert op["version"] is None
        assert f"{op['op']}  {' + '.join([op['layer'], *op['fused']])}\n" in text
        assert all(each["scale"] is None for each in op["outputs"])


@pytest.mark.parametrize("width", [60, 80, 100, 132])
def test_no_line_is_wider_than_the_screen(tmp_path, width):
    made = every_op()
    for number, each in enumerate(made.subgraphs[0].tensors):
        each.name = f"block_{number}/" + "尾\u202e\t" * (number % 40) + "end"
    made.description = "qspec " + "x" * 200
    (tmp_path / "m.tflite").write_bytes(packed(made))
    listing = read(str(tmp_path / "m.tflite"))
    printed = list(lines(listing, width))

    assert width >= max(map(display_width, printed))
    assert all(line.isprintable() for line in printed)
    assert len(list(lines(listing, None))) <= len(printed)


def test_scales_go_to_a_line_of_their_own_where_there_is_no_room(tmp_path):
    made = perceptron()
    made.subgraphs[0].tensors[1].name = "a/very/long/path/to/a/layer/in/a/nested/model/kernel"
    (tmp_path / "m.tflite").write_bytes(packed(made))
    printed = list(lines(read(str(tmp_path / "m.tflite")), 60))

    assert any(line.strip() == "3 scales 0.125 to 0.5, axis 0" for line in printed)
    assert any("…" in line and line.rstrip().endswith("kernel  int8   [3, 4]") for line in printed)


def test_what_cannot_be_read_is_an_error(tmp_path, capsys):
    assert 1 == main(["inspect", str(tmp_path / "missing.tflite")])
    assert "error[QS501]: there is no such file" in capsys.readouterr().out
    (tmp_path / "a.qspec").write_text("qspec 1\n")
    assert 1 == main(["inspect", str(tmp_path / "a.qspec")])
    assert "error[QS501]: this is a spec, and a model is meant" in capsys.readouterr().out
    assert 1 == main(["inspect", str(tmp_path / "missing.keras"), "--format", "json"])
    assert ["QS501"] == [item["code"] for item in json.loads(capsys.readouterr().out)["diagnostics"]]
