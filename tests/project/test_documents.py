"""What people read: every link leads somewhere, and the manual's table of contents is whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qspec.diagnostics import Source
from qspec.syntax.formatter import formatted

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = {
    name: CHECKOUT / name for name in ("README.md", "grammar/README.md", "grammar/editors.md", "specs/README.md")
}


def text_of(path: Path) -> str:
    """A document without its code blocks, in which `#` begins a comment and `[…](…)` means something else."""
    return re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> list[str]:
    """The fragments by which GitHub leads to a document's headings."""
    headings = re.findall(r"^#+ (.*)$", text_of(path), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name):
    links = re.findall(r"\]\(([^)\s]+)\)", text_of(DOCUMENTS[name]))
    lost = []
    for link in links:
        path, _, fragment = link.partition("#")
        if path.startswith("https://"):
            continue
        target = (DOCUMENTS[name].parent / path).resolve() if path else DOCUMENTS[name]
        if not target.exists() or (fragment and fragment not in anchors(target)):
            lost.append(link)

    assert links
    assert [] == lost


@pytest.mark.parametrize("name", DOCUMENTS)
def test_examples_are_laid_out_as_the_formatter_does(name):
    examples = re.findall(r"^```qspec\n(.*?)^```$", DOCUMENTS[name].read_text("utf-8"), re.DOTALL | re.MULTILINE)

    assert examples == [formatted(Source(name, text)) for text in examples]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_two_headings_have_the_same_anchor(name):
    found = anchors(DOCUMENTS[name])

    assert len(set(found)) == len(found)


def test_the_manual_begins_with_its_contents():
    """Every section, in order; of the parts of sections those that people look for."""
    text = text_of(DOCUMENTS["grammar/README.md"])
    contents, rest = text.split("\n## ", 1)
    listed = re.findall(r"\]\(#([^)]+)\)", contents)
    sections = re.findall(r"^(##+) (.*)$", f"## {rest}", re.MULTILINE)
    every = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for _, title in sections]
    needed = [anchor for anchor, (level, _) in zip(every, sections, strict=True) if level == "##"]

    assert [anchor for anchor in every if anchor in listed] == listed
    assert [] == [anchor for anchor in needed if anchor not in listed]
