"""The pages of codes as tests see them: their sections, and the blocks of code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qspec.diagnostics.codes import codes
from qspec.diagnostics.diagnostic import Code
from qspec.diagnostics.page import FOLDER

SECTIONS = ("Why it matters", "Example", "What to do")
_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

CODES = {code.code: code for code in codes()}
FILES = {file.stem: file for file in sorted(FOLDER.glob("*.md"))}


@dataclass(frozen=True)
class Block:
    """A block of code on a page: its language, what its first line says besides (`model=small`), and the text."""

    code: Code
    section: str
    language: str
    words: dict[str, str]
    text: str

    def __str__(self) -> str:
        return f"{self.code.code}-{self.section}-{self.language}"


def blocks(language: str) -> list[Block]:
    """Every block in *language* on the page of a code of the catalogue, in order."""
    return [block for name in FILES if name in CODES for block in blocks_of(CODES[name]) if block.language == language]


def blocks_of(code: Code) -> list[Block]:
    """Every block on the page of *code*."""
    found = []
    for section in FILES[code.code].read_text("utf-8").split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        for language, words, body in _BLOCK.findall(text):
            named = dict(word.split("=", 1) for word in words.split())
            found.append(Block(code, title.strip(), language, named, body))
    return found
