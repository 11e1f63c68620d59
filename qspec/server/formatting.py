"""The canonical layout as changes of lines, so that an editor keeps its cursor and its marks."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import accumulate

from qspec.diagnostics import Edit, Source, Span


def layout_edits(source: Source) -> tuple[Edit, ...]:
    """The changes that bring *source* into its layout; none for a text with mistakes, which stays as it is."""
    from qspec.syntax.formatter import formatted

    text = formatted(source)
    if not isinstance(text, str) or text == source.text:
        return ()
    old, new = source.text.split("\n"), text.split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in old)]
    edits: list[Edit] = []
    # Lines that come again and again, as `}`, are no landmarks: to compare each with each takes minutes.
    for kind, first, last, low, high in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            continue
        lines = "".join(f"{line}\n" for line in new[low:high])
        start, end = starts[first], starts[last]
        if end > len(source.text):  # the last line has no end
            end, lines = len(source.text), lines[:-1]
            if first == len(old) or low == high:
                start, lines = max(0, start - 1), f"\n{lines}" if low < high else ""
        if edits and edits[-1].span.end == start:  # an insertion and a deletion in one place are one change
            before = edits.pop()
            start, lines = before.span.start, before.text + lines
        edits.append(Edit(Span(source, start, end), lines))
    return tuple(edits)
