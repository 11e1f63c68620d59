"""What the manual's own target prints is what the commands print, for the model that the manual makes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from qspec._resources import resource

MANUAL = (resource("grammar") / "README.md").read_text(encoding="utf-8")
SECTION = MANUAL.split("### A table of your own")[1].split("\n## ")[0]
SPEC = re.findall(r"```qspec\n(.*?)```", SECTION, re.DOTALL)[0]
OF_THE_MODEL = SECTION + MANUAL.split("\n## Who decided what")[1].split("\n## ")[0]
OUTPUTS = re.findall(r"```console\n\$ qspec (.*?)\n(.*?)```", OF_THE_MODEL, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manual")
    (folder / "acme.qspec").write_text(SPEC, "utf-8")
    (folder / "misspelt.qspec").write_text(SPEC.replace("require weights", "require wieghts", 1), "utf-8")
    keras.backend.clear_session()
    before = Path.cwd()
    os.chdir(folder)
    try:
        exec(re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)[0], {})
    finally:
        os.chdir(before)
    return folder


@pytest.mark.parametrize("number", range(5), ids=["targets", "check", "misspelt", "explain", "explain-layer"])
def test_the_outputs_are_real(folder, number):
    command, expected = OUTPUTS[number]
    done = subprocess.run(
        [sys.executable, "-m", "qspec", *command.split()], cwd=folder, capture_output=True, text=True, check=False
    )

    assert expected == done.stdout
    assert (1 if "error[" in expected else 0) == done.returncode
