"""What `qspec check` loads: no framework and no numbers, and of the package only what the task needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from qspec._resources import resource
from tests.graph.keras_configs import archive, small_model

FRAMEWORKS = {"keras", "tensorflow", "ai_edge_litert", "flatbuffers", "numpy", "sklearn", "lark", "pydantic"}
ONLY_WITH_A_MODEL = {"qspec.graph", "qspec.lowering", "qspec.targets", "qspec.plan.make", "qspec.lint.facts", "zipfile"}
SPEC = resource("specs") / "examples" / "digits.qspec"


def loaded_by(*arguments: str | Path) -> set[str]:
    """The modules that are there when `qspec ARGUMENTS` has run."""
    script = (
        "import sys; from qspec.cli import main\n"
        f"assert main({[str(argument) for argument in arguments]!r}) == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    return set(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stderr.split())


def test_a_spec_alone_needs_neither_a_framework_nor_what_is_there_for_models():
    modules = loaded_by("check", SPEC)

    assert "qspec.schema" in modules
    assert set() == modules & (FRAMEWORKS | ONLY_WITH_A_MODEL)


def test_a_model_file_is_checked_without_a_framework(tmp_path: Path):
    modules = loaded_by("check", SPEC, "--model", archive(tmp_path / "small.keras", small_model()), "--format", "json")

    assert modules >= ONLY_WITH_A_MODEL
    assert set() == modules & FRAMEWORKS
