"""What keeps ops off an accelerator, on random graphs and against definitions that try every path."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

import pytest

from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.targets import Placement, place
from tests.targets.one_op import Builder, T, table_of, weights

# ADD is taken; MUL, SUB and DIV are not, for three reasons.
TARGET = """
target npu on tflite {{
  partition = {partition}
  op ADD {{ input = int8, output = int8 }}
  op QUANTIZE {{ input = int8, output = int8 }}
  op MUL {{ require false because "no product" }}
  op SUB {{ require false because "no difference" }}
}}
"""
PREFIX = table_of(TARGET.format(partition="prefix"))
ANY = table_of(TARGET.format(partition="any"))
SEEDS = range(120)


def random_graph(chance: random.Random, most: int = 9) -> tuple[Builder, OpGraph]:
    """Up to *most* ops on one to three inputs, float ones cast to integers first; one to three results, which other ops
    may read too, perhaps cast to float."""
    made = Builder()
    inputs = [f"x{number}" for number in range(chance.randint(1, 3))]
    names = []
    for name in inputs:
        if chance.random() < 0.5:
            made.tensor(name, T("float32", (1, 4, 4, 8)))
            made.op("QUANTIZE", name, f"{name}_q")
            names.append(f"{name}_q")
        else:
            made.tensor(name, T("int8", (1, 4, 4, 8)))
            names.append(name)
    for number in range(chance.randint(1, most)):
        kind = chance.choices(["ADD", "MUL", "SUB", "DIV", "QUANTIZE"], [6, 1, 1, 1, 1])[0]
        read = chance.choices(names, k=1 if kind == "QUANTIZE" else 2)
        made.op(kind, " ".join(read), f"t{number}")
        names.append(f"t{number}")
    outputs = chance.sample(names, min(len(names), chance.randint(1, 3)))
    for number, name in enumerate(outputs):
        if chance.random() < 0.3:
            made.tensor(f"y{number}", T("float32", (1, 4, 4, 8)))
            made.op("DEQUANTIZE", name, f"y{number}")
            outputs[number] = f"y{number}"
    return made, made.graph(" ".join(inputs), " ".join(outputs))


def paths_to(graph: OpGraph, position: int) -> Iterator[tuple[int, ...]]:
    """Every way through the graph that ends in an op, from an op that reads no other op's result."""
    producers = {tensor: number for number, op in enumerate(graph.ops) for tensor in op.outputs}
    sources = {producers[tensor] for tensor in graph.ops[position].inputs if tensor in producers}
    if not sources:
        yield (position,)
    for source in sources:
        for path in paths_to(graph, source):
            yield (*path, position)


def one_piece(graph: OpGraph, accepted: Sequence[bool]) -> list[bool]:
    """By definition: on every path to an accelerated op, what is not taken comes before all that is."""

    def goes_in_once(path: tuple[int, ...]) -> bool:
        taken = [accepted[position] for position in path]
        return taken[-1] and taken == sorted(taken)

    return [all(map(goes_in_once, paths_to(graph, position))) for position in range(len(graph.ops))]


def covered(placement: Placement, taken: Sequence[bool]) -> float:
    counted = [fast for fast, op in zip(taken, placement.ops, strict=True) if not op.edge]
    return 100 * sum(counted) / len(counted) if counted else 100


@pytest.mark.parametrize("seed", SEEDS)
def test_one_piece_is_what_no_path_comes_back_to(seed: int) -> None:
    made, graph = random_graph(random.Random(seed))
    placement = place(PREFIX, graph, made.representation)
    taken = [op.accelerated for op in placement.ops]
    print(seed, [(op.kind, op.inputs, op.outputs) for op in graph.ops])

    assert one_piece(graph, [op.verdict.accepted for op in placement.ops]) == taken
    assert any(taken) == placement.partitions
    assert pytest.approx(covered(placement, taken)) == placement.coverage


@pytest.mark.parametrize("seed", SEEDS)
def test_what_waits_names_a_cut_before_it(seed: int) -> None:
    made, graph = random_graph(random.Random(seed))
    placement = place(PREFIX, graph, made.representation)
    for position, op in enumerate(placement.ops):
        if op.verdict.accepted and not op.accelerated:
            (reason,) = op.why
            before = {
                f"it comes after {graph.ops[cut].kind} of `{graph.ops[cut].layer}`, which does not run on `npu`"
                for path in paths_to(graph, position)
                for last, cut in itertools.pairwise(path)
                if placement.ops[last].accelerated and not placement.ops[cut].verdict.accepted
            }

            assert reason.message in before, f"seed {seed}"


@pytest.mark.parametrize("partition", ["prefix", "any"])
@pytest.mark.parametrize("seed", SEEDS[:40])
def test_a_gain_is_what_placing_without_the_obstacle_gives(seed: int, partition: str) -> None:
    made, graph = random_graph(random.Random(seed))
    table = PREFIX if partition == "prefix" else ANY
    placement = place(table, graph, made.representation)
    accepted = [op.verdict.accepted for op in placement.ops]
    gone: set[int] = set()
    for obstacle in placement.obstacles:
        assert obstacle.gain is not None
        own = {op.index for op in obstacle.ops}
        gone |= own
        for removed, expected in ((own, obstacle.gain.alone), (gone, obstacle.gain.in_turn)):
            without = [ok or position in removed for position, ok in enumerate(accepted)]
            taken = one_piece(graph, without) if partition == "prefix" else without

            assert pytest.approx(covered(placement, taken)) == expected.ops, f"seed {seed}"
            if removed is own:
                new = [fast and not op.accelerated for fast, op in zip(taken, placement.ops, strict=True)]
                followers = [op for op, fast in zip(placement.ops, new, strict=True) if fast and op.op.index not in own]
                assert sum(not op.edge for op in followers) == obstacle.gain.follow, f"seed {seed}"
    if placement.obstacles:
        last = placement.obstacles[-1].gain
        assert last is not None
        assert last.in_turn.ops == 100.0, f"seed {seed}"


def chain(kinds: str) -> Placement:
    made = Builder()
    for number, kind in enumerate(kinds.split()):
        made.op(kind, "x x" if number == 0 else f"t{number - 1} t{number - 1}", f"t{number}")
    graph = made.graph("x", f"t{len(kinds.split()) - 1}")
    return place(PREFIX, graph, made.representation)


def test_host_ops_at_the_beginning_cut_nothing_off() -> None:
    placement = chain("MUL SUB ADD ADD")

    assert [False, False, True, True] == [op.accelerated for op in placement.ops]
    # With the first one alone taken, the second would be a cut.
    assert [(("MUL",), 0, 25.0, 25.0), (("SUB",), 0, 75.0, 100.0)] == [
        (one.kinds, one.gain.follow, one.gain.alone.ops, one.gain.in_turn.ops)
        for one in placement.obstacles
        if one.gain
    ]


def test_the_first_cut_matters_most() -> None:
    placement = chain("ADD MUL ADD SUB ADD MUL ADD")

    assert [(("MUL",), ("layer_1", "layer_5"), 1, 300 / 7, 300 / 7), (("SUB",), ("layer_3",), 0, 100 / 7, 100.0)] == [
        (one.kinds, one.layers, one.gain.follow, one.gain.alone.ops, one.gain.in_turn.ops)
        for one in placement.obstacles
        if one.gain
    ]


def test_a_model_that_is_not_taken_is_the_first_obstacle() -> None:
    text = 'target npu on tflite { model { require inputs == 1 because "one input" }, op ADD { input = int8 } }'
    made = Builder()
    made.op("ADD", "x y", "a")
    made.op("MUL", "a a", "b")
    placement = place(table_of(text), made.graph("x y", "b"), made.representation)

    assert [((), 1, 50.0, 50.0), (("MUL",), 0, 0.0, 100.0)] == [
        (one.kinds, one.gain.follow, one.gain.alone.ops, one.gain.in_turn.ops)
        for one in placement.obstacles
        if one.gain
    ]
    assert ["one input"] == [reason.message for reason in placement.obstacles[0].reasons]


def test_coverage_by_products_and_by_parameters() -> None:
    made = Builder()
    made.tensor("x", T("int8", (1, 10)))
    made.tensor("a", T("int8", (1, 30)))
    made.tensor("y", T("int8", (1, 5)))
    made.tensor("first", weights("int8", 30, 10))
    made.tensor("second", weights("int16", 5, 30))
    made.op("FULLY_CONNECTED", "x first", "a")
    made.op("FULLY_CONNECTED", "a second", "y")
    text = "target npu on tflite { op FULLY_CONNECTED { constant weights = int8 } }"
    placement = place(table_of(text), made.graph("x", "y"), made.representation)

    assert (50.0, 100 * 300 / 450, 100 * 300 / 600) == (
        placement.covered.ops,
        placement.covered.macs,
        placement.covered.parameters,
    )
    assert (450, 600, 300) == (placement.macs, placement.total_parameters, placement.parameter_bytes)
    assert [(300, 300), (150, 300)] == [(op.macs, op.parameters) for op in placement.ops]


def test_a_constant_that_several_read_counts_where_it_is_accelerated() -> None:
    made = Builder()
    made.tensor("k", weights("int8", 1, 1, 1, 8))
    made.op("MUL", "x k", "a")
    made.op("ADD", "a k", "b")
    made.op("ADD", "b k", "c")
    placement = place(ANY, made.graph("x", "c"), made.representation)

    assert ([0, 8, 0], 8, 8) == (
        [op.parameters for op in placement.ops],
        placement.parameter_bytes,
        placement.total_parameters,
    )


def test_of_very_many_obstacles_the_first_are_weighed() -> None:
    count = 30_000
    tensors = tuple(Tensor(number, f"t{number}", (1, 8), "int8") for number in range(count + 1))
    ops = tuple(
        Op(number, f"KIND_{number}" if number < 20 else "ADD", (number,), (number + 1,)) for number in range(count)
    )
    placement = place(PREFIX, OpGraph(tensors, ops, (0,), (count,)), lambda number: T("int8", (1, 8)).representation)

    assert [True] * 8 + [False] * 12 == [obstacle.gain is not None for obstacle in placement.obstacles]


def test_an_op_that_reads_what_is_written_later_does_not_stop_it() -> None:
    made = Builder()
    made.op("ADD", "x b", "a")
    made.op("MUL", "a a", "b")
    placement = place(PREFIX, made.graph("x", "b"), made.representation)

    assert [True, False] == [op.accelerated for op in placement.ops]
