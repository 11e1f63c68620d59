"""Pages of codes as a terminal shows them, and the list of all codes."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from qspec.diagnostics.codes import FAMILIES
from qspec.diagnostics.diagnostic import Code
from qspec.diagnostics.page import page
from qspec.diagnostics.text import bold

_USUAL = 100  # columns, where there is no terminal
_LEAST = 40
_BESIDE = 36  # columns for a sentence beside what it is about
_MOST = 120  # longer lines are hard to read
_INDENT = "    "
_CODE = re.compile(r"`[^`]*`")
_SHORT = 32
_KEEP = "\xa0"  # a space at which no line ends


def overview(codes: Sequence[Code], width: int | None, colors: bool = False) -> Iterator[str]:
    """A line for each code, by family: code, severity, name, and what it means in a sentence, which stands below where
    there is no room beside them."""
    room = _room(width)
    names = max(len(code.name) for code in codes)
    for family, title in FAMILIES.items():
        members = [code for code in codes if code.code.startswith(family)]
        if members:
            yield bold(f"{family}xx  {title}", colors)
        for code in members:
            head = f"  {code.code}  {code.severity.value:7}  {code.name:{names}}  "
            rest = " " * len(head)
            if room - len(head) < _BESIDE:
                yield f"  {code.code}  {code.severity.value}  {code.name}"
                head = rest = _INDENT
            found = page(code)
            yield from _filled(found.summary if found else "", room, head, rest)
        if members:
            yield ""
    yield from _filled("`qspec explain CODE` prints the page of one", room, "", "")


def rendered(markdown: str, width: int | None = None, colors: bool = False) -> Iterator[str]:
    """The lines of a page: headings bold where there are colours, paragraphs filled, code indented as it stands."""
    room = _room(width)
    paragraph: list[str] = []
    code = False
    for line in markdown.rstrip().split("\n"):
        if line.startswith("```"):
            yield from _paragraph(paragraph, room)
            code = not code
        elif code:
            yield f"{_INDENT}{line}".rstrip()
        elif line.startswith("#"):
            yield from _paragraph(paragraph, room)
            yield bold(line.lstrip("# "), colors)
        elif not line.strip() or line.startswith(("* ", "- ")):
            yield from _paragraph(paragraph, room)
            if line.strip():
                paragraph.append(line)
            else:
                yield ""
        else:
            paragraph.append(line.strip())
    yield from _paragraph(paragraph, room)


def _paragraph(lines: list[str], room: int) -> Iterator[str]:
    """The paragraph collected in *lines*, which are emptied."""
    if lines:
        text = " ".join(lines)
        lines.clear()
        yield from _filled(text, room, "", "  " if text.startswith(("* ", "- ")) else "")


def _filled(text: str, room: int, first: str, rest: str) -> Iterator[str]:
    """*text* in lines; what stands in backticks is not broken as long as it is short."""
    filled = textwrap.wrap(
        _CODE.sub(lambda code: _whole(code.group()), text),
        room,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield from (line.replace(_KEEP, " ") for line in filled or [first.rstrip()])


def _whole(code: str) -> str:
    return code.replace(" ", _KEEP) if len(code) <= _SHORT else code


def _room(width: int | None) -> int:
    return min(max(width or _USUAL, _LEAST), _MOST)
