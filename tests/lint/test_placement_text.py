"""The placement for people and for programs: summed up by reason, with rows, gains and the cut."""

from __future__ import annotations

import json

from qspec.graph.layers import LayerGraph
from qspec.lint import Report, check
from qspec.schema import loads
from tests.plan.layer_models import ModelBuilder

HEAD = """\
qspec 1
import "std/int8.qspec"
default { weights = w8, output = a8 }
input { type = int8 }
output { type = int8 }
"""
NPU = """\
target npu on tflite {
  title = "Neural"
  partition = prefix
  memory.parameters = 1 KiB
  op CONV_2D { input = int8 }
  op ADD {
    input = int8
    require false because "no sums"
  }
}
"""


def blocks(count: int) -> LayerGraph:
    """Blocks of a convolution and a sum with what came in, and a sigmoid at the end."""
    m = ModelBuilder()
    value = m.input(8, 8, 4, name="image")
    for number in range(count):
        value = m("Add", m("Conv2D", value, name=f"conv_{number}"), value, name=f"add_{number}")
    return m.graph(m("Activation", value, name="last", activation="sigmoid"))


def report(text: str, count: int = 3) -> Report:
    spec, diagnostics = loads(HEAD + text, "spec.qspec")
    assert spec is not None
    return check(spec, blocks(count), diagnostics)


def test_reasons_with_their_rows_and_what_it_would_bring() -> None:
    # A convolution has 64 values of 4 channels, each from 9 of 4: 9,216 products; 144 weights and 4 biases of 4 bytes.
    expected = [
        "npu (Neural): 1 of 7 ops accelerated, 14.3% of the compute ops, 1 partition",
        "  parameters: 0.16 of 1.00 KiB",
        "  33.3% of 27,648 multiply-accumulates, 33.3% of 0.5 KiB of parameters",
        "  on tflite: 3 ADD (add_0, add_1, add_2): no sums [spec.qspec:13]; "
        "without it 85.7% of the ops, 2 that wait behind it among them",
        "  on tflite: LOGISTIC (last): `npu` has no row for LOGISTIC [spec.qspec:6]; "
        "without it 14.3% of the ops (100% without those above too)",
        "  on tflite: 2 more behind these, which npu would take",
    ]

    assert expected == report(NPU + "deploy npu\n").placement_text().splitlines()


def test_a_coverage_that_falls_short_names_the_layers_to_change() -> None:
    (failed,) = report(NPU + "deploy npu\nrequire npu.coverage == 100%\n").diagnostics

    assert (
        "to have the whole model on npu, change `add_0` and 2 more (ADD), 85.7%; then `last` (LOGISTIC), 100%"
        == failed.help
    )
    assert [
        "`npu` is deployed here", "not accelerated: ADD: no sums",
        "not accelerated: LOGISTIC: `npu` has no row for LOGISTIC",
    ] == [label for _, label in failed.related]  # fmt: skip


def test_a_file_too_large_names_the_layers_that_hold_it_in_the_unit_that_was_asked() -> None:
    m = ModelBuilder()
    value = m.input(8, 8, 4, name="image")
    for name, filters in (("small", 4), ("large", 64), ("middle", 8), ("tiny", 1)):
        value = m("Conv2D", value, name=name, filters=filters, use_bias=False)
    spec, _ = loads(HEAD + "require size <= 1 KiB", "spec.qspec")
    assert spec is not None
    made = check(spec, m.graph(value))
    (failed,) = made.diagnostics

    # 3 by 3 windows of 1 byte: 9 * 4 * 64, 9 * 64 * 8, 9 * 4 * 4; and 4 bytes for each bias that the kernel wants.
    assert made.size is not None
    assert f"`size` is about {made.size / 1024:.2f} KiB ({made.size:,} B)" in failed.message
    assert "most of it is the constants of `middle` (4.5 KiB), `large` (2.5 KiB), `small` (0.2 KiB)" == failed.help


def test_of_a_file_that_is_mostly_ops_that_is_told_and_which_layer_becomes_them() -> None:
    m = ModelBuilder()
    steps = m("GRU", m.input(20, 3, name="image"), name="steps", units=2)
    spec, _ = loads(HEAD + "require size <= 1 KiB", "spec.qspec")
    assert spec is not None
    made = check(spec, m.graph(steps))
    (failed,) = (item for item in made.diagnostics if item.code == "QS407")

    assert made.plan is not None
    ops = made.plan.ops.ops
    of_layer = sum(op.layer == "steps" for op in ops)
    assert 20 * 5 < of_layer
    described, _, constants = failed.help.partition("; ")
    assert f" KiB of it are what describes {len(ops)} ops ({of_layer} of them `steps`) and their " in described
    assert constants.endswith(" KiB are constants, most of `steps` (" + constants.partition(" KiB")[0] + " KiB)")


def test_hundreds_of_ops_on_many_targets_stay_readable() -> None:
    targets = "".join(f"{NPU.replace('npu', f'npu_{n}')}deploy npu_{n}\n" for n in range(8))
    lines = report(targets, 100).placement_text().splitlines()

    assert 8 * 7 - 1 == len(lines)
    assert 180 > max(map(len, lines))


def test_of_many_reasons_the_first_are_shown() -> None:
    rows = "".join(
        f'  op CONV_2D when stride_w == {n} {{ require false because "reason {n}" }}\n' for n in range(1, 13)
    )
    m = ModelBuilder()
    value = m.input(64, 64, 1, name="image")
    outputs = [m("Conv2D", value, name=f"conv_{n}", strides=[n, n], filters=1) for n in range(1, 13)]
    spec, _ = loads(f"{HEAD}target npu on tflite {{\n{rows}}}\ndeploy npu\n")
    assert spec is not None
    lines = check(spec, m.graph(*outputs)).placement_text().splitlines()

    assert 8 == sum("reason" in line and "more reason" not in line for line in lines)
    assert "  … and 4 more reasons (`--format json` has all)" == lines[-1]


def test_of_one_reason_more_than_are_shown_one_is_left() -> None:
    rows = "".join(f'  op CONV_2D when stride_w == {n} {{ require false because "no {n}" }}\n' for n in range(1, 10))
    m = ModelBuilder()
    value = m.input(64, 64, 1, name="image")
    outputs = [m("Conv2D", value, name=f"conv_{n}", strides=[n, n], filters=1) for n in range(1, 10)]
    spec, _ = loads(f"{HEAD}target npu on tflite {{\n{rows}}}\ndeploy npu\n")
    assert spec is not None

    last = check(spec, m.graph(*outputs)).placement_text().splitlines()[-1]
    assert "  … and 1 more reason (`--format json` has all)" == last


EVERY = """\
target npu on tflite {
  op CONV_2D | LOGISTIC | ADD { input = int8 }
  op any { require batch == 2 because "it runs pairs" }
  op any { require kind != "ADD" because "no sums" }
}
deploy npu
"""


def test_ops_of_several_kinds_that_one_line_rules_out_are_one_obstacle() -> None:
    made = report(EVERY, 2)
    shown = [line for line in made.placement_text().splitlines() if " on " in line]

    assert [
        "  on tflite: 3 ops (CONV_2D, LOGISTIC): it runs pairs [spec.qspec:8]; without it 60% of the ops",
        "  on tflite: 2 ADD (add_0, add_1): it runs pairs; no sums [spec.qspec:8, spec.qspec:9]; "
        "without it 40% of the ops (100% without those above too)",
    ] == shown
    first, second = json.loads(made.to_json())["placement"][0]["obstacles"]
    assert (None, ["CONV_2D", "LOGISTIC"], [0, 2, 4]) == (first["op"], first["kinds"], first["ops"])
    assert ("ADD", ["ADD"]) == (second["op"], second["kinds"])


def test_a_line_of_one_row_and_the_same_words_in_another_are_two_reasons() -> None:
    rows = "".join(f'  op {kind} {{ require batch == 2 because "pairs" }}\n' for kind in ("CONV_2D", "ADD", "LOGISTIC"))
    text = report(f"target npu on tflite {{\n{rows}}}\ndeploy npu\n", 1).placement_text()

    assert 3 == text.count("pairs [")


def test_a_model_refused_for_its_edges_alone_says_why() -> None:
    rows = "op CONV_2D | ADD | LOGISTIC | QUANTIZE | DEQUANTIZE { output = int8 | float32 }"
    target = f"target npu on tflite {{ {rows}, refuse when input.type == 'float32' because 'float' }}\ndeploy npu\n"
    spec, _ = loads(HEAD.replace("input { type = int8 }", "input { type = float32 }") + target, "spec.qspec")
    assert spec is not None

    lines = check(spec, blocks(1)).placement_text().splitlines()
    assert "npu: refuses the whole model" == lines[0]
    assert ["  QUANTIZE (image): float [spec.qspec:6]"] == lines[1:]


def test_what_the_host_does_at_the_edges_and_the_options_are_told() -> None:
    target = "target npu on tflite { option size = 'b' in ('a', 'b'), op CONV_2D | ADD | LOGISTIC { input = int8 } }\n"
    spec, _ = loads(HEAD.replace("input { type = int8 }", "input { type = float32 }") + target + "deploy npu\n")
    assert spec is not None

    assert [
        "npu (size b): 3 of 4 ops accelerated, 100% of the compute ops, 1 partition",
        "  on tflite, at the model's edges: QUANTIZE (image)",
    ] == [line for line in check(spec, blocks(1)).placement_text().splitlines() if "multiply" not in line]


def test_all_of_it_for_programs() -> None:
    made = report(NPU + "deploy npu\n")
    data = json.loads(made.to_json())
    (placement,) = data["placement"]

    assert [{"size": made.size, "ops": 7, "requantized": {}}] == data["file"]
    assert {"ops": 100 / 7, "macs": 100 / 3, "parameters": 100 / 3} == placement["covered"]
    assert ({"parameters": 1024}, {"ops": 7, "macs": 27_648, "parameters": 480}, 160) == (
        placement["memory"],
        placement["model"],
        placement["parameters"],
    )
    sums, last = placement["obstacles"]
    assert ("ADD", [1, 3, 5], ["add_0", "add_1", "add_2"], ["no sums"], True) == (
        sums["op"], sums["ops"], sums["layers"], sums["reasons"], sums["runs"],
    )  # fmt: skip
    assert [{"path": "spec.qspec", "line": 13, "column": 13}] == sums["rows"]
    assert (2, 600 / 7, 100.0) == (sums["gain"]["follow"], sums["gain"]["alone"]["ops"], last["gain"]["in_turn"]["ops"])
    assert [(9216, 160), (0, 0)] == [(op["macs"], op["parameters"]) for op in placement["ops"][:2]]
    assert [[], [13], [6]] == [[row["line"] for row in op["rows"]] for op in placement["ops"][:3]]
