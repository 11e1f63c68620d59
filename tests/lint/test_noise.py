"""Where most noise enters: at the op that adds the largest share of the signal, not where the ratio in dB is least."""

from __future__ import annotations

import math

import pytest

from qspec.graph.ops import Op
from qspec.lint.noise import largest_entry

# 0 → 1 → 2 → 4, and 0 → 3 beside it; op N writes tensor N + 1.
OPS = (
    Op(0, "QUANTIZE", (0,), (1,)),
    Op(1, "CONV_2D", (1, -1), (2,)),
    Op(2, "MEAN", (0,), (3,)),
    Op(3, "FULLY_CONNECTED", (2,), (4,)),
)


@pytest.mark.parametrize(
    ("ratios", "asked", "expected"),
    [
        # 1e-4, then 1e-3 more, then as much again: 20 dB at the end are 1e-2.
        ({1: 40, 2: 30, 4: 20}, {4}, (3, 30, 20)),
        # 3 dB are lost twice, and cost more where there is more noise already.
        ({1: 40, 2: 20, 4: 18}, {4}, (1, 40, 20)),
        ({1: 20, 2: 20, 4: 20}, {4}, (0, math.inf, 20)),
        # What is not computed from: tensor 3.
        ({1: 40, 2: 30, 3: 0, 4: 30}, {4}, (1, 40, 30)),
        ({1: 40, 2: 30, 3: 0, 4: 30}, {3}, (2, math.inf, 0)),
        # A tensor that the float model does not have is as noisy as what it is made of.
        ({1: 30, 4: 20}, {4}, (3, 30, 20)),
        # Nothing to compare with, and nothing lost.
        ({1: -math.inf, 2: -math.inf, 4: -math.inf}, {4}, None),
        ({1: math.inf, 2: math.inf, 4: math.inf}, {4}, None),
        ({}, {4}, None),
    ],
)
def test_the_largest_share_decides(ratios, asked, expected):
    found = largest_entry(OPS, ratios, asked)

    assert expected == (None if found is None else (found.op.index, round(found.before, 9), round(found.behind, 9)))
