"""What stands below each other: the `=` of assignments in consecutive lines, and the braces of short blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qspec.syntax.layout.concrete import Part
from qspec.syntax.layout.text import Text, block_of

LARGEST_SHIFT = 24
"""Columns by which the longest name before a `=` may exceed the shortest that is aligned with it."""

LARGEST_SHIFT_OF_BRACES = 8
"""The same of what stands before a `{`."""

_ASSIGNMENTS = frozenset({"assignment", "operand", "option"})
_SHORT_BLOCKS = frozenset({"boundary", "quantizer", "form"})


def anchor(node: Part) -> int:
    """The token that is aligned with those of the lines around: `=`, or the `{` of a short block; -1 for none."""
    rule = getattr(node, "rule", "")
    if rule in _ASSIGNMENTS:
        return next(node.leaves("EQUAL")).first  # type: ignore[union-attr]
    return block_of(node)[0].first if rule in _SHORT_BLOCKS else -1  # type: ignore[arg-type]


def aligned(lines: Iterable[Sequence[Part]], text: Text, indent: int) -> Iterator[tuple[int, int]]:
    """Tokens, and how many spaces are added before them."""
    for run in _runs(lines, text, indent):
        braces = bool(run) and getattr(run[0], "rule", "") in _SHORT_BLOCKS
        shift = LARGEST_SHIFT_OF_BRACES if braces else LARGEST_SHIFT
        for group in groups([_head_width(item, text) for item in run], shift):
            members = run[group.start : group.stop]
            widest = max(_head_width(item, text) for item in members)
            pads = [widest - _head_width(item, text) for item in members]
            if all(_still_fits(item, pad, text, indent) for item, pad in zip(members, pads, strict=True)):
                yield from ((anchor(item), pad) for item, pad in zip(members, pads, strict=True))


def groups(widths: Sequence[int], shift: int) -> Iterator[range]:
    """Consecutive ones whose widths differ by no more than *shift*."""
    start, least, most = 0, 0, 0
    for index, width in enumerate(widths):
        least, most = min(least, width), max(most, width)
        if index == start or most - least > shift:
            if index > start:
                yield range(start, index)
            start, least, most = index, width, width
    if widths:
        yield range(start, len(widths))


def _runs(lines: Iterable[Sequence[Part]], text: Text, indent: int) -> Iterator[list[Part]]:
    """Items of one sort in consecutive lines."""
    run: list[Part] = []
    sort = ""
    for line in lines:
        item = line[0]
        found = _sort(item, text, indent) if len(line) == 1 else ""
        gap = text.gaps[item.first]
        apart = gap.blank or any(not comment.trails for comment in gap.comments)
        if found != sort or apart:
            yield run
            run, sort = [], found
        if found:
            run.append(item)
    yield run


def _sort(item: Part, text: Text, indent: int) -> str:
    """What an item is aligned with; empty for nothing."""
    rule = getattr(item, "rule", "")
    if item.first in text.kept:
        return ""
    whole = text.fits(item.first, item.last, indent)
    if rule in _ASSIGNMENTS:
        # Alternatives hang from their `=`; anything else that takes several lines stands alone.
        return "=" if whole or (rule == "operand" and text.is_flat(item.first, anchor(item))) else ""
    return rule if rule in _SHORT_BLOCKS and whole else ""


def _head_width(item: Part, text: Text) -> int:
    return text.width(item.first, anchor(item) - 1)


def _still_fits(item: Part, pad: int, text: Text, indent: int) -> bool:
    whole = text.fits(item.first, item.last, indent)
    return not whole or text.fits(item.first, item.last, indent + pad)
