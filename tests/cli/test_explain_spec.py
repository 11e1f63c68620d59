"""`qspec explain SPEC --model M`: what is printed for people, for programs, and for what is asked wrongly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import qspec
from qspec.cli import main
from tests.graph.keras_configs import archive, called, conv_2d, functional, inputs, re_lu, small_model, tensor

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


def test_the_types_in_the_file_stand_below_the_table(explain):
    Path("s.qspec").write_text(SPEC + "output { type = int8 }\n")
    code, out, _ = explain("s.qspec", "--model", "m.keras")
    ends = json.loads(explain("s.qspec", "--model", "m.keras", "--format", "json")[1])["ends"]

    assert 0 == code
    assert (
        "\n\ninput  image   float32 in the file, int8 inside (the language)\n"
        "output logits  int8 in the file (output block 6:17)\n\n"
    ) in out
    assert [
        ("input", "image", "float32", "int8", "built_in", None, None),
        ("output", "logits", "int8", "int8", "boundary", "output", 6),
    ] == [tuple(end[key] for key in ("side", "name", "type", "inside", "origin", "rule", "line")) for end in ends]


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
