"""QS407 and QS411, as far as no data is needed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeGuard

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import NEAR_LIMIT, REQUIREMENT_FAILED
from qspec.lint.asked_layer import asked_tensors
from qspec.lint.facts import Deployed, Facts
from qspec.lint.requirement_advice import advice, places
from qspec.plan.places import Related
from qspec.schema.conditions import nodes
from qspec.schema.evaluate import UNKNOWN, Mistake, condition_holds
from qspec.schema.spec import Requirement
from qspec.schema.targets import BYTES
from qspec.syntax import tree
from qspec.targets import Placement


def requirement_failed(facts: Facts) -> Iterator[Diagnostic]:
    """A `require` that does not hold, as far as the plan answers it; `quantize` and `verify` ask what needs data."""
    for requirement in facts.spec.requirements:
        size = facts.size if "size" in quantities(requirement) else None
        value = partial(_value, facts=facts, size=size)
        found = tuple(_held(requirement, value, facts))
        if size is not None:
            from qspec.plan.file_size import size_margin

            margin = size_margin(size)
            if any(_fails(requirement, facts, end) != bool(found) for end in (size - margin, size + margin)):
                yield _near_limit(requirement, size, margin)
                continue
        yield from found


def _held(requirement: Requirement, value: Callable[[tree.Path], Any], facts: Facts) -> Iterator[Diagnostic]:
    help, related = partial(advice, facts), partial(places, facts)
    return hold(requirement, value, partial(_call, facts), help=help, related=related, predicted=("size",))


def quantities(requirement: Requirement) -> frozenset[str]:
    """The first words of what *requirement* asks for: `size`, `sqnr`, the name of a target."""
    paths = (node.function if isinstance(node, tree.Call) else node for node in nodes(requirement.condition))
    return frozenset(path.head.text for path in paths if isinstance(path, tree.Path))


def _fails(requirement: Requirement, facts: Facts, size: int) -> bool:
    return any(True for _ in hold(requirement, partial(_value, facts=facts, size=size), partial(_call, facts)))


def _near_limit(requirement: Requirement, size: int, margin: int) -> Diagnostic:
    return NEAR_LIMIT.at(
        requirement.condition.span,
        f"`size` will be about {size:,} B, too near the limit to say whether this holds",
        help=f"the prediction is good to {margin:,} B; `quantize` holds the written file against it",
    )


def hold(
    requirement: Requirement,
    value: Callable[[tree.Path], Any],
    call: Callable[[tree.Call], Any] = lambda call: UNKNOWN,
    help: Callable[[Sequence[str]], str] = lambda names: "",
    related: Callable[[Sequence[str]], Related] = lambda names: (),
    predicted: Collection[str] = (),
    undecided: Callable[[], Iterator[Diagnostic]] = lambda: iter(()),
) -> Iterator[Diagnostic]:
    """An error if *requirement* is false, or has a mistake in it. *value* and *call* give what is known, else
    UNKNOWN; *help* and *related* are the advice and the places behind the values, given the quantities that the
    requirement asks for; *predicted* are those that are known only about; *undecided* is what is said where
    what is known does not decide."""
    found: dict[str, Any] = {}

    def remember(part: tree.Path | tree.Call, result: Any) -> Any:
        if result is not UNKNOWN:
            found[part.span.source.text[part.span.start : part.span.end]] = result
        return result

    try:
        holds = condition_holds(
            requirement.condition,
            lambda path: remember(path, value(path)),
            lambda part: remember(part, call(part)),
        )
    except Mistake as mistake:
        yield REQUIREMENT_FAILED.at(mistake.span, mistake.message, help=mistake.help)
        return
    if holds is UNKNOWN:
        yield from undecided()
    elif not holds:
        asked = next((node.unit for node in nodes(requirement.condition) if _is_size(node)), None)
        values = ", ".join(
            f"`{name}` is {'about ' if name in predicted else ''}{_spelled(name, number, asked)}"
            for name, number in found.items()
        )
        yield REQUIREMENT_FAILED.at(
            requirement.condition.span,
            f"this requirement does not hold: {values}",
            label=requirement.reason,
            related=related([*found]),
            help=help([*found]),
        )


def _value(path: tree.Path, facts: Facts, size: int | None) -> Any:
    words = path_words(path)
    if words == ["size"]:
        return UNKNOWN if size is None else size
    if words == ["ops"]:
        return len(facts.plan.ops.ops)
    return placement_value(words, facts.deployed)


def _call(facts: Facts, call: tree.Call) -> Any:
    """`sqnr("layer")` needs data; that there is such a layer does not."""
    asked_tensors(call, facts.plan)
    return UNKNOWN


def path_words(path: tree.Path) -> list[str]:
    """The names of a path: `coral.coverage` is `coral`, `coverage`."""
    return [path.head.text, *(trailer.text for trailer in path.trailers if isinstance(trailer, tree.Name))]


def placement_value(words: Sequence[str], deployed: Sequence[Deployed]) -> Any:
    """What `NAME.coverage`, `NAME.coverage.macs`, `NAME.parameters` and `NAME.partitions` are, else UNKNOWN."""
    name, *quantity = words
    for each in deployed:
        measure = _MEASURES.get(".".join(quantity))
        if each.deploy.name == name and measure is not None:
            return measure(each.placement)
    return UNKNOWN


_MEASURES: Mapping[str, Callable[[Placement], float]] = {
    "coverage": lambda placement: placement.coverage,
    "coverage.ops": lambda placement: placement.covered.ops,
    "coverage.macs": lambda placement: placement.covered.macs,
    "coverage.parameters": lambda placement: placement.covered.parameters,
    "parameters": lambda placement: placement.parameter_bytes,
    "partitions": lambda placement: placement.partitions,
}


_UNITS = {"coverage": "%", "parameters": " B", "size": " B", "parity": " lsb", "sqnr": " dB", "accuracy_drop": "%"}


def _spelled(name: str, value: float, asked: str | None) -> str:
    """A value with its unit; a size also in the unit that was *asked* for."""
    unit = "%" if ".coverage" in name else _UNITS.get(name.split("(")[0].rsplit(".", 1)[-1], "")
    spelled = f"{value:,}{unit}" if isinstance(value, int) else f"{value:.4g}{unit}"
    return f"{value / BYTES[asked]:,.2f} {asked} ({spelled})" if unit == " B" and asked not in (None, "B") else spelled


def _is_size(node: tree.Expression) -> TypeGuard[tree.Quantity]:
    return isinstance(node, tree.Quantity) and node.unit in BYTES
