"""The tokens as they will be written, and how much room they take: what decides where lines end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

from qspec.syntax.layout.concrete import NO_GAP, Branch, Comment, Concrete, Gap, Leaf, Part
from qspec.syntax.layout.spacing import spaces
from qspec.syntax.layout.suppressed import Kept, kept_lines

WIDTH = 100
"""Characters of a line, its comment apart."""

_LEADING = frozenset({"AND", "OR", "VBAR", "ARROW"})
_BODIES = frozenset({"assignments", "operation_body"})
_BLOCKS = _BODIES | {"model", "target"}
LISTS = frozenset({"arguments", "word_arguments", "tuple", "merge"})


class Text:
    """Tokens, the spaces and comments before them, and where lines must end.

    `forced[i]`: token i begins a line. `kept[i]`: it does not, whatever else is decided, since a suppression speaks of
    the line. Both are of the text as it was written; the layout adds its own.
    """

    def __init__(self, concrete: Concrete) -> None:
        self.root = concrete.root
        self.kinds = concrete.kinds
        self.texts = [_quoted(text, kind, last) for text, kind, last in _with_last(concrete)]
        kept = kept_lines(concrete)
        self.gaps = _moved(concrete, kept)
        self.kept = kept.inside
        self.spaces = spaces(concrete)
        self.forced = [bool(gap.comments) for gap in self.gaps]
        for index in kept.starts:
            self.forced[index] = True
        self.dropped: set[int] = set()
        self._settle(concrete.root)
        for index in kept.inside:
            self.forced[index] = False
        for index in self.dropped:
            self.texts[index], self.spaces[index] = "", 0
        widths = [space + len(text) for space, text in zip(self.spaces, self.texts, strict=True)]
        self._ends = [0, *accumulate(widths)]
        self._lines = [0, *accumulate(self.forced)]

    def width(self, first: int, last: int) -> int:
        """How wide the tokens from *first* to *last* are on one line."""
        return self._ends[last + 1] - self._ends[first] - self.spaces[first]

    def is_flat(self, first: int, last: int) -> bool:
        """Whether no line has to end between the tokens from *first* to *last*."""
        return self._lines[last + 1] == self._lines[first + 1]

    def fits(self, first: int, last: int, column: int, behind: int = 0) -> bool:
        """Whether they can stand on one line from *column* on, with *behind* characters after them."""
        return self.is_flat(first, last) and column + self.width(first, last) + behind <= WIDTH

    def _settle(self, node: Branch) -> None:
        """What the way in which a text was broken into lines decides: blocks, chains and lists that stay open."""
        for child in node.children:
            if isinstance(child, Branch):
                self._settle(child)
        if node.rule == "chain":
            arrow = node.children[1].first
            self.forced[arrow] |= self.gaps[arrow].newline
        elif node.rule in LISTS:
            self._settle_list(node)
        elif node.rule in _BLOCKS:
            self._settle_block(block_of(node))

    def _settle_list(self, node: Branch) -> None:
        if self.kinds[node.last - 1] == "COMMA" and not _is_tuple_of_one(node):
            self.forced[node.last] = True

    def _settle_block(self, block: list[Part]) -> None:
        opener, *items, closer = block
        if self.kinds[closer.first - 1] == "COMMA":
            self.dropped.add(closer.first - 1)
        starts = [part.first for part in (*items, closer) if not is_comma(part)]
        if items and any(self.gaps[index].newline for index in starts):
            self.forced[opener.first + 1] = True


def block_of(node: Branch) -> list[Part]:
    """Its block: the braces and what stands between them; empty if it has none. Of a rule, the parts of its body."""
    last = node.children[-1] if node.children else node
    if isinstance(last, Branch):
        return block_of(last) if last.rule in _BODIES else []
    if last.kind != "RBRACE":
        return []
    brace = next(i for i, child in enumerate(node.children) if isinstance(child, Leaf) and child.kind == "LBRACE")
    return node.children[brace:]


def is_comma(part: Part) -> bool:
    """Whether it is a comma."""
    return isinstance(part, Leaf) and part.kind == "COMMA"


def _is_tuple_of_one(node: Branch) -> bool:
    return node.rule == "tuple" and sum(1 for _ in node.leaves("COMMA")) == 1 and len(node.children) == 4


def _with_last(concrete: Concrete) -> Iterator[tuple[str, str, str]]:
    last = ""
    for text, kind in zip(concrete.texts, concrete.kinds, strict=True):
        yield text, kind, last
        last = kind


def _quoted(text: str, kind: str, last: str) -> str:
    """Double quotes, where nothing has to be escaped for them; a regular expression stays as it is."""
    if kind != "STRING" or text[0] == '"' or last == "MATCHES" or '"' in text or "\\" in text:
        return text
    return f'"{text[1:-1]}"'


def _moved(concrete: Concrete, kept: Kept) -> list[Gap]:
    """The gaps, with comments before a comma behind it, and comments behind an operator that will begin a line before
    it. Comments that suppress stay."""
    gaps = list(concrete.gaps)
    untouched = kept.starts | kept.inside
    for index, kind in enumerate(concrete.kinds):
        if kind == "COMMA":
            source, target = index, index + 1
        elif kind in _LEADING:
            source, target = index + 1, index
        else:
            continue
        if not gaps[source].comments or index in untouched:
            continue
        joined = _joined(gaps[index].comments, gaps[index + 1].comments)
        if not kept.speaks(joined):
            gaps[target] = Gap(joined, newline=True, blank=gaps[target].blank)
            gaps[source] = NO_GAP
    return gaps


def _joined(before: tuple[Comment, ...], behind: tuple[Comment, ...]) -> tuple[Comment, ...]:
    """Only the first of a gap can stand at the end of a line."""
    return (*before, *(replace(comment, trails=comment.trails and not before) for comment in behind))
