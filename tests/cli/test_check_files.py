"""`qspec check` of `.tflite` files, and `qspec.check` in Python."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import qspec
from qspec.cli import main
from tests.cli.command import GOOD, concise_lines
from tests.cli.damaged_files import limit_memory
from tests.cli.test_start_up import FRAMEWORKS, loaded_by
from tests.graph.keras_configs import archive, small_model
from tests.graph.litert_files import packed, perceptron

ROOT = Path(__file__).parents[2]


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """`check(arguments…)` in a folder with `m.tflite` gives the exit code and what was printed."""
    monkeypatch.chdir(tmp_path)
    Path("m.tflite").write_bytes(packed(perceptron()))
    Path("good.qspec").write_text(GOOD)

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["check", *arguments])
        printed = capsys.readouterr()
        assert "" == printed.err
        return code, printed.out

    return run


def broken(path: str = "m.tflite") -> None:
    made = perceptron()
    made.subgraphs[0].tensors[0].quantization.scale = [0.0]
    Path(path).write_bytes(packed(made))


def test_a_file_by_itself(check):
    code, out = check("m.tflite")

    assert 0 == code
    assert out.startswith("tflite (LiteRT built-in kernels): runs 2 of 2 ops\n")
    assert out.endswith("\nno problems\n")


def test_a_target_of_a_spec_is_asked_for_with_the_spec(check):
    rows = 'op FULLY_CONNECTED { input = int8, require revision == "c" }'
    Path("b2.qspec").write_text(f'qspec 1\ntarget b2 on tflm {{ option revision = "a" in ("a", "c"), {rows} }}\n')
    alone, out = check("m.tflite", "--target", "b2")
    code, placed = check("b2.qspec", "--model", "m.tflite", "--target", 'b2(revision = "c")')

    assert 1 == alone
    assert "`qspec check SPEC.qspec --model m.tflite`" in out
    assert 0 == code, placed
    assert placed.startswith("b2 (revision c): 1 of 2 ops accelerated")
    assert check("b2.qspec", "--model", "m.tflite", "--target", "b2")[1].startswith(
        "b2 (revision a): 0 of 2 ops accelerated"
    )


def test_a_file_for_targets(check):
    code, out = check("m.tflite", "--target", "edgetpu", "--target", "tflite")

    assert 0 == code
    assert ["edgetpu (Coral Edge TPU, runtime 14, compiler 16)", "tflite (LiteRT built-in kernels)"] == [
        line.split(": ")[0] for line in out.splitlines() if line[:1].islower() and ": " in line
    ]


def test_a_file_against_a_spec(check):
    Path("edge.qspec").write_text(GOOD + "deploy edgetpu as coral\nrequire ops <= 1\n")
    code, out = check("edge.qspec", "--model", "m.tflite")

    assert 1 == code
    assert out.startswith("coral (Coral Edge TPU, runtime 14, compiler 16): 2 of 2 ops accelerated")
    assert "error[QS407]: this requirement does not hold: `ops` is 2" in out
    assert 1 == out.count("note[QS606]")


def test_a_placement_stands_beside_what_is_wrong_in_the_file(check):
    broken()
    code, out = check("m.tflite")

    assert 1 == code
    assert "tflite (LiteRT built-in kernels): " in out
    assert "error[QS508]: `image` has the scale 0; scales are positive numbers" in out


def test_concise_and_json(check):
    broken()

    assert [("m.tflite", "QS508")] == concise_lines(check("m.tflite", "--format", "concise")[1])
    document = json.loads(check("m.tflite", "--target", "edgetpu", "--format", "json")[1])
    size = Path("m.tflite").stat().st_size
    assert {"version", "diagnostics", "file", "placement", "plan", "summary"} == set(document)
    assert [{"spec": "m.tflite", "size": size, "ops": 2, "requantized": None}] == document["file"]
    assert [("m.tflite", "edgetpu", ["FULLY_CONNECTED", "SOFTMAX"])] == [
        (each["spec"], each["name"], [op["op"] for op in each["ops"]]) for each in document["placement"]
    ]
    assert [("m.tflite", "QS508")] == [(item["path"], item["code"]) for item in document["diagnostics"]]


def test_specs_and_files_together(check):
    code, out = check("good.qspec", "m.tflite")

    assert 0 == code
    assert "m.tflite:\ntflite (LiteRT built-in kernels)" in out


def test_a_file_is_not_held_against_a_model(check, capsys):
    assert 2 == main(["check", "m.tflite", "--model", "m.tflite"])
    assert "`--model` is what specs are held against, and there is no spec" in capsys.readouterr().err
    assert 0 == check("good.qspec", "m.tflite", "--model", "m.tflite")[0]


def test_a_suppressed_note_stays_silent(check):
    Path("edge.qspec").write_text(GOOD.replace("default", "# qspec: ignore[QS606]\ndefault"))

    assert "QS606" not in check("edge.qspec", "--model", "m.tflite")[1]
    assert "QS902" not in check("edge.qspec")[1]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "there is no such file"),
        (b"PK\3\4 and more", "this is not a LiteRT flatbuffer (`.tflite`)"),
        (b"\x1c\0\0\0TFL3" + b"\0" * 40, "the LiteRT flatbuffer is damaged or cut off"),
    ],
)
def test_what_cannot_be_read_is_one_error(check, content, expected):
    Path("m.tflite").unlink()
    if content is not None:
        Path("m.tflite").write_bytes(content)
    for arguments in (["m.tflite"], ["good.qspec", "--model", "m.tflite"]):
        code, out = check(*arguments, "--format", "concise")

        assert 1 == code
        assert [("m.tflite", "QS501")] == concise_lines(out)
        assert expected in out


def test_in_python(check):
    assert qspec.check("m.tflite").ok
    assert ["QS606"] == [item.code for item in qspec.check("good.qspec", "m.tflite").diagnostics]
    assert ["QS606"] == [item.code for item in qspec.check(qspec.load("good.qspec"), Path("m.tflite")).diagnostics]
    broken()
    assert not qspec.check(Path("m.tflite")).ok
    assert ["QS501"] == [item.code for item in qspec.check("missing.tflite").diagnostics]


def test_no_framework_is_needed(check):
    for arguments in (["check", "m.tflite", "--target", "edgetpu"], ["inspect", "m.tflite"]):
        modules = loaded_by(*arguments)

        assert "qspec.graph.tflite_file" in modules
        assert set() == modules & FRAMEWORKS


def test_a_model_of_layers_does_not_need_what_is_there_for_files(check):
    modules = loaded_by("check", "good.qspec", "--model", archive(Path("small.keras"), small_model()))

    assert "qspec.graph.keras_file" in modules
    assert set() == {"qspec.graph.tflite_file", "qspec.lint.files.check"} & modules


# ---- damage


def damaged(count: int, seed: int) -> str:
    """What `tests.cli.damaged_files` says of so many files; at most 1 GB, and 5 s each."""
    command = [sys.executable, "-m", "tests.cli.damaged_files", str(count), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, preexec_fn=limit_memory)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def test_damaged_files_break_no_promise():
    assert "300 files" in damaged(300, 20261123)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_many_damaged_files_break_no_promise(seed):
    assert "2500 files" in damaged(2500, seed)
