"""The `ethos_u` table against Arm's own compiler, op by op: what it takes runs on the NPU, what it leaves goes to the
CPU, and what it refuses stops the compiler.

The quick sample takes every 45th small model on one variant; `pytest -m slow tests/targets/test_vela.py` takes all of
them on all three. Whole models are in `test_vela_models.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from importlib.util import find_spec
from math import prod
from pathlib import Path

import pytest

from qspec.targets import Outcome, Table, Verdict
from tests.targets.one_op import shipped
from tests.targets.op_cases import activation, case_of
from tests.targets.op_files import OpCase, op_file, stored_as, stored_constants
from tests.targets.vela_cases import limit_cases, type_cases
from tests.targets.vela_oracle import CONFIGURATIONS, Compiled, compiled

pytestmark = [
    pytest.mark.skipif(find_spec("ethosu") is None, reason="ethos-u-vela has no wheel for this Python"),
    pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="the extra `litert` is not installed"),
]

CASES = [*type_cases(), *limit_cases()]


def judged(case: OpCase, variant: str) -> Verdict:
    graph, made = case.graph()
    table = Table(shipped("ethos_u"), {"variant": variant})
    whole = table.judge_model(graph)
    if whole.outcome is Outcome.REFUSED:
        return whole
    return table.judge(graph.ops[0], graph, lambda tensor: stored_as(made[tensor]))


def outcome(case: OpCase, found: Compiled) -> Outcome:
    graph, _ = case.graph()
    outputs = {graph.tensors[tensor].name for tensor in graph.ops[0].outputs}
    if found.error:
        return Outcome.REFUSED
    return Outcome.LEFT_TO_HOST if outputs & found.cpu else Outcome.ACCEPTED


def contradictions(cases: Iterable[OpCase], variant: str, folder: Path) -> list[str]:
    """Where the compiler contradicts the table, a line each."""
    lines = []
    for case in cases:
        found = compiled(op_file(case, stored_constants(case)), variant, folder)
        predicted, seen = judged(case, variant), outcome(case, found)
        if predicted.outcome is not seen:
            said = found.error or "; ".join(found.reasons.values())
            lines.append(f"{case}: the table says {predicted.outcome.value}, Vela {seen.value} {said}")
    return lines


def test_a_sample_of_rows(tmp_path: Path) -> None:
    quick = [
        case for case in CASES if sum(prod(made.shape) for made in case.outputs if None not in made.shape) < 10_000
    ]

    assert [] == contradictions(quick[::45], "u55", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("variant", CONFIGURATIONS)
def test_every_row(variant: str, tmp_path: Path) -> None:
    assert [] == contradictions(CASES, variant, tmp_path)


@pytest.mark.parametrize("variant", ["u55", "u85"])
def test_only_the_batch_may_be_dynamic(variant: str, tmp_path: Path) -> None:
    case = case_of("RELU", "int8")
    seen, predicted = [], []
    for shape in ((None, 4, 4, 8), (1, None, 4, 8)):
        signature = [-1 if size is None else size for size in shape]
        content = op_file(case, stored_constants(case), {0: signature, 1: signature})
        seen.append(outcome(case, compiled(content, variant, tmp_path)))
        dynamic = replace(case, inputs=[activation("int8", *shape)], outputs=[activation("int8", *shape)])
        predicted.append(judged(dynamic, variant).outcome)

    assert [Outcome.ACCEPTED, Outcome.LEFT_TO_HOST] == seen == predicted


def test_every_row_is_tried() -> None:
    """Rows that say `unverified` are those that no model was made for."""
    tried = {case.kind for case in CASES} | {"any"}
    rows = shipped("ethos_u").rows

    assert set() == {kind for row in rows if row.unverified is None for kind in row.kinds if kind not in tried}
