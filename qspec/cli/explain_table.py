"""Who decided what in a whole model, for people: a line for each slot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from qspec.cli.columns import wrapped
from qspec.cli.explain_rows import Row, TableLayer, short_place, shown_quantizers, table_layers
from qspec.diagnostics.text import bold, display_width, padded, printable
from qspec.plan.ends import ends
from qspec.plan.explain import Explainer
from qspec.plan.explain_words import decider, labels, traits, words
from qspec.schema.quantizer import Quantizer

LEAST = 60  # columns; narrower terminals break the lines
GAP = "  "
INDENT = "    "
_BELOW = GAP + INDENT
_HEADING = TableLayer("layer", (Row("slot", "quantizer", "decided by"),))


def table(explainer: Explainer, spec: str, model: str, width: int | None = None, colors: bool = False) -> Iterator[str]:
    """Every slot of every layer, the types at the file's ends, then what became of each rule. No line takes more than
    *width* columns as long as 60 are there, and nothing is cut: where the columns are too wide, each layer stands in a
    line of its own above its slots, and the quantizers go by labels, which a legend explains."""
    room = None if width is None else max(width, LEAST)
    count = len(explainer.layers())
    yield from wrapped(printable(f"{spec} for {model}: {count} layers; positions are of {spec}"), room, rest=INDENT)
    yield ""
    found = {words(quantizer): quantizer for quantizer in shown_quantizers(explainer)}
    whole = [_HEADING, *table_layers(explainer, spec, {})]
    columns = _Columns(whole)
    if room is None or columns.width <= room:
        for number, each in enumerate(whole):
            yield from columns.lines(each, room, colors and number == 0)
    else:
        short = labels(found.values())
        yield from _legend(found, short, room)
        yield from _blocks(table_layers(explainer, spec, short), room, colors)
    yield from _ends(explainer, spec, room)
    yield from _effects(explainer, spec, room)


def _widest(texts: Iterable[str]) -> int:
    return max(map(display_width, texts), default=0)


class _Columns:
    """Layers in columns, each as wide as its widest entry."""

    def __init__(self, layers: Sequence[TableLayer]) -> None:
        rows = [row for layer in layers for row in layer.rows]
        self.layer = _widest(layer.name for layer in layers)
        self.slot = _widest(row.slot for row in rows)
        self.quantizer = _widest(row.quantizer for row in rows if row.by)
        self.width = (
            self.layer
            + self.slot
            + 2 * len(GAP)
            + max(self.quantizer + len(GAP) + _widest(row.by for row in rows), _widest(row.quantizer for row in rows))
        )

    def lines(self, layer: TableLayer, room: int | None, colors: bool) -> Iterator[str]:
        """The lines of one layer."""
        indent = " " * (self.layer + len(GAP)) + INDENT
        name = layer.name
        for row in layer.rows:
            columns = (
                padded(name, self.layer),
                padded(row.slot, self.slot),
                padded(row.quantizer, self.quantizer),
                row.by,
            )
            yield bold(GAP.join(columns).rstrip(), colors)
            for text in row.below:
                yield from wrapped(text, room, indent, indent + INDENT)
            name = ""


def _blocks(layers: Sequence[TableLayer], room: int, colors: bool) -> Iterator[str]:
    """A line for each layer, its slots below it: in columns as far as there is room."""
    fitting = [row for layer in layers for row in layer.rows if _room_left(row, room) >= 0]
    slot, quantizer = _widest(row.slot for row in fitting), _widest(row.quantizer for row in fitting if row.by)
    for layer in layers:
        yield from (bold(line, colors) for line in wrapped(layer.name, room, rest=INDENT))
        for row in layer.rows:
            yield from _block_row(row, slot, quantizer, room)
            for text in row.below:
                yield from wrapped(text, room, _BELOW, _BELOW + GAP)


def _block_row(row: Row, slot: int, quantizer: int, room: int) -> Iterator[str]:
    """A slot in a line, else its name, its quantizer and who decided it below each other."""
    left = _room_left(row, room)
    if left < 0:
        yield from wrapped(row.slot, room, GAP, _BELOW)
        yield from wrapped(row.quantizer, room, _BELOW, _BELOW + GAP)
        if row.by:
            yield from wrapped(f"by {row.by}", room, _BELOW, _BELOW + GAP)
        return
    before = min(slot, display_width(row.slot) + left)
    between = min(quantizer, display_width(row.quantizer) + left - (before - display_width(row.slot)))
    yield GAP + GAP.join((padded(row.slot, before), padded(row.quantizer, between), row.by)).rstrip()


def _room_left(row: Row, room: int) -> int:
    return room - sum(display_width(GAP + text) for text in (row.slot, row.quantizer, row.by) if text)


def _legend(found: Mapping[str, Quantizer], short: Mapping[str, str], width: int) -> Iterator[str]:
    """The quantizers in effect, each with what it is."""
    names = _widest(name for name in short.values() if display_width(name) <= width // 3)
    for text, quantizer in found.items():
        head = f"{GAP}{padded(printable(short[text]), names)}{GAP}"
        yield from wrapped(printable(traits(quantizer)), width, head, _BELOW)
    yield ""


def _ends(explainer: Explainer, spec: str, width: int | None) -> Iterator[str]:
    found = list(ends(explainer.plan))
    longest = _longest((end.name for end in found), width)
    for number, end in enumerate(found):
        if number == 0:
            yield ""
        inside = f", {end.inside} inside" if end.inside != end.type else ""
        by = f"{decider(end.origin)} {short_place(end.origin.span, spec)}".rstrip()
        head = f"{end.side:6} {padded(printable(end.name), longest)}{GAP}"
        yield from wrapped(printable(f"{end.type} in the file{inside} ({by})"), width, head, INDENT)


def _effects(explainer: Explainer, spec: str, width: int | None) -> Iterator[str]:
    rules = explainer.plan.rules
    longest = _longest((each.rule.name for each in rules), width)
    for number, (each, told) in enumerate(zip(rules, explainer.effects(), strict=True)):
        if number == 0:
            yield ""
        head = f"rule {padded(printable(each.rule.name), longest)}{GAP}"
        yield from wrapped(printable(f"{told} ({short_place(each.rule.span, spec)})"), width, head, INDENT)


def _longest(names: Iterable[str], width: int | None) -> int:
    """The widest of *names* that leave room beside them."""
    shown = map(printable, names)
    return _widest(name for name in shown if width is None or display_width(name) <= width // 2)
