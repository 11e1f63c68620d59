"""Patterns that use each other: cycles, clashes and sizes, without writing any of them out."""

from __future__ import annotations

import pytest

from qspec.schema import loads


def messages(text: str) -> list[tuple[str, str]]:
    _, diagnostics = loads(f"qspec 1\n{text}")
    return [(item.code, item.message) for item in diagnostics]


def doubled(first: str, use: str, times: int = 60) -> str:
    """Written out, the last of these patterns would have 2**times parts."""
    uses = "".join(f"pattern p{number + 1} = {use.format(f'p{number}')}\n" for number in range(times))
    return f"pattern p0 = {first}\n{uses}"


@pytest.mark.parametrize("first", ["Dense", "Dense as d"])
@pytest.mark.parametrize("use", ["{0} as a -> {0} as b", "{0} | {0}", "Add({0} as a, {0} as b)"])
def test_patterns_that_double_each_other_are_told_once(first, use):
    rule = "rule r match p60 where a.b.a.d.units == 3 { all = float }"

    assert [("QS003", "this pattern comes to more than 150 layers")] == messages(doubled(first, use) + rule)


@pytest.mark.parametrize(("layers", "expected"), [(150, 0), (151, 1)])
def test_a_rule_may_speak_of_150_layers(layers, expected):
    chain = " -> ".join(["ReLU"] * layers)

    assert expected == len(messages(f"rule r match {chain} {{ all = float }}"))


def test_the_order_of_definitions_does_not_matter():
    lines = doubled("Dense", "{0} -> {0}").splitlines()

    assert [("QS003", "this pattern comes to more than 150 layers")] == messages("\n".join(reversed(lines)))


def test_a_clash_is_told_once_for_each_definition_that_has_it():
    text = "pattern p0 = Dense as d\npattern p1 = p0 -> p0\npattern p2 = p1 -> p1\n"

    assert [("QS206", "two parts of the pattern are named `d`")] * 2 == messages(text)


@pytest.mark.parametrize(
    ("word", "help"),
    [
        ("dense", "layer classes begin with a capital, as `Dense`; "),
        ("max_pooling2d", "layer classes begin with a capital, as `MaxPooling2D`; "),
        ("conv", "layer classes begin with a capital, as `Conv1D`, `Conv2D` or `Conv3D`; "),
        ("encoder", "there is `block` and `softmax_`; "),
        ("blok", "a pattern with a similar name exists: `block`; "),
        ("sofmax", "a pattern with a similar name exists: `softmax_`; "),
        (
            "softmax",
            "a pattern with a similar name exists: `softmax_`; layer classes begin with a capital, as `Softmax`; ",
        ),
    ],
)
def test_a_word_that_is_no_pattern_may_be_a_class_or_a_layer(word, help):
    text = f"pattern block = Dense -> ReLU\npattern softmax_ = Dense\nrule r match {word} {{ all = float }}"
    (item,) = loads(f"qspec 1\n{text}")[1]
    whole, inside = f'any where name == "{word}"', f'any where path like "{word}/**"'

    assert f"{help}a layer is asked for by `{whole}`, those of a nested model by `{inside}`" == item.help


@pytest.mark.parametrize("pattern", ["Concatenate(conv_1, any)", "conv_1 -> ReLU", "Dense -> conv_1"])
def test_a_part_of_a_pattern_is_asked_for_behind_the_whole(pattern):
    """What is advised can be followed: no condition stands inside a pattern."""
    (item,) = loads(f"qspec 1\nrule r match {pattern} {{ all = float }}")[1]
    followed = f'{pattern.replace("conv_1", "any as x")} where x.name == "conv_1"'

    assert '`any as x` here, and `where x.name == "conv_1"` behind the whole pattern' in item.help
    assert () == loads(f"qspec 1\nrule r match {followed} {{ all = float }}")[1]


def test_a_merge_in_lower_case_is_offered_its_class():
    (item,) = loads("qspec 1\nrule r match add(any, any) { all = float }")[1]

    assert "write `Add`" == item.help
