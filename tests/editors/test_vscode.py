"""The VS Code extension is packaged for real, and VS Code's own tokenizer colours what the parser reads.

Fetches packages from the npm registry: `pytest -m slow tests/editors/test_vscode.py`; skipped where there is no npm.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.editors.test_textmate import SCOPES
from tests.editors.tokens_as_parsed import CHECKOUT, parsed_tokens, texts

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm")]
EXTENSION = CHECKOUT / "grammar" / "vscode"


def npm(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["npm", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode and re.search(r"ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN", done.stderr):
        pytest.skip("the npm registry does not answer")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the extension in a copy of the project, with what it needs installed."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "grammar").mkdir()
    shutil.copy(CHECKOUT / "LICENSE", root)
    shutil.copy(CHECKOUT / "grammar" / "qspec.tmLanguage.json", root / "grammar")
    shutil.copytree(EXTENSION, root / "grammar" / "vscode", ignore=shutil.ignore_patterns("node_modules", "dist"))
    npm(root / "grammar" / "vscode", "install", "--no-audit", "--no-fund")
    return root / "grammar" / "vscode"


def test_the_extension_is_packaged(extension: Path):
    npm(extension, "run", "package")

    with zipfile.ZipFile(extension / "qspec.vsix") as package:
        names = set(package.namelist())
        manifest = json.loads(package.read("extension/package.json"))
        grammar = package.read("extension/syntaxes/qspec.tmLanguage.json")
    needed = {"dist/extension.js", "syntaxes/qspec.tmLanguage.json", "language-configuration.json", "LICENSE.txt"}
    needed |= {os.path.normpath(each["path"]) for each in manifest["contributes"]["grammars"]}
    assert {f"extension/{name}" for name in needed} <= names
    assert not any("node_modules" in name for name in names)
    assert f"extension/{os.path.normpath(manifest['main'])}" in names
    assert (CHECKOUT / "grammar" / "qspec.tmLanguage.json").read_bytes() == grammar


def test_the_tokenizer_of_vs_code_colours_what_the_parser_reads(extension: Path):
    npm(extension, "install", "--no-save", "--no-audit", "--no-fund", "vscode-textmate@9", "vscode-oniguruma@2")
    readable = {name: text for name, text in texts() if parsed_tokens(text) is not None}
    script, grammar = Path(__file__).with_name("tokenize.js"), CHECKOUT / "grammar" / "qspec.tmLanguage.json"
    done = subprocess.run(
        ["node", str(script), str(extension), str(grammar)],
        input=json.dumps(list(readable.values())),
        capture_output=True,
        text=True,
        check=True,
    )

    wrong = []
    for (name, text), tokens in zip(readable.items(), json.loads(done.stdout), strict=True):
        scopes = [""] * len(text)
        for start, end, scope in tokens:
            scopes[start:end] = [scope] * (end - start)
        for token in parsed_tokens(text) or ():
            found = set(scopes[token.start : token.end])
            if not all(scope.startswith(SCOPES[token.kind]) for scope in found):
                wrong.append((name, token.kind, text[token.start : token.end], found))
    assert [] == wrong
    assert len(readable) > 50
