"""What the manual says of a word: its tables and sections, as data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from qspec._resources import resource

_HEADING = re.compile(r"(#{2,})\s+(.*)")
_CODE = re.compile(r"`([^`]+)`")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_FENCED = re.compile(r"```.*?```", re.DOTALL)
_CELLS = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Section:
    """A heading with its first paragraph, and what the tables below it say of each word.

    `entries` are the further cells of the row whose first cell holds the word.
    """

    title: str
    paragraph: str
    entries: Mapping[str, str]


@cache
def sections() -> Mapping[str, Section]:
    """Every section by its title, as it is written less backticks: `quantizer`, `Slots`."""
    text = (resource("grammar") / "README.md").read_text(encoding="utf-8")
    return {section.title: section for section in _sections(text)}


def said_of(word: str, title: str) -> str:
    """What the tables of a section say of *word*; an empty text if they do not."""
    section = sections().get(title)
    return section.entries.get(word, "") if section is not None else ""


def introduction(word: str) -> str:
    """The first paragraph of the section on a word that begins a statement; an empty text if there is none."""
    for title, section in sections().items():
        if word in re.split(r" and |: .*", title):
            return section.paragraph
    return ""


def _sections(text: str) -> Iterator[Section]:
    title, lines = "", list[str]()
    fenced = False
    for line in (*text.split("\n"), "## "):
        fenced ^= line.startswith("```")
        heading = None if fenced else _HEADING.match(line)
        if heading is None:
            lines.append(line)
            continue
        # Of two rows for a word, the first is meant.
        yield Section(title, _paragraph(lines), dict(reversed(list(_entries(lines)))))
        title, lines = heading.group(2).replace("`", ""), []


def _paragraph(lines: list[str]) -> str:
    blocks = _FENCED.sub("", "\n".join(lines)).split("\n\n")
    return next((" ".join(block.split()) for block in blocks if block.strip() and not block.startswith("|")), "")


def _entries(lines: list[str]) -> Iterator[tuple[str, str]]:
    header: list[str] = []
    for line in lines:
        cells = [cell.strip().replace("\\|", "|") for cell in _CELLS.split(line.strip().strip("|"))]
        if not line.startswith("|"):
            header = []
        elif not header:
            header = cells
        elif set(cells[0]) - set("-: "):
            said = (
                f"default: {cell}" if title == "default" else cell for title, cell in zip(header, cells, strict=False)
            )
            about = "; ".join(cell for cell in list(said)[1:] if cell)
            for code in _CODE.findall(cells[0]):
                word = _WORD.match(code)
                if word is not None:
                    yield word.group(), about
