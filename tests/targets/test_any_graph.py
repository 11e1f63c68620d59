"""Tables are asked about files from anywhere: whatever an op looks like, there is an answer and no exception."""

from __future__ import annotations

import random

import pytest

from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.targets import Outcome, Representation, Table, place
from tests.targets.one_op import shipped, table_of

TYPES = ("float32", "int8", "uint8", "int16", "int32", "int4", "bool", "string")
ATTRIBUTES = {
    "fused_activation_function": ("NONE", "RELU", 3, None),
    "dilation_w_factor": (1, 2, "x"),
    "axis": (0, -1, 9, None),
    "keep_num_dims": (True, 1),
    "half_pixel_centers": (True, False, ()),
}
VALUES = (None, 3, -1, (0, 1), ((0, 0), (1, 1)), ((0, 0), 3), ())


def strange_graph(kind: str, generator: random.Random) -> tuple[OpGraph, dict[int, Representation]]:
    tensors = []
    for index in range(6):
        rank = generator.randint(0, 5)
        shape = None if generator.random() < 0.1 else tuple(generator.choice((1, 8, 0, None)) for _ in range(rank))
        type = generator.choice(TYPES)
        value = generator.choice(VALUES)
        tensors.append(Tensor(index, f"t{index}", shape, type, generator.random() < 0.5, None, value))
    stored = {
        tensor.id: Representation(
            tensor.type,
            generator.choice((None, "symmetric", "asymmetric")),
            generator.choice((None, "per_tensor", "per_channel", "per_block")),
            generator.choice((None, 0, 3)),
            generator.choice((None, 0.1, 1 / 256, 0.0)),
            generator.choice((None, 0, -128)),
        )
        for tensor in tensors
    }
    inputs = tuple(generator.randint(-1, 5) for _ in range(generator.randint(0, 5)))
    outputs = tuple(generator.randint(0, 5) for _ in range(generator.randint(0, 2)))
    attributes = {name: generator.choice(found) for name, found in ATTRIBUTES.items() if generator.random() < 0.5}
    return OpGraph(tuple(tensors), (Op(0, kind, inputs, outputs, attributes),), (0,), (5,)), stored


@pytest.mark.parametrize("target", ["tflite", "edgetpu", "nnapi"])
def test_there_is_always_an_answer(target: str) -> None:
    seed = 20261123
    generator = random.Random(seed)
    table = Table(shipped(target))
    kinds = sorted({kind for row in table.definition.rows for kind in row.kinds} - {"any"})
    for kind in kinds * 20:
        graph, stored = strange_graph(kind, generator)
        placement = place(table, graph, stored.__getitem__)
        table.constraints(graph.ops[0], graph)

        (placed,) = placement.ops
        assert placed.accelerated == (placed.why == ()), f"seed {seed}, {graph.ops[0]}"


@pytest.mark.parametrize(
    "item",
    [
        "bias = int32 scale(input * nobody)",
        "require input[0][1] == 3",
        "require input.scale[1] == 3",
        "require input.colour == 3",
        "require same_scale(3, input)",
        "require same_scale(input[7], output[1.5])",
        "require axis[0] == 1",
        "when paddings < 3 { input = int8 }",
        "require mod(rank, 0) == 1",
        "require option == (1, 2)",
    ],
)
def test_a_persons_own_table_breaks_nothing(item: str) -> None:
    table = table_of(f"target t {{ option option = 1 in 1..2, op PAD | ADD | CONV_2D {{ {item} }} }}")
    generator = random.Random(7)
    for kind in ("PAD", "ADD", "CONV_2D") * 30:
        graph, stored = strange_graph(kind, generator)
        table.constraints(graph.ops[0], graph)

        assert table.judge(graph.ops[0], graph, stored.__getitem__).outcome in Outcome
