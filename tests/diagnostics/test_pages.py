"""The page of every code: its form, and that its example is what raises this very code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from qspec._resources import resource
from qspec.cli import main
from qspec.diagnostics import Diagnostic, Severity, SpecError
from qspec.diagnostics.codes import FAMILIES, find_code
from qspec.diagnostics.page import page
from qspec.lint import check
from qspec.schema import load
from tests.diagnostics.page_files import PAGE_FILES
from tests.diagnostics.page_models import PAGE_MODELS
from tests.diagnostics.pages import CODES, FILES, SECTIONS, Block, blocks, blocks_of

_PROBLEM = re.compile(r"^(?:error|warning|note)\[(QS\d{3})\]", re.MULTILINE)


def test_every_code_has_a_page_and_every_page_a_code():
    assert set(CODES) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_the_form_of_a_page(name):
    text, code = FILES[name].read_text("utf-8"), CODES[name]
    title, _, body = text.partition("\n\n")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    meaning = body.partition("\n## ")[0]

    assert f"# {code.code} {code.name} ({code.severity.value})" == title
    assert list(SECTIONS) == headings
    assert 0 < len(meaning.split()) < 80
    assert len(page(code).summary) <= 80
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert max(map(len, re.sub(r"```console.*?```", "", text, flags=re.DOTALL).split("\n"))) <= 120
    assert any(block.section == "Example" for block in blocks_of(code))


def test_every_family_has_a_name():
    assert {code[:3] for code in CODES} <= set(FAMILIES)


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_a_code_is_found_by_what_people_write(code):
    assert code == find_code(code.code) == find_code(code.code.lower()) == find_code(code.name)
    assert find_code(f"{code.code}0") is None


# ---- examples


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(block: Block) -> tuple[Diagnostic, ...]:
    """What `check` says of the spec in *block*, held against the model that it names."""
    Path("edge.qspec").write_text(block.text, "utf-8")
    for other in blocks_of(block.code):
        if "file" in other.words:
            Path(other.words["file"]).write_text(other.text, "utf-8")
    spec, diagnostics = load("edge.qspec")
    if spec is None:
        return diagnostics
    model = block.words.get("model")
    return check(spec, PAGE_MODELS[model]() if model else None, diagnostics).diagnostics


@pytest.mark.parametrize("block", blocks("qspec"), ids=str)
def test_a_spec_raises_the_code_of_its_page_or_is_the_cure(here, block):
    if "file" in block.words:
        return  # read by another block of the page
    found = said(block)
    problems = {item.code for item in found if item.severity is not Severity.NOTE}

    assert not [item.help for item in found if "?" in item.help], "similar names are facts, not questions"
    if block.section == "Example":
        assert block.code.code in {item.code for item in found}
        assert problems <= {block.code.code}
        assert block.code.severity in {item.severity for item in found if item.code == block.code.code}
    else:
        assert set() == problems
        assert block.code.code not in {item.code for item in found}


@pytest.mark.parametrize("block", [block for block in blocks("python") if "keras" not in block.text], ids=str)
def test_a_script_without_keras_raises_the_code_of_its_page(here, block):
    with pytest.raises(SpecError) as caught:
        exec(block.text, {})

    assert [block.code.code] == [item.code for item in caught.value.diagnostics]


@pytest.mark.parametrize("block", [one for one in blocks("console") if "without" not in one.words], ids=str)
def test_a_command_prints_what_the_page_says(here, capsys, block):
    for name, make in PAGE_FILES.items():
        if name in block.text:
            Path(name).write_bytes(make())
    for other in blocks_of(block.code):
        if "file" in other.words:
            Path(other.words["file"]).write_text(other.text, "utf-8")
    command, _, expected = block.text.removeprefix("$ qspec ").partition("\n")
    main(shlex.split(command))
    printed = capsys.readouterr().out

    assert expected == printed.replace(str(resource("specs")), "specs")
    if block.section == "Example":
        assert block.code.code in _PROBLEM.findall(printed)
