"""Quantizers, and who decided them, in words for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from qspec.diagnostics import Span
from qspec.plan.plan import Assigned, Origin
from qspec.schema.quantizer import Quantizer


def words(quantizer: Quantizer | None) -> str:
    """A quantizer in a few words: `w8: int8 symmetric per-channel`; what is not said is as usual."""
    if quantizer is None:
        return "float"
    name = "" if quantizer.name == quantizer.type else f"{quantizer.name}: "
    return name + traits(quantizer)


def traits(quantizer: Quantizer | None) -> str:
    """What a quantizer does, without its name: `int8 symmetric per-channel`."""
    if quantizer is None:
        return "float"
    type_, scheme, granularity, *others = _traits(quantizer)
    return ", ".join(filter(None, (" ".join(filter(None, (type_, scheme, granularity))), *others)))


def labels(quantizers: Iterable[Quantizer]) -> Mapping[str, str]:
    """For the words of each quantizer a short label that only it has: its name, and where others have that too, the
    traits that tell it from them."""
    named: dict[str, dict[str, Sequence[str]]] = {}
    for quantizer in quantizers:
        named.setdefault(quantizer.name, {})[words(quantizer)] = _traits(quantizer)
    found = {}
    for name, alike in named.items():
        differing = [len(set(values)) > 1 for values in zip(*alike.values(), strict=True)]
        for full, own in alike.items():
            found[full] = ", ".join(
                (name, *(trait for trait, tells in zip(own, differing, strict=True) if tells and trait))
            )
    return found


def _traits(quantizer: Quantizer) -> tuple[str, ...]:
    """Type, scheme, granularity, range, narrow, rounding; empty where there is none, or the usual one."""
    if quantizer.is_float:
        return (quantizer.type, *[""] * 5)
    size = f"({quantizer.block_size})" if quantizer.block_size is not None else ""
    return (
        quantizer.type,
        quantizer.scheme,
        quantizer.granularity.replace("_", "-") + size,
        str(quantizer.range) if quantizer.range.method != "minmax" else "",
        "narrow" if quantizer.narrow else "",
        quantizer.rounding if quantizer.rounding != "half_away" else "",
    )


def decider(origin: Origin) -> str:
    """Who decided, in words: `rule stem`, `default`, `input block`, `the language`."""
    match origin.kind:
        case "rule":
            return f"rule {origin.rule}"
        case "boundary":
            return f"{origin.rule} block"
        case "default":
            return "default"
    return "the language"


def place(span: Span | None) -> str:
    """`edge.qspec:12:13`; empty where nobody wrote it."""
    return "" if span is None else str(span)


def assigned_words(assigned: Sequence[Assigned]) -> list[str]:
    """Each assignment in words: `a8 by default (edge.qspec:12:13)`."""
    return [f"{each.name} by {decider(each.origin)} ({place(each.origin.span)})" for each in assigned]
