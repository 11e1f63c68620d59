"""The usual conditions answer as the whole language does, or leave it to it."""

from __future__ import annotations

import random

import pytest

from qspec.diagnostics import Source
from qspec.plan.position import Position
from qspec.plan.quick_conditions import quick
from qspec.schema.evaluate import UNKNOWN, Mistake, condition_holds
from qspec.syntax import parse, tree

VALUES = (
    0,
    1,
    -1,
    2.5,
    True,
    False,
    None,
    UNKNOWN,
    "",
    "conv_1",
    "block_1/conv",
    (1, 2),
    Position(2, 5),
    Position(4, 5),
)
ATTRIBUTES = ("a", "b", "c.d", "e[0]")
LITERALS = ("0", "1", "-1", "2.5", '"conv_1"', '""', "none", "true", "(1, 2)", "a", "1 KiB")


def condition(text: str) -> tree.Expression:
    file, diagnostics = parse(Source("spec.qspec", f"qspec 1\nrule r match any where {text} {{ all = float }}\n"))
    assert not diagnostics
    rule = next(item for item in file.statements if isinstance(item, tree.Rule))
    assert rule.where is not None
    return rule.where


def random_condition(chance: random.Random, depth: int = 2) -> str:
    kind, attribute = chance.randrange(8 if depth else 5), chance.choice(ATTRIBUTES)
    if kind == 0:
        pattern = chance.choice(("conv_*", "**", "block_?/conv", "", "*", "**/conv"))
        return f'{attribute} {chance.choice(("like", "not like"))} "{pattern}"'
    if kind == 1:
        return f"{attribute} {chance.choice(('in', 'not in'))} {chance.choice(LITERALS)}..{chance.choice(LITERALS)}"
    if kind in (2, 3):
        sides = [attribute, chance.choice(LITERALS)]
        chance.shuffle(sides)
        return f"{sides[0]} {chance.choice(('==', '!=', '<', '<=', '>', '>='))} {sides[1]}"
    if kind == 4:
        return chance.choice((attribute, "true", "false"))
    if kind == 5:
        return f"not ({random_condition(chance, depth - 1)})"
    parts = [f"({random_condition(chance, depth - 1)})" for _ in range(chance.choice((2, 3)))]
    return chance.choice((" and ", " or ")).join(parts)


def test_random_conditions():
    answered = 0
    for seed in range(3000):
        chance = random.Random(seed)
        text = random_condition(chance)
        expression = condition(text)
        columns = {name: chance.choices(VALUES, k=3) for name in ATTRIBUTES}
        question = quick(expression)
        answers = [] if question is None else question(lambda path, columns=columns: columns[_word(path)])
        for position, answer in enumerate(answers):
            if answer is not None:
                answered += 1
                values = {name: column[position] for name, column in columns.items()}
                lookup = lambda path, values=values: values[_word(path)]  # noqa: E731
                assert _whole(expression, lookup) is answer, (seed, text, values)

    assert answered > 500


def _word(path: tree.Path) -> str:
    return path.span.source.text[path.span.start : path.span.end]


def _whole(expression: tree.Expression, lookup: object) -> object:
    try:
        return condition_holds(expression, lookup)  # type: ignore[arg-type]
    except Mistake as mistake:
        return mistake


@pytest.mark.parametrize(
    "text", ['path like "stem/*"', "filters >= 32", "index in 0..3", "index == -1 or act", "not act"]
)
def test_the_usual_conditions_have_a_function(text):
    assert quick(condition(text)) is not None
