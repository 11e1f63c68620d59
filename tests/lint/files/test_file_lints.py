"""What is said of `.tflite` files: each rule on a file that breaks it, and on one that does not.

LiteRT's interpreter is the judge of what cannot be loaded or run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from qspec.graph.tflite_file import parse_tflite
from qspec.lint.files.check import check_file
from qspec.schema import loads, valid
from tests.graph.litert_files import code, model, operator, packed, perceptron, tensor


def report_of(made: Any, text: str | None = None, targets: tuple[str, ...] = ()):
    file = parse_tflite(packed(made), "m.tflite")
    spec = None if text is None else valid(loads(f"qspec 1\n{text}", "edge.qspec"))
    return check_file(file, spec, targets=targets)


def said(made: Any, text: str | None = None, targets: tuple[str, ...] = ()) -> list[tuple[str, str, str]]:
    return [(item.severity.value, item.code, item.message) for item in report_of(made, text, targets).diagnostics]


def codes(*arguments: Any) -> list[str]:
    return [code for _, code, _ in said(*arguments)]


def runs(made: Any) -> bool:
    """Whether LiteRT loads the file and runs it once with its built-in kernels."""
    try:
        interpreter = Interpreter(
            model_content=packed(made), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        interpreter.allocate_tensors()
        interpreter.invoke()
    except (RuntimeError, ValueError):
        return False
    return True


def changed(change: Callable[[Any], object]) -> Any:
    """The perceptron's model with *change* made to its graph."""
    made = perceptron()
    change(made.subgraphs[0])
    return made


def quantization(index: int, **parameters: Any) -> Callable[[Any], object]:
    def change(graph: Any) -> None:
        for name, value in parameters.items():
            setattr(graph.tensors[index].quantization, name, value)

    return change


def test_a_right_file_has_no_problems_and_runs():
    assert [] == codes(perceptron())
    assert runs(perceptron())


# ---- QS507


def swap_ops(graph: Any) -> None:
    graph.operators = graph.operators[::-1]


def drop_the_first_op(graph: Any) -> None:
    del graph.operators[0]


def write_the_input(graph: Any) -> None:
    graph.operators[1].outputs = [0]


def write_twice(graph: Any) -> None:
    graph.operators[1].outputs = [3]


def short_constant(graph: Any) -> None:
    graph.tensors[1].shape = [3, 5]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (swap_ops, "op 0, SOFTMAX of `result`, reads `dense`, which is written only behind it"),
        (drop_the_first_op, "op 0, SOFTMAX of `result`, reads `dense`, which nothing writes"),
        (write_the_input, "op 1, SOFTMAX of `image`, writes `image`, which is a constant or an input"),
        (write_twice, "op 1, SOFTMAX of `dense`, writes `dense`, which is written before"),
        (short_constant, "the constant `dense/kernel`, int8[3, 5], takes 15 bytes and has 12"),
    ],
)
def test_a_file_that_cannot_run_is_told(change, expected):
    assert ("error", "QS507", expected) in said(changed(change))


@pytest.mark.parametrize("change", [drop_the_first_op, short_constant])
def test_litert_cannot_run_it_either(change):
    assert not runs(changed(change))


def test_what_is_empty_need_not_be_written():
    options = schema.ReshapeOptionsT()
    tensors = [tensor("a", (1,), "FLOAT32"), tensor("shape", (0,), "INT32"), tensor("b", (), "FLOAT32")]
    made = model([code("RESHAPE")], tensors, [operator(0, [0, 1], [2], options)], [0], [2])

    assert "QS507" not in codes(made)


def test_variables_are_there_from_the_start():
    made = changed(drop_the_first_op)
    made.subgraphs[0].tensors[3].isVariable = True

    assert "QS507" not in codes(made)


# ---- QS508


PARAMETERS = {
    "has the scale 0": quantization(0, scale=[0.0]),
    "has the scale -1": quantization(3, scale=[-1.0]),
    "has the scale nan": quantization(3, scale=[math.nan]),
    "has the scale inf": quantization(0, scale=[math.inf]),
    "has 3 scales and 2 zero points": quantization(1, zeroPoint=[0, 0]),
    "has 2 scales on axis 0, which has 3 channels": quantization(1, scale=[0.5] * 2, zeroPoint=[0] * 2),
    "has 3 scales on axis 1, which has 4 channels": quantization(1, quantizedDimension=1),
    "is quantized along axis 2 and has 2 dimensions": quantization(1, quantizedDimension=2),
    "is quantized along axis -1 and has 2 dimensions": quantization(0, quantizedDimension=-1),
    "has the zero point 128, which is no int8": quantization(0, zeroPoint=[128]),
}


@pytest.mark.parametrize("expected", PARAMETERS)
def test_parameters_that_cannot_be_are_told(expected):
    found = [message for severity, code, message in said(changed(PARAMETERS[expected])) if code == "QS508"]

    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize("problem", [text for text in PARAMETERS if "scales" in text or "axis" in text])
def test_litert_does_not_load_it_either(problem):
    assert not runs(changed(PARAMETERS[problem]))


def test_the_same_mistake_is_told_once_with_a_count():
    made = changed(quantization(0, scale=[0.0]))
    made.subgraphs[0].tensors[3].quantization.scale = [0.0]

    assert ["`image` has the scale 0; scales are positive numbers (and 1 like this)"] == [
        message for _, code, message in said(made) if code == "QS508"
    ]


# ---- QS509 and QS510


def test_integers_without_a_scale_are_told():
    def strip(graph: Any) -> None:
        graph.tensors[3].quantization = None

    message = "FULLY_CONNECTED of `dense` writes `dense`, which is int8 and has no scale"
    assert ("error", "QS509", message) in said(changed(strip))
    assert not runs(changed(strip))


def test_integers_that_are_only_moved_need_no_scale():
    tensors = [tensor("bytes", (1, 4), "UINT8"), tensor("shape", (2,), "INT32", 1), tensor("out", (4, 1), "UINT8")]
    made = model(
        [code("RESHAPE")],
        tensors,
        [operator(0, [0, 1], [2], schema.ReshapeOptionsT())],
        [0],
        [2],
        [np.array([4, 1], np.int32).tobytes()],
    )

    assert "QS509" not in codes(made)
    assert runs(made)


@pytest.mark.parametrize(
    ("scales", "expected"),
    [
        ([0.125, 0.25, 0.07], "has scale 0.07 in channel 2, and input * weights is 0.0625"),
        ([0.25], "has 1 scale, and the weights have 3"),
    ],
)
def test_a_bias_of_another_scale_is_told(scales, expected):
    made = changed(quantization(2, scale=scales, zeroPoint=[0] * len(scales)))

    assert [("error", "QS510", f"the bias of FULLY_CONNECTED of `dense` {expected}")] == said(made)
    assert runs(made), "nothing else tells"


def test_a_bias_of_another_scale_is_told_once_for_a_single_scale_too():
    def per_tensor(graph: Any) -> None:
        quantization(1, scale=[0.25], zeroPoint=[0])(graph)
        quantization(2, scale=[0.25], zeroPoint=[0])(graph)

    assert ["QS510"] == codes(changed(per_tensor))


def test_a_bias_of_zeros_is_right_in_every_scale():
    for scales in ([0.7, 0.25, 0.07], [0.3]):
        made = changed(quantization(2, scale=scales, zeroPoint=[0] * len(scales)))
        quantization(1, scale=[0.25] * len(scales), zeroPoint=[0] * len(scales))(made.subgraphs[0])
        made.buffers[2].data = np.zeros(12, np.uint8)

        assert [] == codes(made)


def test_the_rounding_of_a_bias_scale_is_none_of_its_business():
    made = changed(quantization(2, scale=np.nextafter(np.array([0.125, 0.25, 0.0625], np.float32), np.float32(1))))

    assert [] == codes(made)


# ---- QS511, QS512, QS605


def casts(options: str) -> Any:
    return getattr(schema, f"{options}OptionsT")()


def with_island() -> Any:
    """The perceptron, and behind it SOFTMAX's result in float, twice activated, and in integers again."""
    made = perceptron()
    graph = made.subgraphs[0]
    made.operatorCodes += [code("DEQUANTIZE", 2), code("EXP"), code("QUANTIZE")]
    graph.tensors += [tensor(name, (1, 3), "FLOAT32") for name in ("real", "once", "twice")]
    graph.tensors.append(tensor("again", (1, 3), scales=[0.1], zero_points=[0]))
    graph.operators += [
        operator(2, [4], [5], casts("Dequantize")),
        operator(3, [5], [6], casts("Exp")),
        operator(3, [6], [7], casts("Exp")),
        operator(4, [7], [8], casts("Quantize")),
    ]
    graph.outputs = [8]
    return made


def test_ops_in_float_between_integers_are_told():
    message = "2 ops in 1 island of this quantized model compute in float: EXP of `once`, EXP of `twice`"

    assert [("warning", "QS511", message)] == said(with_island())


def test_islands_are_counted():
    made = with_island()
    made.subgraphs[0].operators[4].inputs = [5]

    assert next(message for _, code, message in said(made) if code == "QS511").startswith("2 ops in 2 islands")


def test_a_float_model_has_no_islands():
    tensors = [tensor("a", (1, 3), "FLOAT32"), tensor("b", (1, 3), "FLOAT32")]

    assert [] == codes(model([code("EXP")], tensors, [operator(0, [0], [1], casts("Exp"))], [0], [1]))


def test_open_shapes_are_told():
    def open_batch(graph: Any) -> None:
        for index in (0, 3, 4):
            graph.tensors[index].shapeSignature = [-1, *graph.tensors[index].shape[1:]]

    assert [("note", "QS512", "the input `image` [?, 4] and what follows from it have open shapes")] == said(
        changed(open_batch)
    )
    assert ("error", "QS403") in [
        (severity, code) for severity, code, _ in said(changed(open_batch), None, ("edgetpu",))
    ]


def test_rescaling_inside_the_model_is_told():
    made = perceptron()
    graph = made.subgraphs[0]
    made.operatorCodes.append(code("QUANTIZE"))
    graph.tensors.append(tensor("other", (1, 3), scales=[0.5], zero_points=[-128]))
    graph.operators.insert(1, operator(2, [3], [5], casts("Quantize")))
    graph.operators[2].inputs = [5]

    assert [
        (
            "note",
            "QS605",
            "1 op changes integers to other integers inside the model: `other` int8 0.75 → int8 0.5",
        )
    ] == said(made)


def test_casts_at_the_edges_are_no_rescaling():
    made = perceptron()
    graph = made.subgraphs[0]
    made.operatorCodes.append(code("QUANTIZE"))
    graph.tensors.append(tensor("bytes", (1, 4), "UINT8", scales=[0.5], zero_points=[125]))
    graph.operators.insert(0, operator(2, [5], [0], casts("Quantize")))
    graph.inputs = [5]

    assert [] == codes(made)
    assert runs(made)


# ---- targets


def test_without_a_target_the_file_is_held_against_litert_itself():
    report = report_of(perceptron())

    assert [("tflite", 100.0)] == [(each.deploy.name, each.placement.coverage) for each in report.placement]


def test_an_op_that_the_runtime_does_not_run_is_an_error():
    def custom(graph: Any) -> None:
        graph.operators[1].opcodeIndex = 2

    made = changed(custom)
    made.operatorCodes.append(code("CUSTOM", custom="Sparkle"))
    for targets in ((), ("tflite", "edgetpu", "nnapi")):
        assert ["`tflite` has no row for CUSTOM"] == [
            message.split(": ")[1] for _, code, message in said(made, None, targets) if code == "QS401"
        ], "of a host that several targets share, once"


def test_a_file_that_was_compiled_already_is_told():
    made = changed(lambda graph: setattr(graph.operators[1], "opcodeIndex", 2))
    made.operatorCodes.append(code("CUSTOM", custom="edgetpu-custom-op"))
    (found,) = [item for item in report_of(made).diagnostics if item.code == "QS401"]

    assert found.message.startswith("tflite does not take CUSTOM edgetpu-custom-op of `result`: ")
    assert "the Edge TPU's compiler made this file: check the one that it was given" == found.help


def test_the_version_in_the_file_counts():
    board = """
        target board {
          op FULLY_CONNECTED | SOFTMAX { input = int8, output = int8, require version <= 4 because "it is old" }
        }
        deploy board
    """
    newer = perceptron()
    newer.operatorCodes[0].version = 9

    assert [] == codes(perceptron(), board)
    assert [("error", "QS401", "board does not take FULLY_CONNECTED of `dense`: it is old")] == said(newer, board)


def test_an_unknown_target_is_told():
    assert ("error", "QS405", "target `edgetpo` is not known") in said(perceptron(), None, ("edgetpo",))


# ---- against a spec


def test_requirements_are_answered():
    size = len(packed(perceptron()))
    text = f'deploy edgetpu as coral\nrequire size <= {size} B\nrequire ops <= 1 because "small"\n'
    text += "require coral.coverage == 100%\nrequire coral.parameters < 20 B\nrequire accuracy_drop <= 1%\n"

    assert [
        "this requirement does not hold: `ops` is 2",
        "this requirement does not hold: `coral.parameters` is 24 B",
    ] == [message for _, code, message in said(perceptron(), text) if code == "QS407"]


def test_inputs_and_outputs_are_held_against_the_spec():
    text = 'input { type = int8, batch = 2 }\noutput["result"] { type = float32 }\noutput { type = uint8 }\n'

    assert [
        "the batch of the input `image` of `m.tflite` is 1, not 2",
        "the output `result` of `m.tflite` is int8, not float32",
    ] == [message for _, code, message in said(perceptron(), text) if code == "QS601"]


def test_a_block_for_an_end_that_the_file_has_not_is_an_error():
    (found,) = report_of(perceptron(), 'input["picture"] { type = int8 }\n').diagnostics

    assert ("QS101", "`m.tflite` has no input `picture`") == (found.code, found.message)
    assert found.help.startswith("its inputs: `image`")


def test_rules_are_not_held_against_a_file_and_it_says_so():
    text = 'import "std/int8.qspec"\nrule a match Dense { weights = w8 }\n'
    (found,) = [item for item in report_of(perceptron(), text).diagnostics if item.code == "QS606"]

    assert "the spec's 1 rule cannot be held against `m.tflite`: rules speak of layers, and it has ops" == found.message
    assert "edge.qspec:3:6" == str(found.span)
    assert "QS606" not in codes(perceptron(), "deploy edgetpu\n")


def test_what_a_deployed_target_refuses_stands_at_its_line():
    made = changed(lambda graph: setattr(graph.tensors[0], "shapeSignature", [-1, 4]))
    (found,) = [item for item in report_of(made, "deploy edgetpu as coral\n").diagnostics if item.code == "QS403"]

    assert "edge.qspec:2:19" == str(found.span)
    assert found.related[0][0].source.path.endswith("edgetpu.qspec")
