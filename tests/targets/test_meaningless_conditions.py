"""Random conditions: one that an op gives no meaning is told beforehand, and what is told has a reason."""

from __future__ import annotations

import random

import pytest

from qspec.schema import loads
from qspec.schema.evaluate import UNKNOWN, Mistake
from qspec.targets.own_tables import table_mistakes
from qspec.targets.scope import OpScope
from tests.targets.one_op import T, integers, one_op, weights

IMAGE = T("int8", (1, 6, 6, 4))
OPS = {
    "CONV_2D": one_op(
        "CONV_2D",
        [IMAGE, weights("int8", 4, 3, 3, 4, axis=0), T("int32", (4,), True)],
        [IMAGE],
        {"padding": "SAME", "stride_w": 2, "stride_h": 1, "fused_activation_function": "RELU"},
    ),
    "PAD": one_op("PAD", [IMAGE, integers(((0, 0), (1, 1), (1, 1), (0, 0)))], [T("int8", (1, 8, 8, 4))]),
    "CONCATENATION": one_op("CONCATENATION", [IMAGE] * 3, [T("int8", (1, 6, 6, 12))], {"axis": -1}),
}
LENIENT = ("never", "always", "no order", "has at most", "what stands in")
OPTIONS = {"revision": "b", "stage": 1}
NAMES = {
    "CONV_2D": ("weights.shape", "weights.shape[1]", "bias.shape[0]", "stride_w", "padding", "has_bias", "groups"),
    "PAD": ("paddings", "paddings[0]", "paddings[1][0]", "paddings[-1]", "output.shape"),
    "CONCATENATION": ("axis", "input[2].shape", "input[1].type", "inputs", "input[0].rank"),
}
EVERY = (
    "input.shape",
    "input.shape[-1]",
    "input.type",
    "input.scale",
    "input.rank",
    "output.constant",
    "rank",
    "batch",
)
EVERY += ("kind", "version_unknown", "revision", "stage", "inputs")
CONSTANTS = ("1", "4", "0.5", '"int8"', '"SAME"', '"b"', '"1"', "(1, 2)", "(0, 0)", '("int8",)', "true", "none", "-1")


def value(chance: random.Random, kind: str, depth: int = 0) -> str:
    choice = chance.random()
    if choice < 0.55 or depth > 1:
        return chance.choice((*NAMES[kind], *EVERY))
    if choice < 0.9:
        return chance.choice(CONSTANTS)
    first, second = value(chance, kind, depth + 1), value(chance, kind, depth + 1)
    return chance.choice((f"({first} + {second})", f"mod({first}, {second})", f"(-{first} * {second})"))


def condition(chance: random.Random, kind: str) -> str:
    one, other, third = (value(chance, kind) for _ in range(3))
    parts = (
        f"{one} {chance.choice(('==', '!=', '<', '<=', '>', '>='))} {other}",
        f"{one} in ({other}, {third})",
        f"{one} not in {other}..{third}",
        f"{one} in {other}",
        f"{one} like 'i*'",
        one,
        f"known({chance.choice(EVERY)})",
    )
    text = chance.choices(parts, (6, 2, 1, 1, 1, 1, 1))[0]
    return f"not ({text})" if chance.random() < 0.2 else text


@pytest.mark.parametrize("seed", range(6))
def test_what_an_op_gives_no_meaning_is_told_without_one(seed: int) -> None:
    chance = random.Random(seed)
    told = silent = 0
    for _ in range(250):
        kind = chance.choice(sorted(OPS))
        text = condition(chance, kind)
        options = 'option revision = "b" in ("a", "b", "c")\noption stage = 1 in 1..2'
        spec, diagnostics = loads(f"qspec 1\ntarget t {{\n{options}\nop {kind} {{ require {text} }}\n}}\n")
        assert spec is not None
        if diagnostics or list(table_mistakes(spec.targets.values())):
            told += 1
            continue
        silent += 1
        (row,) = spec.targets["t"].rows
        graph, made = OPS[kind]
        scope = OpScope(
            graph.ops[0],
            graph,
            lambda tensor, made=made: made[tensor].representation,
            OPTIONS,
            3,
            version_unknown=False,
        )
        try:
            scope.holds(row.conditions[0].condition)
        except Mistake as mistake:
            pytest.fail(f"seed {seed}: `{text}` of {kind}: {mistake.message}")

    assert min(told, silent) > 40, f"seed {seed}"


@pytest.mark.parametrize("seed", range(6))
def test_what_is_told_to_be_without_meaning_has_none_for_an_op(seed: int) -> None:
    chance = random.Random(1000 + seed)
    compared = 0
    for _ in range(250):
        kind = chance.choice(sorted(OPS))
        text = condition(chance, kind)
        options = 'option revision = "b" in ("a", "b", "c")\noption stage = 1 in 1..2'
        spec, diagnostics = loads(f"qspec 1\ntarget t {{\n{options}\nop {kind} {{ require {text} }}\n}}\n")
        assert spec is not None
        found = [item.message for item in table_mistakes(spec.targets.values())]
        # To the evaluation, texts of any sort have an order, and tuples of other lengths differ whatever they hold.
        if diagnostics or not found or any(word in message for message in found for word in LENIENT):
            continue
        (row,) = spec.targets["t"].rows
        graph, made = OPS[kind]
        scope = OpScope(
            graph.ops[0],
            graph,
            lambda tensor, made=made: made[tensor].representation,
            OPTIONS,
            3,
            version_unknown=False,
        )
        try:  # what is calculated with `none`, or divided by 0, is unknown
            assert scope.holds(row.conditions[0].condition) is UNKNOWN, f"seed {seed}: `{text}` of {kind}: {found}"
        except Mistake:
            compared += 1

    assert compared > 20, f"seed {seed}"
