"""What stands between two tokens on one line: nothing or a space."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.syntax.layout.concrete import Branch, Concrete, Leaf, Part

_TIGHT_BEFORE = frozenset({"COMMA", "RPAR", "RSQB", "DOT", "LSQB", "OPTIONAL"})
_TIGHT_BEHIND = frozenset({"LPAR", "LSQB", "DOT"})


def spaces(concrete: Concrete) -> list[int]:
    """How many spaces stand before each token, if it begins no line."""
    kinds, texts = concrete.kinds, concrete.texts
    before = [1] * len(kinds)
    for index in range(1, len(kinds)):
        last, kind = kinds[index - 1], kinds[index]
        if (
            kind in _TIGHT_BEFORE
            or last in _TIGHT_BEHIND
            or (kind == "LPAR" and last == "NAME")  # a call; a group stands behind a word of the language or a sign
            or (kind == "RBRACE" and last == "LBRACE")
            or (kind == "UNIT" and texts[index] == "%")
        ):
            before[index] = 0
    if before:
        before[0] = 0
    for index in _tight(concrete.root, kinds):
        before[index] = 0
    return before


def _tight(node: Part, kinds: list[str]) -> Iterator[int]:
    """Tokens whose rule says that they touch the one before: `-x`, `1/256`, `1..3`, `Operation("Add")(x)`."""
    if isinstance(node, Leaf):
        return
    if node.rule in ("negative", "merge"):
        yield node.children[1].first
    elif node.rule == "binary_product":
        left, sign, right = node.children
        if _is_number(left, kinds) and kinds[sign.first] == "SLASH" and _is_number(right, kinds):
            yield from (sign.first, right.first)
    elif node.rule == "range":
        low, through, high = node.children
        if _is_short(low) and _is_short(high):
            yield from (through.first, high.first)
    for child in node.children:
        if isinstance(child, Branch):
            yield from _tight(child, kinds)


def _is_number(node: Part, kinds: list[str]) -> bool:
    """A number without a unit, perhaps with a sign."""
    return kinds[node.last] == "NUMBER" and _is_short(node)


def _is_short(node: Part) -> bool:
    """One token, perhaps with a sign."""
    return node.first == node.last or (
        isinstance(node, Branch) and node.rule == "negative" and _is_short(node.children[1])
    )
