"""What the inputs and outputs of the file are, and who said so."""

from __future__ import annotations

import pytest

from qspec.plan.ends import ends
from qspec.plan.explain_words import decider
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import plan_of

UNSET = ("float32", "int8", "the language")


@pytest.mark.parametrize(
    ("text", "image", "head"),
    [
        ("", UNSET, UNSET),
        ("default { all = float }", ("float32", "float32", "the language"), ("float32", "float32", "the language")),
        ("input { type = int8 }", ("int8", "int8", "input block spec.qspec:7:16"), UNSET),
        (
            'output["head"] { type = uint8 }\noutput { type = int16 }',
            UNSET,
            ("uint8", "int8", "output block spec.qspec:7:25"),
        ),
        ("input { type = float16 }", ("float16", "int8", "input block spec.qspec:7:16"), UNSET),
        ("input { range = fixed(0, 1) }", UNSET, UNSET),
    ],
)
def test_the_types_in_the_file_are_the_spec_s_else_float32(text, image, head, small):
    found = list(ends(plan_of(text, small)))

    assert [("input", "image"), ("output", "head")] == [(end.side, end.name) for end in found]
    assert [image, head] == [
        (end.type, end.inside, f"{decider(end.origin)} {end.origin.span or ''}".rstrip()) for end in found
    ]


def test_an_input_of_integers_stays_one_whatever_the_spec_says():
    m = ModelBuilder()
    words = m.input(16, name="words", dtype="int32")
    plan = plan_of("input { type = int8 }", m.graph(m("Embedding", words, name="rows", input_dim=8, output_dim=4)))

    assert ("int32", "int32", "built_in") == next((end.type, end.inside, end.origin.kind) for end in ends(plan))
