"""What a check costs grows with the model and no faster, and only with the targets that are deployed."""

import subprocess
import sys

import pytest

from qspec.graph.keras_file import read_keras_file
from qspec.lint import check
from qspec.schema import loads
from qspec.schema.shipped import shipped_targets
from tests.benchmarks.check_cost import SPEC, chain, write_archive
from tests.function_calls import counted


def calls(path, spec):
    """How many functions a check calls."""
    return counted(lambda: check(spec, read_keras_file(path)).placement_text())[1]


def test_four_times_the_layers_take_about_four_times_the_work(tmp_path):
    spec, _ = loads(SPEC.format(deploys="\n".join(f"deploy {name}" for name in shipped_targets())))
    costs = []
    for layers in (500, 500, 2000):  # the first run also reads tables
        write_archive(tmp_path / "m.keras", chain(layers))
        costs.append(calls(tmp_path / "m.keras", spec))

    # Were it quadratic, sixteen times.
    assert costs[2] < 5 * costs[1]


@pytest.mark.parametrize("target", ["edgetpu", "nnapi"])
def test_tables_of_other_targets_are_not_read(target, tmp_path):
    write_archive(tmp_path / "m.keras", chain(3))
    (tmp_path / "s.qspec").write_text(SPEC.format(deploys=f"deploy {target}"))
    script = f"""
import sys
read = []
sys.addaudithook(lambda event, args: read.append(str(args[0]).split("/")[-1]) if event == "open" else None)
from qspec.cli import main
main(["check", {str(tmp_path / "s.qspec")!r}, "--model", {str(tmp_path / "m.keras")!r}])
print(sorted({{name for name in read if name.endswith(".qspec")}}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert str(sorted({"int8.qspec", "s.qspec", "tflite.qspec", f"{target}.qspec"})) == done.stdout.splitlines()[-1]
