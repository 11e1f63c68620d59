"""`qspec check`, in this process."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from qspec._resources import resource
from qspec.cli import main
from tests.cli.command import GOOD, concise_lines, places
from tests.graph.keras_configs import archive, small_model

SHIPPED = sorted(resource("specs").rglob("*.qspec"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder, with a small model in it."""
    monkeypatch.chdir(tmp_path)
    archive(tmp_path / "small.keras", small_model())
    return tmp_path


@pytest.fixture
def check(here, capsys):
    """`check(arguments…)` gives the exit code and what was printed; nothing goes to standard error."""

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["check", *arguments])
        printed = capsys.readouterr()
        assert "" == printed.err
        return code, printed.out

    return run


def write(name: str, text: str | bytes) -> str:
    Path(name).write_bytes(text.encode() if isinstance(text, str) else text)
    return name


def test_a_good_spec_has_no_problems(check):
    assert (0, "no problems\n") == check(write("good.qspec", GOOD))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_spec_is_clean(check, path):
    assert (0, "no problems\n") == check(str(path))


def test_an_edited_copy_of_a_shipped_target_needs_a_name_of_its_own(check, here):
    shutil.copy(resource("specs") / "targets" / "edgetpu.qspec", here / "edgetpu.qspec")
    as_it_is = check("edgetpu.qspec")
    with (here / "edgetpu.qspec").open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    code, out = check("edgetpu.qspec", "--format", "concise")
    line = (here / "edgetpu.qspec").read_text("utf-8").split("target edgetpu")[0].count("\n") + 1

    assert (0, "no problems\n") == as_it_is
    assert 1 == code
    assert [(f"edgetpu.qspec:{line}:8", "QS104")] == concise_lines(out)


def test_what_another_file_of_the_run_uses_is_used(check, here):
    """A spec may be one of its own and lend its quantizers to others."""
    (here / "deep").mkdir()
    lender = GOOD + "quantizer lent { type = int8 }\nquantizer spare { type = int8 }\n"
    borrower = 'qspec 1\nimport "../lender.qspec"\nrule r match Dense { output = lent }\n'
    one, other = write("lender.qspec", lender), write("deep/borrower.qspec", borrower)
    rows = [(f"lender.qspec:{line}:11", "QS903") for line in (GOOD.count("\n") + 1, GOOD.count("\n") + 2)]

    assert rows == concise_lines(check(one, "--format", "concise")[1])
    assert rows[1:] == concise_lines(check(one, other, "--format", "concise")[1])
    assert rows[1:] == concise_lines(check(str(here / other), one, "--format", "concise")[1])


def test_warnings_alone_are_no_failure(check):
    code, out = check(write("old.qspec", "default { weights = float }\n"), "--format", "concise")

    assert 0 == code
    assert out.startswith("old.qspec:1:1: warning[QS901] ")
    assert out.endswith("\n1 warning\n")


def test_full_output_shows_the_line_and_what_to_do(check):
    code, out = check(write("bad.qspec", GOOD + "rule head match Dense { weights = w9 }\n"))

    assert 1 == code
    assert (
        """\
error[QS101]: quantizer `w9` is not defined
 --> bad.qspec:4:35
  |
4 | rule head match Dense { weights = w9 }
  |                                   ^^ not found
  = help: there is `w8`, `w8_tensor` and `a8`

1 error
"""
        == out
    )


def test_concise_output_is_one_line_for_each_problem(check):
    text = GOOD + "rule a match Dense { weights = w9 }\nrule b match Dense { wights = w8 }\n"
    code, out = check(write("bad.qspec", text), "--format", "concise")

    assert 1 == code
    assert ["bad.qspec:4:32", "bad.qspec:5:22"] == [place for place, _ in concise_lines(out)]
    assert "2 errors" == out.splitlines()[-1]


def test_the_placement_stands_above_the_problems(check):
    code, out = check(write("good.qspec", GOOD + "deploy edgetpu as coral\n"), "--model", "small.keras")

    assert 0 == code
    assert out.startswith("coral (Coral Edge TPU, runtime 14, compiler 16): ")
    assert out.endswith("\n\nno problems\n")
    assert "coral" not in check("good.qspec", "--model", "small.keras", "--format", "concise")[1]


def test_a_model_without_a_target_says_what_is_missing(check):
    code, out = check(write("good.qspec", GOOD), "--model", "small.keras")

    assert 0 == code
    assert "no target to place the model on: add `deploy NAME` to the spec, or give `--target NAME`" in out
    assert "no target" not in check("good.qspec", "--model", "small.keras", "--target", "tflite")[1]


def test_a_target_may_be_given(check):
    write("good.qspec", GOOD)
    own = write("own.qspec", GOOD + "target board { op CONV_2D { input = int8, output = int8 } }\n")

    assert "Android NNAPI" in check("good.qspec", "--model", "small.keras", "--target", "nnapi")[1]
    assert "board: " in check(own, "--model", "small.keras", "--target", "board")[1]


def test_a_spec_of_a_similar_name_is_offered(check):
    write("good.qspec", GOOD)

    assert "help: a file with a similar name exists: `good.qspec`" in check("good.qspc")[1]


@pytest.mark.parametrize("arguments", [("--target", "tflm"), ("--exact",)])
def test_what_asks_of_a_model_says_that_none_is_given(here, capsys, arguments):
    write("good.qspec", GOOD)

    assert 0 == main(["check", "good.qspec", *arguments])
    printed = capsys.readouterr()
    assert f"qspec check: `{arguments[0]}` asks for `--model`: without it no model was checked\n" == printed.err
    assert "no problems\n" == printed.out


def test_a_target_that_is_deployed_already_is_not_asked_twice(check):
    write("good.qspec", GOOD + "deploy edgetpu as coral\n")

    assert 1 == check("good.qspec", "--model", "small.keras", "--target", "edgetpu")[1].count("Coral Edge TPU")


def test_a_model_in_place_of_a_spec_is_wrong_usage(here, capsys):
    assert 2 == main(["check", "small.keras"])
    assert (
        "qspec check: `small.keras` is a model: `qspec check SPEC --model small.keras` holds it against a spec\n"
        == capsys.readouterr().err
    )


def test_a_target_is_known_by_what_people_call_it(check):
    assert "= help: write `edgetpu`" in check(write("good.qspec", GOOD), "--target", "Coral")[1]


def test_an_unknown_target_is_an_error_that_lists_those_there_are(check):
    code, out = check(write("good.qspec", GOOD), "--target", "edgetpo")

    assert 1 == code
    assert "error[QS405]: target `edgetpo` is not known" in out
    assert "`edgetpu`" in out


# ---- files


def test_of_a_folder_every_spec_below_it_is_checked_once(check):
    Path("inner/.hidden").mkdir(parents=True)
    for name in ("a.qspec", "inner/b.qspec", "inner/.hidden/c.qspec", "inner/d.txt"):
        write(name, "qspec 1\nfoo\n")
    code, out = check(".", "inner", "a.qspec", "--format", "concise")

    assert 1 == code
    assert [("a.qspec:2:1", "QS001"), ("inner/b.qspec:2:1", "QS001")] == concise_lines(out)


def test_a_folder_without_specs_is_told(here, capsys):
    Path("empty").mkdir()

    assert 0 == main(["check", "empty"])
    assert "qspec check: there is no .qspec file in the given folders\n" == capsys.readouterr().err


def test_a_folder_that_may_not_be_listed_is_an_error(check, monkeypatch):
    # Root may list every folder, so that rights cannot be taken away here.
    Path("inner/closed").mkdir(parents=True)
    write("inner/a.qspec", GOOD)
    listed = os.scandir

    def scandir(folder):
        if os.path.basename(folder) == "closed":
            raise PermissionError(13, "Permission denied", folder)
        return listed(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    code, out = check("inner", "--format", "concise")

    assert 1 == code
    assert out.startswith("inner/closed: error[QS004]")
    assert out.endswith("1 error\n")


@pytest.mark.parametrize("name", ["missing.qspec", "good.qspec/inside"])
def test_what_is_no_file_is_one_error(check, name):
    write("good.qspec", GOOD)
    code, out = check(name, "--format", "concise")

    assert 1 == code
    assert [(name, "QS004")] == concise_lines(out)


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b"\x7fELF\x02\x01\0\0\xd0\xff", "x.qspec", "binary file"),
        (b"qspec 1\n# caf\xe9\n", "x.qspec:2:6", "UTF-8"),
        (b"\xff\xfeq\0s\0", "x.qspec", "UTF-8"),
        (b"qspec 1\nru\0le", "x.qspec:2:3", "remove"),
        (b"#" * 600_000, "x.qspec", "people write"),
    ],
)
def test_what_is_no_text_is_one_error_that_says_where(check, content, place, words):
    code, out = check(write("x.qspec", content))

    assert 1 == code
    assert f"--> {place}\n" in out
    assert words in out
    assert out.endswith("\n1 error\n")


def test_a_dash_reads_standard_input(check, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"qspec 1\nrule")))
    code, out = check("-", "--format", "concise")

    assert 1 == code
    assert ["<stdin>:2:5"] == [place for place, _ in concise_lines(out)]


def test_standard_input_that_is_no_text_is_an_error(check, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"qspec 1\n\xff")))

    assert [("<stdin>:2:1", "QS004")] == concise_lines(check("-", "--format", "concise")[1])


def test_no_standard_input_is_an_error(check, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)

    assert [("<stdin>", "QS004")] == concise_lines(check("-", "--format", "concise")[1])


def test_several_files_are_counted_together_and_each_is_checked_once(check):
    write("good.qspec", GOOD)
    write("bad.qspec", "qspec 1\nrule a match Dense { weights = w9 }\n")
    code, out = check("good.qspec", "bad.qspec", "missing.qspec", "bad.qspec", "--format", "concise")

    assert 1 == code
    assert [("bad.qspec:2:32", "QS101"), ("missing.qspec", "QS004")] == concise_lines(out)


def test_what_two_files_import_is_reported_once(check):
    write("shared.qspec", 'qspec 1\nimport "nowhere.qspec"\n')
    for name in ("a.qspec", "b.qspec"):
        write(name, 'qspec 1\nimport "shared.qspec"\n')

    assert [("shared.qspec:2:8", "QS102")] == concise_lines(check("a.qspec", "b.qspec", "--format", "concise")[1])


def test_each_placement_of_several_files_is_headed_by_its_file(check):
    write("a.qspec", GOOD + "deploy edgetpu\n")
    write("b.qspec", GOOD + "deploy nnapi  # qspec: ignore[QS408]\n")
    out = check("a.qspec", "b.qspec", "--model", "small.keras")[1]

    assert "a.qspec:\nedgetpu (Coral Edge TPU, runtime 14, compiler 16): " in out
    assert "b.qspec:\nnnapi (Android NNAPI, api 30, feature_level 5): " in out


# ---- models


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "QS505", "HDF5"),
        (bytes(4) + b"TFL3" + bytes(100), "QS501", "LiteRT"),
        (b"#!/bin/sh", "QS501", "no zip archive"),
        (b"", "QS501", "no zip archive"),
    ],
)
def test_another_file_as_model_is_one_error(check, content, code, words):
    write("good.qspec", GOOD)
    status, out = check("good.qspec", "--model", write("model.h5", content), "--format", "concise")

    assert 1 == status
    assert [("model.h5", code)] == concise_lines(out)
    assert words in out


def test_a_saved_model_and_a_keras_2_archive_are_one_error(check, here):
    write("good.qspec", GOOD)
    (here / "saved").mkdir()
    (here / "saved" / "saved_model.pb").touch()
    archive(here / "old.keras", small_model(), {"keras_version": "2.15.0"})
    for model in ("saved", "old.keras"):
        code, out = check("good.qspec", "--model", model, "--format", "concise")

        assert 1 == code
        assert [(model, "QS505")] == concise_lines(out)


def test_an_unreadable_model_does_not_hide_the_mistakes_of_the_spec(check):
    write("bad.qspec", GOOD + "rule head match Dense { weights = w9 }\n")
    found = concise_lines(check("bad.qspec", "--model", "missing.keras", "--format", "concise")[1])

    assert {("bad.qspec:4:35", "QS101"), ("missing.keras", "QS501")} == set(found)


def test_a_layer_that_is_not_supported_is_an_error_and_no_more(check, here):
    config = small_model()
    config["config"]["layers"][3] |= {"class_name": "Mine", "module": None, "registered_name": "my>Mine"}
    archive(here / "custom.keras", config)
    code, out = check(write("good.qspec", GOOD), "--model", "custom.keras", "--format", "concise")

    assert 1 == code
    assert [("custom.keras", "QS502")] == concise_lines(out)
    assert "`relu`" in out


# ---- JSON


def test_json_has_the_documented_fields(check):
    text = GOOD + "deploy edgetpu\nrule gone match Conv3D { weights = w8 }\nrule a match Dense { weights = w9 }\n"
    code, out = check(write("bad.qspec", text), "--model", "small.keras", "--format", "json")
    document = json.loads(out)

    assert 1 == code
    assert ["version", "diagnostics", "file", "placement", "plan", "summary"] == list(document)
    assert 1 == document["version"]
    assert {"errors": 1, "warnings": 1, "notes": 0} == document["summary"]
    assert [("bad.qspec", 5, 17, "QS301"), ("bad.qspec", 6, 32, "QS101")] == places(document)
    assert {
        "code", "name", "severity", "message", "path", "start", "end", "label", "related", "help", "fix", "offers",
        "layer", "op", "target",
    } == set(document["diagnostics"][0])  # fmt: skip
    assert {"line": 6, "column": 34} == document["diagnostics"][1]["end"]
    (placed,) = document["placement"]
    assert ("bad.qspec", "edgetpu") == (placed["spec"], placed["target"])
    assert ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"] == [
        op["op"] for op in placed["ops"] if op["op"] not in ("QUANTIZE", "DEQUANTIZE")
    ]
    (kernel,) = [
        entry for entry in document["plan"] if (entry["layer"], entry["slot"]) == ("conv", 'weights["kernel"]')
    ]
    assert ("bad.qspec", "w8", "int8", 3) == (kernel["spec"], kernel["quantizer"], kernel["type"], kernel["line"])


def test_json_of_several_files_says_whose_each_entry_is(check):
    write("a.qspec", GOOD + "deploy edgetpu\n")
    write("b.qspec", GOOD + "deploy nnapi  # qspec: ignore[QS408]\n")
    out = check("a.qspec", "b.qspec", "missing.qspec", "--model", "small.keras", "--format", "json")[1]
    document = json.loads(out)

    assert [("a.qspec", "edgetpu"), ("b.qspec", "nnapi")] == [
        (entry["spec"], entry["target"]) for entry in document["placement"]
    ]
    assert {"a.qspec", "b.qspec"} == {entry["spec"] for entry in document["plan"]}
    errors = [item for item in document["diagnostics"] if item["severity"] == "error"]
    assert ["missing.qspec"] == [item["path"] for item in errors]


def test_json_is_ascii_whatever_the_spec_says(check):
    out = check(
        write("bad.qspec", 'qspec 1\nrule a match Dense where name == "é→𝄞" { weights = 3 }\n'), "--format", "json"
    )

    assert out[1].isascii()
    assert json.loads(out[1])["diagnostics"]
