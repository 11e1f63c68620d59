"""A ReLU that stands alone among integers is an ADD of zero; elsewhere it is what it was."""

from __future__ import annotations

import pytest

from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import codes, kinds, named, plan_of


def flattened(*limits):
    """ReLUs with these upper limits behind a reshaping, which takes none over."""
    m = ModelBuilder()
    flat = m("Flatten", m.input(8, 8, 4, name="image"), name="flat")
    return m.graph(*(m("ReLU", flat, name=f"clamp_{i}", max_value=limit) for i, limit in enumerate(limits)))


def test_a_clamp_of_integers_adds_zero():
    plan = plan_of("", flattened(None, 6.0))
    clamps = [op for op in plan.ops.ops if op.kind == "ADD"]

    assert ["RELU", "RELU6"] == [op.attributes["fused_activation_function"] for op in clamps]
    assert [] == [kind for kind in kinds(plan) if kind.startswith("RELU")]
    assert ["RELU", "RELU6"] == [plan.rewritten[op.outputs[0]] for op in clamps]
    assert clamps[0].inputs[1] == clamps[1].inputs[1], "one zero serves both"


def test_the_zero_has_the_scale_and_zero_point_of_what_it_is_added_to():
    plan = plan_of("", flattened(None))
    clamp = next(op for op in plan.ops.ops if op.kind == "ADD")
    read, zero = clamp.inputs

    assert plan.decisions[read].range == plan.decisions[zero].range
    assert (True, (1,), (0.0,)) == tuple(getattr(plan.ops.tensors[zero], key) for key in ("constant", "shape", "value"))
    assert zero not in plan.ranges[plan.decisions[read].range].sources


@pytest.mark.parametrize(
    "default",
    ["weights = w8, output = a16", "weights = w8"],
    ids=["16 bits", "float"],
)
def test_other_types_keep_the_clamp(default):
    plan = plan_of(f"default {{ {default} }}", flattened(None))

    assert "RELU" in kinds(plan)
    assert "ADD" not in kinds(plan)
    assert {} == plan.rewritten


def test_a_clamp_inside_an_earlier_op_stays_there(small):
    plan = plan_of("", small)

    assert {} == plan.rewritten
    assert [] == codes(plan)
    assert named(plan, "image") >= 0
