"""What makes no sense in the `where` of a rule, whatever the model."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from qspec.diagnostics import Advice, Diagnostics, writing
from qspec.diagnostics.catalogue import INVALID_EXPRESSION, UNDEFINED_NAME
from qspec.schema.conditions import check_condition, nodes, parts
from qspec.schema.named_parts import NamedParts, is_general
from qspec.schema.names import offer
from qspec.schema.values import shown
from qspec.syntax import tree

# Attributes of a layer whose values are texts, whatever the layer.
_TEXTS = frozenset({"name", "path", "class", "padding", "activation", "data_format", "interpolation", "dtype"})
# Values as they are called elsewhere, and here.
_ELSEWHERE = {"null": "none", "None": "none", "nil": "none", "True": "true", "False": "false"}
_VALUES = ("true", "false", "none")
_MOST_OFFERS = 3


def check_where(condition: tree.Expression, named: NamedParts, found: Diagnostics) -> None:
    """Report what makes no sense in a `where` of a rule whose pattern has these parts."""
    check_condition(condition, found)
    asked = [part for part in parts(condition) if isinstance(part, tree.Path)]
    for node in nodes(condition):
        _check_bare_word(node, named.captures, found)
        for part in _compared(node):
            _check_compared_part(part, node, named, found)
        if isinstance(node, tree.Path):
            _check_owner(node, node in asked, named, found)


def _check_bare_word(node: tree.Expression, captures: Collection[str], found: Diagnostics) -> None:
    """A text compared with a word: the word was meant as a text."""
    match node:
        case tree.Compare(left=left, right=right):
            pairs = [(left, right), (right, left)]
        case tree.Member(item=left, container=tree.TupleLiteral(items=items)):
            pairs = [(left, item) for item in items]
        case _:
            return
    for text, other in pairs:
        if isinstance(other, tree.Path) and other.head.text in _ELSEWHERE and other.head.text not in captures:
            name = other.head.text
            message = f"a bare word is read as an attribute: `{name}` is no value here"
            fix = writing(other.span, _ELSEWHERE[name])
            found.add(INVALID_EXPRESSION.at(other.span, message, help=fix.title, fix=fix))
            continue
        if not isinstance(text, tree.Path) or _last(text) not in _TEXTS or not isinstance(other, tree.Path):
            continue
        name = other.head.text
        if other.trailers or name in captures or name in _TEXTS or name in _VALUES:
            continue
        message = f"a bare word is read as an attribute, never as a text: `{name}`"
        hint = Advice(f'write it in quotes: `"{name}"`', (f'"{name}"',))
        found.add(INVALID_EXPRESSION.at(other.span, message, help=hint))


def _last(path: tree.Path) -> str:
    names = [path.head, *(trailer for trailer in path.trailers if isinstance(trailer, tree.Name))]
    return names[-1].text


# ---- a part by itself, which is true or false


def _compared(node: tree.Expression) -> Iterator[tree.Path]:
    """The paths in *node*, outermost, that are to be a number or a text there."""
    match node:
        case tree.Compare(left=left, right=right):
            sides = [side for side, other in ((left, right), (right, left)) if not _is_truth(other)]
        case tree.Member(item=item) | tree.TextMatch(subject=item) | tree.Negative(operand=item):
            sides = [item]
        case tree.Binary(left=left, right=right):
            sides = [left, right]
        case _:
            sides = []
    yield from (side for side in sides if isinstance(side, tree.Path) and side.head.text not in _VALUES)


def _is_truth(expression: tree.Expression) -> bool:
    """Whether *expression* may be true or false."""
    return isinstance(expression, tree.Path) and (expression.head.text != "none" or bool(expression.trailers))


def _check_compared_part(path: tree.Path, node: tree.Expression, named: NamedParts, found: Diagnostics) -> None:
    capture, rest = named.split(path)
    if not capture or rest:
        return
    word = capture.rpartition(".")[2]
    if isinstance(node, tree.Compare) and any(_is_none(side) for side in (node.left, node.right)):
        hint = Advice.write(f"not {capture}" if node.operator == "==" else capture).on(node.span)
    elif named.has(capture, word):
        hint = Advice.write(f"{capture}.{word}", f" for the attribute of the part `{capture}`")
    else:
        hint = Advice(f"ask for an attribute of it, as in `{capture}.name`")
    message = f"`{capture}` is a part of the pattern: by itself it says whether the part is there"
    found.add(INVALID_EXPRESSION.at(path.span, message, help=hint))


def _is_none(side: tree.Expression) -> bool:
    return isinstance(side, tree.Path) and side.head.text == "none" and not side.trailers


# ---- of which layer an attribute is


def _check_owner(path: tree.Path, asked: bool, named: NamedParts, found: Diagnostics) -> None:
    """Over several layers, an attribute says of which; only `index` is the whole match's. *asked*: whether *path* is a
    condition of its own."""
    capture, rest = named.split(path)
    if capture:
        attribute = rest[0] if rest else None
        if isinstance(attribute, tree.Name) and attribute.text != "index" and named.fewest(capture) > 1:
            _report_several(path, capture, attribute, named, found)
        return
    name = path.head.text
    if not named.several or name in ("index", *_VALUES) or name in _ELSEWHERE:
        return
    if not named.captures:
        message = f"{shown(path)} does not say of which layer: the pattern has several"
        missing = f"name a part of the pattern with `as part` and write `part.{name}`"
        found.add(INVALID_EXPRESSION.at(path.span, message, help=missing))
    elif _names_a_part(path, asked):
        hint = offer("a part", name, named.captures)
        if asked:
            hint = hint.then(f"; of an attribute say of which part it is, as in `{next(iter(named.captures))}.{name}`")
        message = f"no part of the pattern is named `{name}`"
        found.add(UNDEFINED_NAME.at(path.head.span, message, label="not found", help=hint))
    else:
        message = f"{shown(path)} does not say of which layer: the pattern has several"
        found.add(INVALID_EXPRESSION.at(path.span, message, help=_qualified(path, name, named.can_own(name))))


def _names_a_part(path: tree.Path, asked: bool) -> bool:
    """Whether the first word of *path* can only be meant as a part."""
    name = path.head.text
    if path.trailers and isinstance(path.trailers[0], tree.Name):
        return name not in ("input", "output") or path.trailers[0].text not in ("shape", "rank")
    from qspec.schema.keras_layers import is_attribute  # for a mistake

    return asked and not is_general(name) and not is_attribute(name)


def _report_several(path: tree.Path, capture: str, attribute: tree.Name, named: NamedParts, found: Diagnostics) -> None:
    inside = [name for name in named.captures if name.startswith(f"{capture}.")]
    if len(path.trailers) > 1 and isinstance(path.trailers[-1], tree.Name) and inside:
        message = f"`{capture}` has no part named `{attribute.text}`"
        hint = offer("a part", attribute.text, [name.removeprefix(f"{capture}.") for name in inside])
        found.add(UNDEFINED_NAME.at(attribute.span, message, label="not found", help=hint))
        return
    message = f"`{capture}` is several layers, and an attribute is of one"
    owners = named.can_own(attribute.text, capture)
    missing = f"name one of its layers with `as`, and ask for the `{attribute.text}` of that"
    hint = _qualified(path, attribute.text, owners) if owners else Advice(missing)
    found.add(INVALID_EXPRESSION.at(path.span, message, help=hint))


def _qualified(path: tree.Path, attribute: str, owners: Collection[str]) -> Advice:
    if not owners:
        return Advice(f"name one layer of the pattern with `as part` and write `part.{attribute}`")
    end = next(trailer for trailer in (path.head, *path.trailers) if _is_called(trailer, attribute)).span.end
    rest = path.span.source.text[end : path.span.end]
    written = [f"{owner}.{attribute}{rest}" for owner in owners][:_MOST_OFFERS]
    return Advice(f"write {' or '.join(f'`{each}`' for each in written)}", tuple(written)).on(path.span)


def _is_called(word: tree.Name | tree.Index, name: str) -> bool:
    return isinstance(word, tree.Name) and word.text == name
