"""What makes no sense in a `where`, whatever the model: each is told once, and what is offered is right."""

from __future__ import annotations

import pytest

from qspec.diagnostics import Diagnostic, Span
from qspec.schema import loads
from tests.lint.test_fixes import applied

HEAD = 'qspec 1\nimport "std/int8.qspec"\npattern blk = Conv2D as conv -> BatchNormalization -> ReLU as act\n'
BLOCK = "blk as block -> Dense as head"
ROW = "(Conv2D as c -> ReLU) as p -> any as q"


def said(pattern: str, where: str) -> list[Diagnostic]:
    return list(loads(f"{HEAD}rule r match {pattern} where {where} {{ output = a8 }}\n", "main.qspec")[1])


def told(pattern: str, where: str) -> list[tuple[str, str, str, str]]:
    """Code, place, message and help."""
    assert all(isinstance(item.span, Span) for item in said(pattern, where))
    return [
        (item.code, item.span.source.text[item.span.start : item.span.end], item.message, item.help)
        for item in said(pattern, where)
        if isinstance(item.span, Span)
    ]


SEVERAL = "`{}` is several layers, and an attribute is of one"
WHOSE = "`{}` does not say of which layer: the pattern has several"
PART = "`{}` is a part of the pattern: by itself it says whether the part is there"


@pytest.mark.parametrize(
    ("pattern", "where", "at", "message", "help"),
    [
        (BLOCK, 'block.name like "c*"', "block.name", SEVERAL.format("block"),
         "write `block.conv.name` or `block.act.name`"),
        (BLOCK, "block.filters == 8", "block.filters", SEVERAL.format("block"), "write `block.conv.filters`"),
        (ROW, "p.input.shape[0] == 2", "p.input.shape[0]", SEVERAL.format("p"), "write `c.input.shape[0]`"),
        ("(Conv2D -> ReLU) as p -> any", "p.filters == 2", "p.filters", SEVERAL.format("p"),
         "name one of its layers with `as`, and ask for the `filters` of that"),
        (BLOCK, "units == 8", "units", WHOSE.format("units"), "write `head.units`"),
        (BLOCK, "kernel_size[0] == 1", "kernel_size[0]", WHOSE.format("kernel_size[0]"),
         "write `block.conv.kernel_size[0]`"),
        (ROW, "input.rank == 4", "input.rank", WHOSE.format("input.rank"), "write `c.input.rank` or `q.input.rank`"),
        ("Conv2D as c -> ReLU? as a", "use_bias", "use_bias", WHOSE.format("use_bias"), "write `c.use_bias`"),
        ("Conv2D -> ReLU", "filters == 8", "filters", WHOSE.format("filters"),
         "name a part of the pattern with `as part` and write `part.filters`"),
        ("Dense as units", "units == 8", "units", PART.format("units"),
         "write `units.units` for the attribute of the part `units`"),
        ("Dense as d", "d in (8, 16)", "d", PART.format("d"), "ask for an attribute of it, as in `d.name`"),
        ("Dense as d", "2 * d > 8", "d", PART.format("d"), "ask for an attribute of it, as in `d.name`"),
        ("Dense as d -> ReLU? as r", "r == none", "r", PART.format("r"), "write `not r`"),
        ("Dense as d -> ReLU? as r", "r != none", "r", PART.format("r"), "write `r`"),
    ],
)  # fmt: skip
def test_an_attribute_is_asked_of_one_layer(pattern: str, where: str, at: str, message: str, help: str) -> None:
    assert [("QS205", at, message, help)] == told(pattern, where)


@pytest.mark.parametrize(
    ("pattern", "where", "at", "message", "help"),
    [
        ("Conv2D as c -> ReLU? as a", "not b", "b", "no part of the pattern is named `b`",
         "there is `c` and `a`; of an attribute say of which part it is, as in `c.b`"),
        ("Conv2D as conv -> ReLU? as act", "not atc", "atc", "no part of the pattern is named `atc`",
         "a part with a similar name exists: `act`; of an attribute say of which part it is, as in `conv.atc`"),
        (BLOCK, "block.cnv.filters == 8", "cnv", "`block` has no part named `cnv`",
         "a part with a similar name exists: `conv`"),
    ],
)  # fmt: skip
def test_a_part_that_is_not_there_is_missed_as_a_part(
    pattern: str, where: str, at: str, message: str, help: str
) -> None:
    assert [("QS101", at, message, help)] == told(pattern, where)


@pytest.mark.parametrize(
    ("pattern", "where"),
    [
        (BLOCK, "block and head"),
        (BLOCK, "block.index == 1 and index == 0"),
        (BLOCK, "block.conv.filters == 8"),
        ("(Conv2D -> ReLU?) as p -> any as q", "p.filters == 8"),  # it may be one layer
        ("(Conv2D | (Dense -> ReLU)) as p -> any as q", 'p.name == "x"'),
        ("any as x -> ReLU -> Add(x) as sum", 'sum.name == "x"'),  # what is asked for again does not belong to it
        ("Conv2D as c -> ReLU? as a", "a == true or c.use_bias == a"),
        ("Dense as units", "units and units.units == 8"),
    ],
)
def test_what_a_model_may_make_true_is_not_refused(pattern: str, where: str) -> None:
    assert [] == told(pattern, where)


@pytest.mark.parametrize(
    ("pattern", "where"),
    [
        (BLOCK, 'block.name like "c*"'),
        (ROW, "p.input.shape[0] == 2"),
        (BLOCK, "kernel_size[0] == 1"),
        ("Dense as units", "units == 8"),
        ("Dense as d -> ReLU? as r", "r != none"),
        ("Conv2D as conv -> ReLU? as act", "not atc"),
        (BLOCK, "block.cnv.filters == 8"),
    ],
)
def test_every_offer_leaves_nothing_to_say(pattern: str, where: str) -> None:
    (item,) = said(pattern, where)
    assert item.offers
    assert isinstance(item.span, Span)

    for offer in item.offers:
        assert () == tuple(loads(applied(item.span.source.text, offer.edits), "main.qspec")[1])


def test_patterns_and_parts_may_have_each_others_names() -> None:
    patterns = "pattern A = any as B -> ReLU -> Add(B)\npattern B = any as A -> ReLU -> Add(A)\n"
    found = loads(f"qspec 1\n{patterns}rule r match B as p -> ReLU where p.units == 3 {{ all = float }}\n")[1]

    assert "`p` is several layers, and an attribute is of one" == found[-1].message
