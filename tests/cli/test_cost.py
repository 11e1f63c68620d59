"""What a check costs grows with the model and no faster, and only with the targets that are deployed."""

import subprocess
import sys
import time

import pytest

from qspec.graph.keras_file import read_keras_file
from qspec.lint import check
from qspec.schema import loads
from qspec.schema.shipped import shipped_targets
from tests.benchmarks.check_cost import SPEC, chain, write_archive


def seconds(path, spec):
    """Of the processor, the least of three runs."""
    found = []
    for _ in range(3):
        started = time.process_time()
        report = check(spec, read_keras_file(path))
        report.placement_text()
        found.append(time.process_time() - started)
    return min(found)


def test_four_times_the_layers_take_about_four_times_as_long(tmp_path):
    spec, _ = loads(SPEC.format(deploys="\n".join(f"deploy {name}" for name in shipped_targets())))
    costs = []
    for count in (500, 2000):
        write_archive(tmp_path / f"{count}.keras", chain(count))
        costs.append(seconds(tmp_path / f"{count}.keras", spec))
    print(costs)

    # Were it quadratic, sixteen times.
    assert costs[1] < 8 * costs[0]


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
