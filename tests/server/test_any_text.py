"""No feature fails, whatever the text: pieces of real specs, mutilated, with every question at random places."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from qspec._resources import resource
from qspec.graph.keras_file import read_keras_file
from qspec.server import navigation, outline
from qspec.server.actions import fix_all, fixes
from qspec.server.completion import complete
from qspec.server.formatting import layout_edits
from qspec.server.hover import hover
from qspec.server.text import Text
from qspec.server.view import View
from qspec.server.workspace import Workspace
from tests.server.views import PATH, small_file

TEXTS = [path.read_text("utf-8") for path in sorted(resource("specs").rglob("*.qspec")) if "targets" not in path.parts]
PIECES = [
    "{",
    "}",
    "(",
    ")",
    "[",
    '"',
    "'",
    "#",
    "=",
    "|",
    "->",
    ".",
    "..",
    "\n",
    "\r",
    "\\",
    ";",
    "€",
    "𝄞",
    "\u2028",
    " ",
]
PIECES += ["rule ", "match ", "where ", "extends ", "target ", "as ", "import ", "and ", "not ", "1 ", "any ", "float "]


def mutilated(chance: random.Random) -> str:
    text = chance.choice(TEXTS)
    start = chance.randrange(len(text))
    parts = list(text[start : start + chance.choice([50, 400, 2000])])
    for _ in range(chance.randrange(8)):
        parts.insert(chance.randrange(len(parts) + 1), chance.choice(PIECES))
    for _ in range(chance.randrange(8)):
        if parts:
            del parts[chance.randrange(len(parts))]
    return chance.choice(["", "qspec 1\n", 'import "std/int8.qspec"\n']) + "".join(parts)


@pytest.mark.parametrize("seed", range(60))
def test_no_feature_fails(seed: int, tmp_path: Path):
    print("seed", seed)
    chance = random.Random(seed)
    ask_everything(chance, small_file(tmp_path), mutilated(chance))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 3000))
def test_no_feature_fails_often(seed: int, tmp_path: Path):
    print("seed", seed)
    chance = random.Random(seed)
    ask_everything(chance, small_file(tmp_path), mutilated(chance))


def test_no_feature_fails_on_a_text_that_is_no_text(tmp_path: Path):
    ask_everything(random.Random(0), small_file(tmp_path), "qspec 1\n\0")


def ask_everything(chance: random.Random, model: Path, text: str) -> None:
    workspace = Workspace()
    workspace.open(PATH, chance.choice(TEXTS))
    workspace.analysis(PATH)
    workspace.open(PATH, text)
    analysis = workspace.analysis(PATH)
    report = workspace.check(analysis, str(model))
    view = View(analysis, workspace.documents[PATH].last_good, read_keras_file(model), report)
    length = len(analysis.source.text)
    for offset in (0, length, *(chance.randrange(length + 1) for _ in range(6))):
        found = complete(view, offset)
        assert 0 <= found.start <= found.end == offset
        about = hover(view, offset)
        assert about is None or 0 <= about.start <= offset <= about.end <= length
        navigation.definition(analysis, offset)
        navigation.highlights(analysis, offset)
        navigation.references(workspace, PATH, offset)
        navigation.rename(workspace, PATH, offset, "other")
        list(fixes(report.diagnostics, analysis.file, offset, offset))
    fix_all(report.diagnostics, PATH)
    for symbol in outline.outline(view):
        assert symbol.span.start <= symbol.selection.start <= symbol.selection.end <= max(symbol.span.end, 1)
    assert all(fold.first < fold.last for fold in outline.folds(view))
    layout_edits(analysis.source)
    lines = Text(analysis.source.text)
    assert length == lines.offset(lines.position(length))
