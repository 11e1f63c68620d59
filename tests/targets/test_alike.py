"""Answers kept for ops that are alike, against asking about every op anew."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.schema.shipped import shipped_targets
from qspec.targets import Judge, KnownConstraints, Representation, Table
from tests.targets.one_op import shipped, table_of

OWN = table_of(
    """
    target npu on tflite {
      op ADD { input = int8 | int16, output = int8, require same_scale(input[1], output) because "one scale" }
      op CONCATENATION { input = int8, output = int8, require same_scale(input, output) and inputs <= 2 }
      op PAD { input = int8, output = int8, require paddings[1][0] == 1, warn when rank > 3 because "slow" }
      op FULLY_CONNECTED { constant weights = int8 per_channel(0), require version <= 4, output = int8 }
    }
    """
)
KINDS = ("ADD", "MUL", "CONCATENATION", "PAD", "FULLY_CONNECTED", "SOFTMAX", "RESHAPE", "LOGISTIC", "GATHER", "OPAQUE")
ATTRIBUTES = ({}, {"fused_activation_function": "RELU"}, {"axis": -1}, {"axis": [1, 2]})
TYPES = (
    Representation("int8", "asymmetric", "per_tensor", None, 0.1, 3),
    Representation("int8", "asymmetric", "per_tensor", None, 0.2, 3),
    Representation("int8", "symmetric", "per_channel", 0),
    Representation("int16", "symmetric", "per_tensor"),
    Representation("float32"),
)


def random_graph(chance: random.Random) -> tuple[OpGraph, list[Representation]]:
    """Ops of few kinds on few sorts of tensors, so that many are alike, and some read a tensor twice."""
    tensors: list[Tensor] = []
    stored: list[Representation] = []
    ops: list[Op] = []

    def tensor(constant: bool) -> int:
        kind = chance.choice(TYPES)
        value = chance.choice([None, ((0, 0), (1, 1)), ((0, 0), (2, 2))]) if constant else None
        shape = chance.choice([(1, 8), (1, 4, 4, 8), (None, 8)])
        tensors.append(Tensor(len(tensors), f"t{len(tensors)}", shape, kind.type, constant, None, value))
        stored.append(kind)
        return len(tensors) - 1

    for index in range(40):
        read = [tensor(chance.random() < 0.5) for _ in range(chance.randint(1, 3))]
        if chance.random() < 0.3:
            read = [*read[:1] * 2, *read[2:]]
        if chance.random() < 0.2:
            read[-1] = -1 if len(read) > 1 else read[-1]
        ops.append(Op(index, chance.choice(KINDS), tuple(read), (tensor(False),), chance.choice(ATTRIBUTES)))
    return OpGraph(tuple(tensors), tuple(ops), (), ()), stored


def sharing(chance: random.Random, count: int) -> Callable[[int, int], bool | None]:
    groups = [chance.choice([None, 0, 1]) for _ in range(count)]

    def same(one: int, other: int) -> bool | None:
        return None if None in (groups[one], groups[other]) else groups[one] == groups[other]

    return same


@pytest.mark.parametrize("seed", range(25))
def test_verdicts(seed: int) -> None:
    chance = random.Random(seed)
    graph, stored = random_graph(chance)
    same = sharing(chance, len(stored)) if seed % 2 else None
    versions = {index: chance.randint(1, 6) for index in range(40)} if seed % 3 else None
    judge = Judge(graph, stored.__getitem__, versions, same)
    for table in (OWN, *map(Table, map(shipped, shipped_targets()))):
        for op in graph.ops:
            expected = table.judge(op, graph, stored.__getitem__, (versions or {}).get(op.index), same)

            assert expected == judge.judge(table, op), f"seed {seed}, {table.name}, {op}"


@pytest.mark.parametrize("seed", range(25))
def test_constraints(seed: int) -> None:
    graph, _ = random_graph(random.Random(seed))
    for table in (OWN, Table(shipped("tflite"))):
        known = KnownConstraints(table, graph)
        for op in graph.ops:
            assert table.constraints(op, graph) == known.of(op), f"seed {seed}, {table.name}, {op}"


def test_a_table_is_asked_once_about_ops_that_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = tuple(Tensor(index, f"t{index}", (1, 8), "int8") for index in range(101))
    ops = tuple(Op(index, "ADD", (index, index), (index + 1,)) for index in range(100))
    graph = OpGraph(tensors, ops, (0,), (100,))
    asked: list[Op] = []
    judge_one = Table.judge

    def watched(self: Table, op: Op, *arguments: Sequence[object]) -> object:
        asked.append(op)
        return judge_one(self, op, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Table, "judge", watched)
    judge = Judge(graph, lambda tensor: TYPES[0], None, lambda one, other: True)
    for op in ops:
        judge.judge(OWN, op)

    assert [ops[0]] == asked
