"""The page of a code: what it means, why it matters, an example, what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from qspec.diagnostics.diagnostic import Code

FOLDER = Path(__file__).parent / "pages"
_SENTENCE_END = re.compile(r"(?<=\.)\s+")


@dataclass(frozen=True)
class Page:
    """A page as it stands in the package, in Markdown.

    `title` is its first line (`QS301 unmatched-rule (warning)`), `meaning` the paragraph below, on one line, and
    `summary` the first sentence of that.
    """

    title: str
    meaning: str
    text: str

    @property
    def summary(self) -> str:
        return _SENTENCE_END.split(self.meaning, maxsplit=1)[0]


def page(code: Code) -> Page | None:
    """The page of *code*; None if there is none."""
    file = FOLDER / f"{code.code}.md"
    if not file.is_file():
        return None
    text = file.read_text("utf-8")
    title, _, body = text.partition("\n")
    meaning, _, _ = body.strip().partition("\n\n")
    return Page(title.removeprefix("# "), " ".join(meaning.split()), text)
