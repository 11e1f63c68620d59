"""Markdown for an editor that shows it as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest

from qspec.diagnostics.text import display_width, padded

_RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|)+")
_CELLS = re.compile(r"(?<!\\)\|")


def plain(text: str) -> str:
    """The same with each table in columns of equal width, without its rule and an empty head; the rest stays."""
    lines: list[str] = []
    for _, group in groupby(text.split("\n"), key=_is_row):
        block = list(group)
        lines += _columns(block) if any(map(_RULE.fullmatch, block)) else block
    return "\n".join(lines)


def _is_row(line: str) -> bool:
    return line.startswith("|") and line.endswith("|")


def _columns(table: Sequence[str]) -> Iterator[str]:
    rows = [_cells(line) for line in table if not _RULE.fullmatch(line)]
    widths = [max(map(display_width, column)) for column in zip_longest(*rows, fillvalue="")]
    for row in rows:
        if any(row):
            yield "  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=False)).rstrip()


def _cells(row: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _CELLS.split(row)[1:-1]]
