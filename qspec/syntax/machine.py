"""The automaton and the lexer's pattern, made once per process."""

from __future__ import annotations

import re
from functools import cache

from qspec.syntax.automaton import Automaton
from qspec.syntax.lexer import scanner
from qspec.syntax.table import load

# What the grammar's UNIT matches, less `%`, which is no word.
UNITS = frozenset({"KiB", "MiB", "GiB", "KB", "MB", "GB", "B", "lsb", "dB"})


@cache
def machine() -> tuple[Automaton, re.Pattern[str]]:
    """The automaton of the grammar and the pattern of its tokens."""
    table = load()
    return Automaton(table, UNITS), scanner(table)
