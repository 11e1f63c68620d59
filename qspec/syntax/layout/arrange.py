"""Where lines end: what fits stays on one line, what does not is broken by the rules of its kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from qspec.syntax.layout.columns import aligned, anchor
from qspec.syntax.layout.concrete import Branch, Leaf, Part
from qspec.syntax.layout.text import LISTS, WIDTH, Text, block_of, is_comma

STEP = 2
_FARTHEST = 32  # columns: what is defined by a longer name does not hang from its `=`
_CLAUSES = frozenset({"WHERE", "BECAUSE"})
_BROKEN_AT_EACH = frozenset({"and_", "or_", "chain"})
_ALTERNATIVES = frozenset({"union", "operand_types", "names"})
_PLAIN = frozenset({"quantity", "negative", "path"})


@dataclass
class Arrangement:
    """What was decided. `breaks[i]` is the column at which token i begins a line, `within[i]` the one of the comments
    above it, where that is another. Blank lines are kept before `items`. `commas` are tokens that a comma is added
    behind, `dropped` commas that go, and `pads[i]` spaces to be added before token i."""

    breaks: dict[int, int] = field(default_factory=dict)
    within: dict[int, int] = field(default_factory=dict)
    items: set[int] = field(default_factory=set)
    commas: set[int] = field(default_factory=set)
    dropped: set[int] = field(default_factory=set)
    pads: dict[int, int] = field(default_factory=dict)


def arranged(text: Text) -> Arrangement:
    """The layout of a whole text."""
    arranger = _Arranger(text)
    arranger.items(text.root.children, 0, in_lines=True)
    end = len(text.kinds)
    arranger.made.breaks[end] = 0
    arranger.made.items.add(end)
    arranger.made.dropped |= text.dropped
    return arranger.made


class _Arranger:
    """Goes from the left to the right: `column` is where the last token ends, `line` where its line begins."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.made = Arrangement()
        self.column = 0
        self.line = 0

    # ---- items and blocks

    def items(self, parts: Sequence[Part], indent: int, in_lines: bool) -> None:
        """The items of a block or of a file; `in_lines` says that they were written in lines of their own."""
        lines = list(chain.from_iterable(self._split(line, indent, in_lines) for line in self._written(parts)))
        self.made.pads.update(aligned(lines, self.text, indent))
        for line in lines:
            self.made.items.add(line[0].first)
            if len(line) > 1 and self.text.fits(line[0].first, line[-1].last, indent):
                self._break(line[0].first, indent)
                continue
            for item in line:
                self._item(item, indent)

    def _written(self, parts: Sequence[Part]) -> Iterator[list[Part]]:
        """The items that stood in one line each, commas left out."""
        line: list[Part] = []
        for part in parts:
            if is_comma(part):
                continue
            if line and self.text.gaps[part.first].newline:
                yield line
                line = []
            line.append(part)
        if line:
            yield line

    def _split(self, line: list[Part], indent: int, in_lines: bool) -> Iterator[list[Part]]:
        """The line, or each of its items if they cannot stay together; a comma that ends a line is dropped."""
        stays = in_lines and self.text.fits(line[0].first, line[-1].last, indent)
        rest: list[Part] = []
        for item in line:
            if rest and not stays and item.first not in self.text.kept:
                yield rest
                rest = []
            if not rest and self.text.kinds[item.first - 1] == "COMMA":
                self.made.dropped.add(item.first - 1)
            rest.append(item)
        yield rest

    def _item(self, node: Part, indent: int) -> None:
        self._break(node.first, indent)
        pad = self.made.pads.get(anchor(node), 0)
        if isinstance(node, Leaf) or self.text.fits(node.first, node.last, indent + pad):
            return
        block = block_of(node)
        if not block:
            self._head(node, node.children, indent + STEP)
            return
        opener, *items, closer = block
        if not self.text.fits(node.first, opener.last, indent):
            # The content of a block is indented by two; a head that goes on below by four, to stand apart from it.
            self._head(node, [*_before(node, opener), opener], indent + 2 * STEP)
        if items or not self.text.is_flat(opener.last, closer.last):
            in_lines = bool(items) and self.text.forced[items[0].first]
            self.made.within[closer.first] = indent + STEP
            self.made.items.add(closer.first)
            self.items(items, indent + STEP, in_lines)
            self._break(closer.first, indent)

    def _head(self, node: Branch, children: Sequence[Part], hang: int) -> None:
        """A statement without its block, over several lines."""
        for child in children:
            if isinstance(child, Leaf) and child.kind in _CLAUSES:
                self._break(child.first, hang)
                hang += STEP
            self._place(child, hang, self._behind(child, children[-1].last, 0))
            if child.first == self._hanger(node) and self.column <= _FARTHEST:
                hang = self.column - (2 if _is_chain(children[-1]) else 1)

    def _hanger(self, node: Branch) -> int:
        """The `=` below which `->` and `|` begin the further lines; -1 if it is none."""
        return next(node.leaves("EQUAL")).first if node.rule in ("pattern_definition", "operand") else -1

    # ---- what does not fit

    def _place(self, node: Part, hang: int, behind: int) -> None:
        """A part with *behind* characters after it; its further lines begin in column *hang*."""
        first = node.first
        if first not in self.made.breaks and self.text.forced[first]:
            self._break(first, hang)
        start = self._start(first)
        self.line = start if first in self.made.breaks else self.line
        if isinstance(node, Leaf) or self.text.fits(first, node.last, start, behind):
            self.column = start + self.text.width(first, node.last)
        elif node.rule in _BROKEN_AT_EACH:
            self._broken_at_each(node, hang, behind)
        elif node.rule in _ALTERNATIVES:
            self._filled(node, hang, behind)
        elif node.rule in LISTS:
            self._list(node, hang)
        elif isinstance(node.children[0], Leaf) and node.children[0].kind == "LPAR":
            self._group(node, hang)
        else:
            self._sequence(node.children, hang, behind)

    def _sequence(self, children: Sequence[Part], hang: int, behind: int) -> None:
        for child in children:
            self._place(child, hang, self._behind(child, children[-1].last, behind))

    def _broken_at_each(self, node: Branch, hang: int, behind: int) -> None:
        """`and`, `or` and `->` begin a line each."""
        for number, child in enumerate(node.children):
            if isinstance(child, Leaf) and number % 2:
                self._break(child.first, hang)
            self._place(child, hang + STEP, behind if child is node.children[-1] else 0)

    def _filled(self, node: Branch, hang: int, behind: int) -> None:
        """As many as fit into each line, which begins with `|`."""
        for number, child in enumerate(node.children):
            if number % 2:
                part = node.children[number + 1]
                room = behind if part is node.children[-1] else 0
                if not self._continues(child.first, part.last, room):
                    self._break(child.first, hang)
            self._place(child, hang + STEP, behind if child is node.children[-1] else 0)

    def _group(self, node: Branch, hang: int) -> None:
        opener, content, closer = node.children
        self._place(opener, hang, 0)
        line = self.line
        self._break(content.first, line + STEP)
        self._place(content, line + STEP, 0)
        self._close(closer, line)

    def _list(self, node: Branch, hang: int) -> None:
        """What stands between commas: one in each line, plain values as many as fit."""
        opener = next(number for number, child in enumerate(node.children) if child.first == _opener(node))
        self._sequence(node.children[: opener + 1], hang, 0)
        line = self.line
        *items, closer = node.children[opener + 1 :]
        fills = node.rule == "tuple" and all(_is_plain(item) for item in items)
        for number, item in enumerate(items):
            stays = is_comma(item) or (number > 0 and fills and self._continues(item.first, item.last, 1))
            if not stays:
                self._break(item.first, line + STEP)
            self._place(item, line + (STEP if is_comma(item) or fills else 2 * STEP), 1)
        if items and not is_comma(items[-1]) and closer.first not in self.text.kept:
            self.made.commas.add(items[-1].last)
        self._close(closer, line)

    def _continues(self, first: int, last: int, behind: int) -> bool:
        """Whether tokens can stand behind the last one, in its line."""
        return not self.text.forced[first] and self.text.fits(first, last, self.column + 1, behind)

    def _close(self, closer: Part, line: int) -> None:
        self.made.within[closer.first] = line + STEP
        self._break(closer.first, line)
        self._place(closer, line, 0)

    def _behind(self, child: Part, end: int, behind: int) -> int:
        """How much must stand in the line of *child*'s end: up to the next place where the line can end. *behind* is
        how much stands behind the token *end*."""
        if child.last - child.first < 2:  # no brackets: it cannot be broken anyway
            return 0
        for index in range(child.last + 1, end + 1):
            kind = self.text.kinds[index]
            if self.text.forced[index] or kind in _CLAUSES or self._room(child.last + 1, index) > WIDTH:
                return self._room(child.last + 1, index - 1)
            if kind in ("LPAR", "LSQB", "AND", "OR", "VBAR", "ARROW"):
                return self._room(child.last + 1, index - (kind not in ("LPAR", "LSQB")))
        return self._room(child.last + 1, end) + behind

    def _room(self, first: int, last: int) -> int:
        return self.text.spaces[first] + self.text.width(first, last) if first <= last else 0

    def _break(self, index: int, column: int) -> None:
        if index not in self.text.kept:
            self.made.breaks[index] = column
            self.line = column

    def _start(self, index: int) -> int:
        """The column of a token."""
        beside = self.column + self.text.spaces[index] + self.made.pads.get(index, 0)
        return self.made.breaks.get(index, beside)


def _before(node: Branch, opener: Part) -> list[Part]:
    """The parts of an item before its block."""
    return [child for child in node.children if child.last < opener.first]


def _opener(node: Branch) -> int:
    return next(node.leaves("LPAR")).first


def _is_chain(node: Part) -> bool:
    return isinstance(node, Branch) and node.rule == "chain"


def _is_plain(node: Part) -> bool:
    """A comma, a string, a word or a number."""
    return isinstance(node, Leaf) or (node.rule in _PLAIN and all(map(_is_plain, node.children)))
