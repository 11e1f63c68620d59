"""Vim colours what the parser reads, in every spec of the project; skipped where there is neither Vim nor Neovim."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from qspec.syntax.machine import UNITS, machine
from tests.editors.tokens_as_parsed import CHECKOUT, parsed_tokens, texts

VIM = shutil.which("nvim") or shutil.which("vim")
FOLDER = CHECKOUT / "grammar" / "vim"
SYNTAX = (FOLDER / "syntax" / "qspec.vim").read_text("utf-8")
# The groups that a token of a kind may have.
GROUPS = {
    "keyword": {"Keyword", "Declaration", "Word"},
    "name": {"Name", "Used", "Defined", "Class", "Op", "Constant", "Type"},
    "number": {"Number"},
    "unit": {"Unit"},
    "string": {"String", "Escape"},
    "comment": {"Comment", "Directive"},
}
# For each file its groups, line by line, one for each byte; empty between tokens.
SCRIPT = """
for path in json_decode(join(readfile($QSPEC_PATHS), ""))
  execute "edit" fnameescape(path)
  let found = []
  for line in range(1, line("$"))
    call add(found, map(range(1, len(getline(line))), 'synIDattr(synID(line, v:val, 1), "name")'))
  endfor
  call writefile([json_encode(found)], path .. ".json")
endfor
"""


def words_of(group: str) -> set[str]:
    """The words of the alternation that a group begins with."""
    pattern = re.search(rf"^syntax match {group} /\\<\\%\(([a-z\\|]+)\\\)\\>/$", SYNTAX, re.MULTILINE)
    assert pattern is not None
    return set(pattern.group(1).split("\\|"))


def test_the_keywords_are_those_of_the_grammar():
    found = words_of("qspecKeyword") | words_of("qspecDeclaration") | words_of("qspecWord")

    assert set(machine()[0].table.keywords) == found | {"input", "output"}


def test_the_units_are_those_of_the_language():
    unit = re.search(r"^syntax match qspecUnit /(.*)/ contained$", SYNTAX, re.MULTILINE)
    assert unit is not None
    pattern = unit.group(1)
    for vim, python in (("\\%(", "(?:"), ("\\)", ")"), ("\\|", "|"), ("\\?", "?"), ("\\>", "\\b")):
        pattern = pattern.replace(vim, python)

    assert [] == [name for name in (*UNITS, "%") if not re.fullmatch(pattern, name)]


@pytest.mark.skipif(VIM is None, reason="there is neither Vim nor Neovim")
def test_vim_colours_what_the_parser_reads(tmp_path: Path):
    readable = {name: text for name, text in texts() if parsed_tokens(text) is not None and "\r" not in text}
    paths = []
    for number, text in enumerate(readable.values()):
        paths.append(tmp_path / f"{number}.qspec")
        paths[-1].write_bytes(text.encode())
    script, listed = tmp_path / "script.vim", tmp_path / "paths.json"
    script.write_text(SCRIPT)
    listed.write_text(json.dumps(list(map(str, paths))))
    settings = ("set nocompatible encoding=utf-8", f"set runtimepath^={FOLDER}", "filetype plugin on", "syntax on")
    before = [argument for each in settings for argument in ("--cmd", each)]
    command = [str(VIM), "-n", "-es", "-u", "NONE", "-i", "NONE", *before, "-S", str(script), "-c", "qa!"]
    subprocess.run(command, env={"QSPEC_PATHS": str(listed), "HOME": str(tmp_path)}, timeout=120, check=False)

    wrong = []
    for (name, text), path in zip(readable.items(), paths, strict=True):
        rows = json.loads(path.with_name(f"{path.name}.json").read_text("utf-8"))
        groups = [group for row in rows for group in (*row, "")]
        for token in parsed_tokens(text) or ():
            start_byte, end_byte = (len(text[:offset].encode()) for offset in (token.start, token.end))
            found = {group.removeprefix("qspec") for group in groups[start_byte:end_byte]}
            if not found <= GROUPS[token.kind]:
                wrong.append((name, token.kind, text[token.start : token.end], found))
    assert [] == wrong
    assert len(readable) > 50
