"""QS301: what is said of a rule that matches nothing leads to what was meant."""

from __future__ import annotations

import pytest

from qspec.diagnostics import Diagnostic
from qspec.graph.layers import LayerGraph
from qspec.plan.make import make_plan
from qspec.schema import loads
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import plan_of


@pytest.fixture(scope="module")
def model() -> LayerGraph:
    """Four convolutions of 8, 16, 16 and 32 filters, the third behind a ReLU; `x + x`; a Dense with a softmax."""
    m = ModelBuilder()
    x = m("Conv2D", m.input(8, 8, 3, name="image"), name="stem", filters=8, strides=[2, 2], padding="valid")
    x = m("Conv2D", x, name="block/conv_1", filters=16)
    x = m("ReLU", x, name="block/relu")
    x = m("Conv2D", x, name="block/conv_2", filters=16)
    x = m("Conv2D", x, name="last", filters=32)
    x = m.operation("Add", x, x)
    x = m("GlobalAveragePooling2D", x, name="pool")
    return m.graph(m("Dense", x, name="head", activation="softmax"))


def unmatched(rule: str, model: LayerGraph) -> Diagnostic:
    found = [
        one for one in plan_of(f"rule r match {rule} {{ weights = w8 }}", model).diagnostics if one.code == "QS301"
    ]
    assert 1 == len(found)
    return found[0]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "Conv2D where filters > 100",
            "closest: `last`: `filters` is `32`; `block/conv_1` and 1 more: `filters` is `16`",
        ),
        ("Conv2D where filters in (30, 31)", "closest: `last`: `filters` is `32`"),
        (
            "Conv2D where strides == (2, 1)",
            "closest: `stem`: `strides` is `(2, 2)`; `block/conv_1` and 2 more: `strides`",
        ),
        ("Conv2D where filters == 32 and padding == 'valid'", 'closest: `last`: `padding` is `"same"`'),
        ("Conv2D where padding == 'SAME'", '; capitals count: write `"same"`'),
        ("Conv2D where name == 'lst'", "closest: `last`: "),
        ("Conv2D where index == 4", "4 layers fit the pattern: `index` goes from 0 to 3, or from -4 to -1"),
        ("Conv2D where index == -5", "4 layers fit the pattern: `index` goes from 0 to 3, or from -4 to -1"),
        ("Dense where index == 1", "one layer fits the pattern: its `index` is 0, and -1"),
        ("Conv2D where path like '*conv*'", '; `*` stops at `/`: `"**conv**"` fits'),
        ("Conv2D where path like 'ock'", '; `like` is over the whole text: `"**ock**"` fits'),
        ("Conv2D where name like 'sto.*'", "looks like a regular expression: `matches 'sto.*'`"),
        ("Conv2D where name like 'con[v]_?.*'", "regular expression: `matches 'con[v]_?.*'`"),
        ("Conv2D where name like '*_[12]'", "regular expression: `matches '[^/]*_[12]'`"),
        ("Conv2D where path like '**_[12]'", "regular expression: `matches '.*_[12]'`"),
        ("Conv2D where name == 'st*'", '; `==` compares texts as they are: a glob stands behind `like`: `like "st*"`'),
        ("Conv2D where name like 'ste'", '`like` is over the whole text: `"ste*"` and `"**ste**"` fit'),
        ("Conv2D where path matches 'conv_[0-9]'", "; `matches` is over the whole text: `'.*conv_[0-9].*'` fits"),
        ("Conv2D where input.shape[7] == 3", "`input.shape` is `(1, 8, 8, 3)`"),
        ("any where name == 'block'", '; `block` is a nested model, which is opened: `path like "block/**"` asks'),
        ("any where path like 'block/'", '; `block` is a nested model, which is opened: `path like "block/**"` asks'),
        ("any where name like 'block/conv*'", "; a `name` has no `/`: `path` has the names of nested models before it"),
        ("any where 'block/relu' == name", "; a `name` has no `/`: `path` has the names of nested models before it"),
        ("Functional", ', since nested models are opened: `any where path like "block/**"` asks for the layers of one'),
        ("Conv2d", "there is no `Conv2d` in this model, but a similar class, `Conv2D`; all there are: "),
        ("Add", 'there is no `Add` in this model, but an operation of that name: `Operation("Add")`; '),
        ('Operation("Dense")', 'there is no `Operation("Dense")` in this model, but a layer of that name: `Dense`; '),
        (
            "Conv2D -> BatchNormalization",
            "closest: from `stem`, `block/conv_1` is `Conv2D`, not `BatchNormalization`, and so from 1 more; ",
        ),
        ("Conv2D -> Relu -> Dense", "there is no `Relu` in this model, but a similar class, `ReLU`; closest: "),
        ("Dense -> Softmax", "`head` computes its activation, `softmax`, itself"),
    ],
)
def test_help_says_what_came_closest(model, rule, expected):
    assert expected in unmatched(rule, model).help


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("Conv2d -> ReLU", "Conv2d"),
        ("Conv2d | Conv1d", "Conv2d | Conv1d"),
        ("Conv2D where filters == 8 and groups == 2 or filters == 99", "filters == 8 and groups == 2 or filters == 99"),
        ("Conv2D where filters == 8 and padding == 'full'", "padding == 'full'"),
    ],
)
def test_it_points_at_what_does_not_fit(model, rule, expected):
    span = unmatched(rule, model).span

    assert expected == span.source.text[span.start : span.end]


def test_layers_without_the_attribute_are_further_than_those_with_another_value(model):
    assert "closest: `last`: `filters` is `32`" in unmatched("any where filters == 31", model).help


def test_an_operation_is_offered_for_a_class_with_inputs(model):
    """`Add(any, any)` where the model has `x + y`: the class alone is changed, the inputs stay."""
    found = unmatched("Add(any, any)", model)
    (offer,) = found.offers
    (edit,) = offer.edits

    assert 'Operation("Add")' == edit.text
    assert "Add" == edit.span.source.text[edit.span.start : edit.span.end]
    assert "Add(any, any)" == edit.span.source.text[edit.span.start : edit.span.end + len("(any, any)")]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("(ReLU | Dense) -> Conv2D -> Dense", "; 1 more layer fails as early or earlier"),
        ("Conv2D -> ReLU -> Dense", "; 3 more layers fail as early or earlier"),
    ],
)
def test_how_many_more_is_told_in_the_number_it_is(model, rule, expected):
    assert unmatched(rule, model).help.endswith(expected)


@pytest.mark.parametrize(
    ("operator", "offers"),
    [("==", ['like "st*"']), ("=", [])],  # where the operator is misspelt, that is what there is to mend
)
def test_what_is_offered_stands_where_the_operator_is(model, operator, offers):
    text = f'default {{ weights = float }}\nrule r match Conv2D where name {operator} "st*" {{ weights = float }}\n'
    spec, _ = loads(f"qspec 1\n{text}require size == 1 KiB\n", "spec.qspec")
    (told,) = [one for one in make_plan(spec, model).diagnostics if one.code == "QS301"]
    edits = [edit for offer in told.offers for edit in offer.edits]

    assert offers == [edit.text for edit in edits]
    assert [f'{operator} "st*"'] * len(offers) == [
        edit.span.source.text[edit.span.start : edit.span.end] for edit in edits
    ]
