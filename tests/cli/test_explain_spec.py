"""`qspec explain SPEC --model M`: what is printed for people, for programs, and for what is asked wrongly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import qspec
from qspec.cli import main
from qspec.cli.explain_table import layer, table
from qspec.diagnostics.text import display_width
from qspec.plan.explain import Explainer
from tests.graph.keras_configs import archive, called, conv_2d, functional, inputs, re_lu, small_model, tensor
from tests.plan import layer_models
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import plan_of

SPEC = """\
qspec 1
import "std/int8.qspec"
default { weights = w8, output = a8 }
rule convs match Conv2D { weights = w8_tensor }
rule wide match Conv2D where filters > 100 { output = a8 }
"""


@pytest.fixture
def explain(tmp_path, monkeypatch, capsys):
    """`explain(arguments…)` in a folder with `s.qspec` and `m.keras`: the exit code, and both outputs."""
    monkeypatch.chdir(tmp_path)
    Path("s.qspec").write_text(SPEC)
    archive(Path("m.keras"), small_model())

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["explain", *arguments])
        return code, *capsys.readouterr()

    return run


def test_a_table_of_the_whole_model(explain):
    code, out, err = explain("s.qspec", "--model", "m.keras")
    head, _, columns, *rows = out.splitlines()

    assert (0, "") == (code, err)
    assert head.startswith("s.qspec for m.keras: ")
    assert ["layer", "slot", "quantizer", "decided", "by"] == columns.split()
    at = {name: columns.index(name) for name in ("slot", "quantizer", "decided by")}
    kernels = [row for row in rows if row[at["slot"] :].startswith('weights["kernel"]')]
    assert kernels
    decided = {row[at["decided by"] :] for row in kernels}
    assert "rule convs 4:37" in decided
    assert any("over w8 by default 3:21" in row for row in rows)
    assert any(row.startswith("rule wide   no match; its condition is true of none of") for row in rows)
    assert "1 warning: `qspec check s.qspec --model m.keras` prints what they are" == rows[-1]


def test_one_layer_in_full(explain):
    path = next(entry["layer"] for entry in _data(explain) if entry["class"] == "Conv2D")
    code, out, _ = explain("s.qspec", "--model", "m.keras", "--layer", path)

    assert 0 == code
    assert out.startswith(f"{path} (Conv2D)\n")
    assert '  weights["kernel"] = w8_tensor: int8 symmetric per-tensor, narrow\n' in out
    assert "    decided by  rule convs (s.qspec:4:37)\n    over        w8 by default (s.qspec:3:21)\n" in out
    assert "  rule convs  decides   `weights" in out
    assert "  rule wide   not true  `filters` is `" in out


def _data(explain, *arguments: str) -> list[dict[str, object]]:
    code, out, _ = explain("s.qspec", "--model", "m.keras", "--format", "json", *arguments)
    assert 0 == code
    return json.loads(out)["layers"]


def test_for_programs(explain):
    layers = _data(explain)
    conv = next(entry for entry in layers if entry["class"] == "Conv2D")
    (kernel,) = [slot for slot in conv["slots"] if slot["slot"] == 'weights["kernel"]']

    assert {"layer", "class", "call", "calls", "fused", "slots"} == set(conv)
    assert ("w8_tensor", "rule", "convs", "s.qspec", 4, 37) == (
        kernel["quantizer"]["name"],
        *(kernel[key] for key in ("origin", "rule", "path", "line", "column")),
    )
    assert [("w8", "default", 3, 21)] == [
        (each["quantizer"], each["origin"], each["line"], each["column"]) for each in kernel["overrides"]
    ]
    (one,) = _data(explain, "--layer", conv["layer"])
    assert [("convs", "decides"), ("wide", "not true")] == [(rule["rule"], rule["outcome"]) for rule in one["rules"]]
    assert {**conv, "rules": one["rules"]} == one


def test_in_python(explain):
    report = qspec.check("s.qspec", "m.keras")

    assert _data(explain) == report.explain()
    assert [] == report.explain("nowhere")
    assert [] == qspec.check("s.qspec").explain()


def test_what_is_asked_wrongly(explain):
    assert (2, "") == explain("s.qspec")[:2]
    assert (
        "qspec explain: what `s.qspec` decides depends on a model: add `--model MODEL.keras`\n" == explain("s.qspec")[2]
    )
    name = _data(explain)[1]["layer"]
    code, out, err = explain("s.qspec", "--model", "m.keras", "--layer", f"{name}x")
    assert (2, "") == (code, out)
    assert err.startswith(f"qspec explain: there is no layer `{name}x` in m.keras; there is ")
    assert f"`{name}`" in err


def test_a_nested_model_is_no_layer(explain):
    encoder = functional(
        "encoder", [inputs("inner", 8, 8, 3), conv_2d("c1", tensor("inner"))], ["inner", 0, 0], ["c1", 0, 0]
    )
    model = functional(
        "model",
        [inputs("image", 8, 8, 3), called(encoder, tensor("image")), re_lu("r", tensor("encoder"))],
        ["image", 0, 0],
        ["r", 0, 0],
    )
    archive(Path("n.keras"), model)

    assert (2, "", "qspec explain: `encoder` is a nested model; its layers are `encoder/c1`\n") == explain(
        "s.qspec", "--model", "n.keras", "--layer", "encoder"
    )
    code, _, err = explain("s.qspec", "--model", "n.keras", "--layer", "c1")
    assert (2, "qspec explain: there is no layer `c1` in n.keras; there is `encoder/c1`\n") == (code, err)


def test_a_spec_that_cannot_be_read_is_told_as_check_tells_it(explain):
    Path("bad.qspec").write_text("qspec 1\nrule")
    code, out, _ = explain("bad.qspec", "--model", "m.keras")

    assert 1 == code
    assert "error[QS001]" in out


@pytest.mark.parametrize("width", [60, 72, 80, 100, 140, 200])
def test_no_line_is_wider_than_the_terminal(width):
    m = ModelBuilder()
    x = m.input(16, 4, name="words")
    deep = m("LSTM", x, name="a_very/deeply/nested/model/of/layers/with/long/names/memory", units=4)
    long = m.graph(m("Dense", deep, name="head"))
    for graph in (layer_models.small_model(), long):
        plan = plan_of("rule r match Dense { weights = w8(type = int4, range = mse), input = a8_wide }", graph)
        explainer = Explainer(plan)
        lines = list(table(explainer, "spec.qspec", "a/model/of/mine.keras", width))
        for path in explainer.layers():
            lines += layer(explainer, path, width)

        assert max(map(display_width, lines)) <= width


def test_alike_inner_tensors_stand_in_one_row_of_the_table():
    m = ModelBuilder()
    x = m("SimpleRNN", m.input(6, 4, name="words"), name="memory", units=4, activation="tanh", use_bias=True)
    explainer = Explainer(plan_of("", m.graph(x)))
    (call,) = explainer.layer("memory")
    lines = list(table(explainer, "s", "m"))
    start = lines[2].index("slot")
    slots = [line[start:].split("  ")[0] for line in lines]
    counts = [int(slot.split("(")[1].split()[0]) for slot in slots if slot.startswith("inner (")]

    assert counts
    assert sum(each.slot.startswith("inner") for each in call.slots) == sum(counts) + sum(
        slot.startswith("inner[") for slot in slots
    )
