"""Six mistakes in one spec: each is reported in the same run, at its own line and column, and nothing else is."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from qspec.cli import main
from tests.cli.command import places
from tests.graph.keras_configs import Config, archive, conv_2d, dense, functional, inputs, layer, re_lu, tensor

SEED = 20261208
HERE = "§"  # stands in a statement where its mistake is to be reported
SYLLABLES = ("ba", "ko", "ri", "tu", "len", "mar", "so", "vi")


@dataclass(frozen=True)
class Names:
    """Of layers and rules, all different and in lower case."""

    first: str
    second: str
    relu: str
    dense: str
    head: str
    rules: tuple[str, ...]

    def model(self) -> Config:
        """image → conv → relu → conv → flatten → dense → dense"""
        layers = [
            inputs("image", 8, 8, 3),
            conv_2d(self.first, tensor("image")),
            re_lu(self.relu, tensor(self.first)),
            conv_2d(self.second, tensor(self.relu)),
            layer("Flatten", "flatten", tensor(self.second), data_format="channels_last"),
            dense(self.dense, tensor("flatten")),
            dense(self.head, tensor(self.dense)),
        ]
        return functional("small", layers, [["image", 0, 0]], [[self.head, 0, 0]])


def names_from(generator: random.Random) -> Names:
    found: list[str] = []
    while len(found) < 11:
        name = "".join(generator.choices(SYLLABLES, k=3)) + generator.choice(["", "_1", "_a"])
        if name not in found:
            found.append(name)
    return Names(*found[:5], tuple(f"rule_{name}" for name in found[5:]))


def wrong_layer_name(names: Names) -> tuple[str, list[str]]:
    condition = f'§name == "{names.first}x"'
    return "QS301", [f"rule {names.rules[0]} match Conv2D where {condition} {{ weights = w8_tensor }}"]


def overridden_rule(names: Names) -> tuple[str, list[str]]:
    return "QS302", [
        f'rule §{names.rules[1]} match Dense where name == "{names.dense}" {{ weights = w8_tensor }}',
        f"rule {names.rules[2]} match Dense {{ weights = w8 }}",
    ]


def four_bits(names: Names) -> tuple[str, list[str]]:
    """Said once: the Edge TPU does not take it, nor does the runtime that would run it instead."""
    return "QS401", [f'rule {names.rules[3]} match ReLU where name == "{names.relu}" {{ output = §a8(type = int4) }}']


def unknown_attribute(names: Names) -> tuple[str, list[str]]:
    condition = f'name == "{names.second}" and §filtrs == 4'
    return "QS304", [f"rule {names.rules[4]} match Conv2D where {condition} {{ weights = w8_tensor }}"]


def undefined_quantizer(names: Names) -> tuple[str, list[str]]:
    return "QS101", [f'rule {names.rules[5]} match Conv2D where name == "{names.second}" {{ output = §w9 }}']


def missing_import(names: Names) -> tuple[str, list[str]]:
    return "QS102", ['import §"board.qspec"']


MISTAKES = (wrong_layer_name, overridden_rule, four_bits, unknown_attribute, undefined_quantizer, missing_import)
FRAME = ['import "std/int8.qspec"', "deploy edgetpu", "default { weights = w8, output = a8 }"]


def written(statements: list[tuple[str, str]]) -> tuple[str, set[tuple[int, int, str]]]:
    """The text of a spec, and where each mistake in it stands; *statements* come with their codes."""
    lines, expected = ["qspec 1"], set()
    for code, statement in statements:
        if HERE in statement:
            expected |= {(len(lines) + 1, statement.index(HERE) + 1, each) for each in code.split()}
        lines.append(statement.replace(HERE, ""))
    return "\n".join(lines) + "\n", expected


def reported(folder: Path, text: str, names: Names, capsys: pytest.CaptureFixture[str]) -> set[tuple[int, int, str]]:
    (folder / "mistakes.qspec").write_text(text)
    archive(folder / "small.keras", names.model())
    spec, model = str(folder / "mistakes.qspec"), str(folder / "small.keras")
    assert 1 == main(["check", spec, "--model", model, "--format", "json"])
    found = places(json.loads(capsys.readouterr().out))
    assert {spec} == {path for path, _, _, _ in found}
    assert len(found) == len(set(found))
    return {(line, column, code) for _, line, column, code in found}


def test_all_six_in_one_run(tmp_path, capsys):
    names = Names("stem", "body", "relu", "hidden", "logits", ("a", "b", "c", "d", "e", "f"))
    statements = [("", statement) for statement in FRAME]
    for mistake in MISTAKES:
        code, lines = mistake(names)
        statements += [(code, line) for line in lines]
    text, expected = written(statements)

    assert 6 == len({(line, column) for line, column, _ in expected})
    assert expected == reported(tmp_path, text, names, capsys)


@pytest.mark.parametrize("seed", range(SEED, SEED + 20))
def test_any_three_or_more_of_them_in_any_order(tmp_path, capsys, seed):
    generator = random.Random(seed)
    names = names_from(generator)
    chosen = generator.sample(MISTAKES, generator.randint(3, 6))
    # A later rule overrides an earlier one: those two keep their order, everything else may stand anywhere.
    groups = [[("", statement)] for statement in FRAME]
    for mistake in chosen:
        code, lines = mistake(names)
        groups.append([(code, line) for line in lines])
    slots = [index for index, group in enumerate(groups) for _ in group]
    generator.shuffle(slots)
    text, expected = written([groups[index].pop(0) for index in slots])

    assert len(chosen) == len({(line, column) for line, column, _ in expected})
    assert expected == reported(tmp_path, text, names, capsys)
