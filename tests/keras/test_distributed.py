"""Training by several replicas, and by two workers that speak through the loopback device: as by one device."""

import json
import os
import socket
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

# What sums in another order leave after six steps, of values around 1.
NOISE = 2e-3


def start(folder, *kinds, **environment):
    command = [sys.executable, "-m", "tests.keras.distributed_training", str(folder), *kinds]
    return subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folders = [tmp_path_factory.mktemp(name) for name in ("here", "first", "second")]
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    processes = [start(folders[0], "one", "replicas")]
    for index, folder in enumerate(folders[1:]):
        task = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        processes.append(start(folder, "workers", TF_CONFIG=json.dumps(task)))
    try:
        for process in processes:
            output, _ = process.communicate(timeout=300)
            assert process.returncode == 0, output[-3000:]
    finally:
        for process in processes:
            process.kill()
    files = {
        "one": folders[0] / "one.npz",
        "replicas": folders[0] / "replicas.npz",
        "first worker": folders[1] / "workers.npz",
        "second worker": folders[2] / "workers.npz",
    }
    found = {}
    for name, path in files.items():
        with closing(np.load(path)) as file:
            found[name] = dict(file)
    return found


def test_both_workers_have_the_same(results):
    first, second = results["first worker"], results["second worker"]

    assert first.keys() == second.keys()
    assert all(np.array_equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("several", ["replicas", "first worker"])
def test_several_train_as_one_does(results, several):
    one, other = list(results["one"].items()), list(results[several].items())

    ranges = 0
    for (key, expected), (_, found) in zip(one, other, strict=True):
        if expected.dtype.kind == "f":
            assert np.allclose(expected, found, rtol=NOISE, atol=NOISE), key
        ranges += "range_" in key
    assert ranges >= 10
    maximum = next(value for key, value in one if "maximum" in key)
    assert maximum > 5  # it was reached in one replica's part of a batch
