"""What Arm's Vela compiler makes of a flatbuffer: it runs as a process of its own, for some inputs crash it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CONFIGURATIONS = {"u55": "ethos-u55-128", "u65": "ethos-u65-256", "u85": "ethos-u85-256"}
_CPU = re.compile(r"Warning \(supported operators\) operator: (\S+), ofm: '(.*)'\nReason: (.*)")


@dataclass(frozen=True)
class Comparison:
    """How many ops of a model were held against the compiler, how many of these disagree, and whether the compiler
    wrote no file for it."""

    variant: str
    ops: int
    disagreements: int
    stopped: bool


COMPARISONS: list[Comparison] = []
"""All since the process began; `conftest.py` sums them up by variant."""


@dataclass(frozen=True)
class Compiled:
    """`cpu` are the outputs of the ops left to the CPU, `reasons` those that the compiler states for them;
    `error` is its last line where it wrote no file."""

    cpu: frozenset[str] = frozenset()
    reasons: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


def compiled(content: bytes, variant: str, folder: Path, timeout: float = 300) -> Compiled:
    """The outcome of `vela model.tflite --accelerator-config … --show-cpu-operations`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.tflite").write_bytes(content)
    written = folder / "out" / "model_vela.tflite"
    written.unlink(missing_ok=True)
    command = [sys.executable, "-m", "ethosu.vela", "model.tflite", "--show-cpu-operations", "--output-dir", "out"]
    command += ["--accelerator-config", CONFIGURATIONS[variant]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False)
    reasons = {tensor: reason for _, tensor, reason in _CPU.findall(done.stdout)}
    if not written.exists():  # statistics fail on some graphs behind the compilation: the file is what counts
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        return Compiled(reasons=reasons, error=f"exit {done.returncode}: {lines[-1] if lines else ''}")
    # An output of truth values is renamed, so that only the reason tells of its op.
    return Compiled(frozenset(outputs_on_cpu(written.read_bytes()) | set(reasons)), reasons)


def outputs_on_cpu(content: bytes) -> set[str]:
    """The outputs of the ops of a compiled file that are not the custom op `ethos-u`."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content)
    found = set()
    for graph in (model.Subgraphs(index) for index in range(model.SubgraphsLength())):
        for op in (graph.Operators(index) for index in range(graph.OperatorsLength())):
            code = model.OperatorCodes(op.OpcodeIndex())
            if code.CustomCode() != b"ethos-u":
                found |= {graph.Tensors(op.Outputs(place)).Name().decode() for place in range(op.OutputsLength())}
    return found
