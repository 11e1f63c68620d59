"""The `ethos_u` table against Arm's own compiler, op by op: what it takes runs on the NPU, what it leaves goes to the
CPU for the reason that Vela states, and what it refuses stops the compiler.

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
from tests.targets.vela_cases import filters_of, light, limit_cases, type_cases
from tests.targets.vela_oracle import CONFIGURATIONS, Compiled, compiled
from tests.targets.vela_reasons import says_the_same

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
        reasons = [reason.message for reason in predicted.reasons]
        stated = next(iter(found.reasons.values()), "")  # of some resizing it states nothing
        told = seen is not Outcome.LEFT_TO_HOST or not stated or says_the_same(stated, reasons)
        if predicted.outcome is not seen or not told:
            said = found.error or stated
            lines.append(f"{case}: the table says {predicted.outcome.value} {reasons}, Vela {seen.value} {said}")
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
@pytest.mark.parametrize("kind", ["RELU", "AVERAGE_POOL_2D", "RESIZE_BILINEAR"])
def test_only_the_batch_may_be_dynamic(kind: str, variant: str, tmp_path: Path) -> None:
    case = case_of(kind, "int8")
    made = case.graph()[1]
    last = len(made) - 1
    seen, predicted, reasons = [], [], []
    for axis in (0, 1):
        shapes = {
            tensor: [None if place == axis else size for place, size in enumerate(made[tensor].shape)]
            for tensor in (0, last)
        }
        signatures = {tensor: [size or -1 for size in shape] for tensor, shape in shapes.items()}
        content = op_file(case, stored_constants(case), signatures)
        seen.append(outcome(case, compiled(content, variant, tmp_path)))
        inputs = [activation("int8", *shapes[0]), *case.inputs[1:]]
        found = judged(replace(case, inputs=inputs, outputs=[activation("int8", *shapes[last])]), variant)
        predicted.append(found.outcome)
        reasons += [reason.message for reason in found.reasons]

    assert [Outcome.ACCEPTED, Outcome.LEFT_TO_HOST] == seen == predicted
    assert "only the batch may be dynamic" in reasons


@pytest.mark.parametrize("variant", ["u55", "u85"])
def test_heavy_filters(variant: str, tmp_path: Path) -> None:
    """The table does not see weights: it warns of filters whose weights may add up to more than Vela takes."""
    small, large = filters_of(3, 3, 7000), filters_of(3, 3, 8192)
    files = [
        (case, op_file(case, stored_constants(light(case, value)))) for case in (small, large) for value in (20, 127)
    ]
    seen = [outcome(case, compiled(content, variant, tmp_path)) for case, content in files]

    assert [Outcome.ACCEPTED] * 3 + [Outcome.LEFT_TO_HOST] == seen
    assert [False, True] == [bool(judged(case, variant).warnings) for case in (small, large)]


def test_every_row_is_tried() -> None:
    """Rows that say `unverified` are those that no model was made for."""
    tried = {case.kind for case in CASES} | {"any"}
    rows = shipped("ethos_u").rows

    assert set() == {kind for row in rows if row.unverified is None for kind in row.kinds if kind not in tried}
