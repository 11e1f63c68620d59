"""Lines of which a suppression comment speaks: they are left as they are, since it speaks of what stands in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from qspec.syntax.layout.concrete import Comment, Concrete
from qspec.syntax.suppressions import is_suppression


@dataclass
class Kept:
    """`starts` are tokens that begin a line, `inside` those that do not."""

    starts: set[int] = field(default_factory=set)
    inside: set[int] = field(default_factory=set)

    def speaks(self, comments: Iterable[Comment]) -> bool:
        """Whether one of *comments* suppresses something."""
        return any(is_suppression(comment.text) for comment in comments)


def kept_lines(concrete: Concrete) -> Kept:
    """What must stay as it is, so that every suppression speaks of what it spoke of.

    One in the first line of a statement speaks of the statement: alone above it, it stays there by itself.
    """
    kept = Kept()
    statements = {child.first for child in concrete.root.children}
    for index, gap in enumerate(concrete.gaps):
        for comment in gap.comments:
            if not is_suppression(comment.text):
                continue
            if comment.trails:
                _keep(concrete, _line_start(concrete, index - 1), kept)
            elif index < len(concrete.kinds) and index not in statements:
                _keep(concrete, index, kept)
    return kept


def _line_start(concrete: Concrete, index: int) -> int:
    while index > 0 and not concrete.gaps[index].newline:
        index -= 1
    return index


def _keep(concrete: Concrete, start: int, kept: Kept) -> None:
    """The line that begins with the token *start*."""
    kept.starts.add(start)
    for index in range(start + 1, len(concrete.kinds)):
        if concrete.gaps[index].newline:
            kept.starts.add(index)
            return
        kept.inside.add(index)
