"""What the manual says under "What exactly matches", sentence by sentence."""

from __future__ import annotations

import pytest

from qspec.graph.keras_config import layer_graph
from qspec.graph.layers import LayerGraph
from qspec.schema import loads
from tests.graph import keras_configs as configs
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import HEAD, plan_of, quantizer_of
from tests.plan.test_patterns import captures, found, names

# ---- calls, nested models


def test_a_layer_that_is_called_twice_is_there_twice_each_time_between_other_layers():
    m = ModelBuilder()
    shared = m.layer("Dense", "shared")
    x, y = m.input(4, name="one"), m.input(4, name="two")
    layers = m.graph(m("Add", m("ReLU", m(shared, x), name="r"), m("Tanh", m(shared, y), name="t"), name="sum"))

    assert ["shared r"] == names(found("Dense -> ReLU", layers))
    assert ["shared t"] == names(found("Dense -> Tanh", layers))
    assert ["two shared t"] == names(found("InputLayer -> Dense -> Tanh", layers))


@pytest.fixture
def nested() -> LayerGraph:
    """image → stem → encoder (inner → c1 → r1) → head"""
    encoder = configs.functional(
        "encoder",
        [
            configs.inputs("inner", 8, 8, 3),
            configs.layer("Conv2D", "c1", configs.tensor("inner")),
            configs.layer("ReLU", "r1", configs.tensor("c1")),
        ],
        ["inner", 0, 0],
        ["r1", 0, 0],
    )
    model = configs.functional(
        "model",
        [
            configs.inputs("image", 8, 8, 3),
            configs.layer("Conv2D", "stem", configs.tensor("image")),
            configs.called(encoder, configs.tensor("stem")),
            configs.layer("Conv2D", "head", configs.tensor("encoder")),
        ],
        ["image", 0, 0],
        ["head", 0, 0],
    )
    return layer_graph(model, "model.keras")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("InputLayer", ["image"]),
        ("Conv2D -> Conv2D", ["stem encoder/c1"]),
        ("ReLU -> Conv2D", ["encoder/r1 head"]),
        ("InputLayer -> Conv2D -> Conv2D -> ReLU -> Conv2D", ["image stem encoder/c1 encoder/r1 head"]),
    ],
)
def test_arrows_lead_into_nested_models_and_out_of_them(nested, pattern, expected):
    assert expected == names(found(pattern, nested))


# ---- arrows


@pytest.fixture
def branching() -> LayerGraph:
    """x → c → sum and x → sum; x is an output as well."""
    m = ModelBuilder()
    x = m("ReLU", m.input(4, name="image"), name="x")
    total = m("Add", m("Conv2D", x, name="c"), x, name="sum")
    return m.graph(total, x)


def test_an_arrow_from_what_is_asked_for_again_may_lead_to_any_reader_and_from_an_output(branching):
    assert [] == names(found("ReLU -> Conv2D", branching))
    assert [] == names(found("ReLU as x -> Conv2D", branching))
    assert ["x c sum"] == names(found("ReLU as x -> Conv2D -> Add(x)", branching))
    assert ["x c sum"] == names(found("Add(ReLU as x -> Conv2D, x)", branching))


def test_only_the_last_layer_of_a_part_is_asked_for_again(branching):
    assert ["image x c sum"] == names(found("(any -> ReLU) as x -> Conv2D -> Add(x)", branching))
    assert [] == names(found("(any as x -> ReLU) -> Conv2D -> Add(x)", branching))


# ---- inputs


@pytest.fixture
def merges() -> LayerGraph:
    """a, b and c, read by a sum and, in this order, by a concatenation; a is read by more."""
    m = ModelBuilder()
    x = m.input(4, name="image")
    a, b, c = (m("Dense", x, name="a"), m("ReLU", x, name="b"), m("ReLU", x, name="c"))
    total = m("Add", b, a, c, name="sum")
    joined = m("Concatenate", a, b, c, name="joined")
    twice = m("Multiply", a, a, name="twice")
    return m.graph(total, joined, twice)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("Add(Dense, ReLU, ReLU)", ["a b c sum"]),
        ("Add(Dense, ReLU)", []),
        ("Add(Dense, ReLU, ...)", ["a b sum"]),
        ("Add(any, any, Dense)", ["a b c sum"]),
        ("Concatenate(ReLU, Dense, ReLU)", []),
        ("Concatenate(Dense, ReLU, any)", ["a b c joined"]),
        ("Concatenate(any, ReLU, ...)", ["a b joined"]),
        ("any(Dense, Dense)", ["a twice"]),
        ("any(Dense, ...)", ["a joined", "a twice"]),
        ("Multiply(Dense)", []),
        ("Add(Conv2D?, Dense, ReLU)", ["a c sum"]),
    ],
)
def test_inputs_in_parentheses(merges, pattern, expected):
    assert expected == names(found(pattern, merges))


def test_each_part_takes_the_first_input_that_leaves_the_others_theirs(merges):
    assert [{"p": "b", "q": "a"}] == captures(found("Add(any as p, Dense as q, ...)", merges))
    assert [{"p": "b", "q": "a", "r": "c"}] == captures(found("Add(any as p, any as q, any as r)", merges))
    assert [{"p": "b", "q": "c", "r": "a"}] == captures(found("Add(any as p, any as q, Dense as r)", merges))


def test_an_optional_part_is_absent_only_if_no_input_fits_it(merges):
    assert [{"p": "a", "q": "b", "r": "c"}] == captures(found("Add(Dense? as p, any as q, any as r)", merges))
    assert [{"q": "b", "r": "a"}] == captures(found("Add(any as q, Conv2D? as p, Dense as r)", merges))


def test_an_arrow_brings_the_first_input_that_comes_from_there():
    m = ModelBuilder()
    x = m("ReLU", m.input(4, name="image"), name="x")
    y = m("Dense", m.input(4, name="other"), name="y")
    layers = m.graph(m("Concatenate", x, y, x, name="joined"))

    assert ["x y joined"] == names(found("ReLU -> Concatenate(Dense, ReLU)", layers))
    assert [] == names(found("ReLU -> Concatenate(ReLU, Dense)", layers))
    assert ["x joined"] == names(found("ReLU -> Concatenate", layers))


# ---- asking again


@pytest.mark.parametrize(
    ("again", "shortcut", "expected"),
    [
        ("x", False, ["x c sum"]),
        ("x", True, []),
        ("x -> Dense", True, ["x c d sum"]),
        ("(x | (x -> Dense))", False, ["x c sum"]),
        ("(x | (x -> Dense))", True, ["x c d sum"]),
        ("x -> Dense?", False, ["x c sum"]),
        ("x -> Dense?", True, ["x c d sum"]),
    ],
)
def test_a_part_is_asked_for_again_as_an_input_or_where_one_begins(again, shortcut, expected):
    m = ModelBuilder()
    x = m("ReLU", m.input(4, name="image"), name="x")
    y = m("Conv2D", x, name="c")
    other = m("Dense", x, name="d") if shortcut else x
    layers = m.graph(m("Add", y, other, name="sum"))

    assert expected == names(found(f"ReLU as x -> Conv2D -> Add({again})", layers))


def test_a_pattern_that_asks_again_can_itself_be_an_input():
    m = ModelBuilder()
    x = m("ReLU", m.input(4, name="image"), name="x")
    first = m("Add", m("Conv2D", x, name="c1"), x, name="s1")
    second = m("Add", m("Conv2D", first, name="c2"), first, name="s2")
    layers = m.graph(m("Concatenate", second, m("Dense", second, name="d"), name="joined"))
    definitions = "pattern residual = any as start -> Conv2D -> Add(start) as sum"

    assert ["x c1 s1", "s1 c2 s2"] == names(found("residual", layers, definitions))
    assert ["s1 c2 s2 d joined"] == names(found("Concatenate(residual, any)", layers, definitions))
    assert [{"r": "s1 c2 s2", "r.start": "s1", "r.sum": "s2"}] == captures(
        found("Concatenate(residual as r, ...)", layers, definitions)
    )


def test_the_parts_that_a_pattern_brings_can_be_asked_for():
    m = ModelBuilder()
    x = m("ReLU", m.input(4, name="image"), name="x")
    layers = m.graph(m("Add", m("Conv2D", x, name="c"), x, name="sum"))

    assert ["x c sum"] == names(found("p -> Add(start)", layers, "pattern p = ReLU as start -> Conv2D"))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("any as x -> x", "`x` names an earlier layer, which cannot come again here"),
        ("any as x -> Add(Dense -> x)", "`x` names an earlier layer, which cannot come again here"),
        ("any as x -> Add(x as y)", "`x` names a layer already, which gets no second name"),
        ("Add(x) -> any as x", "pattern `x` is not defined"),
    ],
)
def test_where_a_part_cannot_be_asked_for_again(pattern, message):
    _, diagnostics = loads(f"{HEAD}rule r match {pattern} {{ all = float }}", "spec.qspec")

    assert message in [diagnostic.message for diagnostic in diagnostics]


# ---- matches


def test_where_never_leads_to_another_match():
    m = ModelBuilder()
    x = m("Dense", m.input(4), name="d")
    layers = m.graph(m("ReLU", x, name="r"))
    text = "rule r match Dense as d -> ReLU? as act where {} {{ d.weights = w8_tensor }}"

    assert "w8_tensor" == quantizer_of(plan_of(text.format("act"), layers), "d/kernel")
    assert "w8" == quantizer_of(plan_of(text.format("not act"), layers), "d/kernel")


def test_too_many_ways_are_an_error_and_not_a_wait():
    m = ModelBuilder()
    x = m.input(4)
    one, other = (m("Add", *(m("ReLU", x) for _ in range(10))) for _ in range(2))
    layers = m.graph(m("Concatenate", one, other, name="both"))
    parts = ", ".join(f"ReLU as c{number}" for number in range(10))
    again = ", ".join(f"c{number}" for number in range(10))
    plan = plan_of(f"rule r match Concatenate(Add({parts}), Add({again})) {{ all = float }}", layers)

    assert ["QS330"] == [item.code for item in plan.diagnostics if item.code != "QS301"]
    assert {"both"} == {item.layer for item in plan.diagnostics if item.code == "QS330"}
