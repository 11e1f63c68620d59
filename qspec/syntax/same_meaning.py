"""Whether two texts mean the same: equal trees, the same comments, and suppressions that speak of the same."""

from __future__ import annotations

import bisect
from collections.abc import Iterator

from qspec.diagnostics import Source
from qspec.syntax import tree
from qspec.syntax.lexer import END, NEWLINE, lex
from qspec.syntax.machine import machine
from qspec.syntax.suppressions import comments, suppressions

_PLACES = ("span", "source")


def difference(first: tree.File, second: tree.File) -> str:
    """What two files differ in besides their layout, in a few words; empty for nothing."""
    if not same_nodes(first, second):
        return "the meaning"
    if _comments(first) != _comments(second):
        return "the comments"
    if list(_suppressed(first)) != list(_suppressed(second)):
        return "what is suppressed"
    return ""


def same_nodes(first: object, second: object) -> bool:
    """Whether two trees are equal but for their places in a text."""
    if isinstance(first, tree.Node):
        if type(first) is not type(second):
            return False
        names = (name for name in first._fields if name not in _PLACES)
        return all(same_nodes(getattr(first, name), getattr(second, name)) for name in names)
    if isinstance(first, tuple):
        return isinstance(second, tuple) and len(first) == len(second) and all(map(same_nodes, first, second))
    return type(first) is type(second) and first == second


def _comments(file: tree.File) -> list[str]:
    """Every comment in the order of the text, without the blanks at its end."""
    return [comment.rstrip() for _, comment in comments(file.source.text)]


def _suppressed(file: tree.File) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Each suppressed code with the statement, or else the tokens of the line, that the comment speaks of."""
    source = file.source
    found = suppressions(source)
    if not found:
        return
    starts = {source.position(each.span.start)[0]: number for number, each in enumerate(file.statements)}
    lines = list(_token_lines(source))
    for item in found:
        if item.line in starts:
            yield item.code, "statement", (starts[item.line],)
        else:
            first, last = bisect.bisect_left(lines, item.line), bisect.bisect_right(lines, item.line)
            yield item.code, "tokens", tuple(range(first, last))


def _token_lines(source: Source) -> Iterator[int]:
    """The line of each token; those that only separate do not count, as the layout adds and removes them."""
    for kind, start, _ in lex(source.text, machine()[1]):
        if kind not in (NEWLINE, "COMMA", END):
            yield source.position(start)[0]
