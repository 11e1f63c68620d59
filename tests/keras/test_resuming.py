"""A training run that is killed, and goes on from what it saved, is the run that was not interrupted, bit for bit."""

import functools
import os
import signal
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest


def run(folder, way, *moment):
    """Where the run ended, or the signal that ended it."""
    command = [sys.executable, "-m", "tests.keras.resumed_training", str(folder), way, *map(str, moment)]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=300, check=False)
    if done.returncode < 0:
        return -done.returncode
    assert done.returncode == 0, done.stderr[-3000:]
    with closing(np.load(folder / "variables.npz")) as file:
        return dict(file)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """What an unbroken run comes to, by `fit` or by a loop of one's own."""
    return functools.cache(lambda way: run(tmp_path_factory.mktemp(way), way))


@pytest.mark.parametrize("way", ["backup", pytest.param("model", marks=pytest.mark.slow), "checkpoint"])
def test_killed_and_resumed(way, unbroken, tmp_path):
    expected = unbroken("checkpoint" if way == "checkpoint" else "backup")
    assert signal.SIGKILL == run(tmp_path, way, 2, 1)

    found = run(tmp_path, way)

    assert expected.keys() == found.keys()
    different = [key for key, value in expected.items() if not np.array_equal(value, found[key])]
    assert not different
    assert 12 == found["steps"]
