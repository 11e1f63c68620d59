"""What README.md shows is what the commands print."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import qspec

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SPECS = re.findall(r"```qspec\n(.*?)```", README, re.DOTALL)
OUTPUTS = re.findall(r"```console\n\$ qspec (check .*?)\n(.*?)```", README, re.DOTALL)
MENDED = SPECS[0].replace("Dens {", "Dense {").replace("w9", "w8_tensor")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    keras.backend.clear_session()  # layer names begin anew, as in the README
    model = keras.applications.MobileNetV2(weights=None)
    model.save(folder / "mobilenet.keras")
    (folder / "npu.qspec").write_text(SPECS[1], "utf-8")
    (folder / "edge.qspec").write_text(MENDED, "utf-8")
    images = np.random.default_rng(0).uniform(-1, 1, (2, 224, 224, 3)).astype(np.float32)
    qspec.quantize(folder / "edge.qspec", model, images, folder / "mobilenet.tflite")
    return folder


@pytest.mark.parametrize(
    ("number", "spec"),
    [
        (0, SPECS[0]),
        (1, MENDED),
        (2, MENDED),
        (3, SPECS[0]),
    ],
    ids=["mistakes", "mended", "flatbuffer", "own target"],
)
def test_the_outputs_are_real(folder, number, spec):
    (folder / "edge.qspec").write_text(spec, "utf-8")
    command, expected = OUTPUTS[number]

    done = subprocess.run(
        [sys.executable, "-m", "qspec", *command.split()], cwd=folder, capture_output=True, text=True, check=False
    )

    assert expected == done.stdout
    assert (1 if "error[" in expected else 0) == done.returncode
