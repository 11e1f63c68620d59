"""`qspec quantize` and `qspec verify`, with TensorFlow and one tiny model."""

from __future__ import annotations

import os
import re
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import qspec
from qspec.cli import main
from qspec.cli.verify import share
from tests.cli.command import GOOD

SPEC = GOOD + "deploy edgetpu\nrequire parity <= 1 lsb\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A spec, a model, data for it, the file that `quantize` makes of them, and the trained quantized model."""
    import keras
    from keras import layers

    folder = tmp_path_factory.mktemp("tiny")
    keras.utils.set_random_seed(7)
    image = keras.Input((6, 6, 2), name="image")
    value = layers.ReLU(name="relu")(layers.Conv2D(4, 3, name="conv")(image))
    value = layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D(name="pool")(value))
    model = keras.Model(image, value, name="tiny")
    model.save(folder / "tiny.keras")
    samples = np.random.default_rng(7).uniform(0, 1, (12, 6, 6, 2)).astype(np.float32)
    np.save(folder / "data.npy", samples)
    np.savez(folder / "data.npz", image=samples, y=np.zeros(12))
    np.save(folder / "wide.npy", np.zeros((4, 6, 6, 3), np.float32))
    (folder / "tiny.qspec").write_text(SPEC)
    spec = qspec.load(folder / "tiny.qspec")
    qspec.quantize(spec, model, samples, folder / "tiny.tflite")
    qspec.apply(spec, model, samples).save(folder / "trained.keras")
    return folder


@pytest.fixture
def here(folder, tmp_path, monkeypatch):
    """A copy of that folder, which is the current one."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(here, capsys):
    def run(*arguments: str) -> tuple[int, str]:
        code = main(list(arguments))
        return code, capsys.readouterr().out

    return run


def quantize(spec="tiny.qspec", model="tiny.keras", data="data.npy", output="out.tflite") -> list[str]:
    return ["quantize", spec, "--model", model, "--data", data, "-o", output]


def verify(file="tiny.tflite", spec="tiny.qspec", model="tiny.keras", data="data.npy") -> list[str]:
    return ["verify", file, "--spec", spec, "--model", model, "--data", data]


def test_a_model_is_quantized_and_verified(run, here):
    code, out = run(*quantize())

    size = (here / "out.tflite").stat().st_size
    assert 0 == code, out
    assert f"out.tflite: {size:,} bytes" in out.splitlines()
    assert "CONV_2D" in out
    code, again = run(*verify("out.tflite"))
    assert 0 == code, again
    assert "CONV_2D" in again


def test_the_same_data_gives_the_same_file(run, here):
    for data, output in (("data.npy", "a.tflite"), ("data.npz", "b.tflite")):
        assert 0 == run(*quantize(data=data, output=output))[0]

    assert (here / "a.tflite").read_bytes() == (here / "b.tflite").read_bytes()


def test_a_file_is_verified_against_the_trained_model(run, here):
    trained = qspec.load_model("trained.keras")
    qspec.export(trained, "trained.tflite", np.load("data.npy"))

    assert 0 == run(*verify("trained.tflite", model="trained.keras"))[0]


def test_calibration_data_may_differ_from_those_that_judge(run, here):
    samples = np.load("data.npy")
    np.save("others.npy", 3 * samples)
    code, out = run(*verify(data="others.npy", model="tiny.keras"), "--calibration", "data.npy")

    assert 0 == code, out
    assert 1 == run(*verify(data="others.npy"))[0]


def one_error(out: str, code: str, *words: str):
    assert out.startswith(f"error[{code}]: "), out
    assert out.endswith("\n\n1 error\n"), out
    for word in words:
        assert word in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (quantize(data="missing.npy"), "QS504", ["--> missing.npy", "no such file"]),
        (quantize(data="."), "QS504", ["folder"]),
        (quantize(data="tiny.qspec"), "QS504", ["--> tiny.qspec", ".npy"]),
        (quantize(data="wide.npy"), "QS504", ["--> wide.npy", "(4, 6, 6, 3)", "(samples, 6, 6, 2)"]),
        (quantize(data="number.npy"), "QS504", ["single number"]),
        (quantize(data="nothing.npy"), "QS504", ["no samples"]),
        (quantize(data="nan.npy"), "QS504", ["NaN"]),
        (quantize(data="objects.npy"), "QS504", ["--> objects.npy"]),
        (quantize(model="missing.keras"), "QS501", ["--> missing.keras"]),
        (quantize(model="data.npy"), "QS501", ["--> data.npy"]),
        (quantize(model="cut.keras"), "QS501", ["--> cut.keras", "weights"]),
        (quantize(spec="missing.qspec"), "QS004", ["--> missing.qspec"]),
        (quantize(output="nowhere/out.tflite"), "QS004", ["`nowhere` does not exist"]),
        (quantize(output="tiny.qspec/out.tflite"), "QS004", ["`tiny.qspec` is no folder"]),
        (quantize(output="."), "QS004", ["folder"]),
        (verify("missing.tflite"), "QS004", ["--> missing.tflite"]),
        (verify("data.npy"), "QS004", ["not a LiteRT flatbuffer"]),
        (verify("cut.tflite"), "QS004", ["--> cut.tflite", "damaged or cut off"]),
        (verify(model="missing.keras"), "QS501", ["--> missing.keras"]),
        (verify(data="wide.npy"), "QS504", ["--> wide.npy"]),
        ([*verify(), "--calibration", "wide.npy"], "QS504", ["--> wide.npy"]),
        ([*verify(), "--calibration", "missing.npy"], "QS504", ["--> missing.npy"]),
    ],
    ids=lambda value: None if isinstance(value, list) and "--model" not in value else str(value),
)
def test_what_cannot_be_used_is_one_error(run, here, arguments, code, words):
    np.save("number.npy", np.float32(3))
    np.save("nothing.npy", np.zeros((0, 6, 6, 2), np.float32))
    np.save("nan.npy", np.full((2, 6, 6, 2), np.nan, np.float32))
    np.save("objects.npy", np.array([{}], object), allow_pickle=True)
    Path("cut.tflite").write_bytes(Path("tiny.tflite").read_bytes()[:900])
    _cut_weights("tiny.keras", "cut.keras")
    status, out = run(*arguments)

    assert 1 == status
    one_error(out, code, *words)
    assert not Path("out.tflite").exists()


def _cut_weights(source: str, target: str):
    with zipfile.ZipFile(source) as read, zipfile.ZipFile(target, "w") as write:
        for name in read.namelist():
            write.writestr(name, read.read(name)[:2000] if name == "model.weights.h5" else read.read(name))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_one_error(run, here):
    (here / "closed").mkdir(mode=0o500)
    status, out = run(*quantize(output="closed/out.tflite"))

    assert 1 == status
    one_error(out, "QS004", "may not be written to")


def test_all_that_is_wrong_with_the_files_is_said_at_once(run):
    out = run(*quantize("lost.qspec", "missing.keras", "missing.npy", "nowhere/out.tflite"))[1]

    assert all(name in out for name in ("lost.qspec", "missing.keras", "missing.npy", "nowhere/out.tflite"))
    assert out.endswith("\n4 errors\n")


def test_an_output_that_is_there_stays_when_something_fails(run, here):
    before = (here / "tiny.tflite").read_bytes()

    assert 1 == run(*quantize(data="wide.npy", output="tiny.tflite"))[0]
    assert before == (here / "tiny.tflite").read_bytes()


def test_a_spec_with_an_error_is_not_carried_out(run, here):
    (here / "bad.qspec").write_text(SPEC + "rule a match Dense { weights = w9 }\n")
    for arguments in (quantize("bad.qspec"), verify(spec="bad.qspec")):
        status, out = run(*arguments)

        assert 1 == status
        one_error(out, "QS101", "--> bad.qspec:6:32")


def test_warnings_of_the_check_are_printed_with_the_result(run, here):
    (here / "odd.qspec").write_text(SPEC + "rule gone match Conv3D { weights = w8 }\n")
    code, out = run(*quantize("odd.qspec"))

    assert 0 == code
    assert "warning[QS301]: rule `gone` matches no layer" in out


def test_a_file_of_another_spec_differs_tensor_by_tensor(run, here):
    (here / "other.qspec").write_text(SPEC.replace("= w8,", "= w8_tensor,"))
    code, out = run(*verify(spec="other.qspec"))

    assert 1 == code
    assert "error[QS601]: tensor `conv/kernel` has 4 scales, the plan one scale" in out
    assert "error[QS601]: tensor `logits/kernel` has 3 scales, the plan one scale" in out


def test_a_missing_litert_names_the_command_that_brings_it(run, monkeypatch):
    for name in ("ai_edge_litert", "ai_edge_litert.interpreter", "ai_edge_litert.schema_py_generated"):
        monkeypatch.setitem(sys.modules, name, None)
    for arguments in (quantize(), verify()):
        status, out = run(*arguments)

        assert 1 == status
        one_error(out, "QS506", "`ai-edge-litert` is not installed", "pip install 'qspec[litert]'")


# ---- what a person wrote is never dropped


def with_requirement(here, text: str) -> str:
    (here / "asks.qspec").write_text(f"{SPEC}require {text}\n")
    return "asks.qspec"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('sqnr("nonexistent") > 99 dB', ["the model has no layer `nonexistent`", "there is `image`"]),
        ('sqnr("convv") > 1 dB', ["the model has no layer `convv`", "similar: `conv`"]),
        ('size < 9 MB or sqnr("pol") > 1 dB', ["similar: `pool`"]),
        ('sqnr("conv") > 1 dB', ["`conv` is not a tensor of its own", "in that of `relu`"]),
    ],
)
def test_a_layer_that_cannot_be_asked_is_an_error_before_anything_is_done(run, here, text, words):
    spec = with_requirement(here, text)
    for arguments in (["check", spec, "--model", "tiny.keras"], quantize(spec), verify(spec=spec)):
        code, out = run(*arguments)

        assert 1 == code
        assert "error[QS407]" in out
        assert f"--> {spec}:6:{text.index('(') + 10}" in out
        assert all(word in out for word in words), out
    assert not Path("out.tflite").exists()


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        ("accuracy_drop <= 100%", "data.npy", "`accuracy_drop` needs labels"),
        ("accuracy_drop <= 100%", "floats.npz", "needs a class for each sample"),
        ("accuracy_drop <= 100%", "data.npz", None),
        ("size < 9 MB or accuracy_drop <= 1%", "data.npy", None),
        ('sqnr("relu") > 1 dB and sqnr > 1 dB', "data.npy", None),
        ('sqnr("relu") > 300 dB', "data.npy", "this requirement does not hold"),
    ],
)
def test_a_requirement_is_decided_or_told(run, here, text, data, expected):
    np.savez("floats.npz", image=np.load("data.npy"), y=np.linspace(0, 1, 12))
    spec = with_requirement(here, text)
    assert 0 == run("check", spec, "--model", "tiny.keras")[0]
    code, out = run(*quantize(spec, data=data))

    assert (0 if expected is None else 1) == code, out
    assert Path("out.tflite").exists()
    assert ("written all the same" in out) == (expected is not None)
    if expected is not None:
        assert expected in out
        assert "error[QS407]" in out
        assert f"--> {spec}:6:" in out


def test_a_coverage_that_is_required_is_asked_by_verify_too(run, here):
    code, out = run(*verify(spec=with_requirement(here, "edgetpu.coverage < 1%")))

    assert 1 == code
    assert "error[QS407]" in out


def test_without_samples_a_requirement_that_needs_them_is_told(here):
    trained = qspec.load_model("trained.keras")
    spec = qspec.load(with_requirement(here, "sqnr > 1 dB"))
    model = qspec.apply(spec, trained.float_model, np.load("data.npy"))

    told = [item.message for item in qspec.export(model, "out.tflite").diagnostics]

    assert ["this requirement cannot be decided: `sqnr` needs samples"] == told


@pytest.mark.parametrize("output", ["tiny.keras", "./tiny.qspec", "data.npy", "linked.tflite", "out.keras", "out"])
def test_an_output_that_would_overwrite_an_input_or_has_another_ending_is_refused(run, here, capsys, output):
    os.link("data.npy", "linked.tflite")
    before = {path.name: path.read_bytes() for path in here.iterdir()}

    assert 2 == main(quantize(output=output))
    assert output in capsys.readouterr().err
    assert before == {path.name: path.read_bytes() for path in here.iterdir()}


def test_scales_that_differ_everywhere_are_told_once(run, here):
    np.save("others.npy", 3 * np.load("data.npy"))
    _, out = run(*verify(data="others.npy"))

    one_error(out, "QS601", "activations and biases have another scale or zero point", "--calibration")


def test_the_distance_from_simulation_and_from_the_float_model_are_both_named(run):
    out = run(*quantize())[1]

    assert "SQNR of the file against the simulation" in out
    assert "SQNR of the file against the float model" in out
    assert "accuracy: " not in out


def test_both_accuracies_are_printed_where_there_are_labels(run):
    for arguments in (quantize(data="data.npz"), verify(data="data.npz")):
        out = run(*arguments)[1]

        assert re.search(r"\n  accuracy: [0-9.]+% of the float model, [0-9.]+% of the file\n", out), out


def test_what_is_said_of_data_is_placed_at_its_file(run, here):
    np.save("zeros.npy", np.zeros_like(np.load("data.npy")))

    assert (
        "`image` is 0 throughout, and no range can be known from that\n --> zeros.npy"
        in run(*quantize(data="zeros.npy"))[1]
    )


# ---- data


@pytest.mark.parametrize(
    ("range_", "words"),
    [
        ("fixed(0, 255)", "cover 0.39%"),
        ("fixed(-1, 0)", "100% of the data lie outside"),
        ("fixed(0, 0.5)", "of the data lie outside"),
        ("fixed(0, 1)", ""),
        ("fixed(-1, 1)", ""),
        ("fixed(0, 0.95)", ""),
        ("fixed(-8, 8)", ""),
    ],
)
def test_data_are_held_against_a_fixed_range(run, here, range_, words):
    (here / "range.qspec").write_text(SPEC + f"input {{ type = int8, range = {range_} }}\n")
    _, out = run(*quantize("range.qspec"))

    assert ("warning[QS607]" in out) == bool(words), out
    if words:
        assert words in out
        assert "--> range.qspec:6:30" in out


def test_calibration_data_are_held_against_a_fixed_range_too(run, here):
    """Those that judge fit, and those that calibrate are ten times as large."""
    (here / "range.qspec").write_text(SPEC + "input { type = int8, range = fixed(-1, 1) }\n")
    np.save("large.npy", 10 * np.load("data.npy"))
    assert 0 == run(*quantize("range.qspec", data="large.npy"))[0]
    code, out = run(*verify("out.tflite", "range.qspec"), "--calibration", "large.npy")

    assert 0 == code, out
    assert 1 == out.count("warning[QS607]")
    assert "of the data lie outside" in out


def test_names_in_an_archive_are_told_where_they_are_not_those_of_inputs(run, here):
    samples = np.load("data.npy")
    np.savez("more.npz", image=samples, labels=np.zeros(12))
    np.savez("other.npz", picture=samples, y=np.zeros(12))
    for data, message in (
        ("more.npz", "the array `labels` is neither an input of the model nor `y`"),
        ("other.npz", "the array `picture` is taken for the input `image`"),
        ("data.npz", ""),
    ):
        for arguments in (quantize(data=data), [*verify(data=data), "--calibration", "data.npy"]):
            code, out = run(*arguments)

            assert 0 == code, out
            assert ("warning[QS608]" in out) == bool(message)
            assert message in out


def test_a_model_given_as_data_is_told(run):
    one_error(run(*quantize(data="tiny.keras"))[1], "QS504", "--> tiny.keras", "this is a model")


def test_a_file_that_is_written_is_no_float_model(here, capsys):
    for command in (["quantize", "tiny.qspec", "-o", "out.tflite"], ["verify", "tiny.tflite", "--spec", "tiny.qspec"]):
        assert 2 == main([*command, "--model", "tiny.tflite", "--data", "data.npy"])
        assert "`tiny.tflite` is a `.tflite` file, which is written already" in capsys.readouterr().err


def test_a_model_with_fake_quantization_is_named_as_one(run):
    """As a file, and in memory: what takes it is told."""
    for code, out in (
        run("check", "tiny.qspec", "--model", "trained.keras"),
        run("inspect", "trained.keras"),
        run("quantize", "tiny.qspec", "--model", "trained.keras", "--data", "data.npy", "-o", "out.tflite"),
    ):
        assert 1 == code
        assert "error[QS501]: this model has fake quantization already: `qspec.apply` gave it" in out
        assert "`qspec.export`, `qspec.verify` and `qspec verify`" in out
    (live,) = qspec.check("tiny.qspec", qspec.load_model("trained.keras")).diagnostics
    assert ("QS501", "tiny") == (live.code, str(live.span))
    assert "`qspec.strip(model)`" in live.help


def test_all_but_one_are_not_all():
    """A share is rounded down: 100% are all of them."""
    assert ("100.000%", "99.999%", "29.000%") == (share(1.0), share(1 - 1e-9), share(0.29))
