"""`specs/README.md` lists what there is, in the words of the files themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qspec._resources import resource
from qspec.diagnostics import Severity
from qspec.lint import check
from qspec.schema import load, loads, shipped_target, shipped_targets
from qspec.schema.imports import PRESETS
from qspec.schema.target import OptionDefinition

FOLDER = resource("specs")
README = (FOLDER / "README.md").read_text("utf-8")
EXAMPLES = {path.relative_to(FOLDER).as_posix(): path for path in (FOLDER / "examples").rglob("*.qspec")}


def rows(section: str) -> dict[str, list[str]]:
    """The rows of the first table in a section, by the path that their first cell leads to."""
    text = README.split(f"\n## {section}\n")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in re.findall(r"^\| \[.*", text, re.MULTILINE)]
    return {re.search(r"\((.*)\)", first).group(1): rest for first, *rest in cells}


def test_presets_with_the_quantizers_that_they_define():
    listed = {path: re.findall(r"`(\w+)`", cells[1]) for path, cells in rows("Presets").items()}

    assert {preset: list(names) for preset, names in PRESETS.items()} == listed


@pytest.mark.parametrize("preset", PRESETS)
def test_the_default_of_a_preset_is_that_of_its_own_comment_and_clean(preset):
    default = rows("Presets")[preset][2].strip("`")
    spec, problems = loads(f'qspec 1\nimport "{preset}"\n{default}\n')

    assert f"#     {default}\n" in (FOLDER / preset).read_text("utf-8")
    assert not problems
    assert not check(spec).diagnostics


def written(option: OptionDefinition) -> str:
    """An option as the table has it: its values, and the default."""
    quoted = [f'`"{value}"`' if isinstance(value, str) else str(value) for value in (option.choices or ())]
    values = (
        f"{option.limits[0]} to {option.limits[1]}" if option.limits else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    )
    default = f'`"{option.default}"`' if isinstance(option.default, str) else option.default
    return f"`{option.name}` = {values} ({default})"


def test_targets_with_titles_options_and_hosts():
    targets = {name: shipped_target(name) for name in shipped_targets()}
    expected = {
        f"targets/{name}.qspec": [
            target.title + (", deprecated" if target.deprecated else ""),
            ", ".join(written(option) for option in target.options.values()),
            f"runs on `{target.host.name}`" if target.host else "is an error",
        ]
        for name, target in targets.items()
    }

    assert expected == rows("Targets")


def test_every_example_is_listed_by_its_first_words():
    listed = rows("Examples")

    assert set(EXAMPLES) == set(listed)
    for name, (case, *_) in listed.items():
        first = EXAMPLES[name].read_text("utf-8").split("\n")[0]
        assert re.match(rf"# {re.escape(case)}\b", first), (case, first)


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.qspec")), ids=lambda path: path.stem)
def test_a_shipped_spec_has_no_problem_by_itself(path: Path):
    spec, problems = load(str(path))
    found = problems if spec is None else check(spec, None, problems).diagnostics

    assert [] == [item.message for item in found if item.severity is not Severity.NOTE]
