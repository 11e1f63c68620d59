"""Every example does what its head comment says: the commands there run, on the model there, without a problem."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import qspec
from qspec._resources import resource
from qspec.cli import main
from tests.specs.example_models import EXAMPLES

FOLDER = resource("specs") / "examples"
FILES = {path.relative_to(FOLDER).with_suffix("").as_posix(): path for path in FOLDER.rglob("*.qspec")}
LONG = ("efficientnet_phones",)  # to quantize


def head(name: str) -> str:
    """The comment that an example begins with."""
    comment = re.match(r"(#.*\n)+", FILES[name].read_text("utf-8"))
    assert comment is not None
    return comment.group()


def commands(name: str) -> list[list[str]]:
    """The arguments of each `qspec` command in the head comment."""
    return [shlex.split(line) for line in re.findall(r"^#     qspec (.+)$", head(name), re.MULTILINE)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the examples, to work in."""
    shutil.copytree(FOLDER, tmp_path / "examples")
    monkeypatch.chdir(tmp_path / "examples")
    return tmp_path / "examples"


def prepared(name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[keras.Model, np.ndarray]:
    """The example's model and samples, under the names that its commands have for them, beside the example."""
    monkeypatch.chdir((folder / name).parent)
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    model, samples = EXAMPLES[name].model(), EXAMPLES[name].samples(np.random.default_rng(0), 32)
    for arguments in commands(name):
        model.save(arguments[arguments.index("--model") + 1])
        if "--data" in arguments:
            np.save(arguments[arguments.index("--data") + 1], samples)
    return model, samples


def test_every_example_has_a_model_or_is_imported_by_one():
    imported = {
        (path.parent / written).relative_to(FOLDER).with_suffix("").as_posix()
        for path in FILES.values()
        for written in re.findall(r'^import "(?!std/)(.*)"', path.read_text("utf-8"), re.MULTILINE)
    }

    assert set(FILES) == set(EXAMPLES) | imported
    assert set() == set(EXAMPLES) & imported


@pytest.mark.parametrize("name", FILES)
def test_an_example_says_what_it_is_for(name):
    assert re.search(r"^# Model( and data)?: ", head(name), re.MULTILINE)
    if name in EXAMPLES:
        assert ["check", FILES[name].name] in [arguments[:2] for arguments in commands(name)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_clean(name, folder, monkeypatch, capsys):
    prepared(name, monkeypatch, folder)
    (check,) = [arguments for arguments in commands(name) if arguments[0] == "check"]

    assert 0 == main(check)
    assert capsys.readouterr().out.endswith("\n\nno problems\n")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in LONG else [])
        for name in EXAMPLES
        if any(arguments[0] == "quantize" for arguments in commands(name))
    ],
)
def test_an_example_is_quantized_and_verified(name, folder, monkeypatch, capsys):
    prepared(name, monkeypatch, folder)
    quantize, verify = (arguments for arguments in commands(name) if arguments[0] != "check")

    for arguments, command in ((quantize, "quantize"), (verify, "verify")):
        assert command == arguments[0]
        assert 0 == main(arguments)
        assert capsys.readouterr().out.startswith("no problems\n")


def test_the_network_is_trained_from_scratch_as_its_example_says(folder, monkeypatch):
    name = "training_from_scratch"
    model, images = prepared(name, monkeypatch, folder)
    code = "\n".join(re.findall(r"^#     ((?:model|qspec)[ .].*)$", head(name), re.MULTILINE))
    code = "\n".join(line for line in code.splitlines() if not line.startswith("qspec check"))
    assert 4 == len(code.splitlines())
    assert code.count("epochs=100") == 1
    labels = np.arange(len(images)) % 10
    given = {"qspec": qspec, "model": model, "images": images, "labels": labels, "held_back": images[:8]}

    exec(code.replace("epochs=100", "epochs=2, verbose=0"), given)

    assert np.isfinite(given["model"].history.history["loss"]).all()
    assert qspec.check("training_from_scratch.qspec", "trained.tflite").ok
