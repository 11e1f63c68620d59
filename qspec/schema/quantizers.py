"""Quantizers by name: `extends` followed, amendments applied, combinations checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from qspec.diagnostics import Advice, Diagnostics, Edit, Fix, Severity, Span
from qspec.diagnostics.catalogue import EXTENDS_CYCLE, INVALID_VALUE, MEANINGLESS_COMBINATION, TOO_DEEP, UNDEFINED_NAME
from qspec.schema.blocks import Attributes, fitting, read_attributes
from qspec.schema.imports import PRESETS, added_import
from qspec.schema.names import meant, offer
from qspec.schema.quantizer import Quantizer
from qspec.schema.ranges import granularity_of, range_of
from qspec.schema.values import plain, shown
from qspec.syntax import tree
from qspec.syntax.reserved import OPERATORS

ATTRIBUTES = ("type", "scheme", "granularity", "range", "narrow", "rounding")
LONGEST_CHAIN = 64  # of `extends`


@dataclass
class Quantizers:
    """The quantizers that are defined, resolved when first asked for.

    `unread` are names whose definitions could not be read: they are not reported as undefined. `files` are those in
    which quantizers are named: an import is offered in them.
    """

    definitions: Mapping[str, tree.Quantizer]
    unread: Collection[str]
    found: Diagnostics
    files: Mapping[str, tree.File] = field(default_factory=dict)  # by path
    _resolved: dict[str, Quantizer] = field(default_factory=dict)
    _written: dict[str, frozenset[str]] = field(default_factory=dict)  # attributes written along the chain

    def all(self) -> Mapping[str, Quantizer]:
        """Every defined quantizer."""
        return {name: self._resolve(name) for name in self.definitions}

    def check(self, definition: tree.Quantizer) -> None:
        """Report what is wrong with a definition whose name is taken."""
        self._define(definition)

    def value(self, expression: tree.Expression) -> Quantizer | None:
        """The quantizer that an assignment names or amends; None, and a diagnostic, if there is none."""
        match expression:
            case tree.Path(head=head, trailers=()):
                return self._named(head, or_float=True)
            case tree.Call(function=tree.Path(head=head, trailers=())):
                return self._amended(expression, head)
        message = f"expected a quantizer or `float`, found {shown(expression)}"
        self.found.add(INVALID_VALUE.at(expression.span, message, help="write the name of a quantizer, as `w8`"))
        return None

    def _named(self, name: tree.Name, or_float: bool = False) -> Quantizer | None:
        if name.text in self.definitions:
            return self._resolve(name.text)
        if name.text not in self.unread and name.text not in OPERATORS:
            self.found.add(
                UNDEFINED_NAME.at(
                    name.span,
                    f"quantizer `{name.text}` is not defined",
                    label="not found",
                    help=self._offer(name, or_float),
                )
            )
        return None

    def _offer(self, name: tree.Name, or_float: bool) -> Advice:
        text = name.text
        shipped = next((preset for preset, names in PRESETS.items() if text in names), None)
        if shipped is not None:
            file = self.files.get(name.span.source.path)
            imports = (added_import(file, shipped),) if file is not None else ()
            return Advice(f'`{text}` is shipped: `import "{shipped}"`', imports)
        if known := meant("QUANTIZERS", text):
            return known if or_float else Advice(known.sentence)
        if text in ("int8", "int4", "int16", "uint8", "int32"):
            define = f"define a quantizer of that type, `quantizer my_{text} {{ type = {text} }}`"
            return Advice(f"`{text}` is a type: {define}")
        return offer("a quantizer", text, self.definitions)

    def _amended(self, call: tree.Call, head: tree.Name) -> Quantizer | None:
        base = self._named(head)
        body: list[tree.Assignment] = []
        for argument in call.arguments:
            if argument.name is None:
                message = f"an amendment names its attribute, found {shown(argument.value)}"
                hint = f"write `{head.text}(type = int4)`"
                self.found.add(INVALID_VALUE.at(argument.span, message, help=hint))
            else:
                path = tree.Path(argument.name, (), argument.name.span)
                body.append(tree.Assignment(path, argument.value, argument.span))
        if base is None:
            return None
        written = self._written[head.text]
        text = shown(call).strip("`")
        return self._build(text, call.span, body, f"the quantizer `{head.text}`", base, written)[0]

    def _resolve(self, name: str) -> Quantizer:
        if name not in self._resolved:
            for definition in reversed(self._chain(name)):
                built = self._define(definition)
                self._resolved[definition.name.text], self._written[definition.name.text] = built
        return self._resolved[name]

    def _chain(self, name: str) -> list[tree.Quantizer]:
        """The definition of *name* and those that it extends, up to the first that is resolved or has no base."""
        chain = [self.definitions[name]]
        unresolved = self.definitions.keys() - self._resolved.keys()
        while (base := chain[-1].base) is not None and base.text in unresolved:
            if any(definition.name.text == base.text for definition in chain):
                self._report_cycle(base, chain)
                break
            if len(chain) == LONGEST_CHAIN:
                message = f"more than {LONGEST_CHAIN} quantizers extend each other"
                self.found.add(TOO_DEEP.at(base.span, message, help="define some of them without `extends`"))
                break
            chain.append(self.definitions[base.text])
        return chain

    def _report_cycle(self, base: tree.Name, chain: list[tree.Quantizer]) -> None:
        first = next(i for i, definition in enumerate(chain) if definition.name.text == base.text)
        hops = chain[first:]
        message = f"quantizer `{hops[0].name.text}` extends itself"
        if len(hops) > 1:
            message += f", through {', '.join(f'`{hop.name.text}`' for hop in hops[1:])}"
        diagnostic = EXTENDS_CYCLE.at(hops[0].name.span, message, help="let one of them stand without `extends`")
        for hop in hops:
            if hop.base is not None:
                diagnostic = diagnostic.with_related(hop.base.span, f"`{hop.name.text}` extends `{hop.base.text}` here")
        self.found.add(diagnostic)

    def _define(self, definition: tree.Quantizer) -> tuple[Quantizer, frozenset[str]]:
        base: Quantizer | None = None
        written: frozenset[str] = frozenset()
        if definition.base is not None:
            # In a cycle, the base is not resolved yet: it is reported, and the defaults stand in for it.
            in_cycle = definition.base.text in self.definitions and definition.base.text not in self._resolved
            base = None if in_cycle else self._named(definition.base)
            if base is None:
                base = Quantizer(name=definition.name.text, doubtful=True)
            written = self._written.get(definition.base.text, written)
        name = definition.name
        return self._build(name.text, name.span, definition.body, "a quantizer", base, written)

    def _build(
        self,
        name: str,
        span: Span,
        body: Iterable[tree.Assignment],
        block: str,
        base: Quantizer | None,
        inherited: frozenset[str],
    ) -> tuple[Quantizer, frozenset[str]]:
        """The quantizer of a block on top of *base*, and the attributes written for it, *inherited* or here."""
        before = len(self.found.items)
        attributes = read_attributes(body, ATTRIBUTES, block, self.found)
        values = fitting("quantizer", self._fields(attributes), attributes.values, self.found)
        base = base or Quantizer(name=name)
        spans = {**base.spans, **{each: value.span for each, value in attributes.values.items()}}
        quantizer = replace(base, name=name, span=span, spans=spans, **values)
        written = inherited | frozenset(attributes.values)
        quantizer = _with_defaults_of_type(quantizer, written)
        quantizer = self._checked(quantizer, attributes, written)
        mistaken = any(item.severity is Severity.ERROR for item in self.found.items[before:])
        return replace(quantizer, doubtful=quantizer.doubtful or mistaken), written

    def _fields(self, attributes: Attributes) -> dict[str, Any]:
        """The values of the attributes as the model wants them; what makes no sense is left out."""
        fields: dict[str, Any] = {}
        for name, expression in attributes.values.items():
            if name == "range":
                found = range_of(expression, self.found)
                fields |= {"range": found} if found else {}
            elif name == "granularity":
                fields |= granularity_of(expression, self.found) or {}
            else:
                fields[name] = plain(expression)
        return fields

    def _checked(self, quantizer: Quantizer, attributes: Attributes, written: frozenset[str]) -> Quantizer:
        """Report what makes no sense together, at the attribute written here, and leave it out."""
        for names, problem, hint in _conflicts(quantizer, written):
            here = [name for name in names if name in attributes.values]
            if here:
                span = attributes.values[here[0]].span
                others = dict.fromkeys((*names, *(("type",) if quantizer.is_float else ())))
                places = (
                    (quantizer.spans[name], f"`{name}` is said here") for name in others if name in quantizer.spans
                )
                related = tuple((place, words) for place, words in places if place != span)
                advice = hint if isinstance(hint, str) else _one_of(hint, attributes)
                self.found.add(MEANINGLESS_COMBINATION.at(span, problem, help=advice, related=related))
                return replace(quantizer, **_neutral(quantizer))
        return replace(quantizer, **_neutral(quantizer)) if quantizer.is_float else quantizer


STAND_INS: Mapping[str, Quantizer] = {
    "weights": Quantizer(name="weights", scheme="symmetric", granularity="per_channel", narrow=True, doubtful=True),
    "activations": Quantizer(name="activations", doubtful=True),
}
"""What takes the place of a quantizer in `default` that is not known: what every target takes, if it takes integers."""


def _neutral(quantizer: Quantizer) -> dict[str, Any]:
    """What replaces attributes that make no sense together."""
    plain = Quantizer(name=quantizer.name, type=quantizer.type)
    neutral = {key: getattr(plain, key) for key in (*ATTRIBUTES, "block_size")}
    return neutral | ({"scheme": "symmetric"} if quantizer.type in ("int16", "int32", "int64") else {})


def _with_defaults_of_type(quantizer: Quantizer, written: frozenset[str]) -> Quantizer:
    """A scheme that nobody wrote: symmetric where LiteRT's specification has only that (16-bit activations, biases),
    and where channels or blocks have scales of their own; else asymmetric."""
    if "scheme" in written or quantizer.is_float:
        return quantizer
    only = quantizer.type in ("int16", "int32", "int64") or quantizer.granularity != "per_tensor"
    return replace(quantizer, scheme="symmetric" if only else "asymmetric")


def _one_of(values: Mapping[str, str], attributes: Attributes) -> Advice:
    """To write one of *values*, which are by attribute; offered where the attribute is written here."""
    written = {name: f"{name} = {value}" for name, value in values.items()}
    offers = tuple(
        Fix(f"write `{written[name]}`", (Edit(attributes.values[name].span, value),))
        for name, value in values.items()
        if name in attributes.values
    )
    return Advice("write " + ", or ".join(f"`{each}`" for each in written.values()), offers)


def _conflicts(
    quantizer: Quantizer, written: frozenset[str]
) -> Iterable[tuple[tuple[str, ...], str, str | Mapping[str, str]]]:
    """The attributes that make no sense together, what is wrong, and what to do: a sentence, or a value for one of some
    attributes; the attribute to point at first."""
    q = quantizer
    if q.is_float:
        for name in ("scheme", "granularity", "range", "narrow", "rounding"):
            if name in written:
                yield (name,), f"`{q.type}` is not quantized: `{name}` has no meaning", f"remove `{name}`"
        return
    if q.granularity != "per_tensor" and q.scheme == "asymmetric":
        problem = f"`{q.granularity}` needs a symmetric scheme: LiteRT keeps one zero point, 0, for all channels"
        yield ("granularity", "scheme"), problem, {"scheme": "symmetric", "granularity": "per_tensor"}
    if q.type == "uint8" and q.scheme == "symmetric":
        problem = "`uint8` has no negative codes and cannot be symmetric"
        yield ("scheme", "type", "granularity"), problem, {"scheme": "asymmetric", "type": "int8"}
    if q.range.method == "exact":
        low, high = q.code_range
        _, zero_point = q.range.arguments
        if q.granularity != "per_tensor":
            problem = f"`exact` gives one scale, `{q.granularity}` asks for several"
            yield ("range", "granularity"), problem, {"granularity": "per_tensor"}
        elif not low <= zero_point <= high:
            problem = f"the zero point {int(zero_point)} is outside the codes of `{q.type}`, {low} to {high}"
            yield ("range", "type", "narrow"), problem, "write a zero point among the codes"
        elif q.scheme == "symmetric" and zero_point != 0:
            problem = f"a symmetric scheme has the zero point 0, found {int(zero_point)}"
            yield ("range", "scheme", "type"), problem, "write the zero point 0, or `scheme = asymmetric`"
    if q.range.method == "fixed" and q.granularity != "per_tensor":
        problem = f"`fixed` gives one range, `{q.granularity}` asks for several"
        yield ("range", "granularity"), problem, {"granularity": "per_tensor"}
