"""QS316: parts of rules that fit nothing, where they stand and what may be meant. Which are told shows the fixture."""

from __future__ import annotations

import random

import pytest

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import DEAD_PART
from qspec.graph.layers import LayerGraph
from qspec.lint import check
from qspec.schema import loads
from tests.plan.layer_models import ModelBuilder, small_model

HEAD = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\n'


def said(text: str, model: LayerGraph | None = None, **files: str) -> list[Diagnostic]:
    """What is said of the dead parts of *text* behind `HEAD`; *files* are what it may import, by their stems."""
    imports = {f"{name}.qspec": f"qspec 1\n{body}" for name, body in files.items()}
    spec, found = loads(HEAD + text, "main.qspec", imports=imports)
    assert spec is not None
    told = check(spec, model or small_model(), found).diagnostics
    return [item for item in told if item.code == DEAD_PART.code]


def places(found: list[Diagnostic]) -> list[str]:
    return [item.span.source.text[item.span.start : item.span.end] for item in found]


PARTS = {
    # a rule on the small model, what in it is dead, and what may be meant in place of that
    "a class that looks like one of the model": ("match Conv2D | Conv2Dd", "Conv2Dd", ["Conv2D"]),
    "a class that looks like one of Keras'": ("match Conv2D | DepthwizeConv2D", "DepthwizeConv2D", ["DepthwiseConv2D"]),
    "a class that looks like nothing": ("match Conv2D | Zzz", "Zzz", []),
    "an optional part": ("match Conv2D -> BatchNormalisation?", "BatchNormalisation", ["BatchNormalization"]),
    "a captured optional part": ("match Conv2D -> BatchNorm? as b where not b", "BatchNorm", ["BatchNormalization"]),
    "an input of a merge": ("match Conv2D | Add(any, Dens?, ...)", "Dens", ["Dense"]),
    "a whole model": ("match Conv2D | Functional", "Functional", []),
    "a name": ('match any where name == "stem" or name == "hed"', 'name == "hed"', ['"head"']),
    "a name, the other way round": ('match any where "hed" == name or name == "stem"', '"hed" == name', ['"head"']),
    "a name that is asked for": ('match Conv2D where name == "stem" or name == "stm"', 'name == "stm"', []),
    "a glob": ('match any where name like "st*" or name like "hae*"', 'name like "hae*"', []),
    "a longer glob": ('match any where name like "st*" or name like "hea"', 'name like "hea"', ['"hea*"', '"**hea**"']),
    "a regular expression": ("match any where name == \"stem\" or name matches 'hae.*'", "name matches 'hae.*'", []),
    "a position in a shape": ("match Conv2D where index == 0 or output.shape[4] == 3", "output.shape[4] == 3", []),
    "a number": ("match Conv2D where filters == 8 or filters > 8", "filters > 8", []),
    "an index": ("match Conv2D where index == 0 or index == 1", "index == 1", []),
    "parts never true together": (
        'match any where name == "stem" or class == "Dense" and name == "pool"',
        'class == "Dense" and name == "pool"',
        [],
    ),
    "below `and`": ('match Conv2D where filters > 1 and (name == "stem" or false)', "false", []),
    "below `not`": ('match any where not (name == "stem" or name == "hed")', 'name == "hed"', ['"head"']),
    "a class in a condition": ('match any where class == "Conv2D" or class == "Dens"', 'class == "Dens"', ['"Dense"']),
    "an item": ('match any where name in ("stem", "hed")', '"hed"', ['"head"']),
    "an item of exceptions": ('match any where name not in ("stem", "hed")', '"hed"', ['"head"']),
    "an item of a part": ('match any as x where x.path in ("stem", "block/spe")', '"block/spe"', ['"block/sep"']),
    "an item of classes": ('match any where class in ("Conv2D", "LSTMs")', '"LSTMs"', ['"LSTM"']),
}


@pytest.mark.parametrize(("rule", "dead", "offered"), PARTS.values(), ids=PARTS)
def test_a_dead_part_is_told_where_it_stands(rule, dead, offered):
    found = said(f"rule r {rule} {{ weights = w8_tensor }}")

    assert [dead] == places(found)
    assert offered == [offer.edits[0].text for offer in found[0].offers]


ALIVE = {
    "classes of Keras' that are not there": "match (Conv2D | DepthwiseConv2D) -> BatchNormalization? -> LSTM?",
    "a part that is not there": "match Conv2D -> LSTM? as gate where gate or filters == 8",
    "a part that is always there": "match Conv2D -> BatchNormalization as b where not b or filters == 8",
    "a class in a condition": 'match any where class == "Conv2D" or class == "LSTM" or class in ("GRU", "RNN")',
    "a class and more": 'match any where class == "Conv2D" or (class == "LSTM" and units == 3)',
    "an item": 'match any where class in ("Conv2D", "LSTM")',
    "the name of a part": "match (Conv2D as c) -> BatchNormalization -> ReLU",
    "a rule that matches nothing": 'match Conv2D | Conv2Dd where name == "a" or name == "b"',
}


@pytest.mark.parametrize("rule", ALIVE.values(), ids=ALIVE)
def test_what_other_models_have_is_no_dead_part(rule):
    assert [] == said(f"rule r {rule} {{ weights = w8_tensor }}")


def test_a_pattern_is_told_of_once_where_it_is_defined():
    text = """pattern block = Conv2D -> BatchNorm?
    rule one match block { weights = w8_tensor }
    rule two match block { weights = w8 }
    """

    found = said(text)

    assert ["BatchNorm"] == places(found)
    assert ["rule `one` uses the pattern"] == [label for _, label in found[0].related]


def test_what_a_model_or_a_statement_has_is_known():
    m = ModelBuilder()
    x = m("SpectralConv", m.input(8, name="features"), name="spectral", package="acme")
    model = m.graph(m("Dense", x, name="head"))

    rule = "rule r match Dense | SpectralConv | Gate{} {{ weights = w8_tensor }}"

    assert ["Gate"] == places(said(rule.format(""), model))
    assert ["Gates"] == places(said("layer Gate as Dense\n" + rule.format("s"), model))
    assert [] == said("layer Gate as Dense\n" + rule.format(""), model)


def test_an_operation_of_that_name_is_offered():
    m = ModelBuilder()
    model = m.graph(m.operation("Relu", m("Conv2D", m.input(8, 8, 3, name="image"), name="stem")))

    (found,) = said("rule r match Conv2D | Relu { weights = w8_tensor }", model)

    assert ['write `Operation("Relu")`'] == [offer.title for offer in found.offers]


def test_an_imported_file_is_for_other_models_too():
    shared = (
        'pattern block = Conv2D | Conv2Dd\nrule r match Dense where name == "head" or name == "tail" { bias = float }'
    )

    assert [] == said('import "shared.qspec"\nrule s match block { weights = w8_tensor }', shared=shared)
    assert 2 == len(said(shared + "\nrule s match block { weights = w8_tensor }"))


def test_a_comment_keeps_it():
    rule = 'rule r match Conv2D | Conv2Dd where name == "stem" or name == "a" { weights = w8_tensor }'

    assert 2 == len(said(rule))
    assert [] == said(f"# qspec: ignore[QS316]\n{rule}")
    assert [] == said(f"{rule}  # qspec: ignore[dead-part]")


def test_it_is_held_back_beside_a_mistake():
    rule = "rule r match Conv2D | Conv2Dd { weights = w8_tensor }\n"

    assert [] == said(rule + "rule s match Dense { weights = undefined }")


ATOMS = (
    'name == "stem"',
    'name == "stme"',
    'path like "block/*"',
    'path like "blok/*"',
    'class in ("Conv2D", "Conv3D", "Convv")',
    'name not in ("stem", "poool")',
    "filters > 4",
    "filters > 400",
    "output.shape[3] == 8",
    "output.shape[4] == 8",
    "index == 0",
    "index == 40",
    "max_value != none",
)


def condition(chance: random.Random, depth: int = 3) -> str:
    if not depth or chance.random() < 0.25:
        return chance.choice(ATOMS)
    if chance.random() < 0.2:
        return f"not ({condition(chance, depth - 1)})"
    joined = chance.choice((" or ", " and ")).join(condition(chance, depth - 1) for _ in range(chance.choice((2, 3))))
    return f"({joined})"


def test_a_rule_is_the_same_without_what_is_told():
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance, model, told = random.Random(seed), small_model(), 0

    def matched(where: str) -> tuple[list[str], list[Diagnostic]]:
        spec, found = loads(f"{HEAD}rule r match any where {where} {{ output = a8 }}", "main.qspec")
        assert spec is not None
        report = check(spec, model, found)
        assert report.plan is not None
        paths = [match.first.layer.path for match in report.plan.rules[0].selected.matches]
        return paths, [item for item in report.diagnostics if item.code == DEAD_PART.code]

    for _ in range(60):
        where = condition(chance)
        paths, found = matched(where)
        for item in found:
            told += 1
            (text,) = places([item])
            start = item.span.start - len(f"{HEAD}rule r match any where ")
            without = '"nothing"' if text.startswith('"') else 'name == "nothing"'
            assert paths == matched(where[:start] + without + where[start + len(text) :])[0], (where, text)
    assert told
