"""A file that qspec wrote is judged as the plan was that it was written by."""

from __future__ import annotations

import pytest

from qspec.graph.tflite_file import parse_tflite
from qspec.lint.files.facts import representation as stored_in_the_file
from qspec.plan.representation import representation, same_scale
from qspec.schema import shipped_target, shipped_targets
from qspec.targets import Table, place
from tests.litert.perceptron import EDGES, perceptron_plan, written


@pytest.mark.parametrize("edges", [EDGES, ""], ids=["integer edges", "float edges"])
@pytest.mark.parametrize("target", shipped_targets())
def test_ops_layers_and_placement_are_the_same(target, edges):
    table, plan = Table(shipped_target(target)), perceptron_plan(edges)
    body = parse_tflite(written(edges).content, "m.tflite").main
    planned = place(table, plan.ops, representation(plan), same_scale=same_scale(plan))
    read = place(table, body.graph, stored_in_the_file(body), body.versions)

    assert [(op.op.kind, op.op.layer, op.accelerated, op.runs) for op in planned.ops] == [
        (op.op.kind, op.op.layer, op.accelerated, op.runs) for op in read.ops
    ]
    assert planned.parameter_bytes == read.parameter_bytes
    assert (planned.partitions, planned.coverage) == (read.partitions, read.coverage)
