"""The `tflm` table against LiteRT for Microcontrollers itself, op by op: what it takes runs, what it refuses does not,
and what runs without a warning computes what float arithmetic does.

The quick sample takes every ninth model; `pytest -m slow tests/targets/test_tflm.py` takes all of them, with several
seeds. They are models of one op, run by `tflite_micro` in processes of their own, and by LiteRT in float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from qspec.schema.target import Form, Group, Row
from qspec.targets import Table, Verdict
from tests.targets.one_op import shipped
from tests.targets.op_cases import MAKERS, case_of, every_case, varied_cases
from tests.targets.op_files import OpCase, stored_as
from tests.targets.tflm_oracle import Job, Ran, job, right, run_micro

pytestmark = [
    pytest.mark.skipif(find_spec("tflite_micro") is None, reason="tflite_micro has no wheel for this Python"),
    pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the extra `litert` is not installed"),
]

# The runtime's Python interface takes no int4 array, so that no model with an int4 input can be run.
CASES = [
    case
    for case in (*every_case(), *varied_cases())
    if all(made is None or "int4" != made.type or made.constant for made in case.inputs)
]


def verdict(case: OpCase) -> Verdict:
    graph, made = case.graph()
    return Table(shipped("tflm")).judge(graph.ops[0], graph, lambda tensor: stored_as(made[tensor]))


def contradictions(jobs: Sequence[Job], results: Sequence[Ran]) -> list[str]:
    """Where the runtime contradicts the table, a line each."""
    found = []
    for one, ran in zip(jobs, results, strict=True):
        predicted = verdict(one.case)
        if predicted.accepted != (ran.outputs is not None):
            found.append(f"{one.case}: the table says {predicted.outcome.value}, the runtime: {ran.error or 'runs'}")
        elif ran.outputs is not None and not predicted.warnings and not right(one, ran.outputs):
            found.append(f"{one.case}: wrong numbers without a warning")
    return found


def test_a_sample_of_rows(tmp_path: Path) -> None:
    jobs = [job(case) for case in CASES[::9]]

    assert [] == contradictions(jobs, run_micro(jobs, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_every_row(seed: int, tmp_path: Path) -> None:
    jobs = [job(case, seed) for case in CASES]

    assert [] == contradictions(jobs, run_micro(jobs, tmp_path))


def warnings_of(part: Row | Form | Group) -> Iterator[str]:
    yield from (condition.reason for condition in part.conditions if condition.kind == "warn")
    for inner in (*getattr(part, "forms", ()), *part.groups):
        yield from warnings_of(inner)


@pytest.mark.slow
def test_every_warning_is_true_of_some_model(tmp_path: Path) -> None:
    warned = [
        (job(case), predicted.warnings)
        for case in CASES
        if (predicted := verdict(case)).accepted and predicted.warnings
    ]
    jobs = [one for one, _ in warned]
    promised = {(kind, message) for row in shipped("tflm").rows for kind in row.kinds for message in warnings_of(row)}
    for (one, warnings), ran in zip(warned, run_micro(jobs, tmp_path), strict=True):
        if ran.outputs is not None and not right(one, ran.outputs):
            promised -= {(one.case.kind, warning.message) for warning in warnings}

    assert set() == promised


def test_every_row_is_tried() -> None:
    """Rows that say `unverified`, or of which every form does, are those that no model was made for."""
    tried = {case.kind for case in CASES}
    rows = [row for row in shipped("tflm").rows if row.unverified is None]
    sure = [row for row in rows if not row.forms or any(form.unverified is None for form in row.forms)]

    assert set() == {kind for row in sure for kind in row.kinds} - tried


def test_shapes_are_those_of_the_file(tmp_path: Path) -> None:
    """A dynamic batch runs as the one that the file was written with."""
    case = case_of("RELU", "int8")
    dynamic = Job(case, job(case).values, {0: (-1, 4, 4, 8), 1: (-1, 4, 4, 8)})
    (ran,) = run_micro([dynamic], tmp_path)

    assert ran.outputs is not None
    assert right(dynamic, ran.outputs)


def test_kinds_without_a_kernel(tmp_path: Path) -> None:
    rows = {kind for row in shipped("tflm").rows for kind in row.kinds}
    missing = sorted(set(MAKERS) - rows)
    results = run_micro([job(case_of(kind, "int8")) for kind in missing], tmp_path)

    assert dict.fromkeys(missing, None) == {kind: ran.outputs for kind, ran in zip(missing, results, strict=True)}
