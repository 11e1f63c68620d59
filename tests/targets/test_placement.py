"""Which ops run where, on graphs drawn by hand."""

from __future__ import annotations

import itertools
import random

import pytest

from qspec.graph.ops import OpGraph
from qspec.targets import Placement, place
from qspec.targets.placement import partition_count
from tests.targets.one_op import Builder, T, table_of, weights

PREFIX = "target npu on tflite { partition = prefix, op ADD { input = int8, output = int8 } }"
ANY = "target npu on tflite { op ADD { input = int8, output = int8 } }"


def placed(text: str, builder: Builder, inputs: str, outputs: str) -> Placement:
    return place(table_of(text), builder.graph(inputs, outputs), builder.representation)


def fast(placement: Placement) -> list[bool]:
    return [op.accelerated for op in placement.ops]


def diamond() -> Builder:
    """x → a → (b on the host | c) → d, and e beside it all."""
    made = Builder()
    made.op("ADD", "x x", "a")
    made.op("MUL", "a a", "b")
    made.op("ADD", "a a", "c")
    made.op("ADD", "b c", "d")
    made.op("ADD", "x x", "e")
    return made


def test_prefix_follows_the_graph_and_not_the_list() -> None:
    placement = placed(PREFIX, diamond(), "x", "d e")

    assert [True, False, True, False, True] == fast(placement)
    assert (1, 60.0) == (placement.partitions, placement.coverage)
    behind = placement.ops[3]
    assert behind.verdict.accepted
    assert "it comes after MUL of `layer_1`, which does not run on `npu`" == behind.why[0].message


def test_any_takes_up_again_in_a_second_partition() -> None:
    placement = placed(ANY, diamond(), "x", "d e")

    assert [True, False, True, True, True] == fast(placement)
    assert (2, 80.0) == (placement.partitions, placement.coverage)
    host = placement.ops[1]
    assert host.host is not None
    assert host.runs
    assert "`npu` has no row for MUL" == host.why[0].message


def test_casts_at_the_edges_do_not_count_and_do_not_cut() -> None:
    made = Builder()
    made.tensor("x", T("float32", (1, 4, 4, 8)))
    made.tensor("y", T("float32", (1, 4, 4, 8)))
    made.op("QUANTIZE", "x", "q")
    made.op("ADD", "q q", "a")
    made.op("DEQUANTIZE", "a", "y")
    placement = placed(PREFIX, made, "x", "y")

    assert [False, True, False] == fast(placement)
    assert (1, 100.0) == (placement.partitions, placement.coverage)
    assert [True, False, True] == [op.edge for op in placement.ops]


def test_a_cast_inside_counts_and_cuts() -> None:
    made = Builder()
    made.op("ADD", "x x", "a")
    made.op("QUANTIZE", "a", "b")
    made.op("ADD", "b b", "c")
    placement = placed(PREFIX, made, "x", "c")

    assert [True, False, False] == fast(placement)
    assert pytest.approx(100 / 3) == placement.coverage


def test_parameters_of_accelerated_ops_once_each() -> None:
    made = Builder()
    made.tensor("k", weights("int8", 1, 1, 1, 8))
    made.tensor("n", weights("int4", 1, 1, 1, 7))
    made.op("ADD", "x k", "a")
    made.op("ADD", "a k", "b")
    made.op("MUL", "b n", "c")

    assert 8 == placed(ANY, made, "x", "c").parameter_bytes


def test_a_refused_model_says_so() -> None:
    text = 'target npu on tflite { op ADD { input = int8, output = int8, refuse when rank > 3 because "aborts" } }'
    made = Builder()
    made.op("ADD", "x x", "a")
    placement = placed(text, made, "x", "a")

    assert ["aborts"] == [reason.message for reason in placement.refused]
    assert [False] == fast(placement)


def test_a_model_that_is_not_taken_runs_on_the_host() -> None:
    text = 'target npu on tflite { model { require static_shapes because "dynamic" }, op ADD { input = int8 } }'
    made = Builder()
    made.tensor("x", T("int8", (None, 4)))
    made.op("ADD", "x x", "a")
    placement = placed(text, made, "x", "a")

    assert ([False], ["dynamic"]) == (fast(placement), [reason.message for reason in placement.ops[0].why])
    assert placement.ops[0].runs


def test_a_model_without_ops() -> None:
    placement = place(table_of(ANY), OpGraph((), (), (), ()), lambda tensor: T("int8", ()).representation)

    assert (0, 100.0, 0) == (placement.partitions, placement.coverage, placement.parameter_bytes)


# ---- the number of partitions, against trying every one


def fewest_partitions(graph: OpGraph, accelerated: list[bool]) -> int:
    """By exhaustion: the fewest groups of accelerated ops whose contracted graph has no cycle."""
    ops = [index for index, flag in enumerate(accelerated) if flag]
    producers = graph.producers()
    edges = {(producers[t].index, op.index) for op in graph.ops for t in op.inputs if t in producers}
    for count in range(len(ops) + 1):
        for groups in itertools.product(range(max(count, 1)), repeat=len(ops)):
            if len(set(groups)) != count:
                continue
            node = {op: f"g{group}" for op, group in zip(ops, groups, strict=True)}
            contracted = {(node.get(a, str(a)), node.get(b, str(b))) for a, b in edges}
            if acyclic({(a, b) for a, b in contracted if a != b}):
                return count
    raise AssertionError


def acyclic(edges: set[tuple[str, str]]) -> bool:
    while edges:
        leaves = {b for _, b in edges} - {a for a, _ in edges}
        if not leaves:
            return False
        edges = {(a, b) for a, b in edges if b not in leaves}
    return True


@pytest.mark.parametrize("seed", range(60))
def test_partitions_against_trying_every_one(seed: int) -> None:
    generator = random.Random(seed)
    made = Builder()
    names = ["x"]
    for index in range(generator.randint(1, 6)):
        made.op("ADD", " ".join(generator.choices(names, k=2)), f"t{index}")
        names.append(f"t{index}")
    graph = made.graph("x", names[-1])
    accelerated = [generator.random() < 0.6 for _ in graph.ops]

    # LiteRT begins with the side of the first op; if that is accelerated, it may need a piece more.
    fewest, found = fewest_partitions(graph, accelerated), partition_count(graph, accelerated)
    assert fewest == found or (accelerated[0] and fewest + 1 == found), f"seed {seed}"
