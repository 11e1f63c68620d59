"""The assignments of `default` and of rules: which tensor, which quantizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from qspec.diagnostics import Advice, Diagnostics, Span
from qspec.diagnostics.catalogue import DUPLICATE_ATTRIBUTE, INVALID_VALUE, UNDEFINED_NAME, UNKNOWN_ATTRIBUTE
from qspec.schema.names import meant, offer
from qspec.schema.quantizer import Quantizer
from qspec.schema.quantizers import ATTRIBUTES, STAND_INS, Quantizers
from qspec.schema.spec import SlotAssignment, SlotKind, SlotReference
from qspec.schema.values import shown, word
from qspec.syntax import tree

SLOTS: tuple[str, ...] = get_args(SlotKind)
_BY_NAME = frozenset({"weights", "bias", "input", "inner", "state"})
_BY_POSITION = frozenset({"input", "output"})


@dataclass(frozen=True)
class Slots:
    """Reads assignments. `captures` are the parts that a rule may name, None in `default`; with `any_part` there may be
    others, of a pattern that could not be read."""

    quantizers: Quantizers
    found: Diagnostics
    captures: Mapping[str, Span] | None = None
    any_part: bool = False

    def read(self, body: Iterable[tree.Assignment]) -> tuple[SlotAssignment, ...]:
        """The assignments that make sense, in order; the others are reported."""
        assignments: dict[str, SlotAssignment] = {}
        for node in body:
            slot = self._slot(node.path)
            if slot is None and node.path.head.text in ATTRIBUTES:
                continue  # what is assigned there is no quantizer, and one mistake
            known, quantizer = self._value(node.value, slot)
            if slot is None or not known:
                continue
            if (first := assignments.get(str(slot))) is not None:
                twice = DUPLICATE_ATTRIBUTE.at(
                    node.path.span, f"`{slot}` is assigned twice", help="remove one of the two"
                )
                self.found.add(twice.with_related(first.span, "first assigned here"))
                continue
            assignments[str(slot)] = SlotAssignment(
                slot=slot, quantizer=quantizer, span=node.path.span, value_span=node.value.span
            )
        return tuple(assignments.values())

    def _slot(self, path: tree.Path) -> SlotReference | None:
        names = [path.head]
        index: tree.Index | None = None
        for trailer in path.trailers:
            if index is not None or (isinstance(trailer, tree.Index) and trailer is not path.trailers[-1]):
                message = f"{shown(path)} is no slot: a key stands at the end"
                hint = 'write a slot as `weights`, `conv.weights` or `weights["kernel"]`'
                self.found.add(UNKNOWN_ATTRIBUTE.at(path.span, message, help=hint))
                return None
            if isinstance(trailer, tree.Index):
                index = trailer
            else:
                names.append(trailer)
        kind = names[-1]
        if kind.text not in SLOTS:
            known = meant("SLOTS", kind.text) or offer("a slot", kind.text, SLOTS)
            if kind.text in ATTRIBUTES:
                known = Advice(f"it is an attribute of quantizers: `weights = w8({kind.text} = …)`")
            self.found.add(UNKNOWN_ATTRIBUTE.at(kind.span, f"there is no slot `{kind.text}`", help=known))
            return None
        key = None if index is None else self._key(kind.text, index)
        part = ".".join(name.text for name in names[:-1]) or None
        if (index is not None and key is None) or not self._part_exists(names[:-1]):
            return None
        return SlotReference(part=part, kind=kind.text, key=key)  # type: ignore[arg-type]

    def _key(self, kind: str, index: tree.Index) -> str | int | None:
        match index.value:
            case tree.String(text=text) if kind in _BY_NAME:
                return text
            case tree.Quantity(value=int(position), unit=None) if kind in _BY_POSITION:
                return position
        forms = [f'`{kind}["name"]`'] * (kind in _BY_NAME) + [f"`{kind}[0]`"] * (kind in _BY_POSITION)
        hint = f"write {' or '.join([f'`{kind}`', *forms])}"
        message = f"the slot `{kind}` has no key {shown(index.value)}"
        self.found.add(INVALID_VALUE.at(index.value.span, message, help=hint))
        return None

    def _part_exists(self, names: list[tree.Name]) -> bool:
        if not names:
            return True
        part = ".".join(name.text for name in names)
        span = names[0].span.to(names[-1].span)
        if self.captures is None:
            message = f"`default` speaks of all layers and has no part `{part}`"
            self.found.add(UNDEFINED_NAME.at(span, message, help="move the assignment into a rule"))
            return False
        if part in self.captures or self.any_part:
            return True
        unnamed = Advice(f"name a part of the pattern with `as {part}`")
        hint = offer("a part", part, self.captures) if self.captures else unnamed
        message = f"no part of the pattern is named `{part}`"
        self.found.add(UNDEFINED_NAME.at(span, message, label="not found", help=hint))
        return False

    def _value(self, expression: tree.Expression, slot: SlotReference | None) -> tuple[bool, Quantizer | None]:
        """Whether the value is one, and the quantizer; None for `float`."""
        if word(expression) == "float":
            return True, None
        if slot is not None and slot.kind == "all":
            message = f"`all` takes only `float`, found {shown(expression)}"
            hint = "assign `weights`, `input` and `output` each its quantizer"
            self.found.add(INVALID_VALUE.at(expression.span, message, help=hint))
            return False, None
        quantizer = self.quantizers.value(expression)
        if quantizer is None and self.captures is None and slot is not None and slot.kind != "bias":
            # Nothing stands below `default`: without it the model would be in float, and every target say so.
            quantizer = STAND_INS["weights" if slot.kind == "weights" else "activations"]
        return quantizer is not None, quantizer
