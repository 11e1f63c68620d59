"""What a command says where its extra is missing or is another one than it needs."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import GOOD, Done
from tests.diagnostics.pages import blocks, blocks_of
from tests.graph.keras_configs import archive, small_model

# Stands in front of the installed packages: some are not there, of others only a version is.
_SCRIPT = """
import json, sys, types

missing, fakes, arguments = json.loads(sys.argv[1])


class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Missing())
for name, version in fakes.items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__version__ = version

from qspec.cli import main

sys.exit(main(arguments))
"""
FRAMEWORKS = ["keras", "tensorflow", "ai_edge_litert", "numpy", "sklearn"]
QUANTIZE = ["quantize", "good.qspec", "--model", "small.keras", "--data", "data.npy", "-o", "out.tflite"]
VERIFY = ["verify", "out.tflite", "--spec", "good.qspec", "--model", "small.keras", "--data", "data.npy"]


@pytest.fixture
def here(tmp_path):
    """A folder with all that the commands read; the contents do not matter before the extra is looked at."""
    archive(tmp_path / "small.keras", small_model())
    (tmp_path / "good.qspec").write_text(GOOD)
    (tmp_path / "data.npy").touch()
    (tmp_path / "out.tflite").touch()
    return tmp_path


def run(here: Path, arguments: list[str], missing=(), fakes=None, **environment: str) -> Done:
    given = json.dumps([list(missing), fakes or {}, arguments])
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, given], cwd=here, env={**os.environ, **environment}, capture_output=True,
        text=True,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def assert_one_error(done: Done, code: str, *words: str):
    assert (1, "") == (done.code, done.err)
    assert done.out.startswith(f"error[{code}]: ")
    assert done.out.endswith("\n\n1 error\n")
    for word in words:
        assert word in done.out


def test_check_needs_no_extra(here):
    done = run(here, ["check", "good.qspec", "--model", "small.keras", "--target", "edgetpu"], FRAMEWORKS)

    assert (0, "") == (done.code, done.err)
    assert "Coral Edge TPU" in done.out


@pytest.mark.parametrize("command", [QUANTIZE, VERIFY], ids=lambda command: command[0])
@pytest.mark.parametrize("missing", ["keras", "tensorflow"])
def test_a_missing_framework_names_the_command_that_brings_it(here, command, missing):
    done = run(here, command, [missing], {"keras": "3.15.1"} if missing == "tensorflow" else {})

    assert_one_error(done, "QS506", f"`{missing}` is not installed", "pip install 'qspec[tensorflow]'")


def test_the_demo_names_the_command_that_brings_what_it_needs(here):
    done = run(here, ["demo"], FRAMEWORKS)

    assert 1 == done.code
    assert "Traceback" not in done.err
    assert "error[QS506]" in done.out
    assert "pip install 'qspec[" in done.out


@pytest.mark.parametrize("missing", ["pygls", "lsprotocol"])
def test_the_server_names_the_command_that_brings_what_it_needs(here, missing):
    done = run(here, ["server"], [missing])

    assert_one_error(done, "QS506", f"`{missing}` is not installed", "pip install 'qspec[server]'")


def test_the_spec_is_checked_before_the_extra_is_asked_for(here):
    (here / "bad.qspec").write_text(GOOD + "rule a match Dense { weights = w9 }\n")
    done = run(here, [*QUANTIZE[:1], "bad.qspec", *QUANTIZE[2:]], FRAMEWORKS)

    assert_one_error(done, "QS101", "bad.qspec:4:32")


@pytest.mark.parametrize("value", ["1", "true", "True"])
def test_legacy_keras_is_one_error(here, value):
    done = run(here, QUANTIZE, fakes={"keras": "3.15.1", "tensorflow": "2.21.0"}, TF_USE_LEGACY_KERAS=value)

    assert_one_error(done, "QS505", "`TF_USE_LEGACY_KERAS`", "unset it")


@pytest.mark.parametrize(
    ("keras", "tensorflow", "words"),
    [
        ("2.15.0", "2.15.1", "Keras 2.15.0 is installed, and qspec needs 3.10 or newer"),
        ("3.9.2", "2.19.0", "Keras 3.9.2 is installed, and qspec needs 3.10 or newer"),
        ("3.10.0", "2.18.1", "TensorFlow 2.18.1 is installed, and qspec needs 2.19 or newer"),
    ],
)
def test_an_old_framework_is_one_error(here, keras, tensorflow, words):
    done = run(here, QUANTIZE, fakes={"keras": keras, "tensorflow": tensorflow})

    assert_one_error(done, "QS505", words, "pip install")


def test_another_backend_is_one_error(here):
    done = run(here, QUANTIZE, ["jax"], KERAS_BACKEND="jax")

    assert_one_error(done, "QS505", "jax backend", "KERAS_BACKEND")


@pytest.mark.parametrize("block", [one for one in blocks("console") if "without" in one.words], ids=str)
def test_the_page_of_a_missing_extra_shows_what_is_printed(here, block):
    for other in blocks_of(block.code):
        if "file" in other.words:
            (here / other.words["file"]).write_text(other.text)
    archive(here / "float.keras", small_model())
    (here / "images.npy").touch()
    command, _, expected = block.text.removeprefix("$ qspec ").partition("\n")

    assert expected == run(here, shlex.split(command), [block.words["without"], "keras"]).out
