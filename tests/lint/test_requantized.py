"""What is requantized between ops is counted, by the layer that reads it."""

from __future__ import annotations

from qspec.lint import check
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import read


def joined(*activations):
    """Activations with fixed scales of their own, and the tensor they read, concatenated."""
    m = ModelBuilder()
    image = m.input(8, 8, 4, name="image")
    parts = [m("Activation", image, name=name, activation=name) for name in activations]
    return m.graph(m("Concatenate", *parts, image, name="joined", axis=-1))


def test_what_has_another_fixed_scale_is_requantized_for_the_layer_that_joins():
    report = check(read(""), joined("sigmoid", "tanh"))

    assert {"joined": 2} == report.requantized
    assert "2 tensors requantized: 2 for `joined`" == report.requantized_text()
    assert [{"joined": 2}] == [entry["requantized"] for entry in report.to_dict()["file"]]


def test_the_edges_of_a_model_and_of_an_island_do_not_count():
    island = 'rule island match Activation where name == "tanh" { all = float }'
    report = check(read(f"input {{ type = uint8 }}\n{island}"), joined("tanh"))

    assert ({}, "") == (report.requantized, report.requantized_text())


def test_an_input_that_a_rule_gives_another_quantizer():
    m = ModelBuilder()
    a, b = m.input(4, name="a"), m.input(4, name="b")
    model = m.graph(m("Add", a, b, name="sum"))
    report = check(read("rule other match Add { input[0] = unit }"), model)

    assert report.ok
    assert {"sum": 1} == report.requantized


def test_without_a_model_there_is_nothing():
    assert ({}, "") == ((report := check(read(""))).requantized, report.requantized_text())
