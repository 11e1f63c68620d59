"""What people put into their own repositories: the hooks for pre-commit, and the steps of a workflow on GitHub."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.graph.keras_configs import archive, small_model

CHECKOUT = Path(__file__).parents[2]
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
README = (CHECKOUT / "README.md").read_text("utf-8").split("## In your repository")[1].split("\n## ")[0]
BY_NAME = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", README, re.DOTALL))
CONFIGURATION = yaml.safe_load(BY_NAME[".pre-commit-config.yaml"])
WORKFLOW = yaml.safe_load(BY_NAME[".github/workflows/qspec.yml"])
STEPS = [step["run"] for step in WORKFLOW["jobs"]["specs"]["steps"] if "run" in step]

UNTIDY = 'qspec 1\nimport "std/int8.qspec"\ndefault {weights=w8,output=a8}\n'
WRONG = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w9, output = a8 }\n'
WARNED = 'qspec 1\nimport "std/int8.qspec"\ndeploy nnapi\ndefault { weights = w8, output = a8 }\n'


def run(command: str, folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    """Run a `qspec` command in *folder*, as a hook or a step does."""
    program, *arguments = shlex.split(command)
    assert program == "qspec"
    command_line = [sys.executable, "-m", "qspec", *arguments, *files]
    return subprocess.run(command_line, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_a_hook_is_for_specs_alone_and_needs_nothing_but_the_package(hook):
    assert {"id", "name", "description", "entry", "language", "files"} == set(hook)
    assert hook["language"] == "python"
    assert re.search(hook["files"], "specs/edge.qspec")
    assert not re.search(hook["files"], "specs/edge.qspec.bak")


def test_the_hooks_find_what_is_wrong_and_mend_the_layout(tmp_path):
    (tmp_path / "a.qspec").write_text(UNTIDY)
    (tmp_path / "b.qspec").write_text(WRONG)

    assert 0 == run(HOOKS["qspec-fmt"]["entry"], tmp_path, "a.qspec", "b.qspec").returncode
    assert "default { weights = w8, output = a8 }" in (tmp_path / "a.qspec").read_text()
    assert 0 == run(HOOKS["qspec-check"]["entry"], tmp_path, "a.qspec").returncode
    assert 1 == run(HOOKS["qspec-check"]["entry"], tmp_path, "a.qspec", "b.qspec").returncode


def test_the_documented_configuration_names_these_hooks_with_arguments_that_they_take(tmp_path):
    (repository,) = CONFIGURATION["repos"]
    (tmp_path / "a.qspec").write_text(WARNED)

    assert set(HOOKS) == {hook["id"] for hook in repository["hooks"]}
    (check,) = [hook for hook in repository["hooks"] if hook["id"] == "qspec-check"]
    entry = HOOKS["qspec-check"]["entry"]
    assert 0 == run(entry, tmp_path, "a.qspec").returncode
    assert 1 == run(shlex.join([*shlex.split(entry), *check["args"]]), tmp_path, "a.qspec").returncode


def test_the_documented_workflow_annotates_every_problem(tmp_path):
    assert WORKFLOW["jobs"]["specs"]["steps"][0]["uses"].startswith("actions/checkout@")
    assert "pip install qspec" == STEPS[0]
    (tmp_path / "specs").mkdir()
    (tmp_path / "models").mkdir()
    archive(tmp_path / "models" / "mobilenet.keras", small_model())
    (tmp_path / "specs" / "edge.qspec").write_text(UNTIDY + "rule head match Dens { weights = w8_tensor }\n")
    (tmp_path / "wrong.qspec").write_text(WRONG)
    layout, alone, with_model = (run(step, tmp_path) for step in STEPS[1:])

    assert 1 == layout.returncode
    assert re.findall(r"^Would reformat: (.*)", layout.stdout, re.MULTILINE) == ["specs/edge.qspec"]
    assert 1 == alone.returncode
    assert re.findall(r"^::error file=(.*?),line=(\d+),", alone.stdout, re.MULTILINE) == [("wrong.qspec", "3")]
    assert 0 == with_model.returncode
    assert "::warning file=specs/edge.qspec,line=4," in with_model.stdout


def test_the_documented_file_for_code_scanning_is_written(tmp_path):
    (command,) = re.findall(r"`(qspec check --format sarif \.) > qspec\.sarif`", README)
    (tmp_path / "wrong.qspec").write_text(WRONG)

    assert '"QS101"' in run(command, tmp_path).stdout
