"""Patterns: which calls, which captures, and for the rest why not."""

from __future__ import annotations

import pytest

from qspec.diagnostics import Diagnostic, Source
from qspec.graph.layers import LayerGraph
from qspec.plan.index import LayerIndex
from qspec.plan.patterns import Found, find
from qspec.plan.program import Program, compile_pattern
from qspec.schema import loads
from qspec.syntax import parse, tree
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import HEAD


def program_of(pattern: str, definitions: str = "") -> Program | Diagnostic:
    spec, diagnostics = loads(f"{HEAD}{definitions}\nrule r match {pattern} {{ all = float }}", "spec.qspec")
    assert not diagnostics
    return compile_pattern(spec.rules[0].pattern, spec.patterns)


def found(pattern: str, layers: LayerGraph, definitions: str = "") -> Found:
    program = program_of(pattern, definitions)
    assert isinstance(program, Program)
    return find(program, LayerIndex(layers))


def names(result: Found) -> list[str]:
    return [" ".join(call.layer.path for call in match.calls) for match in result.matches]


def captures(result: Found) -> list[dict[str, str]]:
    return [
        {name: " ".join(call.layer.path for call in calls) for name, calls in match.captures.items()}
        for match in result.matches
    ]


@pytest.fixture
def chain() -> LayerGraph:
    """c1 → bn → r1 → c2 → r2 → c3"""
    m = ModelBuilder()
    x = m.input(8, 8, 3, name="image")
    for class_name, name in (("Conv2D", "c1"), ("BatchNormalization", "bn"), ("ReLU", "r1")):
        x = m(class_name, x, name=name)
    x = m("Conv2D", x, name="c2")
    x = m("ReLU", x, name="r2")
    return m.graph(m("Conv2D", x, name="c3"))


@pytest.fixture
def residual() -> LayerGraph:
    """x → c1 → c2 → Add(x); Concatenate(Add, c3(x))"""
    m = ModelBuilder()
    x = m("ReLU", m.input(8, 8, 4, name="image"), name="x")
    y = m("Conv2D", m("Conv2D", x, name="c1"), name="c2")
    total = m("Add", y, x, name="sum")
    other = m("Conv2D", x, name="c3")
    return m.graph(m("Concatenate", total, other, name="joined"))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("Conv2D", ["c1", "c2", "c3"]),
        ("Conv2D -> ReLU", ["c2 r2"]),
        ("Conv2D -> BatchNormalization? -> ReLU", ["c1 bn r1", "c2 r2"]),
        ("Conv2D -> BatchNormalization? -> ReLU?", ["c1 bn r1", "c2 r2", "c3"]),
        ("ReLU? -> Conv2D", ["c1", "r1 c2", "c2", "r2 c3", "c3"]),
        ("BatchNormalization | ReLU", ["bn", "r1", "r2"]),
        ("(BatchNormalization | ReLU) -> (ReLU | Conv2D)", ["bn r1", "r1 c2", "r2 c3"]),
        ("Conv2D -> any? -> Conv2D", ["c2 r2 c3"]),
        ("any", ["image", "c1", "bn", "r1", "c2", "r2", "c3"]),
        ("Dense", []),
    ],
)
def test_chains_alternatives_and_optional_parts(chain, pattern, expected):
    assert expected == names(found(pattern, chain))


def test_alternatives_are_taken_in_written_order_and_optional_parts_greedily(chain):
    result = found("Conv2D as a -> (BatchNormalization | (BatchNormalization -> ReLU)) as b", chain)

    assert [{"a": "c1", "b": "bn"}] == captures(result)
    result = found("Conv2D as a -> (BatchNormalization -> ReLU)? as b", chain)
    assert [{"a": "c1", "b": "bn r1"}, {"a": "c2"}, {"a": "c3"}] == captures(result)


def test_backtracks_out_of_a_greedy_part():
    m = ModelBuilder()
    x = m("ReLU", m.input(4, name="image"), name="r1")

    assert ["r1"] == names(found("ReLU? -> ReLU", m.graph(x)))


def test_a_used_pattern_brings_its_captures_under_its_own_name_if_it_has_one(chain):
    definitions = "pattern block = Conv2D as conv -> (BatchNormalization? -> ReLU)? as act"

    assert {"conv": "c1", "act": "bn r1"} == captures(found("block", chain, definitions))[0]
    expected = {"first": "c1 bn r1", "first.conv": "c1", "first.act": "bn r1", "then": "c2"}
    assert [expected] == captures(found("block as first -> (Conv2D as then)", chain, definitions))[:1]


def test_an_arrow_needs_a_single_consumer(residual):
    assert ["c1 c2"] == names(found("Conv2D -> Conv2D", residual))
    result = found("ReLU -> Conv2D", residual)
    assert [] == names(result)
    assert "`x` has 3 consumers (`c1`, `sum`, `c3`)" == result.mismatches[0].reason


def test_an_output_of_the_model_counts_as_a_consumer():
    m = ModelBuilder()
    x = m("Conv2D", m.input(8, 8, 3), name="c")
    y = m("ReLU", x, name="r")
    result = found("Conv2D -> ReLU", m.graph(x, y))

    assert [] == names(result)
    assert "the output of `c` is also an output of the model" == result.mismatches[0].reason


def test_a_capture_that_is_used_again_may_have_several_consumers(residual):
    result = found("any as x -> Conv2D as first -> Conv2D as second -> Add(x) as total", residual)

    assert [{"x": "x", "first": "c1", "second": "c2", "total": "sum"}] == captures(result)


def test_a_merge_that_reads_something_else_than_the_capture_says_so(residual):
    m = ModelBuilder()
    x = m("ReLU", m.input(8, 8, 4, name="image"), name="x")
    other = m("ReLU", x, name="other")
    y = m("Conv2D", x, name="c1")
    result = found("ReLU as x -> Conv2D -> Add(x)", m.graph(m("Add", y, other, name="sum")))

    assert [] == names(result)
    assert "input `other` of `sum` is not `x`" in [mismatch.reason for mismatch in result.mismatches]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("Add(Conv2D, ReLU)", ["x c2 sum"]),
        ("Add(ReLU, Conv2D)", ["x c2 sum"]),
        ("Add(Conv2D, Conv2D)", []),
        ("Add(any)", []),
        ("Add(any, ...)", ["c2 sum"]),
        ("Concatenate(Add, Conv2D)", ["sum c3 joined"]),
        ("Concatenate(Conv2D, Add)", []),
        ("Concatenate(Conv2D -> Add, ...)", ["c2 sum joined"]),
        ("Concatenate((Conv2D -> Conv2D -> Add(any)), any)", ["x c1 c2 sum c3 joined"]),
        ("Conv2D -> Add(ReLU)", ["x c2 sum"]),
        ("Add(Conv2D -> Conv2D, ReLU) -> Concatenate(any)", ["x c1 c2 sum c3 joined"]),
    ],
)
def test_merges(residual, pattern, expected):
    assert expected == names(found(pattern, residual))


def test_raw_operations_are_no_layers():
    m = ModelBuilder()
    x = m.input(4, name="image")
    total = m.operation("Add", x, m("Dense", x, name="d"))
    layers = m.graph(m("Add", total, x, name="layer"))

    assert ["add_2"] == names(found('Operation("Add")', layers))
    assert ["layer"] == names(found("Add", layers))
    assert ["add_2 layer"] == names(found('Operation("Add") -> Add', layers))


def test_raw_operations_have_inputs():
    """`c2(c1(x)) + x`, and the same as what a Subtract takes from x."""
    m = ModelBuilder()
    x = m("ReLU", m.input(4, name="image"), name="x")
    deep = m("Dense", m("Dense", x, name="c1"), name="c2")
    total = m.operation("Add", deep, x)
    layers = m.graph(m.operation("Subtract", x, total))

    assert ["x c1 c2 add_4"] == names(found('any as start -> Dense -> Dense -> Operation("Add")(start)', layers))
    assert ["x c2 add_4"] == names(found('Operation("Add")(ReLU, Dense)', layers))
    assert [] == names(found("Add(ReLU, Dense)", layers))
    assert [] == names(found('Operation("Add")(ReLU)', layers))
    assert ["x add_4"] == names(found('Operation("Add")(ReLU, ...)', layers))
    assert ["x add_4 subtract_5"] == names(found('Operation("Subtract")(ReLU, Operation("Add"))', layers))
    assert [] == names(found('Operation("Subtract")(Operation("Add"), ReLU)', layers))


def test_the_inputs_of_operations_have_an_order_where_they_mean_different_things():
    """`keras.ops.average(x, weights=w)` weighs x, while the layer Average takes the mean of all."""
    m = ModelBuilder()
    x, w = m("ReLU", m.input(4), name="x"), m("Dense", m.input(4), name="w")
    layers = m.graph(m.operation("Average", x, w), m("Average", x, w, name="mean"))

    assert [] == names(found('Operation("Average")(Dense, ReLU)', layers))
    assert ["x w average_4"] == names(found('Operation("Average")(ReLU, Dense)', layers))
    assert ["x w mean"] == names(found("Average(Dense, ReLU)", layers))


def test_custom_layers_match_by_class_name():
    m = ModelBuilder()
    x = m("MyLayer", m.input(4), name="mine", package="my_package")

    assert ["mine"] == names(found("MyLayer", m.graph(x)))


def test_a_shared_layer_matches_once_for_each_call():
    m = ModelBuilder()
    layer = m.layer("Dense", "shared", units=4)
    x = m.input(4)

    assert ["shared", "shared"] == names(found("Dense", m.graph(m(layer, m(layer, x)))))


def test_why_not_names_the_furthest_point(chain):
    result = found("Conv2D -> BatchNormalization -> Conv2D", chain)
    reasons = {mismatch.first.layer.path: (mismatch.matched, mismatch.reason) for mismatch in result.mismatches}

    assert (2, "`r1` is `ReLU`, not `Conv2D`") == reasons["c1"]
    assert (1, "`r2` is `ReLU`, not `BatchNormalization`") == reasons["c2"]
    assert (1, "nothing follows `c3`") == reasons["c3"]


def test_a_pattern_without_end_is_a_diagnostic():
    doubling = "".join(f"pattern p{n + 1} = p{n} -> p{n}\n" for n in range(9))
    file, _ = parse(Source("spec.qspec", f"{HEAD}pattern p0 = Dense\n{doubling}"))
    definitions = {item.name.text: item for item in file.statements if isinstance(item, tree.PatternDefinition)}
    result = compile_pattern(definitions["p9"].pattern, definitions)

    assert isinstance(result, Diagnostic)
    assert "QS206" == result.code


def test_many_optional_parts_take_linear_time():
    m = ModelBuilder()
    x = m.input(4)
    for _ in range(60):
        x = m("ReLU", x)
    pattern = " -> ".join(["any?"] * 40) + " -> Dense"

    assert [] == names(found(pattern, m.graph(x)))


def test_many_merge_inputs_do_not_take_factorial_time():
    m = ModelBuilder()
    inputs = [m("ReLU", m.input(4)) for _ in range(12)]
    pattern = f"Add({', '.join(['any'] * 11)}, Dense)"

    assert [] == names(found(pattern, m.graph(m("Add", *inputs))))
