"""Weights in blocks: where the built-in kernel computes garbage from them, they are refused, or per channel."""

from __future__ import annotations

import pytest

from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import codes, plan_of

BLOCKS = "quantizer blocks extends w8 { type = int4, granularity = per_block(32) }\n"


def dense(units):
    m = ModelBuilder()
    return m.graph(m("Dense", m.input(64, name="x"), name="head", units=units))


@pytest.mark.parametrize(("units", "by_rule", "by_default"), [(3, ["QS401"], ["QS307"]), (4, [], [])])
def test_fewer_than_four_units(units, by_rule, by_default):
    model = dense(units)

    assert by_rule == codes(plan_of(f"{BLOCKS}default {{ }}\nrule r match Dense {{ weights = blocks }}", model))
    assert by_default == codes(plan_of(f"{BLOCKS}default {{ weights = blocks }}", model))
