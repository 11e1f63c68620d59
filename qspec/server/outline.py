"""The shape of a document: its statements as symbols, and what can be folded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from qspec.diagnostics import Span
from qspec.schema.symbols import Definition
from qspec.server.view import View
from qspec.syntax import tree

_COMMENTS = re.compile(r"^[ \t]*#[^\n]*(?:\n[ \t]*#[^\n]*)+", re.MULTILINE)


@dataclass(frozen=True)
class Symbol:
    """A statement in the outline: `name` is shown, `detail` beside it; `selection` is the name within `span`."""

    name: str
    kind: str
    span: Span
    selection: Span
    detail: str = ""
    children: tuple[Symbol, ...] = field(default=())


def outline(view: View) -> list[Symbol]:
    """The statements of the file, in the order of the text; one that cannot be read just now by its name."""
    found = [symbol for statement in view.now.file.statements if (symbol := _symbol(statement)) is not None]
    unread = (one for one in view.now.symbols.definitions if one.statement is None and one.span.source is view.source)
    found += (_unread(view, one) for one in unread if one.kind != "file")
    return sorted(found, key=lambda symbol: symbol.span.start)


def _unread(view: View, definition: Definition) -> Symbol:
    """A statement with a mistake, with the parts that it had before."""
    known = None
    if view.before is not None:
        statements = (_symbol(statement) for statement in view.before.file.statements)
        known = next(
            (one for one in statements if one and (one.kind, one.name) == (definition.kind, definition.name)), None
        )
    return Symbol(definition.name, definition.kind, definition.span, definition.span, known.detail if known else "")


def _symbol(statement: tree.Statement) -> Symbol | None:
    span = statement.span
    match statement:
        case tree.Import(path=path):
            return Symbol(path.text, "import", span, path.span)
        case tree.Deploy(target=target, alias=alias):
            name = alias or target
            return Symbol(name.text, "deploy", span, name.span, target.text if alias else "")
        case tree.Likeness(name=name, like=like):
            return Symbol(name.text, "layer class", span, name.span, f"as {like.text}")
        case tree.Quantizer(name=name, base=base):
            return Symbol(name.text, "quantizer", span, name.span, f"extends {base.text}" if base else "")
        case tree.PatternDefinition(name=name, pattern=pattern):
            return Symbol(name.text, "pattern", span, name.span, _text(pattern.span))
        case tree.Rule(name=name, pattern=pattern, body=body):
            return Symbol(name.text, "rule", span, name.span, _text(pattern.span), tuple(map(_assignment, body)))
        case tree.Default(body=body):
            return Symbol("default", "default", span, _head(span, 7), "", tuple(map(_assignment, body)))
        case tree.Boundary(side=side, key=key):
            name_of_one = f'{side}["{key.text}"]' if key is not None else side
            return Symbol(name_of_one, "boundary", span, _head(span, len(side)))
        case tree.Settings(kind=kind):
            return Symbol(kind, "settings", span, _head(span, len(kind)))
        case tree.Require(condition=condition):
            return Symbol(_text(condition.span), "require", span, condition.span)
        case tree.Target(name=name, relation=relation, base=base, items=items):
            detail = f"{relation} {base.text}" if base else ""
            rows = (item for item in items if isinstance(item, tree.Operation | tree.Option))
            return Symbol(name.text, "target", span, name.span, detail, tuple(map(_row, rows)))
    return None


def _assignment(item: tree.Assignment) -> Symbol:
    return Symbol(_text(item.path.span), "slot", item.span, item.path.span, _text(item.value.span))


def _row(item: tree.Operation | tree.Option) -> Symbol:
    if isinstance(item, tree.Option):
        return Symbol(item.name.text, "option", item.span, item.name.span)
    names = item.kinds[0].span.to(item.kinds[-1].span)
    return Symbol(_text(names), "op", item.span, names)


def _head(span: Span, length: int) -> Span:
    return Span(span.source, span.start, span.start + length)


def _text(span: Span) -> str:
    text = " ".join(span.source.text[span.start : span.end].split())
    return text if len(text) <= 60 else text[:59] + "…"


# ---- folding


@dataclass(frozen=True)
class Fold:
    """Lines from 0, both included, that can be folded together."""

    first: int
    last: int
    comment: bool = False


def folds(view: View) -> Iterator[Fold]:
    """Statements and rows of targets over several lines, and runs of comments."""
    spans = [statement.span for statement in view.now.file.statements]
    for statement in view.now.file.statements:
        if isinstance(statement, tree.Target):
            spans += [item.span for item in statement.items]
    for span in spans:
        first, last = (view.source.position(offset)[0] - 1 for offset in (span.start, max(span.start, span.end - 1)))
        if last > first:
            yield Fold(first, last)
    for match in _COMMENTS.finditer(view.source.text):
        first, last = (view.source.position(offset)[0] - 1 for offset in match.span())
        yield Fold(first, last, comment=True)
