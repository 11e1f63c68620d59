"""The catalogue as a list: every code in its order, the families, and finding one by what a person writes."""

from __future__ import annotations

import re
from functools import cache

from qspec.diagnostics import catalogue
from qspec.diagnostics.diagnostic import Code

FAMILIES = {
    "QS0": "syntax",
    "QS1": "names and imports",
    "QS2": "values",
    "QS3": "rules and matching",
    "QS4": "targets",
    "QS5": "model files",
    "QS6": "result",
    "QS9": "hygiene",
}

_NUMBER = re.compile(r"[A-Z]{0,2}[-_ ]?(\d{3})")  # of a code, with less than its letters or with others
_LOOK_ALIKES = str.maketrans("OIL", "011")


@cache
def codes() -> tuple[Code, ...]:
    """Every code of the catalogue, in the order of their numbers."""
    return tuple(sorted((one for one in vars(catalogue).values() if isinstance(one, Code)), key=lambda one: one.code))


def find_code(word: str) -> Code | None:
    """The code that *word* means: `QS301`, or its name `unmatched-rule`, in capitals or not."""
    return next((one for one in codes() if word.lower() in (one.code.lower(), one.name)), None)


def similar_code(word: str) -> Code | None:
    """The code that *word*, which means none, may stand for: one of the same number, or of a similar name."""
    import difflib

    number = _NUMBER.fullmatch(word.upper().translate(_LOOK_ALIKES)) if any(map(str.isdigit, word)) else None
    if number is not None and (code := find_code(f"QS{number[1]}")) is not None:
        return code
    close = difflib.get_close_matches(word.lower().replace("_", "-"), [code.name for code in codes()], n=1)
    return find_code(close[0]) if close else None


def family(code: Code) -> str:
    """What the family of *code* is called: `rules and matching`."""
    return FAMILIES[code.code[:3]]
